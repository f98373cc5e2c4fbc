//! One cluster for all tests on the node: control plane, node, Keyhatch, an AWS. A namespace a test.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys, allow_all};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::machine::{self, Machine};
use crate::support::process::free_address;
use crate::support::webhook::{Pods, Webhook};

/// What is in the image of the agent here.
pub(crate) const IMAGE: &str = "docker.io/library/keyhatch:0.1.0";
pub(crate) const BUSYBOX: &str = "docker.io/local/busybox:1";
const ACCOUNT: &str = "111122223333";
const LIMIT: Duration = Duration::from_secs(180);

/// A program that shows its file once a second.
pub(crate) const FOLLOW: &str =
    "while true; do /busybox cat /secrets/db; /busybox echo; /busybox sleep 1; done";

/// Everything; ended when the last test that uses it is over, or with this process.
pub(crate) struct Cluster {
    pub(crate) plane: ControlPlane,
    pub(crate) machine: Mutex<Machine>,
    pub(crate) aws: Aws,
    pub(crate) account: Account,
    pub(crate) keyhatch: Mutex<Option<Webhook>>,
    bin: PathBuf,
    broker: SocketAddr,
    flags: &'static [&'static str],
}

/// The cluster that the tests of this process share.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
    SHARED
        .get_or_init(|| Cluster::start(bin(), &[]))
        .as_ref()
        .unwrap_or_else(|error| panic!("no cluster: {error}"))
}

impl Cluster {
    /// One that a test may break; it lives as long as this process.
    pub(crate) fn apart() -> &'static Self {
        Self::apart_with(&[])
    }

    /// The same with further flags for Keyhatch.
    pub(crate) fn apart_with(flags: &'static [&'static str]) -> &'static Self {
        Self::leaked(bin(), flags)
    }

    /// One with the programs that `make image` packed: those of the tests are not made to be fast.
    pub(crate) fn released() -> &'static Self {
        // Held to 200m, the agent waits for its next 20 ms in each 100 ms, as often as its core is slow: that is no measure of it.
        Self::leaked(machine::repository().join("target/static/keyhatch"), &["--agent-limits=cpu=1"])
    }

    fn leaked(bin: PathBuf, flags: &'static [&'static str]) -> &'static Self {
        Box::leak(Box::new(Self::start(bin, flags).unwrap_or_else(|error| panic!("no cluster: {error}"))))
    }

    fn start(bin: PathBuf, flags: &'static [&'static str]) -> Result<Self, String> {
        let plane = ControlPlane::start(&Options { node: true, ..Options::default() })?;
        let busybox = plane.root().join("busybox.tar");
        machine::archive(&busybox, BUSYBOX, &[PathBuf::from("/bin/busybox")])?;
        let machine = Machine::start(&plane, &[busybox, image()?])?;
        let aws = Aws::start();
        let account = aws.account(ACCOUNT);
        let broker = free_address()?;
        let users = ["apply", "-f", "manifests/components/pods/store-users.yaml"];
        plane.kubectl(&users).success()?;
        let keyhatch = serve(&bin, &plane, &aws, broker, flags)?;
        keyhatch.register(&plane)?;
        wait_ready(&plane);
        Ok(Self {
            plane,
            machine: Mutex::new(machine),
            aws,
            account,
            keyhatch: Mutex::new(Some(keyhatch)),
            bin,
            broker,
            flags,
        })
    }

    /// A namespace with the store `aws`.
    pub(crate) fn namespace(&'static self, name: &str) -> Namespace {
        let name = self.plane.namespace(name);
        let keys = self.account.user(&name, &[allow_all()]);
        let store = store(&keys, &name);
        let namespace = Namespace { cluster: self, name };
        namespace.apply(&store);
        namespace
    }

    /// Keyhatch is away from now on.
    pub(crate) fn stop_keyhatch(&self) {
        self.keyhatch.lock().unwrap().take();
    }

    /// Keyhatch is back, at another address.
    pub(crate) fn start_keyhatch(&self) {
        let keyhatch = serve(&self.bin, &self.plane, &self.aws, self.broker, self.flags).unwrap();
        keyhatch.register(&self.plane).unwrap();
        *self.keyhatch.lock().unwrap() = Some(keyhatch);
    }
}

fn bin() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_keyhatch"))
}

fn serve(
    bin: &Path,
    plane: &ControlPlane,
    aws: &Aws,
    broker: SocketAddr,
    flags: &'static [&'static str],
) -> Result<Webhook, String> {
    let pods = Pods { image: IMAGE, broker, aws: aws.url(), flags };
    Webhook::serve_pods(bin, plane, &pods)
}

/// The store `aws` of a namespace, with these keys.
pub(crate) fn store(keys: &Keys, namespace: &str) -> String {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": namespace},
        "stringData": {"id": keys.id, "secret": keys.secret},
    });
    let reference = |key: &str| json!({"name": "keys", "key": key});
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": {"name": "aws", "namespace": namespace},
        "spec": {"provider": {"aws": {
            "service": "SecretsManager", "region": "eu-central-1",
            "auth": {"secretRef": {
                "accessKeyIDSecretRef": reference("id"), "secretAccessKeySecretRef": reference("secret"),
            }},
        }}},
    });
    format!("{secret}\n---\n{store}\n")
}

/// The archive that `make image` wrote.
pub(crate) fn image() -> Result<PathBuf, String> {
    let archive = machine::repository().join("target/keyhatch.tar");
    archive
        .exists()
        .then_some(archive)
        .ok_or_else(|| "target/keyhatch.tar is missing: run `make image`".into())
}

fn wait_ready(plane: &ControlPlane) {
    let node = &["wait", "--for=condition=Ready", "node/127.0.0.1", "--timeout=5s"];
    wait_until(LIMIT, "the node is ready", || plane.kubectl(node).success().map(drop));
}

/// A namespace of one test.
pub(crate) struct Namespace {
    pub(crate) cluster: &'static Cluster,
    pub(crate) name: String,
}

impl Namespace {
    pub(crate) fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.cluster.plane.kubectl(&[&["--namespace", self.name.as_str()], args].concat()).success()
    }

    pub(crate) fn apply(&self, objects: &str) {
        let args = ["--namespace", &self.name, "apply", "-f", "-"];
        self.cluster.plane.kubectl_in(objects, &args).success().unwrap();
    }

    /// What an attempt to apply says, good or bad.
    pub(crate) fn try_apply(&self, objects: &str) -> Result<String, String> {
        let args = ["--namespace", &self.name, "apply", "-f", "-"];
        self.cluster.plane.kubectl_in(objects, &args).success()
    }

    /// Waits for a JSONPath of an object.
    pub(crate) fn wait(&self, object: &str, path: &str, value: &str) {
        let output = format!("jsonpath={path}");
        let seen = || {
            let seen = self.kubectl(&["get", object, "-o", &output])?;
            if seen == value { Ok(()) } else { Err(format!("it is {seen:?}")) }
        };
        self.until(&format!("{object} {path} is {value:?}"), seen);
    }

    /// Waits for anything; says everything that is known when it does not come.
    pub(crate) fn until<T>(&self, what: &str, mut condition: impl FnMut() -> Result<T, String>) -> T {
        let started = Instant::now();
        loop {
            match condition() {
                Ok(value) => return value,
                Err(error) if started.elapsed() > LIMIT => {
                    panic!("{what}: not within {LIMIT:?}; last reason: {error}\n{}", self.dump());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    pub(crate) fn logs(&self, pod: &str, container: &str) -> String {
        self.kubectl(&["logs", pod, "-c", container])
            .unwrap_or_else(|error| panic!("{error}\n{}", self.dump()))
    }

    /// Everything that helps to find out why.
    pub(crate) fn dump(&self) -> String {
        let pods = self.kubectl(&["get", "pods,events", "-o", "wide"]).unwrap_or_default();
        let agents =
            self.kubectl(&["logs", "-l", "app", "-c", "keyhatch-agent", "--prefix"]).unwrap_or_default();
        let keyhatch = self.cluster.keyhatch.lock().map(|keyhatch| keyhatch.as_ref().map(Webhook::log));
        let keyhatch = keyhatch.ok().flatten().unwrap_or_default();
        let all = format!("{pods}\n{agents}\n--- keyhatch\n{keyhatch}");
        machine::keep(&self.name, &all)
    }
}

/// A pod of a shell script, which asks for injection by these annotations.
pub(crate) fn pod(name: &str, annotations: &str, script: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{app: {name}}}
  annotations: {{keyhatch.dev/inject: 'true', keyhatch.dev/store: aws{}{annotations}}}
{}",
        if annotations.is_empty() { "" } else { ", " },
        spec(script, "Never"),
    )
}

/// The spec of such a pod, two spaces deep.
pub(crate) fn spec(script: &str, restart: &str) -> String {
    format!(
        "spec:
  hostNetwork: true
  restartPolicy: {restart}
  terminationGracePeriodSeconds: 1
  containers:
  - name: app
    image: {BUSYBOX}
    imagePullPolicy: Never
    command: [/busybox, sh, -c, {script:?}]
"
    )
}
