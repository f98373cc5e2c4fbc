//! A cluster with a store of ours, an AWS, and the loop between them.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use keyhatch::api::push_secret::PushSecret;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::aws::Aws;
use crate::support::aws::account::Account;
use crate::support::aws::calls::Calls;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::looper::{Installation, Looper};

pub(crate) const NAMESPACE: &str = "team";
/// Requests to the API server at the same time.
const AT_ONCE: usize = 32;
/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(100);
/// So long without a call, and everything has been looked at.
const QUIET: Duration = Duration::from_secs(1);

/// Everything but the loop's process, which comes and goes.
pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) account: Account,
    pub(crate) client: Client,
    // Dropped last: the logs are in its folder.
    plane: ControlPlane,
}

impl World {
    pub(crate) async fn new() -> Self {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() });
        let plane = plane.expect("a control plane");
        let crds = std::process::Command::new(bin).arg("crds").output().expect("keyhatch runs");
        apply(&plane, &String::from_utf8(crds.stdout).expect("text"));
        let aws = Aws::start();
        let account = aws.account("111122223333");
        furnish(&plane, &account);
        Self { client: plane.client().await, aws, account, plane }
    }

    pub(crate) fn install(&self) -> Installation<'_> {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let flags = ["--log-level=error"];
        Installation::new(bin, &self.plane, &self.aws.url(), &flags).expect("an installation")
    }

    /// Starts a loop, and waits until it leads: a PushSecret of its own is pushed then. The calls before are forgotten.
    pub(crate) async fn start(&self, installation: &Installation<'_>) -> Looper {
        let looper = installation.start().expect("a loop");
        self.secrets(vec![secret("first", &json!({"a": "1"}))]).await;
        self.pushes(vec![push("first", "first", "1h", &[entry("a", "first", "")])]).await;
        self.synced(1).await;
        self.quiet().await;
        self.aws.forget_calls();
        looper
    }

    pub(crate) async fn secrets(&self, secrets: Vec<Value>) {
        self.create::<Secret>(secrets).await;
    }

    pub(crate) async fn pushes(&self, pushes: Vec<Value>) {
        self.create::<PushSecret>(pushes).await;
    }

    async fn create<K>(&self, objects: Vec<Value>)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        let api = Api::<K>::namespaced(self.client.clone(), NAMESPACE);
        let create = |object: Value| {
            let api = api.clone();
            async move {
                let object: K = serde_json::from_value(object).expect("an object");
                api.create(&PostParams::default(), &object).await.expect("it is created");
            }
        };
        stream::iter(objects).map(create).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
    }

    /// Changes a Secret; when that was begun.
    pub(crate) async fn change(&self, name: &str, data: &Value) -> Instant {
        let api = Api::<Secret>::namespaced(self.client.clone(), NAMESPACE);
        let started = Instant::now();
        let patch = Patch::Merge(json!({"stringData": data}));
        api.patch(name, &PatchParams::default(), &patch).await.expect("it is changed");
        started
    }

    /// Waits until so many PushSecrets are pushed.
    pub(crate) async fn synced(&self, count: usize) {
        let api = Api::<PushSecret>::namespaced(self.client.clone(), NAMESPACE);
        let is_synced = |object: &PushSecret| {
            let status = object.status.as_ref();
            status.is_some_and(|status| status.conditions.iter().any(|one| one.status == "True"))
        };
        self.until("PushSecrets to be synced", async || {
            let listed = api.list(&ListParams::default()).await.expect("a list");
            listed.items.iter().filter(|object| is_synced(object)).count() >= count
        })
        .await;
    }

    /// Waits until nothing is asked any more.
    pub(crate) async fn quiet(&self) -> Calls {
        let last = || self.aws.calls().0.last().map(|call| call.at);
        self.until("calls to end", async || last().is_none_or(|at| at.elapsed() > QUIET)).await;
        self.aws.calls()
    }

    pub(crate) async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await {
            assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
            sleep(PAUSE).await;
        }
    }
}

/// A Secret with text.
pub(crate) fn secret(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, "stringData": data})
}

/// A PushSecret of a Secret.
pub(crate) fn push(name: &str, source: &str, interval: &str, entries: &[Value]) -> Value {
    json!({"apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"secretStoreRefs": [{"name": "aws"}], "selector": {"secret": {"name": source}},
            "refreshInterval": interval, "data": entries}})
}

/// An entry of a PushSecret.
pub(crate) fn entry(key: &str, remote: &str, property: &str) -> Value {
    json!({"match": {"secretKey": key, "remoteRef": {"remoteKey": remote, "property": property}}})
}

fn furnish(plane: &ControlPlane, account: &Account) {
    let keys = account.keys();
    plane.create_namespace(NAMESPACE);
    let selector = |key| json!({"name": "aws", "key": key});
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        secret("aws", &json!({"id": keys.id, "secret": keys.secret})),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "policies", "namespace": NAMESPACE},
            "data": {"p": policy}},
        {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": "aws", "namespace": NAMESPACE},
            "spec": {"controller": "keyhatch", "provider": {"aws": {"service": "SecretsManager",
                "region": "eu-central-1", "auth": {"secretRef": {"accessKeyIDSecretRef": selector("id"),
                    "secretAccessKeySecretRef": selector("secret")}}}}}}]});
    apply(plane, &list.to_string());
}

fn apply(plane: &ControlPlane, text: &str) {
    plane.kubectl_in(text, &["apply", "--server-side", "-f", "-"]).success().expect("kubectl applies");
}
