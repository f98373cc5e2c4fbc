//! Reviews while strangers flood the broker of the same process: at a steady rate that leaves the machine some rest, and
//! as fast as they can, which costs the reviews what the strangers themselves take of the cores.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::bar::{Bar, Bound};
use crate::client::{Address, Connection};
use crate::support::process::free_address;
use crate::support::webhook::{Pods, Webhook};
use crate::world::World;

const REVIEW: &str = include_str!("../data/secret_store.json");
/// Strangers, each with a connection of his own.
const STRANGERS: usize = 16;
/// Questions a second of all strangers together, while they keep a pace.
const PACE: u64 = 800;
/// Every so many tokens look like a pod's, so that the API server is asked.
const FORGED: u64 = 8;
/// Idle and flooded take turns, so that a machine that slows down slows both.
const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_secs(3);
/// Between two reviews: an API server that is busy, not one that is in a hurry.
const PAUSE: Duration = Duration::from_millis(2);

/// One process with both flows, and its clients.
struct Site {
    reviews: Address,
    broker: Address,
    _webhook: Webhook,
}

/// How fast strangers ask.
#[derive(Clone, Copy)]
enum Pace {
    Steady,
    Any,
}

pub(crate) async fn flood(world: &World) -> Vec<Bar> {
    let site = Site::start(world);
    let (mut idle, mut steady, mut any) = (Vec::new(), Vec::new(), Vec::new());
    let (mut asked, mut asked_any) = (0, 0);
    drop(site.review_for(ROUND).await);
    for _ in 0..ROUNDS {
        idle.extend(site.review_for(ROUND).await);
        asked += site.flooded(Pace::Steady, &mut steady).await;
        asked_any += site.flooded(Pace::Any, &mut any).await;
    }
    let [idle, steady, any] = [idle, steady, any].map(Times::of);
    let seconds = ROUND.as_secs() * ROUNDS as u64;
    for (what, times, asked) in
        [("idle", &idle, 0), ("steady flood", &steady, asked), ("any flood", &any, asked_any)]
    {
        let Times { count, p50, p99 } = times;
        let rate = asked / seconds;
        println!(
            "{what}: {count} reviews, half in {p50:.2} ms, 99 of 100 in {p99:.2} ms, {rate} strangers a second"
        );
    }
    vec![Bar {
        what: "reviews under a steady flood: 99 of 100, of what idle takes",
        unit: "times",
        found: steady.p99 / idle.p99,
        bound: Bound::Most(2.0),
    }]
}

/// How long reviews took, in milliseconds.
struct Times {
    count: usize,
    p50: f64,
    p99: f64,
}

impl Times {
    fn of(mut took: Vec<f64>) -> Self {
        took.sort_by(f64::total_cmp);
        let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or_default();
        Self { count: took.len(), p50: at(50), p99: at(99) }
    }
}

impl Site {
    fn start(world: &World) -> Self {
        let broker = free_address().expect("a free address");
        let pods = Pods { image: "agent", broker, aws: world.aws.url(), flags: &["--log-level=error"] };
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let webhook = Webhook::serve_pods(bin, world.plane(), &pods).expect("a server");
        let address = |host: &str| Address::new(host, &webhook.certificates.ca_file);
        let reviews = address(webhook.url.trim_start_matches("https://"));
        Self { reviews, broker: address(&broker.to_string()), _webhook: webhook }
    }

    /// One review after the other.
    async fn review_for(&self, time: Duration) -> Vec<f64> {
        let mut connection = self.reviews.connect().await.expect("the webhook listens");
        let (end, mut took) = (Instant::now() + time, Vec::new());
        let path = format!("{}?timeout=10s", keyhatch::webhook::PATH);
        while Instant::now() < end {
            let started = Instant::now();
            let status = connection.post(&path, REVIEW).await.expect("an answer");
            assert_eq!(status, 200, "a review is answered");
            took.push(started.elapsed().as_secs_f64() * 1000.0);
            sleep(PAUSE).await;
        }
        took
    }

    /// The same, under a flood; answers how many questions that was.
    async fn flooded(&self, pace: Pace, took: &mut Vec<f64>) -> u64 {
        let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let crowd = {
            let (broker, is_over, asked) = (self.broker.clone(), Arc::clone(&is_over), Arc::clone(&asked));
            std::thread::spawn(move || crowd(&broker, pace, &is_over, &asked))
        };
        took.extend(self.review_for(ROUND).await);
        is_over.store(true, Ordering::SeqCst);
        tokio::task::spawn_blocking(|| crowd.join()).await.expect("a thread").expect("a crowd that ends");
        asked.load(Ordering::SeqCst)
    }
}

/// All strangers, on a thread of their own: whoever reviews must not wait for them on this side.
fn crowd(broker: &Address, pace: Pace, is_over: &Arc<AtomicBool>, asked: &Arc<AtomicU64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut strangers = JoinSet::new();
        for _ in 0..STRANGERS {
            strangers.spawn(stranger(broker.clone(), pace, Arc::clone(is_over), Arc::clone(asked)));
        }
        strangers.join_all().await;
    });
}

async fn stranger(broker: Address, pace: Pace, is_over: Arc<AtomicBool>, asked: Arc<AtomicU64>) {
    let mut every = interval(Duration::from_secs(1) * STRANGERS as u32 / PACE as u32);
    every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut connection: Option<Connection> = None;
    while !is_over.load(Ordering::SeqCst) {
        if matches!(pace, Pace::Steady) {
            every.tick().await;
        }
        let number = asked.fetch_add(1, Ordering::SeqCst);
        let token = if number.is_multiple_of(FORGED) { forged(number) } else { format!("garbage-{number}") };
        if connection.is_none() {
            connection = broker.connect().await.ok();
        }
        let status = match connection.as_mut() {
            Some(connection) => connection.ask(&token).await.ok(),
            None => None,
        };
        match status {
            Some(status) => assert_ne!(status, 200, "a stranger is given nothing"),
            None => connection = None,
        }
    }
}

/// A token that looks like a pod's, and was signed by nobody.
fn forged(number: u64) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let name = |name: &str| json!({"name": name, "uid": number.to_string()});
    let claims = json!({"aud": ["keyhatch.dev/broker"], "exp": 4_000_000_000_u64, "sub": "system:serviceaccount:team:app",
        "kubernetes.io": {"namespace": "team", "pod": name("app"), "serviceaccount": name("app")}});
    format!("{}.{}.{}", encode(r#"{"alg":"RS256"}"#), encode(&claims.to_string()), encode("nobody"))
}
