//! A cluster with pods and their tokens, an AWS with their secrets, and the broker between them.

use std::path::Path;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use keyhatch_agent::{AUDIENCE, Request};
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::support::aws::Aws;
use crate::support::broker::{Broker, pod};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::Output;

const NAMESPACE: &str = "team";
/// Requests to the API server at the same time, while everything is set up.
const AT_ONCE: usize = 16;

pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) broker: Broker,
    /// One for each pod.
    pub(crate) tokens: Vec<Arc<str>>,
    pub(crate) secrets: usize,
    // Dropped last: the broker's log is in its folder.
    plane: ControlPlane,
}

impl World {
    /// Each pod asks for one of the secrets as a file, and for the next as a variable.
    pub(crate) async fn new(pods: usize, secrets: usize) -> Self {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() });
        let plane = plane.expect("a control plane");
        let crds = std::process::Command::new(bin).arg("crds").output().expect("keyhatch runs");
        apply(&plane, &String::from_utf8(crds.stdout).expect("text"));
        let aws = Aws::start();
        furnish(&plane, &aws, secrets);
        let broker = Broker::start(bin, &plane, &aws, &[]).expect("a broker");
        let client = plane.client().await;
        let made = stream::iter(0..pods).map(|number| make(client.clone(), number, secrets));
        let tokens = made.buffer_unordered(AT_ONCE).collect().await;
        Self { aws, broker, tokens, secrets, plane }
    }

    pub(crate) fn plane(&self) -> &ControlPlane {
        &self.plane
    }
}

fn furnish(plane: &ControlPlane, aws: &Aws, secrets: usize) {
    let account = aws.account("111122223333");
    for number in 0..secrets {
        account.secret(&format!("s-{number}"), &format!(r#"{{"password": "value-{number}"}}"#));
    }
    let keys = account.keys();
    plane.create_namespace(NAMESPACE);
    let selector = |key| json!({"name": "aws", "key": key});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws", "namespace": NAMESPACE},
            "stringData": {"id": keys.id, "secret": keys.secret}},
        {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": "aws", "namespace": NAMESPACE},
            "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1",
                "auth": {"secretRef": {"accessKeyIDSecretRef": selector("id"),
                    "secretAccessKeySecretRef": selector("secret")}}}}}}]});
    apply(plane, &list.to_string());
    let users = "manifests/components/pods/store-users.yaml";
    is_done(plane.kubectl(&["apply", "--server-side", "-f", users]));
}

/// Makes a pod and its token.
async fn make(client: kube::Client, number: usize, secrets: usize) -> Arc<str> {
    let name = format!("app-{number}");
    let reference = |number: usize| format!("aws::s-{}", number % secrets);
    let request = json!({"files": {"db.json": {"from": reference(number)}}, "permissions": "0400",
        "env": {"app": {"PASSWORD": format!("{}#password", reference(number + 1))}}});
    let request: Request = serde_json::from_value(request).expect("a request");
    let pod = serde_json::from_value(pod(NAMESPACE, &name, "default", &request)).expect("a pod");
    let made = Api::<Pod>::namespaced(client.clone(), NAMESPACE).create(&PostParams::default(), &pod).await;
    let bound = BoundObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Pod".into()),
        name: Some(name),
        uid: made.expect("a pod").metadata.uid,
    };
    let spec = TokenRequestSpec {
        audiences: vec![AUDIENCE.into()],
        bound_object_ref: Some(bound),
        expiration_seconds: Some(3600),
    };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let accounts = Api::<ServiceAccount>::namespaced(client, NAMESPACE);
    let answer = accounts.create_token_request("default", &PostParams::default(), &request).await;
    answer.expect("a token").status.expect("a token").token.into()
}

fn apply(plane: &ControlPlane, text: &str) {
    is_done(plane.kubectl_in(text, &["apply", "--server-side", "-f", "-"]));
}

fn is_done(output: Output) {
    output.success().expect("kubectl applies");
}
