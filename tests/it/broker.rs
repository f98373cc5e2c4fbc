//! Pods and the broker: the real server with the manifests' rights, a real API server with real tokens, the fake AWS.

mod deliveries;
mod externals;
mod flood;
mod markers;
mod nobody_elses;
mod outages;
pub(crate) mod serving;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyhatch_agent::{Answer, Refusal, Request};
use serde_json::{Value as Json, json};

use crate::support::aws::Aws;
use crate::support::aws::account::Account;
use crate::support::broker::{Broker, pod, pod_token};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http::Response;
use crate::support::kubectl::wait_until;
use crate::support::process::next_number;

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A cluster without our webhook, which would refuse pods that were injected by hand.
pub(crate) fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(crate::command::plane_with_crds)
}

/// What all tests share: the cluster, the AWS and the broker between them.
struct Site {
    plane: &'static ControlPlane,
    aws: Aws,
    broker: Broker,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| Site::start(&[]))
}

impl Site {
    fn start(flags: &[&str]) -> Self {
        let bin = env!("CARGO_BIN_EXE_keyhatch");
        let plane = plane();
        let aws = Aws::start();
        let broker = Broker::start(Path::new(bin), plane, &aws, flags).unwrap();
        Self { plane, aws, broker }
    }
}

/// A namespace with a store `aws` of an account of its own, which its ServiceAccount `app` may use.
struct Team<'a> {
    site: &'a Site,
    namespace: String,
    account: Account,
}

impl Team<'static> {
    fn new() -> Self {
        Self::at(site())
    }
}

impl<'a> Team<'a> {
    fn at(site: &'a Site) -> Self {
        let namespace = site.plane.namespace("team");
        let account = site.aws.account(&format!("{:012}", 500_000 + next_number()));
        let keys = account.keys();
        let team = Self { site, namespace, account };
        let namespace = team.namespace.as_str();
        team.apply(&[
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": namespace}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws", "namespace": namespace},
                "stringData": {"id": keys.id, "secret": keys.secret}}),
            json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": {"name": "aws", "namespace": namespace}, "spec": spec(namespace, &json!([]))}),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": "user", "namespace": namespace},
                "rules": [{"apiGroups": ["external-secrets.io"], "resources": ["secretstores"], "verbs": ["use"]}]}),
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": {"name": "user", "namespace": namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "user"},
                "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": namespace}]}),
        ]);
        team
    }

    fn apply(&self, objects: &[Json]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let output = self.site.plane.kubectl_in(&list.to_string(), &["apply", "--server-side", "-f", "-"]);
        output.success().unwrap();
    }

    /// Makes a pod that asks for this, and answers its token.
    fn pod(&self, name: &str, request: &Json) -> String {
        self.pod_of(name, "app", request)
    }

    fn pod_of(&self, name: &str, account: &str, request: &Json) -> String {
        let request: Request = serde_json::from_value(request.clone()).unwrap();
        self.apply(&[pod(&self.namespace, name, account, &request)]);
        pod_token(self.site.plane, &self.namespace, account, name)
    }

    fn ask(&self, token: &str) -> Response {
        self.site.broker.ask(token, None)
    }

    #[track_caller]
    fn files(&self, token: &str) -> Vec<(String, String)> {
        let answer = answer(self.ask(token));
        answer.files.into_iter().map(|(name, content)| (name, text(content.expose()))).collect()
    }

    /// Asks until it is refused for this reason, and answers how it was told.
    #[track_caller]
    fn wait_refused(&self, token: &str, reason: &str, limit: Duration) -> Refusal {
        wait_until(limit, reason, || {
            let response = self.ask(token);
            match serde_json::from_str::<Refusal>(&response.body) {
                Ok(refusal) if refusal.reason == reason => Ok(refusal),
                _ => Err(format!("{} {}", response.status, response.body)),
            }
        })
    }
}

/// A store with the keys of a namespace, for the namespaces that fit the conditions.
fn spec(namespace: &str, conditions: &Json) -> Json {
    let selector = |key: &str| json!({"name": "aws", "key": key, "namespace": namespace});
    json!({"conditions": conditions, "provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1",
        "auth": {"secretRef": {"accessKeyIDSecretRef": selector("id"),
            "secretAccessKeySecretRef": selector("secret")}}}}})
}

#[track_caller]
fn answer(response: Response) -> Answer {
    let body = response.ok().unwrap();
    serde_json::from_str(&body).unwrap()
}

/// The status and the reason of a refusal.
#[track_caller]
fn refused(response: &Response) -> (u16, String) {
    let refusal: Refusal = serde_json::from_str(&response.body)
        .unwrap_or_else(|_| panic!("{} {}", response.status, response.body));
    (response.status, refusal.reason)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// One file `db` from secret `db` of store `aws`.
fn db() -> Json {
    json!({"files": {"db": {"from": "aws::db"}}, "permissions": "0400"})
}

pub(crate) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}
