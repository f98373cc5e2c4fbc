//! `init` and `sidecar`: ask the broker until it answers, write what it said, and ask again in time.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use keyhatch_agent::{Answer, Invocation, InvocationError, Mode, layout};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_shutdown;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::broker::{Broker, Fetched, NoAnswer};
use crate::directory::{Directory, DirectoryError};
use crate::pace::{Next, Pace};
use crate::state::State;

/// Why there are no secrets. `Display` is one line, which is all that people see.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    /// The args are not those of the webhook.
    #[error(transparent)]
    Invocation(#[from] InvocationError),
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signals(std::io::Error),
    /// Nothing to show who we are.
    #[error("token {}: {source}", path.display())]
    Token {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it could not be read.
        source: std::io::Error,
    },
    /// The broker gave nothing.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The files cannot be written.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// All of it, until the deadline.
    #[error("no secrets after {seconds} s; the last cause: {cause}")]
    Deadline {
        /// How long it was tried.
        seconds: u64,
        /// What was wrong at last.
        cause: Box<Self>,
    },
}

/// Runs until the files are there (`init`), or until it is told to end (`sidecar`).
pub(crate) fn run(args: &[&str]) -> Result<(), RunError> {
    let invocation = Invocation::from_args(args)?;
    let is_bare = Arc::new(AtomicBool::new(true));
    end_on_signals(&is_bare).map_err(RunError::Signals)?;
    Agent::new(invocation, is_bare)?.run()
}

/// The first process of a container has no default for these. To the kubelet 0 means that the files are there, and the
/// pod would start without: while it is bare, an agent ends as one that a signal ended.
fn end_on_signals(is_bare: &Arc<AtomicBool>) -> std::io::Result<()> {
    for signal in [SIGTERM, SIGINT] {
        // In this order: the first whose condition holds ends the process.
        register_conditional_shutdown(signal, 128 + signal, Arc::clone(is_bare))?;
        register_conditional_shutdown(signal, 0, Arc::new(AtomicBool::new(true)))?;
    }
    Ok(())
}

struct Agent {
    invocation: Invocation,
    broker: Broker,
    directory: Directory,
    token: PathBuf,
    state: State,
    /// What was said last, to say it once.
    said: String,
    /// Whether an end now would be no good end: always that of `init`, whose good end is its own.
    is_bare: Arc<AtomicBool>,
}

impl Agent {
    fn new(invocation: Invocation, is_bare: Arc<AtomicBool>) -> Result<Self, RunError> {
        let directory = Directory::from_environment();
        let has_variables =
            !invocation.request.env.is_empty() || !invocation.request.external_secret_env.is_empty();
        if has_variables {
            directory.add_program()?;
        }
        let state = State::kept_in(&directory).unwrap_or_else(|| State::new(&invocation.roots));
        let token = env::var_os("KEYHATCH_TOKEN_FILE")
            .map_or_else(|| Path::new(layout::TOKEN).join(layout::TOKEN_FILE), PathBuf::from);
        let broker = Broker::new(&invocation);
        Ok(Self { invocation, broker, directory, token, state, said: String::new(), is_bare })
    }

    fn run(mut self) -> Result<(), RunError> {
        let started = Instant::now();
        let mut pace = Pace::new(&self.invocation, self.directory.is_filled());
        self.mark_filled();
        loop {
            let outcome = self.refresh();
            self.mark_filled();
            match pace.next(started.elapsed(), outcome.is_ok(), self.broker.chance()) {
                Next::End => return Ok(()),
                Next::Wait(pause) => {
                    self.say(outcome.as_ref().err(), pause);
                    sleep(pause);
                }
                Next::GiveUp => {
                    let Err(cause) = outcome else { return Ok(()) };
                    let seconds = started.elapsed().as_secs();
                    return Err(RunError::Deadline { seconds, cause: Box::new(cause) });
                }
            }
        }
    }

    /// For signals, which can come at any time: a sidecar that is started again finds its files.
    fn mark_filled(&self) {
        let is_good = matches!(self.invocation.mode, Mode::Sidecar) && self.directory.is_filled();
        self.is_bare.store(!is_good, Ordering::Relaxed);
    }

    /// Asks once, and writes what is new.
    fn refresh(&mut self) -> Result<(), RunError> {
        let token = fs::read_to_string(&self.token)
            .map_err(|source| RunError::Token { path: self.token.clone(), source })?;
        let token = Zeroizing::new(token);
        // Files that are gone are not "unchanged".
        let etag = self.state.etag.as_deref().filter(|_| self.directory.is_filled());
        match self.broker.fetch(token.trim(), &self.state.roots, etag)? {
            Fetched::Same => Ok(()),
            Fetched::New { answer, etag } => self.write(&answer, etag),
        }
    }

    /// Whom to trust is kept before the files and which answer it was after them, so that an end between the two
    /// leaves neither an agent that trusts nobody who is left nor one that takes old files for the new.
    fn write(&mut self, answer: &Answer, etag: Option<String>) -> Result<(), RunError> {
        if self.state.roots != answer.roots {
            self.state = State::new(&answer.roots);
            self.state.keep_in(&self.directory)?;
        }
        let has_changed = self.directory.write(&self.invocation.request, answer)?;
        self.state = State { roots: answer.roots.clone(), etag };
        self.state.keep_in(&self.directory)?;
        if has_changed {
            let (files, containers) = (answer.files.len(), answer.env.len());
            eprintln!("keyhatch-agent: wrote {files} files, and variables of {containers} containers");
        }
        Ok(())
    }

    /// Each trouble once, and its end.
    fn say(&mut self, trouble: Option<&RunError>, pause: Duration) {
        let line = trouble.map(ToString::to_string).unwrap_or_default();
        if line == self.said {
            return;
        }
        match trouble {
            Some(_) if self.directory.is_filled() => {
                eprintln!("keyhatch-agent: {line}; the files stay as they are");
            }
            Some(_) => eprintln!("keyhatch-agent: {line}; again in {:.0} s", pause.as_secs_f64().ceil()),
            None => eprintln!("keyhatch-agent: the broker answers again"),
        }
        self.said = line;
    }
}
