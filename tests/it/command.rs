//! Running the `keyhatch` command.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::control_plane::{ControlPlane, Options};

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained about.
    pub(crate) stderr: String,
}

/// Runs `keyhatch` with these arguments, in the repository's root.
pub(crate) fn keyhatch(args: &[&str]) -> Ended {
    keyhatch_with("", args, &[])
}

/// Installs the definitions that `keyhatch crds` prints.
pub(crate) fn install_crds(plane: &ControlPlane) {
    let crds = keyhatch(&["crds"]).stdout;
    plane.kubectl_in(&crds, &["apply", "--server-side", "-f", "-"]).success().unwrap();
}

/// A cluster with our definitions, and neither controllers nor our webhook.
pub(crate) fn plane_with_crds() -> ControlPlane {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    install_crds(&plane);
    plane
}

/// Runs `keyhatch` with an input and some environment.
pub(crate) fn keyhatch_with(stdin: &str, args: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_keyhatch"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = stdin.to_owned();
    let writer = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
