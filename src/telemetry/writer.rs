//! Log lines go through a thread of their own: a reader that is gone, or does not read, never holds up a review.
//!
//! What does not fit into the queue is dropped and counted; the count is written when there is room again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

/// Lines that wait to be written.
const QUEUE: usize = 2048;
/// How long the end of the process waits for them.
const LAST_LINES: Duration = Duration::from_secs(1);

/// A full queue is looked at again after this.
const PAUSE: Duration = Duration::from_millis(5);

/// What the thread is told.
enum Message {
    Line(Vec<u8>),
    /// All lines before this are written when the other side hears of it.
    Flush(SyncSender<()>),
}

/// Where lines are put.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

/// Dropping it writes what is left.
#[derive(Debug)]
#[must_use = "the last lines are written when this is dropped"]
pub struct Logging {
    queue: SyncSender<Message>,
}

/// Starts the thread.
pub(super) fn start(out: impl Write + Send + 'static) -> (Lines, Logging) {
    let (queue, messages) = sync_channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let lines = Lines { queue: queue.clone(), dropped: Arc::clone(&dropped) };
    // Without the thread nothing is logged, which is no reason not to serve.
    drop(thread::Builder::new().name("log".into()).spawn(move || write(out, &messages, &dropped)));
    (lines, Logging { queue })
}

/// Errors have nowhere to be told.
fn write(mut out: impl Write, messages: &Receiver<Message>, dropped: &AtomicU64) {
    for message in messages {
        match message {
            Message::Line(line) => drop(out.write_all(&line)),
            Message::Flush(done) => drop((out.flush(), done.try_send(()))),
        }
        match dropped.swap(0, Ordering::Relaxed) {
            0 => {}
            lines => drop(writeln!(out, r#"{{"level":"WARN","message":"{lines} log lines were dropped"}}"#)),
        }
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let deadline = Instant::now() + LAST_LINES;
        let (done, written) = sync_channel(1);
        let mut message = Message::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(message) {
            if Instant::now() > deadline {
                return; // nobody reads
            }
            message = back;
            thread::sleep(PAUSE);
        }
        let _ = written.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// Each event is written in one piece.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Message::Line(line.to_owned())) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Writes nothing until it is told to.
    struct Gate(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_nothing_else() {
        let (open, gate) = sync_channel(QUEUE * 2);
        let written = Arc::new(Mutex::new(Vec::new()));
        let (mut lines, logging) = start(Gate(gate, Arc::clone(&written)));
        for number in 0..QUEUE + 100 {
            lines.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        drop(open);
        while lines.dropped.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        drop(logging);
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        assert_eq!(first, "0");
        let told = rest.lines().next().unwrap_or_default();
        assert!(told.contains("log lines were dropped"), "{told}");
        assert!(rest.contains("\n1\n2\n3\n"), "what fitted into the queue is written");
    }
}
