//! Running kubectl against a [`ControlPlane`], unique namespaces, and waiting for a condition.
//!
//! kubectl sees the kubeconfig of its control plane and nothing of the caller's environment or home folder,
//! so that neither configuration nor a discovery cache leaks between runs. File arguments are relative to
//! the root of the repository.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::control_plane::ControlPlane;
use super::process::{PAUSE, next_number};

/// What a run of kubectl gave.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    command: String,
    /// The exit code; -1 when a signal ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    pub(crate) fn is_success(&self) -> bool {
        self.code == 0
    }

    /// Standard output, or else a message with the command and its standard error.
    pub(crate) fn success(self) -> Result<String, String> {
        if self.is_success() {
            return Ok(self.stdout);
        }
        Err(format!("`{}` failed with code {}: {}", self.command, self.code, self.stderr.trim_end()))
    }

    /// Whether Keyhatch refused the request, rather than the schema or kubectl: its messages end in the id of
    /// a rule.
    pub(crate) fn is_denied(&self) -> bool {
        !self.is_success() && self.stderr.contains(" is invalid:") && self.stderr.trim_end().ends_with(']')
    }
}

impl ControlPlane {
    /// Runs kubectl as administrator.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_in("", args)
    }

    /// The same, with `stdin` as its standard input.
    pub(crate) fn kubectl_in(&self, stdin: &str, args: &[&str]) -> Output {
        let mut child = self.kubectl_command(args).spawn().expect("kubectl starts");
        let mut pipe = child.stdin.take().expect("a pipe to kubectl");
        let output = thread::scope(|scope| {
            // Not before reading: both sides could wait for each other. A closed pipe shows in the exit code.
            scope.spawn(move || drop(pipe.write_all(stdin.as_bytes())));
            child.wait_with_output().expect("kubectl ends")
        });
        Output {
            command: format!("kubectl {}", args.join(" ")),
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn kubectl_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.kubectl_file());
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.root());
        command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Creates a namespace that no other test uses and returns its name; see [`Self::create_namespace`].
    #[track_caller]
    pub(crate) fn namespace(&self, prefix: &str) -> String {
        let name = format!("{prefix}-{}-{}", std::process::id(), next_number());
        self.create_namespace(&name);
        name
    }

    /// Creates a namespace with its default ServiceAccount, without which it takes no Pods: created here
    /// since the controller would take a moment, and there may be none.
    #[track_caller]
    pub(crate) fn create_namespace(&self, name: &str) {
        let manifest = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}\n---\n\
             {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: default, namespace: {name}}}}}\n"
        );
        let output = self.kubectl_in(&manifest, &["apply", "--server-side", "-f", "-"]);
        output.success().expect("a namespace is created");
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("kubectl writes UTF-8")
}

/// Calls `condition` until it gives a value; panics with its last reason after `limit`.
#[track_caller]
pub(crate) fn wait_until<T>(limit: Duration, what: &str, condition: impl FnMut() -> Result<T, String>) -> T {
    match poll(limit, what, condition) {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

/// Calls `condition` until it gives a value; fails with its last reason after `limit`.
pub(crate) fn poll<T>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    loop {
        match condition() {
            Ok(value) => return Ok(value),
            Err(reason) if Instant::now() >= deadline => {
                return Err(format!("{what}: not within {limit:?}; last reason: {reason}"));
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
