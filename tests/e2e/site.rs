//! A cluster in which Keyhatch is what `manifests/` deploys: two replicas on the node, under their own ServiceAccount, with
//! their own certificates. Two balancers stand in for the Service, which has no address here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};

use crate::cluster::{BUSYBOX, image};
use crate::ports::Ports;
use crate::support::aws::Aws;
use crate::support::balancer::{Backend, Balancer};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::machine::{self, Machine};
use crate::support::manifests::copy_with_url;
use crate::support::process::PAUSE;
use crate::support::webhook::wait_in_path;

const LIMIT: Duration = Duration::from_secs(180);

/// Dropped in this order: nothing outlives what it talks to.
pub(crate) struct Site {
    endpoints: Endpoints,
    _ports: Ports,
    machine: Machine,
    pub(crate) aws: Aws,
    pub(crate) plane: Arc<ControlPlane>,
}

impl Site {
    /// Starts everything and waits until the Deployment is rolled out.
    pub(crate) fn start() -> Self {
        let plane = Arc::new(ControlPlane::start(&Options { node: true, ..Options::default() }).unwrap());
        let busybox = plane.root().join("busybox.tar");
        machine::archive(&busybox, BUSYBOX, &[PathBuf::from("/bin/busybox")]).unwrap();
        let machine = Machine::start(&plane, &[busybox, image().unwrap()]).unwrap();
        let site = Self {
            endpoints: Endpoints::follow(&plane),
            _ports: Ports::start(&plane, "keyhatch"),
            machine,
            aws: Aws::start(),
            plane,
        };
        site.plane.kubectl(&["apply", "--server-side", "-k", "manifests/crds"]).success().unwrap();
        let overlay = site.overlay().display().to_string();
        site.plane.kubectl(&["apply", "--server-side", "-k", &overlay]).success().unwrap();
        site.wait_rolled_out();
        wait_in_path(&site.plane).unwrap_or_else(|error| panic!("{error}\n{}", site.dump()));
        site
    }

    /// The manifests, as a user's kustomization has them.
    fn overlay(&self) -> PathBuf {
        let folder = self.plane.root().join("manifests");
        let url = format!("https://{}", self.endpoints.webhook.address);
        copy_with_url(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &folder, &url);
        let api = self.plane.url().rsplit_once(':').unwrap().1;
        let text = fs::read_to_string(machine::repository().join("tests/data/node/kustomization.yaml"))
            .unwrap()
            .replace("BROKER_PORT", &self.endpoints.broker.address.port().to_string())
            .replace("AWS_URL", &self.aws.url())
            .replace("API_PORT", api);
        let overlay = folder.join("overlays/node");
        fs::create_dir_all(&overlay).unwrap();
        fs::write(overlay.join("kustomization.yaml"), text).unwrap();
        overlay
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.plane.kubectl(&[&["--namespace=keyhatch"], args].concat()).success()
    }

    /// Waits until two replicas of the present revision are ready, and no other pod is there.
    #[track_caller]
    pub(crate) fn wait_rolled_out(&self) {
        let args = ["rollout", "status", "deployment/keyhatch", "--timeout=150s"];
        self.kubectl(&args).unwrap_or_else(|error| panic!("{error}\n{}", self.dump()));
        wait_until(LIMIT, "the others to be gone, and the webhook to be asked", || {
            let (pods, ready) = (self.pods(), self.endpoints.ready());
            if pods.len() == 2 && ready == pods { Ok(()) } else { Err(format!("{pods:?} {ready:?}")) }
        });
    }

    /// The names of Keyhatch's pods.
    pub(crate) fn pods(&self) -> Vec<String> {
        let names = self.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]).unwrap();
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// Where reviews go.
    pub(crate) fn webhook(&self) -> String {
        format!("https://{}", self.endpoints.webhook.address)
    }

    /// Everything that helps to find out why, in a folder, and its end.
    pub(crate) fn dump(&self) -> String {
        // What is told on the terminal is the end.
        let mut all = fs::read_to_string(self.machine.logs().join("kubelet.log")).unwrap_or_default();
        all += &self.kubectl(&["get", "pods,events", "-o", "wide"]).unwrap_or_default();
        for pod in self.pods() {
            for previous in ["--previous=true", "--previous=false"] {
                all += &self.kubectl(&["logs", &pod, previous]).unwrap_or_default();
            }
        }
        machine::keep("site", &all)
    }
}

/// Tells the balancers which pods are ready and not about to end, as a cluster does.
struct Endpoints {
    webhook: Arc<Balancer>,
    broker: Arc<Balancer>,
    ready: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoints {
    fn follow(plane: &Arc<ControlPlane>) -> Self {
        let (webhook, broker) = (Arc::new(Balancer::start()), Arc::new(Balancer::start()));
        let (ready, is_over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (plane, is_over, ready) = (Arc::clone(plane), Arc::clone(&is_over), Arc::clone(&ready));
            let balancers = [("webhook", Arc::clone(&webhook)), ("broker", Arc::clone(&broker))];
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let client = plane.client().await;
                    while !is_over.load(Ordering::Relaxed) {
                        let pods = endpoints(&client).await;
                        for (port, balancer) in &balancers {
                            balancer.set(pods.iter().filter_map(|pod| backend(pod, port)).collect());
                        }
                        *ready.lock().unwrap() = pods.iter().map(ResourceExt::name_any).collect();
                        tokio::time::sleep(PAUSE).await;
                    }
                });
            }
        });
        Self { webhook, broker, ready, is_over, thread: Some(thread) }
    }

    fn ready(&self) -> Vec<String> {
        self.ready.lock().unwrap().clone()
    }
}

impl Drop for Endpoints {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn endpoints(client: &Client) -> Vec<Pod> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "keyhatch");
    let list = pods.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default();
    let is_ready = |pod: &Pod| {
        let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let mut ready = conditions.filter(|one| one.type_ == "Ready" && one.status == "True");
        pod.metadata.deletion_timestamp.is_none() && ready.next().is_some()
    };
    list.into_iter().filter(is_ready).collect()
}

/// Where a pod serves what has this name.
fn backend(pod: &Pod, name: &str) -> Option<Backend> {
    let container = pod.spec.as_ref()?.containers.first()?;
    let address = |name: &str| {
        let port = container.ports.iter().flatten().find(|port| port.name.as_deref() == Some(name))?;
        Some(format!("127.0.0.1:{}", port.container_port))
    };
    Some(Backend { address: address(name)?, health: format!("http://{}", address("health")?) })
}
