//! `keyhatch push --dry-run`: what a push of a PushSecret would change at AWS.

use std::io::{self, Write};
use std::sync::Arc;

use clap::Args;
use kube::Client;

use super::Failure;
use super::caller::CallerFlags;
use super::source::AwsFlags;
use crate::cache::{Cache, Limits};
use crate::loops::push::preview;
use crate::source::calls::Calls;
use crate::source::objects::Objects;
use crate::source::{Source, SourceConfig};

/// Flags of `push`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyhatch push --dry-run -n team-a app        what the loop would change for PushSecret app, with your rights")]
pub(super) struct Push {
    /// The PushSecret.
    name: String,
    /// Only tell what would be changed. Nothing else is done from the command line: pushing is the loop's work.
    #[arg(long, required = true)]
    dry_run: bool,
    /// The PushSecret's namespace, instead of your kubeconfig's.
    #[arg(long, short)]
    namespace: Option<String>,
    #[command(flatten)]
    caller: CallerFlags,
    #[command(flatten)]
    aws: AwsFlags,
}

impl Push {
    /// Looks, and prints what was found.
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.preview())
    }

    async fn preview(self) -> Result<(), Failure> {
        let config = self.caller.cluster(true).await?.ok_or("there is no cluster")?;
        let namespace = self.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config)?;
        let config = SourceConfig {
            objects: Objects::Cluster(client.clone()),
            watch_credentials: false,
            clients: self.aws.clients(),
            ambient: self.caller.ambient(self.aws.ambient_credentials),
            cache: Arc::new(Cache::new(Limits::default(), Arc::default())),
            calls: Arc::new(Calls::new(false)),
        };
        let source = Source::new(config).await?;
        let text = preview(&client, &source, &namespace, &self.name).await?;
        io::stdout().lock().write_all(text.as_bytes())?;
        Ok(())
    }
}
