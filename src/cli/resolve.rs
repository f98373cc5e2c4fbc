//! `keyhatch resolve`: a reference to where it leads: which secret and version, as whom, by which calls.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use kube::Client;

use super::Failure;
use super::caller::CallerFlags;
use super::source::AwsFlags;
use crate::api::common::StoreKind;
use crate::cache::{Cache, Limits, Served};
use crate::check;
use crate::reference::{SecretRef, Store};
use crate::source::calls::Calls;
use crate::source::objects::{Files, Objects};
use crate::source::plan::StoreId;
use crate::source::{Access, Resolved, Source, SourceConfig};

/// Flags of `resolve`.
#[derive(Debug, Args)]
#[command(
    after_help = "A reference is [STORE::]KEY[?version=STAGE|uuid/ID][&metadata=tags][&decode=base64][#PROPERTY];
STORE is a SecretStore of the namespace, or cluster/NAME.

Examples:
  keyhatch resolve -n team-a 'aws::prod/db#password' --explain
  keyhatch resolve -n team-a 'cluster/shared::prod/db?version=AWSPREVIOUS' --show
  keyhatch resolve --file store.yaml 'aws::prod/db'"
)]
pub(super) struct Resolve {
    /// What to resolve.
    #[arg(value_parser = |text: &str| text.parse::<SecretRef>())]
    reference: SecretRef,
    /// The store of a reference that names none: a SecretStore, or cluster/NAME.
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// The namespace of the store and of whoever uses it, instead of your kubeconfig's.
    #[arg(long, short)]
    namespace: Option<String>,
    /// Read stores and Secrets in these files or folders first. Can be repeated.
    #[arg(long = "file", short = 'f', value_name = "PATH")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    caller: CallerFlags,
    /// Tell which identity was used, and every call to AWS.
    #[arg(long)]
    explain: bool,
    /// Write the value, and nothing else, to standard output.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    aws: AwsFlags,
}

impl Resolve {
    /// Resolves, and prints what was found.
    pub(super) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.resolve())
    }

    async fn resolve(self) -> Result<(), Failure> {
        let config = self.caller.cluster(self.files.is_empty()).await?;
        let own = config.as_ref().map(|config| config.default_namespace.clone());
        let namespace = self.namespace.clone().or(own).unwrap_or_else(|| "default".into());
        let store = self.store_id(&namespace)?;
        let client = config.map(Client::try_from).transpose()?;
        let calls = Arc::new(Calls::new(true));
        let source = self.source(client, Arc::clone(&calls)).await?;
        let access = source.access(&store, &namespace).await?;
        let resolved = source.resolve(&access, &self.reference, None).await;
        let mut facts = String::new();
        if let Ok(resolved) = &resolved {
            facts.push_str(&found(resolved));
        }
        if self.explain {
            facts.push_str(&explained(&access, &calls));
        }
        match resolved {
            // The value alone on standard output, so that it can be piped; all else where people look.
            Ok(Resolved { value, .. }) if self.show => {
                eprint!("{facts}");
                io::stdout().lock().write_all(value.expose())?;
            }
            Ok(_) => io::stdout().lock().write_all(facts.as_bytes())?,
            Err(error) => {
                eprint!("{facts}");
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn store_id(&self, namespace: &str) -> Result<StoreId, Failure> {
        let named = match (&self.reference.store, &self.store) {
            (Some(store), _) => store.clone(),
            (None, Some(store)) => match store.strip_prefix("cluster/") {
                Some(name) => Store { kind: StoreKind::ClusterSecretStore, name: name.to_owned() },
                None => Store { kind: StoreKind::SecretStore, name: store.clone() },
            },
            (None, None) => {
                return Err(
                    format!("{} names no store; write STORE::…, or give --store", self.reference).into()
                );
            }
        };
        Ok(StoreId::seen_from(namespace, named.kind, &named.name))
    }

    async fn source(&self, client: Option<Client>, calls: Arc<Calls>) -> Result<Source, Failure> {
        let objects = match (client, self.files.as_slice()) {
            (Some(client), []) => Objects::Cluster(client),
            (client, paths) => Objects::Files(read(paths)?, client),
        };
        let config = SourceConfig {
            objects,
            watch_credentials: false,
            clients: self.aws.clients(),
            ambient: self.caller.ambient(self.aws.ambient_credentials),
            cache: Arc::new(Cache::new(Limits::default(), Arc::default())),
            calls,
        };
        Ok(Source::new(config).await?)
    }
}

fn read(paths: &[PathBuf]) -> Result<Files, Failure> {
    let documents = paths.iter().map(|path| check::documents(path)).collect::<Result<Vec<_>, _>>()?;
    Ok(Files::new(documents.into_iter().flatten().collect()))
}

fn found(resolved: &Resolved) -> String {
    let Resolved { value, answer } = resolved;
    let age = match answer.served {
        Served::Miss => "fetched now".to_owned(),
        Served::Hit | Served::Stale | Served::Negative => {
            format!("{} s", Duration::as_secs(&answer.age))
        }
    };
    let version = answer.payload.version_id.as_deref().unwrap_or("-");
    let stages = answer.payload.stages.to_string();
    let mut facts = line("key", &answer.payload.arn) + &line("version", version);
    if !stages.is_empty() {
        facts += &line("stages", &stages);
    }
    facts + &line("size", &format!("{} bytes", value.len())) + &line("age", &age)
}

fn explained(access: &Access, calls: &Calls) -> String {
    let mut facts = line("store", &format!("{} in {}", access.store, access.who.place));
    facts += &line("identity", &access.title);
    for call in calls.journal() {
        let ended = if call.failure.is_none() { "" } else { ", failed" };
        let took = call.took.as_millis();
        facts += &line("call", &format!("{} of {} ({took} ms{ended})", call.operation, call.object));
    }
    facts
}

fn line(name: &str, value: &str) -> String {
    format!("{name:<9} {value}\n")
}
