//! The real `keyhatch serve --flows=loops` between a [`ControlPlane`] and an endpoint of AWS, with the rights that the manifests
//! grant and no other.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice::from_mut;
use std::time::{Duration, Instant};

use super::certificates::{CertificateOptions, Certificates, certificates};
use super::control_plane::ControlPlane;
use super::http;
use super::process::{Process, free_address, next_number, retry, wait_ready};

const SERVE_LIMIT: Duration = Duration::from_secs(60);

/// How replicas of one installation are started.
pub(crate) struct Installation<'a> {
    plane: &'a ControlPlane,
    bin: PathBuf,
    /// Our own namespace.
    pub(crate) namespace: String,
    kubeconfig: PathBuf,
    certificates: Certificates,
    endpoint: String,
    flags: Vec<String>,
}

/// A running loop; dropping it ends the process.
pub(crate) struct Looper {
    /// `http://127.0.0.1:PORT`, with `/readyz` and `/metrics`.
    pub(crate) health: String,
    pub(crate) process: Process,
}

impl<'a> Installation<'a> {
    /// ServiceAccount keyhatch of a namespace of its own, with the rights of the component loops. `endpoint` stands in for
    /// Secrets Manager and STS.
    pub(crate) fn new(
        bin: &Path,
        plane: &'a ControlPlane,
        endpoint: &str,
        flags: &[&str],
    ) -> Result<Self, String> {
        let namespace = format!("loops-{}-{}", std::process::id(), next_number());
        grant(plane, &namespace)?;
        Ok(Self {
            plane,
            bin: bin.to_owned(),
            kubeconfig: plane.kubeconfig_in(&namespace, "keyhatch", plane.url())?,
            certificates: certificates(&plane.root().join(&namespace), &CertificateOptions::default()),
            endpoint: endpoint.to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            namespace,
        })
    }

    /// Starts a replica, and waits until it is ready; that it leads is another matter.
    pub(crate) fn start(&self) -> Result<Looper, String> {
        let Self { plane, bin, namespace, kubeconfig, certificates, endpoint, flags } = self;
        let start = |deadline| {
            let health = free_address()?.to_string();
            let mut command = Command::new(bin);
            command.env_clear().env("AWS_EC2_METADATA_DISABLED", "true");
            command.args(["serve", "--flows=loops", "--health-listen", &health, "--namespace", namespace]);
            command.args(["--secretsmanager-endpoint", endpoint, "--sts-endpoint", endpoint]);
            command.arg("--kubeconfig").arg(kubeconfig).arg("--drain-delay=0s");
            command.arg("--tls-cert-file").arg(&certificates.cert_file);
            command.arg("--tls-key-file").arg(&certificates.key_file).args(flags);
            let mut process = plane.spawn(&format!("{namespace}-{}", next_number()), &mut command)?;
            let readyz = format!("http://{health}/readyz");
            wait_ready(from_mut(&mut process), deadline, || http::get(&readyz)?.ok().map(drop))?;
            Ok(Looper { health: format!("http://{health}"), process })
        };
        retry(Instant::now() + SERVE_LIMIT, start)
    }
}

impl Looper {
    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }
}

fn grant(plane: &ControlPlane, namespace: &str) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/components/loops/rbac.yaml");
    let rights = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let rights = rights
        .replace("namespace: keyhatch", &format!("namespace: {namespace}"))
        .replace("name: keyhatch-loops", &format!("name: {namespace}"));
    let account = format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}\n---\n\
         {{apiVersion: v1, kind: ServiceAccount, metadata: {{name: keyhatch, namespace: {namespace}}}}}\n---\n"
    );
    let args = ["apply", "--server-side", "-f", "-"];
    plane.kubectl_in(&format!("{account}{rights}"), &args).success().map(drop)
}
