//! `exec`: becomes the container's own program, with its variables. The process is the same one, so its number, its
//! signals, its exit code, its input and its terminal are what they would be without us.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::variables::{self, VariableError};

/// How a reference in a container's own `env` begins.
const REFERENCE: &[u8] = b"keyhatch:";

/// Why the program does not start.
#[derive(Debug, Error)]
enum ExecError {
    /// Not called by the webhook.
    #[error("exec --env-file=FILE -- COMMAND [ARG]…")]
    Usage,
    /// No variables.
    #[error("variables {}: {source}", path.display())]
    File {
        /// The file of variables.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// Something else in the file.
    #[error("variables {}: {source}", path.display())]
    Variables {
        /// The file of variables.
        path: PathBuf,
        /// What is wrong with it.
        source: VariableError,
    },
    /// The system refuses.
    #[error("{}: {}", program.display(), reason(source))]
    Exec {
        /// The container's program.
        program: PathBuf,
        /// Why it does not start.
        source: io::Error,
    },
}

/// Returns only if the program cannot be started; the codes are a shell's.
pub(crate) fn exec(args: &[OsString]) -> ExitCode {
    let error = match become_program(args) {
        Ok(never) => match never {},
        Err(error) => error,
    };
    eprintln!("keyhatch-agent: {error}");
    match error {
        ExecError::Usage => ExitCode::from(2),
        ExecError::Exec { source, .. } if source.kind() == io::ErrorKind::NotFound => ExitCode::from(127),
        ExecError::Exec { .. } => ExitCode::from(126),
        ExecError::File { .. } | ExecError::Variables { .. } => ExitCode::from(1),
    }
}

fn become_program(args: &[OsString]) -> Result<std::convert::Infallible, ExecError> {
    let [file, dashes, program, rest @ ..] = args else {
        return Err(ExecError::Usage);
    };
    let file = file.to_str().and_then(|file| file.strip_prefix("--env-file=")).ok_or(ExecError::Usage)?;
    if dashes != OsStr::new("--") {
        return Err(ExecError::Usage);
    }
    let path = PathBuf::from(file);
    let bytes = fs::read(&path).map_err(|source| ExecError::File { path: path.clone(), source })?;
    let bytes = Zeroizing::new(bytes);
    let all = variables::read(&bytes).map_err(|source| ExecError::Variables { path, source })?;
    drop(bytes);
    let mut command = Command::new(program);
    // A reference that was skipped is no value. What it stands for comes with the rest, if it is there.
    for (name, _) in env::vars_os().filter(|(_, value)| value.as_bytes().starts_with(REFERENCE)) {
        command.env_remove(name);
    }
    let source = command.args(rest).envs(all).exec();
    Err(ExecError::Exec { program: program.into(), source })
}

/// The kernel's own words for a list that is too long blame the arguments.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ArgumentListTooLong => {
            "all variables and arguments together are longer than the kernel takes; use files".to_owned()
        }
        _ => error.to_string(),
    }
}
