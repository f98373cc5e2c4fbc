//! `keyhatch serve` as one of several replicas with their own certificates.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::balancer::Backend;
use super::control_plane::ControlPlane;
use super::http;
use super::kubectl::wait_until;
use super::process::{Process, free_address};

const READY: Duration = Duration::from_secs(90);

/// A replica; dropping it ends the process.
pub(crate) struct Replica {
    pub(crate) process: Process,
    pub(crate) backend: Backend,
}

impl Replica {
    /// Starts it; `bin` is `env!("CARGO_BIN_EXE_keyhatch")`.
    pub(crate) fn start(
        bin: &str,
        plane: &ControlPlane,
        name: &str,
        kubeconfig: &Path,
        flags: &[&str],
    ) -> Self {
        let address = || free_address().expect("a free port").to_string();
        let (listen, health) = (address(), address());
        let mut command = Command::new(bin);
        command.env_clear().args(["serve", "--webhook-listen", &listen, "--health-listen", &health]);
        command.args(["--tls-host=127.0.0.1", "--identity", name]);
        command.args(flags).arg("--kubeconfig").arg(kubeconfig);
        let process = plane.spawn(name, &mut command).expect("keyhatch starts");
        Self { process, backend: Backend { address: listen, health: format!("http://{health}") } }
    }

    /// `/readyz?verbose`.
    pub(crate) fn state(&self) -> Result<http::Response, String> {
        http::get(&format!("{}/readyz?verbose", self.backend.health))
    }

    /// Waits until it is ready.
    #[track_caller]
    pub(crate) fn wait_ready(&self) {
        wait_until(READY, "a replica to be ready", || match self.state()? {
            answer if answer.status == 200 => Ok(()),
            answer => Err(format!("{}\n{}", answer.body, self.process.log())),
        });
    }

    /// Waits until `/readyz?verbose` has this text, and answers with this code.
    #[track_caller]
    pub(crate) fn wait_state(&self, status: u16, text: &str) {
        wait_until(READY, &format!("{status} with {text:?}"), || match self.state()? {
            answer if answer.status == status && answer.body.contains(text) => Ok(()),
            answer => Err(format!("{} {}\n{}", answer.status, answer.body, self.process.log())),
        });
    }

    /// Waits until `/readyz?verbose` has this text, whatever the code: for a replica that may not be ready
    /// for other reasons meanwhile.
    #[track_caller]
    pub(crate) fn wait_said(&self, text: &str) {
        wait_until(READY, &format!("{text:?}"), || match self.state()? {
            answer if answer.body.contains(text) => Ok(()),
            answer => Err(format!("{} {}\n{}", answer.status, answer.body, self.process.log())),
        });
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success(), "kill -{name} {id}");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait_ended(&mut self, limit: Duration) {
        wait_until(limit, "a replica to end", || {
            self.process.ended().map(drop).ok_or_else(|| self.process.log())
        });
    }
}
