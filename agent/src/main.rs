//! `keyhatch-agent`: what runs in the pods. The webhook writes how it is called; people need `--help` at most.

mod broker;
mod directory;
mod exec;
mod pace;
mod resolver;
mod run;
mod state;
mod variables;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

const HELP: &str = "\
keyhatch-agent fetches a pod's secrets from Keyhatch's broker. Keyhatch's webhook puts it into pods that are annotated.

  init OPTIONS             fetch once, write, end
  sidecar OPTIONS          fetch, write, and write each new value within refresh
  ready                    succeed once the files are there: the sidecar's startup probe
  exec --env-file=FILE -- COMMAND [ARG]…
                           become COMMAND, with the variables of FILE
  copy FILE                write this program to FILE: containers that get variables start with it

OPTIONS are --request=JSON --broker=HOST:PORT [--broker-address=IP] --roots=PEM --deadline=SECONDS, each once.
The files are written to /run/keyhatch/secrets, or to $KEYHATCH_DIRECTORY; the token is read from /run/keyhatch/token/token, or
from $KEYHATCH_TOKEN_FILE.
";

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let text: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    match text.as_slice() {
        [] | ["-h" | "--help" | "help", ..] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        ["-V" | "--version"] => {
            println!("keyhatch-agent {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["init" | "sidecar", ..] => ended(run::run(&text)),
        ["ready"] => ready(),
        ["exec", ..] => exec::exec(args.get(1..).unwrap_or_default()),
        ["copy", file] => ended(directory::copy_program(Path::new(file))),
        [other, ..] => {
            eprintln!("keyhatch-agent: {other:?} is no command; keyhatch-agent --help lists them");
            ExitCode::from(2)
        }
    }
}

/// Without a word: the kubelet repeats what a probe says once a second.
fn ready() -> ExitCode {
    if directory::Directory::from_environment().is_filled() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says why on one line, also where Kubernetes shows it: `kubectl describe pod`.
fn ended<E: std::fmt::Display>(result: Result<(), E>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let line = format!("keyhatch-agent: {error}");
    eprintln!("{line}");
    let log = env::var_os("KEYHATCH_TERMINATION_LOG").unwrap_or_else(|| "/dev/termination-log".into());
    // It is there in a container, and nowhere else.
    if fs::exists(&log).unwrap_or_default() {
        let _ = fs::write(log, &line);
    }
    ExitCode::FAILURE
}
