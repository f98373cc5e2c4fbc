//! A stand-in for a node and its kubelet: runs the pods of one namespace as processes of this machine.
//!
//! Arguments, environment, mounted Secrets, the ServiceAccount's token and readiness are those of the pod; addresses
//! are replaced by free ports of 127.0.0.1, and every image is the same binary. A [`Balancer`] stands in for
//! the Service. A pod that is deleted is told so by SIGTERM, and is gone when its process has ended by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::http::Request;
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Container, Pod, Secret, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::balancer::{Backend, Balancer};
use super::control_plane::ControlPlane;
use super::http;
use super::process::{Process, free_address, next_number};

const EVERY: Duration = Duration::from_millis(200);

/// A running node; dropping it ends its pods.
pub(crate) struct Node {
    /// What the API server calls instead of the Service.
    pub(crate) balancer: Arc<Balancer>,
    pods: Arc<Mutex<BTreeMap<String, Running>>>,
    ended: Arc<Mutex<Ended>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A pod's process.
struct Running {
    process: Process,
    /// The ports that its pod has: the Service sends nobody to others.
    ports: Vec<String>,
    backend: Backend,
    /// Where it would be asked for secrets.
    broker: String,
    is_ready: Option<bool>,
    is_leaving: bool,
}

/// What is left of the pods that were.
#[derive(Default)]
struct Ended {
    logs: String,
    crashes: Vec<String>,
}

impl Node {
    /// Runs the pods of `namespace`, each with these further flags.
    pub(crate) fn start(plane: &Arc<ControlPlane>, bin: &Path, namespace: &str, flags: &[&str]) -> Self {
        let balancer = Arc::new(Balancer::start());
        let (pods, ended, is_over) = (Arc::default(), Arc::default(), Arc::new(AtomicBool::new(false)));
        let kubelet = Kubelet {
            plane: Arc::clone(plane),
            bin: bin.to_owned(),
            namespace: namespace.to_owned(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            pods: Arc::clone(&pods),
            ended: Arc::clone(&ended),
            balancer: Arc::clone(&balancer),
        };
        let over = Arc::clone(&is_over);
        let thread = Some(thread::spawn(move || kubelet.run(&over)));
        Self { balancer, pods, ended, is_over, thread }
    }

    /// Where the health listeners of the running pods are, by pod.
    pub(crate) fn health(&self) -> BTreeMap<String, String> {
        let pods = lock(&self.pods);
        let running = pods.iter().filter(|(_, pod)| !pod.is_leaving);
        running.map(|(name, pod)| (name.clone(), pod.backend.health.clone())).collect()
    }

    /// Where the running pods are that the Service sends agents to.
    pub(crate) fn brokers(&self) -> Vec<String> {
        let pods = lock(&self.pods);
        let running = pods.values().filter(|pod| !pod.is_leaving && pod.has_port("broker"));
        running.map(|pod| pod.broker.clone()).collect()
    }

    /// What all pods logged so far, ended ones first.
    pub(crate) fn logs(&self) -> String {
        let ended = lock(&self.ended).logs.clone();
        let running = lock(&self.pods).values().map(|pod| pod.process.log()).collect::<String>();
        ended + &running
    }

    /// The pods that ended without having been told to.
    pub(crate) fn crashes(&self) -> Vec<String> {
        lock(&self.ended).crashes.clone()
    }
}

impl Running {
    fn has_port(&self, name: &str) -> bool {
        self.ports.iter().any(|port| port == name)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic under the lock")
}

struct Kubelet {
    plane: Arc<ControlPlane>,
    bin: PathBuf,
    namespace: String,
    flags: Vec<String>,
    pods: Arc<Mutex<BTreeMap<String, Running>>>,
    ended: Arc<Mutex<Ended>>,
    balancer: Arc<Balancer>,
}

impl Kubelet {
    fn run(&self, is_over: &AtomicBool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let client = self.plane.client().await;
            while !is_over.load(Ordering::Relaxed) {
                // A pod whose Secret is not there yet, or an API server under load: the next round tries again.
                if let Err(error) = self.round(&client).await {
                    eprintln!("node: {error}");
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        lock(&self.pods).clear();
    }

    async fn round(&self, client: &Client) -> Result<(), String> {
        let pods: Api<Pod> = Api::namespaced(client.clone(), &self.namespace);
        let wanted = pods.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        self.end_those_not_in(&wanted.items);
        for pod in &wanted.items {
            let name = pod.name_any();
            let is_running = lock(&self.pods).contains_key(&name);
            match (&pod.metadata.deletion_timestamp, is_running) {
                (Some(_), false) => drop(pods.delete(&name, &DeleteParams::default().grace_period(0)).await),
                (None, false) => {
                    self.bind(client, pod).await?;
                    let started = self.start(client, pod).await?;
                    lock(&self.pods).insert(name.clone(), started);
                }
                (_, true) => self.tell_readiness(&pods, &name).await?,
            }
        }
        let pods = lock(&self.pods);
        let reviewers = pods.values().filter(|pod| pod.has_port("webhook"));
        self.balancer.set(reviewers.map(|pod| pod.backend.clone()).collect());
        drop(pods);
        Ok(())
    }

    /// Schedules a pod on a node of no consequence: only then is its deletion a graceful one.
    async fn bind(&self, client: &Client, pod: &Pod) -> Result<(), String> {
        if pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some()) {
            return Ok(());
        }
        let name = pod.name_any();
        let target = json!({"apiVersion": "v1", "kind": "Node", "name": "stand-in"});
        let binding =
            json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target});
        let url = format!("/api/v1/namespaces/{}/pods/{name}/binding", self.namespace);
        let request =
            Request::post(url).body(serde_json::to_vec(&binding).expect("JSON")).expect("a request");
        client.request::<Value>(request).await.map(drop).map_err(|error| error.to_string())
    }

    /// SIGTERM to those that were deleted, and the last of those that ended.
    fn end_those_not_in(&self, wanted: &[Pod]) {
        lock(&self.pods).retain(|name, pod| {
            let is_wanted = |pod: &Pod| pod.name_any() == *name && pod.metadata.deletion_timestamp.is_none();
            if !pod.is_leaving && !wanted.iter().any(is_wanted) {
                pod.is_leaving = true;
                let id = pod.process.id().to_string();
                drop(Command::new("kill").args(["-TERM", &id]).status());
            }
            let Some(status) = pod.process.ended() else { return true };
            let mut ended = lock(&self.ended);
            ended.logs.push_str(&pod.process.log());
            if !pod.is_leaving || !status.success() {
                ended.crashes.push(format!("{name}: {status}\n{}", pod.process.log()));
            }
            false
        });
    }

    async fn start(&self, client: &Client, pod: &Pod) -> Result<Running, String> {
        let spec = pod.spec.as_ref().ok_or("a pod without a spec")?;
        let container = spec.containers.first().ok_or("a pod without containers")?;
        let folder = self.plane.root().join(format!("{}-{}", pod.name_any(), next_number()));
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let address = || free_address().map(|address| address.to_string());
        let (listen, broker, health) = (address()?, address()?, address()?);
        let mut command = Command::new(&self.bin);
        command.env_clear().args(self.arguments(client, pod, container, &folder).await?);
        command.args(["--webhook-listen", &listen, "--broker-listen", &broker, "--health-listen", &health]);
        command.args(&self.flags);
        for variable in container.env.iter().flatten() {
            let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
            let value = match field.map(|field| field.field_path.as_str()) {
                Some("metadata.name") => pod.name_any(),
                Some("metadata.namespace") => self.namespace.clone(),
                Some(other) => return Err(format!("no stand-in for field {other}")),
                None => variable.value.clone().unwrap_or_default(),
            };
            command.env(&variable.name, value);
        }
        if spec.automount_service_account_token == Some(true) {
            let account = spec.service_account_name.as_deref().unwrap_or("default");
            let token = self.token(client, pod, account).await?;
            command.arg("--kubeconfig").arg(self.plane.write_kubeconfig(&folder.join("kubeconfig"), &token));
        }
        let process = self.plane.spawn(&format!("{}-{}", pod.name_any(), next_number()), &mut command)?;
        let backend = Backend { address: listen, health: format!("http://{health}") };
        let ports = container.ports.iter().flatten().filter_map(|port| port.name.clone()).collect();
        Ok(Running { process, ports, backend, broker, is_ready: None, is_leaving: false })
    }

    /// The container's arguments, with addresses left out and mounted Secrets in place.
    async fn arguments(
        &self,
        client: &Client,
        pod: &Pod,
        container: &Container,
        folder: &Path,
    ) -> Result<Vec<String>, String> {
        let is_address =
            |arg: &&String| arg.starts_with("--health-listen=") || arg.starts_with("--webhook-listen=");
        let mut args: Vec<String> =
            container.args.iter().flatten().filter(|arg| !is_address(arg)).cloned().collect();
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        for volume in volumes {
            let Some(name) = volume.secret.as_ref().and_then(|secret| secret.secret_name.as_deref()) else {
                continue;
            };
            let mount = container.volume_mounts.iter().flatten().find(|mount| mount.name == volume.name);
            let path = &mount.ok_or_else(|| format!("volume {} is not mounted", volume.name))?.mount_path;
            let secrets: Api<Secret> = Api::namespaced(client.clone(), &self.namespace);
            let secret = secrets.get(name).await.map_err(|error| format!("secret {name}: {error}"))?;
            for (key, value) in secret.data.iter().flatten() {
                fs::write(folder.join(key), &value.0).map_err(|error| error.to_string())?;
            }
            let here = format!("={}/", folder.display());
            args.iter_mut().for_each(|arg| *arg = arg.replace(&format!("={path}/"), &here));
        }
        Ok(args)
    }

    /// A token as the kubelet asks for it: bound to the pod.
    async fn token(&self, client: &Client, pod: &Pod, account: &str) -> Result<String, String> {
        let bound = BoundObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            name: pod.metadata.name.clone(),
            uid: pod.metadata.uid.clone(),
        };
        let spec = TokenRequestSpec { bound_object_ref: Some(bound), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &self.namespace);
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await;
        let status = answer.map_err(|error| error.to_string())?.status;
        status.map(|status| status.token).ok_or_else(|| "no token".into())
    }

    async fn tell_readiness(&self, pods: &Api<Pod>, name: &str) -> Result<(), String> {
        let (url, was_ready) = match lock(&self.pods).get(name) {
            Some(pod) => (format!("{}/readyz", pod.backend.health), pod.is_ready),
            None => return Ok(()),
        };
        let is_ready = http::get(&url).is_ok_and(|answer| answer.status == 200);
        if was_ready == Some(is_ready) {
            return Ok(());
        }
        let state = if is_ready { "True" } else { "False" };
        let condition =
            json!({"type": "Ready", "status": state, "lastTransitionTime": "2026-01-01T00:00:00Z"});
        let status = json!({"status": {"phase": "Running", "conditions": [condition]}});
        let patched = pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(status)).await;
        patched.map_err(|error| error.to_string())?;
        if let Some(pod) = lock(&self.pods).get_mut(name) {
            pod.is_ready = Some(is_ready);
        }
        Ok(())
    }
}
