//! The source of secrets: stores and credentials in a real API server, secrets in the fake AWS.

mod answers;
mod chain;
mod changes;
mod isolation;
mod on_moto;
mod permissions;
mod resolve;
mod search;
mod settings;
mod sharing;
mod writes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhatch::api::common::StoreKind;
use keyhatch::cache::metrics::Metrics;
use keyhatch::cache::{Answer, Asked, Cache, Limits, Value, Version};
use keyhatch::source::calls::Calls;
use keyhatch::source::clients::ClientConfig;
use keyhatch::source::error::SourceError;
use keyhatch::source::objects::Objects;
use keyhatch::source::plan::{Ambient, StoreId};
use keyhatch::source::{Access, Source, SourceConfig};
use kube::config::{KubeConfigOptions, Kubeconfig};
use prometheus_client::registry::Registry;
use serde_json::{Value as Json, json};

use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys};
use crate::support::control_plane::ControlPlane;
use crate::support::webhook;

const ACCOUNT: &str = "111122223333";
const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);
/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A namespace in the shared cluster, an AWS with one account, and a source between them.
struct World {
    plane: &'static ControlPlane,
    namespace: String,
    aws: Aws,
    account: Account,
    source: Source,
    cache: Arc<Cache>,
    registry: Registry,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut Limits)) -> Self {
        Self::made(true, change).await
    }

    /// Without a watch of Secrets and ServiceAccounts.
    async fn unwatched() -> Self {
        Self::made(false, |_| ()).await
    }

    async fn made(watch_credentials: bool, change: impl FnOnce(&mut Limits)) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let plane = webhook::shared(env!("CARGO_BIN_EXE_keyhatch")).plane;
        let aws = Aws::start();
        let account = aws.account(ACCOUNT);
        let mut limits = Limits::default();
        change(&mut limits);
        let metrics = Arc::<Metrics>::default();
        let cache = Arc::new(Cache::new(limits, Arc::clone(&metrics)));
        let calls = Arc::new(Calls::new(false));
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        calls.register(&mut registry);
        let source =
            source(plane.kubeconfig(), &aws.url(), watch_credentials, Arc::clone(&cache), calls).await;
        Self { namespace: plane.namespace("source"), plane, aws, account, source, cache, registry }
    }

    fn apply(&self, objects: &[Json]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let output = self.plane.kubectl_in(&list.to_string(), &["apply", "--server-side", "-f", "-"]);
        output.success().unwrap();
    }

    fn delete(&self, kind: &str, name: &str) {
        self.plane.kubectl(&["delete", kind, name, "-n", &self.namespace]).success().unwrap();
    }

    /// A Secret with access keys.
    fn keys(&self, namespace: &str, name: &str, keys: &Keys) -> Json {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
            "stringData": {"id": keys.id, "secret": keys.secret}})
    }

    /// A SecretStore of this namespace; `rest` is what it says of AWS besides the region.
    fn store(&self, name: &str, rest: &Json) -> Json {
        json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec(rest)})
    }

    /// A store `aws` with keys that may do everything.
    fn with_admin(&self) {
        self.apply(&[
            self.keys(&self.namespace, "aws", &self.account.keys()),
            self.store("aws", &by_keys("aws")),
        ]);
    }

    async fn access(&self, store: &str) -> Result<Arc<Access>, SourceError> {
        let id = StoreId::seen_from(&self.namespace, StoreKind::SecretStore, store);
        self.source.access(&id, &self.namespace).await
    }

    /// The current value of a secret, or what went wrong.
    async fn get(&self, store: &str, id: &str, max_age: Option<Duration>) -> Result<String, SourceError> {
        self.ask(store, id, Asked::Value(Version::Current), max_age).await
    }

    async fn ask(
        &self,
        store: &str,
        id: &str,
        asked: Asked,
        max_age: Option<Duration>,
    ) -> Result<String, SourceError> {
        let access = self.access(store).await?;
        self.source.fetch(&access, id, asked, max_age).await.map(|answer| text(&answer))
    }

    /// Asks until the answer is as it should be.
    async fn eventually(
        &self,
        store: &str,
        id: &str,
        max_age: Option<Duration>,
        is_right: impl Fn(&Result<String, SourceError>) -> bool,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(store, id, max_age).await;
            if is_right(&answer) {
                return;
            }
            assert!(Instant::now() < deadline, "{store} {id}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn source(
    kubeconfig: PathBuf,
    url: &str,
    watch_credentials: bool,
    cache: Arc<Cache>,
    calls: Arc<Calls>,
) -> Source {
    let config = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let config = SourceConfig {
        objects: Objects::Cluster(kube::Client::try_from(config).unwrap()),
        watch_credentials,
        clients: ClientConfig {
            secrets_manager_endpoint: Some(url.to_owned()),
            sts_endpoint: Some(url.to_owned()),
            attempt_timeout: Duration::from_secs(3),
            call_timeout: Duration::from_secs(10),
        },
        ambient: Ambient::None,
        cache,
        calls,
    };
    Source::new(config).await.unwrap()
}

fn spec(rest: &Json) -> Json {
    let mut aws = json!({"service": "SecretsManager", "region": "eu-central-1"});
    aws.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"provider": {"aws": aws}})
}

/// Access keys from a Secret of this name, in the consumer's namespace.
fn by_keys(secret: &str) -> Json {
    json!({"auth": {"secretRef": {
        "accessKeyIDSecretRef": {"name": secret, "key": "id"},
        "secretAccessKeySecretRef": {"name": secret, "key": "secret"}}}})
}

fn text(answer: &Answer) -> String {
    match &answer.payload.value {
        Value::Text(bytes) | Value::Binary(bytes) => String::from_utf8_lossy(bytes.expose()).into_owned(),
        Value::Tags(tags) => {
            tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
        }
    }
}

/// The class of AWS's no.
fn class(answer: &Result<String, SourceError>) -> &'static str {
    match answer {
        Ok(_) => "a value",
        Err(SourceError::Aws(failure)) => failure.class.as_str(),
        Err(SourceError::Object(_)) => "an object",
        Err(SourceError::Plan(_) | SourceError::Key { .. } | SourceError::NoRole { .. }) => "the store",
        Err(SourceError::Outside(_)) => "elsewhere",
        Err(SourceError::Extract(_)) => "a part",
    }
}
