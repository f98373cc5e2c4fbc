//! What injection costs: from the creation of a pod to the start of its program, with and without.
//!
//! By turns, on a node that does nothing else. Between the two stands the same pod with an init container that does
//! nothing at all: what that costs is the kubelet's and the runtime's, and nobody who injects can do without. The kubelet
//! looks at a container right after it has started it, then once a second: what has not ended by the first look is
//! noticed up to a second later. So the bar is for what is ours, the time that containerd sees the agent run.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use kube::runtime::wait::await_condition;

use crate::cluster::{BUSYBOX, Cluster, Namespace, pod};

const ROUNDS: u32 = 10;
const BAR: Duration = Duration::from_millis(150);
/// How often the kubelet looks.
const LOOK: Duration = Duration::from_secs(1);

/// The pods that are compared.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Bare,
    Empty,
    Injected,
}

/// A pod that says when its program started, by the clock of the machine.
fn object(kind: Kind, number: u32) -> String {
    let name = format!("{kind:?}-{number}").to_lowercase();
    let script = "/busybox cat /proc/uptime";
    let injected = "keyhatch.dev/inject: 'true', keyhatch.dev/store: aws, ";
    let annotations = "keyhatch.dev/secret-db: cost/db";
    let bare = || pod(&name, annotations, script).replace(&format!("{injected}{annotations}"), "");
    match kind {
        Kind::Bare => bare(),
        Kind::Empty => bare().replace(
            "  containers:\n",
            &format!(
                "  initContainers:\n  - {{name: first, image: {BUSYBOX}, imagePullPolicy: Never, \
                 command: [/busybox, 'true']}}\n  containers:\n"
            ),
        ),
        Kind::Injected => pod(&name, annotations, script),
    }
}

fn uptime(text: &str) -> Duration {
    Duration::from_secs_f64(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// From the creation of a pod to the start of its program.
async fn start(client: &Client, namespace: &Namespace, object: &str) -> Duration {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace.name);
    let object: Pod = serde_saphyr::from_str(object).unwrap();
    let name = object.metadata.name.clone().unwrap();
    let before = uptime(&std::fs::read_to_string("/proc/uptime").unwrap());
    pods.create(&PostParams::default(), &object).await.unwrap();
    let is_over = |pod: Option<&Pod>| {
        let phase = pod.and_then(|pod| pod.status.as_ref()?.phase.as_deref());
        phase == Some("Succeeded")
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), await_condition(pods, &name, is_over)).await;
    assert!(matches!(waited, Ok(Ok(_))), "{}", namespace.dump());
    uptime(&namespace.logs(&name, "app")) - before
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// How long the containers of this name took, from the call that starts each to its end, as containerd wrote it down.
fn lifetimes(log: &str, name: &str) -> Vec<Duration> {
    let time = |line: &str| -> Timestamp { line.split('"').nth(1).unwrap().parse().unwrap() };
    let created = format!("for name:\\\"{name}\\\" returns container id \\\"");
    let ids = log.lines().filter_map(|line| line.split_once(&created)?.1.split('\\').next());
    let lifetime = |id: &str| {
        let line = |what: &str| log.lines().find(|line| line.contains(&format!("{what}\\\"{id}\\\"")));
        let (start, end) = (line("msg=\"StartContainer for ")?, line("container exit event container_id:")?);
        Duration::try_from(time(end).duration_since(time(start))).ok()
    };
    ids.filter_map(lifetime).collect()
}

#[tokio::test]
#[ignore = "measures: tests/node/test.sh runs it alone"]
async fn injection_adds_little_to_the_start_of_a_pod() {
    let cluster = Cluster::released();
    let namespace = cluster.namespace("cost");
    cluster.account.secret("cost/db", "marker-e2e-cost");
    let client = cluster.plane.client().await;
    let kinds = [Kind::Bare, Kind::Empty, Kind::Injected];
    let mut times = kinds.map(|_| Vec::new());
    for round in 0..=ROUNDS {
        for (kind, times) in kinds.iter().zip(&mut times) {
            // Each kind meets all phases of the kubelet's second alike.
            tokio::time::sleep(Duration::from_secs(1) * round / ROUNDS).await;
            let time = start(&client, &namespace, &object(*kind, round)).await;
            // The first of each warms up.
            if round > 0 {
                times.push(time);
            }
        }
    }
    println!("to the start of the program: {kinds:?} {times:?}");
    let [bare, empty, injected] = times.map(median);
    println!(
        "median of {ROUNDS}: {bare:?} without, {empty:?} with an init container that does nothing, {injected:?} \
         injected, {:.2} times without",
        injected.as_secs_f64() / bare.as_secs_f64()
    );
    let log = cluster.machine.lock().unwrap().logs().join("containerd.log");
    let log = std::fs::read_to_string(log).unwrap();
    let [nothing, agent] = ["first", "keyhatch-agent"].map(|name| lifetimes(&log, name));
    println!("run of the container that does nothing {nothing:?}, of the agent {agent:?}");
    assert_eq!((nothing.len(), agent.len()), (ROUNDS as usize + 1, ROUNDS as usize + 1));
    let [nothing, agent] = [nothing, agent].map(|times| median(times[1..].to_vec()));
    println!("median of {ROUNDS}: nothing runs for {nothing:?}, the agent for {agent:?}");
    // On a machine that has other things to do both take longer.
    assert!(agent <= nothing + BAR.max(nothing), "{agent:?} beside {nothing:?}");
    // Nor is more lost than one look of the kubelet.
    assert!(injected <= empty + BAR + LOOK, "{injected:?} beside {empty:?}");
}
