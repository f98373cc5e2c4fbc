//! Candidates inside this process, which write all the time: each can be cut off from the API server by itself.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::ConfigMap;
use keyhatch::health::Health;
use keyhatch::leader::{self, Candidate, Guard};
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{Version, assert_written_by_holders, create_accounts, create_expired_lease, reigns};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::proxy::{Mode, Proxy};

const NAMES: [&str; 3] = ["one", "two", "three"];
const LEASE: Duration = Duration::from_secs(2);
const LIMIT: Duration = Duration::from_secs(90);

async fn client(kubeconfig: &Path) -> Client {
    let read = Kubeconfig::read_from(kubeconfig).unwrap();
    Client::try_from(Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.unwrap())
        .unwrap()
}

/// A candidate with everything that this test can do to it.
struct Contender {
    proxy: Proxy,
    guard: Guard,
    writes: Arc<AtomicUsize>,
    leave: Option<oneshot::Sender<()>>,
}

impl Contender {
    async fn start(plane: &ControlPlane, name: &str) -> Self {
        let proxy = Proxy::start(plane.url(), &plane.ca_file());
        let client = client(&plane.kubeconfig_of(name, &proxy.url).unwrap()).await;
        let candidate =
            Candidate { lease: "ledger".into(), identity: name.into(), duration: LEASE, margin: LEASE / 5 };
        let (leave, left) = oneshot::channel();
        let part = Arc::new(Health::default()).part("lease");
        let leases = Api::namespaced(client.clone(), "keyhatch");
        let (guard, election) = leader::elect(leases, candidate, part, async { drop(left.await) });
        tokio::spawn(election);
        let writes = Arc::new(AtomicUsize::new(0));
        tokio::spawn(write(client, name.to_owned(), guard.clone(), Arc::clone(&writes)));
        Self { proxy, guard, writes, leave: Some(leave) }
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }
}

/// Puts its name into the ledger whenever it may.
async fn write(client: Client, name: String, mut guard: Guard, writes: Arc<AtomicUsize>) {
    let maps: Api<ConfigMap> = Api::namespaced(client, "keyhatch");
    loop {
        guard.elected().await;
        let written = guard.write(async {
            let mut map = maps.get("ledger").await?;
            let count = writes.load(Ordering::Relaxed).to_string();
            map.data = Some([("writer".to_owned(), name.clone()), ("count".to_owned(), count)].into());
            maps.replace("ledger", &PostParams::default(), &map).await
        });
        if let Ok(Ok(_)) = written.await {
            writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Everything that is stored from now on.
async fn record<K>(api: Api<K>, from: String, whose: fn(&K) -> String, into: Arc<Mutex<Vec<Version>>>)
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let mut changes = Box::pin(api.watch(&WatchParams::default(), &from).await.unwrap());
    while let Some(change) = changes.next().await {
        if let WatchEvent::Added(object) | WatchEvent::Modified(object) = change.unwrap() {
            let number = object.meta().resource_version.as_deref().unwrap().parse().unwrap();
            into.lock().unwrap().push(Version { number, whose: whose(&object) });
        }
    }
}

async fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < LIMIT, "not in time: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Who leads, other than this one, once it has written.
async fn next_leader(contenders: &[Contender], other_than: Option<usize>) -> usize {
    let before: Vec<_> = contenders.iter().map(Contender::writes).collect();
    let writes = |index: &usize| {
        contenders.get(*index).is_some_and(|c| c.guard.is_valid() && c.writes() > before[*index] + 2)
    };
    until("another leader writes", || {
        (0..contenders.len()).filter(|index| Some(*index) != other_than).find(writes)
    })
    .await
}

#[test]
fn one_writes_at_a_time_and_the_next_need_not_wait_for_one_that_leaves() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    create_accounts(&plane, &NAMES);
    create_expired_lease(&plane, "ledger", LEASE.as_secs());
    plane.kubectl(&["create", "configmap", "ledger", "-n", "keyhatch"]).success().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(contest(&plane));
}

async fn contest(plane: &ControlPlane) {
    let proxy = Proxy::start(plane.url(), &plane.ca_file());
    let admin = client(&plane.kubeconfig_of("one", &proxy.url).unwrap()).await;
    let leases: Api<Lease> = Api::namespaced(admin.clone(), "keyhatch");
    let maps: Api<ConfigMap> = Api::namespaced(admin, "keyhatch");
    let from = leases.get("ledger").await.unwrap().metadata.resource_version.unwrap();
    let (held, written) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let holder = |lease: &Lease| lease.spec.clone().and_then(|spec| spec.holder_identity).unwrap_or_default();
    let writer = |map: &ConfigMap| map.data.clone().unwrap_or_default().remove("writer").unwrap_or_default();
    tokio::spawn(record(leases, from.clone(), holder, Arc::clone(&held)));
    tokio::spawn(record(maps, from, writer, Arc::clone(&written)));

    let mut contenders = Vec::new();
    for name in NAMES {
        contenders.push(Contender::start(plane, name).await);
    }
    let guards: Vec<_> = contenders.iter().map(|contender| contender.guard.clone()).collect();
    let most = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&most);
    std::thread::spawn(move || {
        loop {
            counting.fetch_max(guards.iter().filter(|guard| guard.is_valid()).count(), Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(200));
        }
    });

    let first = next_leader(&contenders, None).await;
    contenders[first].proxy.set(Mode::Hang);
    let second = next_leader(&contenders, Some(first)).await;
    assert!(!contenders[first].guard.is_valid(), "it was cut off, and another leads");
    contenders[first].proxy.set(Mode::Pass); // what was on its way arrives now
    next_leader(&contenders, Some(first)).await;
    contenders[second].proxy.set(Mode::Reset);
    let third = next_leader(&contenders, Some(second)).await;
    contenders[second].proxy.set(Mode::Pass);

    let left = Instant::now();
    contenders[third].leave.take().unwrap().send(()).unwrap();
    let last = next_leader(&contenders, Some(third)).await;
    assert!(left.elapsed() < LEASE, "{:?} after the Lease was given back", left.elapsed());
    let writes = contenders[last].writes();
    until("the last leader goes on", || (contenders[last].writes() > writes + 2).then_some(())).await;

    assert_eq!(most.load(Ordering::Relaxed), 1, "guards that were valid at the same time");
    let (held, written) = (held.lock().unwrap().clone(), written.lock().unwrap().clone());
    let written: Vec<_> = written.into_iter().filter(|version| !version.whose.is_empty()).collect();
    assert!(written.len() > 12, "{written:?}");
    assert_written_by_holders(&held, &written);
    let name = |index: usize| NAMES[index];
    assert_eq!(reigns(&held), [name(first), name(second), name(third), "", name(last)]);
}
