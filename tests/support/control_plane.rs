//! A Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager as child processes.
//!
//! Everything listens on free ports of 127.0.0.1, lives in one private temporary folder and ends with this
//! process, however it ends (see [`super::process`]). Certificates, keys and the administrator's token are
//! new for every start. The binaries come from `KEYHATCH_CLUSTER_BIN` or else from `target/cluster`, which
//! `make cluster` fills.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::certificates::{self, Authority, CertificateOptions, Certificates};
use super::http;
use super::process::{Guardian, Process, free_address, retry, wait_ready};

const START_LIMIT: Duration = Duration::from_secs(60);

/// What tests need done for them; the other controllers would only use memory.
const CONTROLLERS: &str = "namespace-controller,serviceaccount-controller,garbage-collector-controller,\
                           deployment-controller,replicaset-controller,job-controller,resourcequota-controller,\
                           endpointslice-controller";
/// What a cluster with a node needs besides.
const CONTROLLERS_OF_NODES: &str = "node-lifecycle-controller,root-ca-certificate-publisher-controller,\
                                    statefulset-controller,daemonset-controller,cronjob-controller";

/// Who wrote what, and which version came of it; of our own ServiceAccount also what it read.
const AUDIT: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  verbs: [create, update, patch, delete]
  resources:
  - {group: '', resources: [secrets]}
  - {group: coordination.k8s.io, resources: [leases]}
  - {group: admissionregistration.k8s.io, resources: [validatingwebhookconfigurations, mutatingwebhookconfigurations]}
- level: Metadata
  users: ['system:serviceaccount:keyhatch:keyhatch']
- level: None
";

const AUDIT_BODIES: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
";

/// What to start besides etcd and kube-apiserver.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Start kube-controller-manager, unless its binary is missing (`KUBEBUILDER_ASSETS` has none).
    pub(crate) controller_manager: bool,
    /// Keep an audit log of all writes, with what was answered: see [`ControlPlane::audited`].
    pub(crate) audit: bool,
    /// Keep an audit log of everything, with what was asked and answered.
    pub(crate) audit_bodies: bool,
    /// Make it ready for a node: see [`super::machine`].
    pub(crate) node: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { controller_manager: true, audit: false, audit_bodies: false, node: false }
    }
}

/// A running control plane; dropping it ends its processes and removes its folder.
pub(crate) struct ControlPlane {
    processes: Vec<Process>, // dropped before the guardian, so nothing writes to the folder it removes
    guardian: Guardian,
    bin: PathBuf,
    url: String,
}

/// The control plane that all tests of this process share.
pub(crate) fn shared() -> &'static ControlPlane {
    static SHARED: OnceLock<Result<ControlPlane, String>> = OnceLock::new();
    let plane = SHARED.get_or_init(|| ControlPlane::start(&Options::default()));
    plane.as_ref().unwrap_or_else(|error| panic!("no control plane: {error}"))
}

impl ControlPlane {
    /// Starts everything and waits until the API server is ready.
    pub(crate) fn start(options: &Options) -> Result<Self, String> {
        let bin = binaries()?;
        retry(Instant::now() + START_LIMIT, |deadline| {
            let mut plane = Self {
                processes: Vec::new(),
                guardian: Guardian::new()?,
                bin: bin.clone(),
                url: String::new(),
            };
            let etcd = plane.start_etcd(deadline)?;
            plane.start_apiserver(&etcd, options, deadline)?;
            if options.controller_manager {
                plane.start_controller_manager(options)?;
            }
            Ok(plane)
        })
    }

    /// The private folder of this control plane, with the logs of its processes.
    pub(crate) fn root(&self) -> &Path {
        self.guardian.root()
    }

    /// Starts another process that ends with this control plane at the latest.
    pub(crate) fn spawn(&self, name: &str, command: &mut Command) -> Result<Process, String> {
        self.guardian.spawn(name, command)
    }

    /// The kubeconfig of the administrator.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.root().join("kubeconfig")
    }

    /// A kubeconfig for a ServiceAccount of namespace `keyhatch`, which reaches the API server under another URL.
    pub(crate) fn kubeconfig_of(&self, account: &str, url: &str) -> Result<PathBuf, String> {
        self.kubeconfig_in("keyhatch", account, url)
    }

    /// The same for any namespace.
    pub(crate) fn kubeconfig_in(&self, namespace: &str, account: &str, url: &str) -> Result<PathBuf, String> {
        let token = self.kubectl(&["create", "token", account, "-n", namespace]).success()?;
        let file = self.root().join(format!("kubeconfig-{namespace}-{account}"));
        fs::write(&file, kubeconfig(url, &self.ca_file(), token.trim()))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
        Ok(file)
    }

    /// Writes a kubeconfig with another token, and returns where.
    pub(crate) fn write_kubeconfig(&self, file: &Path, token: &str) -> PathBuf {
        fs::write(file, kubeconfig(&self.url, &self.ca_file(), token)).expect("a writable folder");
        file.to_owned()
    }

    /// A client for the administrator.
    pub(crate) async fn client(&self) -> kube::Client {
        keyhatch::cluster::connect(Some(self.kubeconfig())).await.expect("a kubeconfig").expect("a client")
    }

    /// The CA of the API server.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.root().join("apiserver/ca.crt")
    }

    /// The folder with what a kubelet is called with; only [`Options::node`] makes it.
    pub(crate) fn kubelet_clients(&self) -> PathBuf {
        self.root().join("kubelet")
    }

    /// The audit log so far: one event for every request that was answered.
    pub(crate) fn audited(&self) -> Vec<serde_json::Value> {
        let log = fs::read_to_string(self.root().join("audit.jsonl")).unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The kubectl that fits this control plane.
    pub(crate) fn kubectl_file(&self) -> PathBuf {
        self.bin.join("kubectl")
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn command(&self, name: &str, args: &[String]) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(args).current_dir(self.root());
        command
    }

    fn start_etcd(&mut self, deadline: Instant) -> Result<String, String> {
        let host = free_address()?.to_string();
        let url = format!("http://{host}");
        let args = [
            "--data-dir=etcd".to_owned(),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        self.processes.push(self.spawn("etcd", &mut self.command("etcd", &args))?);
        wait_ready(&mut self.processes, deadline, || http::connect(&host).map(drop))?;
        Ok(url)
    }

    fn start_apiserver(&mut self, etcd: &str, options: &Options, deadline: Instant) -> Result<(), String> {
        let address = free_address()?;
        self.url = format!("https://{address}");
        let tls = certificates::certificates(&self.root().join("apiserver"), &CertificateOptions::default());
        self.write_credentials(&tls).map_err(|error| format!("cannot write credentials: {error}"))?;
        let mut args = vec![
            format!("--etcd-servers={etcd}"),
            format!("--bind-address={}", address.ip()),
            format!("--secure-port={}", address.port()),
            format!("--tls-cert-file={}", tls.cert_file.display()),
            format!("--tls-private-key-file={}", tls.key_file.display()),
            "--token-auth-file=tokens.csv".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            "--service-account-key-file=accounts.pub".to_owned(),
            "--service-account-signing-key-file=accounts.key".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
            "--allow-privileged=true".to_owned(),
            // A Service has no address that could be called: without endpoints a call fails at once.
            "--enable-aggregator-routing=true".to_owned(),
        ];
        if options.node {
            // As whom kubectl's logs and exec reach the kubelet.
            Authority::new().issue_client(&self.kubelet_clients());
            args.extend([
                "--kubelet-client-certificate=kubelet/client.crt".to_owned(),
                "--kubelet-client-key=kubelet/client.key".to_owned(),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
            ]);
        }
        if options.audit || options.audit_bodies {
            let policy = if options.audit_bodies { AUDIT_BODIES } else { AUDIT };
            fs::write(self.root().join("audit.yaml"), policy)
                .map_err(|error| format!("audit.yaml: {error}"))?;
            args.push("--audit-policy-file=audit.yaml".to_owned());
            args.push("--audit-log-path=audit.jsonl".to_owned());
        }
        self.processes.push(self.spawn("kube-apiserver", &mut self.command("kube-apiserver", &args))?);
        let readyz = format!("{}/readyz", self.url);
        wait_ready(&mut self.processes, deadline, || http::get_tls(&readyz, &tls.ca_file)?.ok().map(drop))
    }

    /// It needs no waiting for: nothing that tests ask of the API server depends on it being ready.
    fn start_controller_manager(&mut self, options: &Options) -> Result<(), String> {
        if !self.bin.join("kube-controller-manager").exists() {
            return Ok(());
        }
        let more = if options.node { format!(",{CONTROLLERS_OF_NODES}") } else { String::new() };
        let args = [
            "--kubeconfig=kubeconfig".to_owned(),
            "--service-account-private-key-file=accounts.key".to_owned(),
            "--root-ca-file=apiserver/ca.crt".to_owned(),
            format!("--controllers={CONTROLLERS}{more}"),
            "--leader-elect=false".to_owned(),
            "--secure-port=0".to_owned(),
        ];
        let mut command = self.command("kube-controller-manager", &args);
        self.processes.push(self.spawn("kube-controller-manager", &mut command)?);
        Ok(())
    }

    fn write_credentials(&self, tls: &Certificates) -> std::io::Result<()> {
        let accounts = certificates::key();
        let token = random_token()?;
        let write = |name: &str, text: &str| fs::write(self.root().join(name), text);
        write("accounts.key", &accounts.serialize_pem())?;
        write("accounts.pub", &accounts.public_key_pem())?;
        write("tokens.csv", &format!("{token},admin,admin,system:masters\n"))?;
        write("kubeconfig", &kubeconfig(&self.url, &tls.ca_file, &token))
    }
}

fn kubeconfig(url: &str, ca_file: &Path, token: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: keyhatch
  cluster: {{server: {url:?}, certificate-authority: {ca_file:?}}}
users:
- name: admin
  user: {{token: {token:?}}}
contexts:
- name: keyhatch
  context: {{cluster: keyhatch, user: admin}}
current-context: keyhatch
"
    )
}

fn random_token() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// The folder of the control plane's binaries.
fn binaries() -> Result<PathBuf, String> {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cluster").into_os_string();
    let bin = PathBuf::from(std::env::var_os("KEYHATCH_CLUSTER_BIN").unwrap_or_else(built));
    for name in ["etcd", "kube-apiserver", "kubectl"] {
        if !bin.join(name).exists() {
            return Err(format!("{} has no {name}: run `make cluster` first", bin.display()));
        }
    }
    bin.canonicalize().map_err(|error| format!("cannot read {}: {error}", bin.display()))
}
