//! Gives each pod of a namespace ports of its own, as it is created: pods share the machine's network here, and two
//! replicas of one Deployment would listen on the same ports. A mutating webhook; what comes out is the pod with other
//! numbers in its ports, and `--NAME-listen` for each named port.

use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyhatch::accept::{Limits, Phase, Signals, serve};
use keyhatch::tls::CertificateFiles;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::support::certificates::{CertificateOptions, certificates};
use crate::support::control_plane::ControlPlane;
use crate::support::process::free_address;

/// Ends when it is dropped.
pub(crate) struct Ports {
    runtime: Option<Runtime>,
    _phase: watch::Sender<Phase>,
}

impl Ports {
    /// Starts it, and registers it for the pods of a namespace.
    pub(crate) fn start(plane: &ControlPlane, namespace: &str) -> Self {
        let files = certificates(&plane.root().join("ports"), &CertificateOptions::default());
        let pair = CertificateFiles { cert: files.cert_file, key: files.key_file, ca: None };
        let certificate = pair.load(SystemTime::now()).unwrap();
        let (phase, phases) = watch::channel(Phase::Serving);
        let signals = Signals { tls: watch::channel(Some(certificate)).1, phase: phases };
        let limits = Limits {
            head: Duration::from_secs(10),
            age: Duration::from_secs(3600),
            connections: 64,
            request: Duration::from_secs(60),
        };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = free_address().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(address)).unwrap();
        runtime.spawn(serve(listener, Router::new().route("/", post(review)), limits, signals));
        register(plane, namespace, &format!("https://{address}/"), &files.ca_file);
        Self { runtime: Some(runtime), _phase: phase }
    }
}

impl Drop for Ports {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn register(plane: &ControlPlane, namespace: &str, url: &str, ca_file: &Path) {
    let ca = STANDARD.encode(std::fs::read(ca_file).unwrap());
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "ports"},
        "webhooks": [{
            "name": "ports.test.internal",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "clientConfig": {"url": url, "caBundle": ca},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }],
    });
    plane.kubectl_in(&configuration.to_string(), &["apply", "-f", "-"]).success().unwrap();
}

async fn review(body: Bytes) -> impl IntoResponse {
    let review: Value = serde_json::from_slice(&body).unwrap();
    let patch = patch(&review["request"]["object"]["spec"]["containers"][0]);
    let response = json!({
        "uid": review["request"]["uid"],
        "allowed": true,
        "patchType": "JSONPatch",
        "patch": STANDARD.encode(patch.to_string()),
    });
    let review =
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    ([(CONTENT_TYPE, "application/json")], review.to_string())
}

/// Other numbers for a container's ports, and the arguments that say so.
fn patch(container: &Value) -> Value {
    let (mut ports, mut args) = (container["ports"].clone(), container["args"].clone());
    let args = args.as_array_mut().unwrap();
    for port in ports.as_array_mut().unwrap() {
        let address = free_address().unwrap();
        let flag = format!("--{}-listen=", port["name"].as_str().unwrap());
        args.retain(|arg| !arg.as_str().unwrap().starts_with(&flag));
        args.push(format!("{flag}{address}").into());
        // In a pod with the machine's network they are the same.
        (port["containerPort"], port["hostPort"]) = (address.port().into(), address.port().into());
    }
    let at = |field: &str| format!("/spec/containers/0/{field}");
    json!([
        {"op": "replace", "path": at("ports"), "value": ports},
        {"op": "replace", "path": at("args"), "value": args},
    ])
}
