//! The agent as a process, against a broker that a test scripts: over real TLS, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

mod copy_and_exec;
mod fetching;
mod server;
mod sidecar;

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use keyhatch_agent::{Invocation, Mode, Request};
use tempfile::TempDir;

use server::Server;

/// A pod's folders.
struct Pod {
    kept: TempDir,
}

impl Pod {
    fn new() -> Self {
        let kept = tempfile::tempdir().unwrap();
        fs::create_dir(kept.path().join("secrets")).unwrap();
        fs::write(kept.path().join("token"), "a.b.c\n").unwrap();
        fs::write(kept.path().join("log"), "").unwrap();
        Self { kept }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.kept.path().join(name)
    }

    fn file(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("secrets").join(name)).ok()
    }

    /// What Kubernetes shows of a container that ended.
    fn termination_message(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    fn command<A: AsRef<str>>(&self, args: &[A]) -> Command {
        let mut command = Command::new(program());
        command
            .args(args.iter().map(AsRef::as_ref))
            .env("KEYHATCH_DIRECTORY", self.path("secrets"))
            .env("KEYHATCH_TOKEN_FILE", self.path("token"))
            .env("KEYHATCH_TERMINATION_LOG", self.path("log"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, invocation: &Invocation) -> Output {
        self.command(&invocation.to_args().unwrap()).output().unwrap()
    }

    fn spawn(&self, invocation: &Invocation) -> Running {
        let log = fs::File::create(self.path("stderr")).unwrap();
        let child = self.command(&invocation.to_args().unwrap()).stderr(log).spawn().unwrap();
        Running { child }
    }

    fn is_ready(&self) -> bool {
        self.command(&["ready"]).status().unwrap().success()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }
}

/// Ended by its own process id when the test is over.
struct Running {
    child: Child,
}

impl Running {
    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one that cargo built, or the static one that goes into pods.
fn program() -> PathBuf {
    std::env::var_os("KEYHATCH_AGENT")
        .map_or_else(|| env!("CARGO_BIN_EXE_keyhatch-agent").into(), PathBuf::from)
}

fn invocation(mode: Mode, server: &Server, request: &str) -> Invocation {
    Invocation {
        mode,
        request: serde_json::from_str::<Request>(request).unwrap(),
        broker: server.authority(),
        broker_address: Some("127.0.0.1".into()),
        roots: server.roots(),
        deadline: 20,
    }
}

/// Waits until it is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "not after 30 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
