//! `keyhatch check`: flags to input, input to outcome, outcome to output and exit code.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::rules::RuleFlags;
use super::{Failure, complain, is_broken_pipe};
use crate::api::secret_store::Adopt;
use crate::check::{self, Input, Outcome, cluster, output};
use crate::policy::Enforce;

/// Exit code for input that cannot be read, as clap uses it for flags that cannot.
const UNREADABLE: u8 = 2;

/// Flags of `check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing wrong, 1 mistakes, 2 something could not be read, or a folder or
standard input holds no manifest at all.

Files in a folder that hold no Kubernetes object are skipped and counted; a file that is named must hold one.

Examples:
  keyhatch check manifests/ store.yaml
  helm template . | keyhatch check -
  keyhatch check --output sarif manifests/ > keyhatch.sarif
  keyhatch check --cluster --namespace team-a"
)]
pub(super) struct Check {
    /// Files and folders (*.yaml, *.yml, *.json); - is standard input.
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_parser = path)]
    paths: Vec<PathBuf>,
    /// Check the live objects of the cluster in your kubeconfig instead.
    #[arg(long)]
    cluster: bool,
    /// With --cluster: only this namespace. With files: the namespace of objects that name none.
    #[arg(long, short)]
    namespace: Option<String>,
    /// The kubeconfig for --cluster, instead of KUBECONFIG or ~/.kube/config.
    #[arg(long, value_name = "FILE", requires = "cluster")]
    kubeconfig: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, short, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    rules: RuleFlags,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// `file:line: error: …`, a line a finding.
    #[default]
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

impl Check {
    /// Checks, prints, and answers how it went.
    pub(super) fn run(self) -> ExitCode {
        let input = match self.input() {
            Ok(input) => input,
            Err(error) => {
                complain(error.as_ref());
                return UNREADABLE.into();
            }
        };
        let output = self.output;
        let settings = self.rules.settings(Enforce::Deny, Adopt::None);
        let outcome = check::judge(&input, &settings);
        match print(&outcome, output) {
            Err(error) if !is_broken_pipe(error.as_ref()) => {
                complain(error.as_ref());
                UNREADABLE.into()
            }
            _ => outcome.exit_code().into(),
        }
    }

    fn input(&self) -> Result<Input, Failure> {
        if !self.cluster {
            return Ok(check::read(&self.paths, self.namespace.as_deref()));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(cluster::read(self.kubeconfig.clone(), self.namespace.as_deref()))?)
    }
}

/// Any text, an empty one too: an unset variable in a script is a path that cannot be read.
fn path(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(text.into())
}

fn print(outcome: &Outcome<'_>, output: Output) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match output {
        Output::Text => out.write_all(output::text(outcome, output::Palette::for_stdout()).as_bytes())?,
        Output::Json => writeln!(out, "{:#}", output::json(outcome))?,
        Output::Sarif => writeln!(out, "{:#}", output::sarif(outcome))?,
    }
    Ok(())
}
