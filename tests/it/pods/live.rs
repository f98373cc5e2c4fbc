//! Pods on a real API server: as they are stored, by whom they are made, and what is refused while nobody answers.

mod limits;
mod markers;
mod preflight;
mod refused;
mod stored;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::{Output, wait_until};
use crate::support::webhook::Webhook;

const LIMIT: Duration = Duration::from_secs(90);
const IMAGE: &str = "--agent-image=registry.example.com/keyhatch-agent:1";

/// A pod that asks for a file and a variable.
pub(super) const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    keyhatch.dev/inject: "true"
    keyhatch.dev/store: aws
    keyhatch.dev/secret-db.json: prod/db
    keyhatch.dev/env-PASSWORD: prod/db#password
spec:
  containers:
  - {name: app, image: app, command: [/app]}
"#;

/// The same without annotations.
pub(super) const PLAIN: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: plain}, spec: {containers: [{name: app, image: app}]}}";

/// A control plane with a webhook that injects, and the policies about pods.
pub(super) struct Site {
    pub(super) plane: ControlPlane,
    pub(super) webhook: Webhook,
}

/// One that all these tests share.
pub(super) fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(Site::start)
}

impl Site {
    pub(super) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One whose webhook has further flags.
    pub(super) fn start_with(flags: &[&str]) -> Self {
        let plane = ControlPlane::start(&Options::default()).unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let webhook = Webhook::serve_with(bin, &plane, &[&[IMAGE], flags].concat()).unwrap();
        webhook.register(&plane).unwrap();
        plane
            .kubectl(&["apply", "--server-side", "-f", "manifests/base/pod-policies.yaml"])
            .success()
            .unwrap();
        let site = Self { plane, webhook };
        site.wait_refused_in("kube-system");
        let namespace = site.namespace("probe");
        wait_until(LIMIT, "a pod to be injected", || {
            let pod = site.stored(&namespace, POD)?;
            pod.pointer("/spec/initContainers/0/name").map(drop).ok_or_else(|| pod.to_string())
        });
        site
    }

    /// A policy takes a moment to act.
    fn wait_refused_in(&self, namespace: &str) {
        wait_until(LIMIT, "the policy about pods to act", || {
            let output = self.try_out(namespace, POD);
            if output.stderr.contains("keyhatch-injected") { Ok(()) } else { Err(output.stderr) }
        });
    }

    /// A namespace with a store and the ServiceAccount that pods run as.
    pub(super) fn namespace(&self, name: &str) -> String {
        let namespace = self.plane.namespace(name);
        let store = "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: aws}, \
                      spec: {provider: {aws: {service: SecretsManager, region: eu-central-1}}}}";
        self.plane
            .kubectl_in(store, &["apply", "-n", &namespace, "--server-side", "-f", "-"])
            .success()
            .unwrap();
        wait_until(LIMIT, "the ServiceAccount", || {
            self.plane.kubectl(&["get", "serviceaccount", "default", "-n", &namespace]).success()
        });
        namespace
    }

    /// Creates an object, without storing it.
    pub(super) fn try_out(&self, namespace: &str, object: &str) -> Output {
        self.plane.kubectl_in(object, &["create", "-n", namespace, "--dry-run=server", "-f", "-"])
    }

    /// An object as it would be stored.
    pub(super) fn stored(&self, namespace: &str, object: &str) -> Result<Value, String> {
        let args = ["create", "-n", namespace, "--dry-run=server", "-o", "json", "-f", "-"];
        let output = self.plane.kubectl_in(object, &args).success()?;
        serde_json::from_str(&output).map_err(|error| error.to_string())
    }

    /// Creates an object, and gives it as it is stored.
    #[track_caller]
    pub(super) fn create(&self, namespace: &str, object: &str) -> Value {
        let args = ["create", "-n", namespace, "-o", "json", "-f", "-"];
        let output = self.plane.kubectl_in(object, &args).success().unwrap();
        serde_json::from_str(&output).unwrap()
    }
}

/// The names of a pod's init containers and containers.
pub(super) fn names(pod: &Value) -> Vec<&str> {
    let list = |name: &str| pod["spec"][name].as_array().into_iter().flatten();
    list("initContainers")
        .chain(list("containers"))
        .filter_map(|container| container["name"].as_str())
        .collect()
}
