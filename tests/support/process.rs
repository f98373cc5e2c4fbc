//! Child processes and their temporary folder, neither of which outlives the process that started them.
//!
//! A [`Guardian`] owns a private folder and a process group led by a shell that waits for the end of its
//! standard input, a pipe whose other end only this process holds. However this process ends (return,
//! panic, `kill -9`, Ctrl-C), the pipe closes, and the shell removes the folder and kills its group. No
//! process id is handed over, so there is no moment in which a child is unprotected.
//!
//! A [`Process`] that goes out of scope earlier is killed, by its own id, and waited for.

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often conditions are looked at.
pub(crate) const PAUSE: Duration = Duration::from_millis(25);

/// Removes the folder before it kills, since the shell is in the group itself; the second attempt is for a
/// child that created a file during the first. The trap is for whoever signals every process at once.
const SCRIPT: &str = r#"trap '' HUP INT TERM; read -r _; rm -rf "$1" || rm -rf "$1"; kill -KILL 0"#;

const LOG_LINES_IN_ERRORS: usize = 30;

/// A number that no other call in this process gets.
pub(crate) fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// A port of 127.0.0.1 that is free now, and that no other call in this process gets soon. It is below those that the
/// kernel gives to outgoing connections, so that only a server of somebody else's can take it: callers retry.
pub(crate) fn free_address() -> Result<SocketAddr, String> {
    const FIRST: u16 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Processes that run at the same time begin at different places.
        let offset = std::process::id().wrapping_mul(211).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(offset % COUNT).map_or(FIRST, |offset| FIRST + offset);
        if let Ok(address) = TcpListener::bind(("127.0.0.1", port)).and_then(|listener| listener.local_addr())
        {
            return Ok(address);
        }
    }
    Err("no free port on 127.0.0.1".to_owned())
}

/// Retries a start that may lose the race for its ports.
pub(crate) fn retry<T>(
    deadline: Instant,
    mut start: impl FnMut(Instant) -> Result<T, String>,
) -> Result<T, String> {
    for _ in 1..3 {
        match start(deadline) {
            Err(_) if Instant::now() < deadline => {}
            result => return result,
        }
    }
    start(deadline)
}

/// Owner of a private temporary folder and of the process group of everything started with it.
pub(crate) struct Guardian {
    shell: Child,
    root: PathBuf,
}

impl Guardian {
    pub(crate) fn new() -> Result<Self, String> {
        let root = private_folder()?;
        let shell = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start /bin/sh: {error}"))?;
        Ok(Self { shell, root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Starts `command` with its output in `NAME.log` of the folder; names are unique in the folder.
    pub(crate) fn spawn(&self, name: &str, command: &mut Command) -> Result<Process, String> {
        let log = self.root.join(format!("{name}.log"));
        let mut start = || {
            let file = File::create(&log)?;
            let group = i32::try_from(self.shell.id()).map_err(|_| ErrorKind::InvalidData)?;
            command.process_group(group).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()
        };
        let child = start()
            .map_err(|error| format!("cannot start {name} ({}): {error}", command.get_program().display()))?;
        Ok(Process { name: name.to_owned(), child, log })
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        let _ = self.shell.wait(); // closes the pipe first
    }
}

/// Skips names that exist: process ids come around, above all in containers.
fn private_folder() -> Result<PathBuf, String> {
    loop {
        let name = format!("keyhatch-{}-{}", std::process::id(), next_number());
        let root = std::env::temp_dir().join(name);
        match DirBuilder::new().mode(0o700).create(&root) {
            Ok(()) => return Ok(root),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("cannot create {}: {error}", root.display())),
        }
    }
}

/// A running child process with its log file.
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log_file(&self) -> &Path {
        &self.log
    }

    /// What it wrote to standard output and standard error so far.
    pub(crate) fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn failure(&self, what: &str) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.len().saturating_sub(LOG_LINES_IN_ERRORS);
        let tail = lines.iter().skip(tail).fold(String::new(), |text, line| text + "\n  " + line);
        format!("{} {what}; its last lines of log:{tail}", self.name)
    }

    fn check(&mut self) -> Result<(), String> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.failure(&format!("ended early ({status})"))),
            Err(error) => Err(self.failure(&format!("cannot be waited for ({error})"))),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the last of `processes` is `ready`; fails as soon as any of them ends, or at the deadline.
pub(crate) fn wait_ready(
    processes: &mut [Process],
    deadline: Instant,
    mut ready: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    loop {
        processes.iter_mut().try_for_each(Process::check)?;
        let Err(reason) = ready() else { break };
        if Instant::now() >= deadline {
            let last = processes.last().expect("a process to wait for");
            return Err(last.failure(&format!("is not ready in time ({reason})")));
        }
        thread::sleep(PAUSE);
    }
    // Something else that answers on our port does not count when our process could not get it.
    processes.iter_mut().try_for_each(Process::check)
}
