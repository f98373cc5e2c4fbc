//! The real `keyhatch` binary as a webhook of a [`ControlPlane`].
//!
//! [`Webhook::serve`] starts it with new certificates and waits for its `/readyz`; [`Webhook::register`]
//! installs the CustomResourceDefinitions and the webhook configuration as a user would, and returns only
//! when the API server really asks the webhook. The process ends with its [`Webhook`], or with the process
//! that started it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice::from_mut;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::certificates::{Authority, CertificateOptions, Certificates};
use super::control_plane::{self, ControlPlane};
use super::http;
use super::kubectl::poll;
use super::process::{Process, free_address, next_number, retry, wait_ready};

const SERVE_LIMIT: Duration = Duration::from_secs(90);
const REGISTER_LIMIT: Duration = Duration::from_secs(90);

/// A store that the webhook refuses, naming the region, and that nothing else would.
const PROBE: &str = r#"
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: probe, namespace: default}
spec: {provider: {aws: {service: SecretsManager, region: us-esat-1}}}
"#;

/// Objects are judged alone.
const ALONE: [&str; 3] =
    ["--rule=store-unknown=off", "--rule=namespaces-unmatched=off", "--rule=push-stores-unmatched=off"];

/// A running webhook; dropping it ends the process.
pub(crate) struct Webhook {
    /// `https://127.0.0.1:PORT`, where the API server sends reviews.
    pub(crate) url: String,
    /// `http://127.0.0.1:PORT`, with `/readyz`, `/livez` and `/metrics`.
    pub(crate) health: String,
    /// Issues further certificates for [`Self::certificates`], as in a rotation.
    pub(crate) authority: Authority,
    pub(crate) certificates: Certificates,
    bin: PathBuf,
    process: Process,
}

/// What pods are given, and by whom.
pub(crate) struct Pods {
    /// The image of the agent.
    pub(crate) image: &'static str,
    /// Where the broker listens.
    pub(crate) broker: std::net::SocketAddr,
    /// The endpoint of AWS.
    pub(crate) aws: String,
    /// Further flags of `serve`.
    pub(crate) flags: &'static [&'static str],
}

/// A control plane with its webhook.
pub(crate) struct Cluster {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) webhook: Webhook,
}

/// The shared control plane with one registered webhook, which all tests of this process share. `bin` is
/// `env!("CARGO_BIN_EXE_keyhatch")`, which only an integration test knows.
pub(crate) fn shared(bin: &str) -> &'static Cluster {
    static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
    let cluster = SHARED.get_or_init(|| {
        let plane = control_plane::shared();
        // Most objects are only tried out, without the stores and namespaces that they name.
        let webhook = Webhook::serve_with(Path::new(bin), plane, &ALONE)?;
        webhook.register(plane)?;
        Ok(Cluster { plane, webhook })
    });
    cluster.as_ref().unwrap_or_else(|error| panic!("no webhook: {error}"))
}

impl Webhook {
    /// Starts `keyhatch serve` in the folder of `plane` and waits until it is ready; does not register it.
    pub(crate) fn serve(bin: &Path, plane: &ControlPlane) -> Result<Self, String> {
        Self::serve_with(bin, plane, &[])
    }

    /// The same with further flags.
    pub(crate) fn serve_with(bin: &Path, plane: &ControlPlane, flags: &[&str]) -> Result<Self, String> {
        let name = format!("keyhatch-{}", next_number());
        let authority = Authority::new();
        let certificates = authority.issue(&plane.root().join(&name), &CertificateOptions::default());
        let start = |deadline| {
            let (listen, health) = (free_address()?.to_string(), free_address()?.to_string());
            let mut command = serve_command(bin, &listen, &health, &certificates);
            let kubeconfig = plane.kubeconfig();
            let mut process = plane.spawn(&name, command.arg("--kubeconfig").arg(kubeconfig).args(flags))?;
            let readyz = format!("http://{health}/readyz");
            wait_ready(from_mut(&mut process), deadline, || http::get(&readyz)?.ok().map(drop))?;
            Ok((format!("https://{listen}"), format!("http://{health}"), process))
        };
        let (url, health, process) = retry(Instant::now() + SERVE_LIMIT, start)?;
        Ok(Self { url, health, authority, certificates, bin: bin.to_owned(), process })
    }

    /// The same, and it gives pods their secrets, from this AWS, at `https://localhost:PORT` of `pods.broker`.
    pub(crate) fn serve_pods(bin: &Path, plane: &ControlPlane, pods: &Pods) -> Result<Self, String> {
        let port = pods.broker.port();
        let flags = [
            "--flows=admission,pods".to_owned(),
            format!("--agent-image={}", pods.image),
            format!("--broker-listen={}", pods.broker),
            format!("--broker-name=localhost:{port}"),
            format!("--secretsmanager-endpoint={}", pods.aws),
            format!("--sts-endpoint={}", pods.aws),
        ];
        let flags: Vec<&str> = flags.iter().map(String::as_str).chain(pods.flags.iter().copied()).collect();
        Self::serve_with(bin, plane, &flags)
    }

    /// Puts the webhook in the path of `plane`'s API server.
    pub(crate) fn register(&self, plane: &ControlPlane) -> Result<(), String> {
        self.install(plane, &[])?;
        wait_in_path(plane).map_err(|error| format!("{error}\nlog of keyhatch:\n{}", self.log()))
    }

    /// Installs definitions and configuration, with further flags for `webhook-config`. The API server takes a
    /// moment to notice.
    pub(crate) fn install(&self, plane: &ControlPlane, flags: &[&str]) -> Result<(), String> {
        let crds = self.manifests(&["crds"])?;
        plane.kubectl_in(&crds, &["apply", "--server-side", "-f", "-"]).success()?;
        let established = ["wait", "--for=condition=Established", "--timeout=30s", "-f", "-"];
        plane.kubectl_in(&crds, &established).success()?;
        let ca_file = self.certificates.ca_file.display().to_string();
        let args = [&["webhook-config", "--url", &self.url, "--ca-file", &ca_file], flags].concat();
        let config = self.manifests(&args)?;
        plane.kubectl_in(&config, &["apply", "-f", "-"]).success().map(drop)
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// The file that [`Self::log`] reads.
    pub(crate) fn log_file(&self) -> &Path {
        self.process.log_file()
    }

    /// The process id, for tests that send it a signal.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    fn manifests(&self, args: &[&str]) -> Result<String, String> {
        let output = keyhatch(&self.bin).args(args).output();
        let output = output.map_err(|error| format!("cannot run {}: {error}", self.bin.display()))?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            return Err(format!("`keyhatch {}` failed ({}): {stderr}", args.join(" "), output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("keyhatch {}: {error}", args.join(" ")))
    }
}

/// Waits until the API server asks a webhook. It takes a moment to notice a new configuration, and would let
/// everything through. Asks by server-side apply because any POST is delayed by two seconds while the definition is
/// that new.
pub(crate) fn wait_in_path(plane: &ControlPlane) -> Result<(), String> {
    poll(REGISTER_LIMIT, "a store with region us-esat-1 is refused", || {
        let output = plane.kubectl_in(PROBE, &["apply", "--server-side", "--dry-run=server", "-f", "-"]);
        if output.is_denied() && output.stderr.contains("us-esat-1") {
            return Ok(());
        }
        Err(format!("{}{}", output.stdout, output.stderr))
    })
}

/// Nothing of the caller's environment may configure it.
fn keyhatch(bin: &Path) -> Command {
    let mut command = Command::new(bin);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path))).env("RUST_LOG", "trace");
    command
}

fn serve_command(bin: &Path, listen: &str, health: &str, certificates: &Certificates) -> Command {
    let mut command = keyhatch(bin);
    command.args(["serve", "--webhook-listen", listen, "--health-listen", health]);
    command.arg("--tls-cert-file").arg(&certificates.cert_file);
    command.arg("--tls-key-file").arg(&certificates.key_file);
    command.arg("--tls-ca-file").arg(&certificates.ca_file);
    command
}
