//! Flooding the broker leaves reviews alone: it has threads, connections and budgets of its own. Numbers are `make bench`'s.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::*;
use crate::support::broker::send;
use crate::support::http;
use crate::support::process::free_address;
use crate::support::webhook::{Pods, Webhook};

const REVIEW: &str = include_str!("../../../benches/data/secret_store.json");
/// More than the broker takes at once.
const CONNECTIONS: usize = 2_100;

/// Admission and pods in one process.
struct Both {
    webhook: Webhook,
    broker: SocketAddr,
    _aws: Aws,
}

impl Both {
    fn start() -> Self {
        let aws = Aws::start();
        let broker = free_address().unwrap();
        let pods = Pods { image: "agent", broker, aws: aws.url(), flags: &[] };
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let webhook = Webhook::serve_pods(bin, plane(), &pods).unwrap();
        Self { webhook, broker, _aws: aws }
    }

    #[track_caller]
    fn review(&self) {
        let url = format!("{}{}?timeout=10s", self.webhook.url, keyhatch::webhook::PATH);
        let answer = http::post_json(&url, &self.webhook.certificates.ca_file, REVIEW).unwrap().ok().unwrap();
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
    }

    fn ask(&self, token: &str) -> Result<Response, String> {
        let head = format!("authorization: Bearer {token}\r\n");
        send(&self.broker.to_string(), &self.webhook.certificates.ca_file, &head)
    }
}

/// A token that looks like a pod's, and was signed by nobody.
fn forged(number: usize) -> String {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL;
    let name = |name: &str| json!({"name": name, "uid": number.to_string()});
    let claims = json!({"aud": ["keyhatch.dev/broker"], "exp": 4_000_000_000_u64, "sub": "system:serviceaccount:team:app",
        "kubernetes.io": {"namespace": "team", "pod": name("app"), "serviceaccount": name("app")}});
    format!(
        "{}.{}.{}",
        URL.encode(r#"{"alg":"RS256"}"#),
        URL.encode(claims.to_string()),
        URL.encode("nobody")
    )
}

#[test]
fn whoever_holds_all_connections_of_the_broker_keeps_nobody_out() {
    let both = Both::start();
    both.review();
    let connect = |_| TcpStream::connect(both.broker).expect("more open files: ulimit -n 4096");
    let held: Vec<TcpStream> = (0..CONNECTIONS).map(connect).collect();
    (0..20).for_each(|_| both.review());
    assert_eq!(refused(&both.ask("x").unwrap()), (401, "TokenMalformed".into()));
    drop(held);
    assert_eq!(refused(&both.ask("x").unwrap()), (401, "TokenMalformed".into()));
}

#[test]
fn reviews_are_answered_while_strangers_flood_the_broker() {
    let both = Both::start();
    let (is_over, refused_so_far) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = |first: usize| {
        let mut refusals = 0;
        for number in (first..).step_by(8) {
            if is_over.load(Ordering::SeqCst) {
                break;
            }
            if let Ok(answer) = both.ask(&forged(number)) {
                let (status, reason) = refused(&answer);
                let is_refused = (status, reason.as_str()) == (401, "TokenRefused") || status == 503;
                assert!(is_refused, "{status} {reason}");
                refusals += 1;
                refused_so_far.fetch_add(1, Ordering::SeqCst);
            }
        }
        refusals
    };
    thread::scope(|scope| {
        let floods: Vec<_> = (0..8).map(|first| scope.spawn(move || flood(first))).collect();
        (0..50).for_each(|_| both.review());
        // A slow machine refuses few in that time: reviews go on until it is a flood.
        let started = Instant::now();
        while refused_so_far.load(Ordering::SeqCst) <= 50 && started.elapsed() < Duration::from_secs(60) {
            both.review();
        }
        is_over.store(true, Ordering::SeqCst);
        let refusals: usize = floods.into_iter().map(|flood| flood.join().unwrap()).sum();
        assert!(refusals > 50, "{refusals} refusals are no flood");
    });
}
