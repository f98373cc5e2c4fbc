//! The real `keyhatch serve --flows=pods` in front of a [`ControlPlane`] and an [`Aws`], with the rights that the manifests
//! grant and no other; and pods as a webhook would make them, with their tokens.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::slice::from_mut;
use std::time::{Duration, Instant};

use keyhatch_agent::{ANSWER_PATH, AUDIENCE, Invocation, Mode, Request};
use serde_json::{Value, json};

use super::aws::Aws;
use super::certificates::{CertificateOptions, Certificates, certificates};
use super::control_plane::ControlPlane;
use super::http;
use super::process::{Process, free_address, next_number, retry, wait_ready};

const SERVE_LIMIT: Duration = Duration::from_secs(90);

/// A running broker; dropping it ends the process.
pub(crate) struct Broker {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// `http://127.0.0.1:PORT`, with `/readyz` and `/metrics`.
    pub(crate) health: String,
    pub(crate) certificates: Certificates,
    process: Process,
}

impl Broker {
    /// Starts it as ServiceAccount keyhatch of a namespace of its own, and waits until it is ready. Everything that it
    /// can log is logged.
    pub(crate) fn start(bin: &Path, plane: &ControlPlane, aws: &Aws, flags: &[&str]) -> Result<Self, String> {
        let name = format!("broker-{}-{}", std::process::id(), next_number());
        grant(plane, &name)?;
        let kubeconfig = plane.kubeconfig_in(&name, "keyhatch", plane.url())?;
        let certificates = certificates(&plane.root().join(&name), &CertificateOptions::default());
        let start = |deadline| {
            let (address, health) = (free_address()?.to_string(), free_address()?.to_string());
            let mut command = Command::new(bin);
            command.env_clear().env("RUST_LOG", "trace").env("AWS_EC2_METADATA_DISABLED", "true");
            command.args(["serve", "--flows=pods", "--log-level=debug", "--health-listen", &health]);
            command.args(["--broker-listen", &address, "--secretsmanager-endpoint", &aws.url()]);
            command.args(["--sts-endpoint", &aws.url()]).arg("--kubeconfig").arg(&kubeconfig);
            command.arg("--tls-cert-file").arg(&certificates.cert_file);
            command.arg("--tls-key-file").arg(&certificates.key_file);
            command.arg("--tls-ca-file").arg(&certificates.ca_file).args(flags);
            let mut process = plane.spawn(&name, &mut command)?;
            let readyz = format!("http://{health}/readyz");
            wait_ready(from_mut(&mut process), deadline, || http::get(&readyz)?.ok().map(drop))?;
            Ok((address, format!("http://{health}"), process))
        };
        let (address, health, process) = retry(Instant::now() + SERVE_LIMIT, start)?;
        Ok(Self { address, health, certificates, process })
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks with a token, and perhaps with the tag of what it has.
    pub(crate) fn ask(&self, token: &str, tag: Option<&str>) -> http::Response {
        let mut head = format!("authorization: Bearer {token}\r\n");
        if let Some(tag) = tag {
            write!(head, "if-none-match: {tag}\r\n").expect("a text grows");
        }
        self.send(&head)
    }

    /// Asks with these headers.
    pub(crate) fn send(&self, head: &str) -> http::Response {
        send(&self.address, &self.certificates.ca_file, head).expect("the broker answers")
    }
}

/// Asks a broker whose certificate must come from `ca_file`.
pub(crate) fn send(address: &str, ca_file: &Path, head: &str) -> Result<http::Response, String> {
    let request = format!("GET {ANSWER_PATH} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{head}\r\n");
    http::exchange(http::connect_tls(address, ca_file)?, &request)
}

/// The rights of the component pods, for this namespace's ServiceAccount.
fn grant(plane: &ControlPlane, namespace: &str) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/components/pods/rbac.yaml");
    let rights = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let rights = rights
        .replace("namespace: keyhatch", &format!("namespace: {namespace}"))
        .replace("name: keyhatch-pods", &format!("name: {namespace}"));
    let account = format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}\n---\n\
         {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: keyhatch, namespace: {namespace}}}}}\n---\n"
    );
    let args = ["apply", "--server-side", "-f", "-"];
    plane.kubectl_in(&format!("{account}{rights}"), &args).success().map(drop)
}

/// A pod with an injected container that asks for this.
pub(crate) fn pod(namespace: &str, name: &str, account: &str, request: &Request) -> Value {
    let (mode, restart) = match request.refresh {
        Some(_) => (Mode::Sidecar, Some("Always")),
        None => (Mode::Init, None),
    };
    let invocation = Invocation {
        mode,
        request: request.clone(),
        broker: "keyhatch.keyhatch.svc:10251".into(),
        broker_address: None,
        roots: "-".into(),
        deadline: 60,
    };
    let agent = json!({"name": "keyhatch-agent", "image": "agent", "command": ["/keyhatch-agent"],
        "args": invocation.to_args().expect("a request is JSON"), "restartPolicy": restart});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
        "spec": {"serviceAccountName": account, "initContainers": [agent],
            "containers": [{"name": "app", "image": "app"}],
            "volumes": [{"name": "keyhatch", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}]}})
}

/// A token of a ServiceAccount, as `flags` of `kubectl create token` bind it.
pub(crate) fn token(plane: &ControlPlane, namespace: &str, account: &str, flags: &[&str]) -> String {
    let args = [&["create", "token", account, "-n", namespace], flags].concat();
    plane.kubectl(&args).success().expect("a token").trim().to_owned()
}

/// The token that the kubelet would put into a pod.
pub(crate) fn pod_token(plane: &ControlPlane, namespace: &str, account: &str, pod: &str) -> String {
    let audience = format!("--audience={AUDIENCE}");
    let name = format!("--bound-object-name={pod}");
    token(plane, namespace, account, &[&audience, "--bound-object-kind=Pod", &name])
}
