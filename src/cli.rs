//! The command line: each subcommand's flags, and the one function that it runs.

mod caller;
mod certificates;
mod check;
mod explain;
mod inject;
mod injection;
mod loops;
mod pods;
mod push;
mod resolve;
mod rules;
mod serve;
mod source;
mod webhook_config;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::api::{Kind, crd};
use crate::cluster;

/// Refuses external-secrets.io resources that cannot work, while you are still looking at the terminal.
#[derive(Debug, Parser)]
#[command(name = "keyhatch", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Examples:
  keyhatch check manifests/                   every mistake in these files, before anything is applied
  keyhatch check --cluster                    every mistake in the cluster of your kubeconfig
  keyhatch resolve 'aws::prod/db#password' --explain
                                              where this reference leads, and as whom
  keyhatch explain region-misspelt            what a rule is about, and what to write instead
  keyhatch crds | kubectl apply --server-side -f -")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer the API server's admission reviews.
    Serve(Box<serve::Serve>),
    /// Check manifests, or a whole cluster, by the rules that admission applies.
    Check(check::Check),
    /// Tell where a reference to a secret leads: which version, as which identity, by which calls to AWS.
    Resolve(Box<resolve::Resolve>),
    /// Tell what a push of a PushSecret would change at AWS.
    Push(Box<push::Push>),
    /// Print manifests with their pods injected, as they would be stored.
    Inject(Box<inject::Inject>),
    /// Print the CustomResourceDefinitions of all six kinds.
    Crds,
    /// Print the webhook configurations.
    WebhookConfig(webhook_config::WebhookConfig),
    /// Tell what a rule is about; without a rule, list them all.
    Explain(explain::Explain),
}

impl Cli {
    /// Runs the subcommand; its errors are printed here, once.
    pub fn run(self) -> ExitCode {
        let ended = match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Check(check) => return check.run(),
            Command::Resolve(resolve) => resolve.run(),
            Command::Push(push) => push.run(),
            Command::Inject(inject) => inject.run(),
            Command::Crds => print_crds(),
            Command::WebhookConfig(config) => config.run(),
            Command::Explain(explain) => explain.run(),
        };
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            // The reader of a pipe has seen enough: that is no failure.
            Err(error) if is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(error.as_ref());
                ExitCode::FAILURE
            }
        }
    }
}

/// Any error, above the modules that give each of theirs a name.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn is_broken_pipe(error: &(dyn std::error::Error + 'static)) -> bool {
    let plain = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let inside = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    plain.or(inside) == Some(io::ErrorKind::BrokenPipe)
}

/// Prints an error and what it came from, on one line, whatever a library's message looks like.
fn complain(error: &(dyn std::error::Error + 'static)) {
    eprintln!("keyhatch: {}", cluster::causes(error));
}

/// One List, so that the output is valid JSON and valid YAML, and `kubectl apply -f -` takes it whole.
fn print_crds() -> Result<(), Failure> {
    let items = Kind::ALL.into_iter().map(crd::definition).collect::<Result<Vec<_>, _>>()?;
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &list)?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
