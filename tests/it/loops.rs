//! What loops stand on, on a real API server: objects that are watched, and what is written to them.

mod flow;
mod watched;
mod write;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyhatch::health::Health;
use keyhatch::leader::{self, Candidate, Guard};
use kube::Client;
use kube::api::Api;
use tokio::task::JoinHandle;

use crate::support::control_plane::{ControlPlane, Options};

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A definition of PushSecrets that lets everything in, as one of another release may.
const LENIENT: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pushsecrets.external-secrets.io}
spec:
  group: external-secrets.io
  names: {kind: PushSecret, plural: pushsecrets, singular: pushsecret, listKind: PushSecretList}
  scope: Namespaced
  versions:
  - name: v1alpha1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"#;

/// A cluster without webhooks, and without any of our kinds.
fn cluster() -> ControlPlane {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap()
}

fn apply(plane: &ControlPlane, objects: &str) {
    plane.kubectl_in(objects, &["apply", "--server-side", "-f", "-"]).success().unwrap();
}

fn push(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: external-secrets.io/v1alpha1, kind: PushSecret, \
         metadata: {{name: {name}, namespace: default}}, spec: {spec}}}"
    )
}

async fn install(plane: &ControlPlane) {
    apply(plane, LENIENT);
    let established =
        ["wait", "--for=condition=Established", "crd/pushsecrets.external-secrets.io", "--timeout=60s"];
    plane.kubectl(&established).success().unwrap();
}

/// Leads, until the task is aborted and the Lease has run out.
async fn lead(client: &Client) -> (Guard, JoinHandle<()>) {
    let duration = Duration::from_secs(5);
    let candidate =
        Candidate { lease: "loops".into(), identity: "test".into(), duration, margin: duration / 5 };
    let part = Arc::new(Health::default()).part("lease");
    let leases = Api::namespaced(client.clone(), "default");
    let (mut guard, election) = leader::elect(leases, candidate, part, std::future::pending());
    let election = tokio::spawn(election);
    guard.elected().await;
    (guard, election)
}

/// Looks until it is as it should be.
async fn eventually<T: Debug>(what: &str, look: impl AsyncFn() -> Result<(), T>) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(found) = look().await {
        assert!(Instant::now() < deadline, "{what}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
