//! `/healthz`, `/readyz` and `/metrics`, on plain HTTP for probes and Prometheus.

mod listen;
mod part;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::Metrics;

pub use listen::serve;
pub use part::Part;
use part::Parts;

/// What readiness depends on.
#[derive(Debug, Default)]
pub struct Health {
    serving_until: AtomicI64,
    bundle: AtomicU8,
    is_draining: AtomicBool,
    parts: Parts,
    metrics: Arc<Metrics>,
}

/// What is known of the `caBundle` in the webhook configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bundle {
    /// The certificate is not ours to vouch for.
    NotOurs,
    /// It never showed our CA since we started.
    NeverShown,
    /// It shows our CA.
    Shown,
    /// It did, and does not any more; the leader repairs it.
    NoLonger,
}

/// One line of `/readyz?verbose`.
struct Check {
    name: &'static str,
    verdict: Verdict,
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    /// Good.
    Works,
    /// Not wanted here; says what is missing because of that.
    Off(String),
    /// Bad, and no reason to be unready.
    Fails(String),
    /// Bad enough to be unready.
    Unready(String),
}

impl Health {
    /// A server that serves nothing yet.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// A certificate is served until this Unix time.
    pub fn serving_until(&self, not_after: i64) {
        self.serving_until.store(not_after, Ordering::Relaxed);
        self.metrics.serving_until(not_after);
    }

    /// The certificate is our own: readiness waits for the bundle.
    pub fn vouch(&self) {
        self.bundle.store(Bundle::NeverShown as u8, Ordering::Relaxed);
    }

    /// Whether the webhook configuration shows our CA now.
    pub fn bundle_is_shown(&self, is_shown: bool) {
        let was_shown = self.bundle() != Bundle::NeverShown;
        let bundle = match (is_shown, was_shown) {
            (true, _) => Bundle::Shown,
            (false, true) => Bundle::NoLonger,
            (false, false) => Bundle::NeverShown,
        };
        self.bundle.store(bundle as u8, Ordering::Relaxed);
    }

    /// The server is about to end: no new connections, please.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    fn bundle(&self) -> Bundle {
        let known = [Bundle::NotOurs, Bundle::NeverShown, Bundle::Shown, Bundle::NoLonger];
        let stored = self.bundle.load(Ordering::Relaxed);
        known.into_iter().find(|bundle| *bundle as u8 == stored).unwrap_or(Bundle::NotOurs)
    }

    /// A part of the server that can fail by itself; its name stands in `/readyz?verbose`.
    pub fn part(self: &Arc<Self>, name: &'static str) -> Part {
        Part::new(Arc::clone(self), name)
    }

    fn checks(&self, now: SystemTime) -> Vec<Check> {
        let now = now
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|t| i64::try_from(t.as_secs()).ok())
            .unwrap_or_default();
        let certificate = match self.serving_until.load(Ordering::Relaxed) {
            0 => Some("no certificate is served yet".to_owned()),
            until if until < now => {
                Some(format!("the serving certificate expired {} s ago; renew it", now - until))
            }
            _ => None,
        };
        let certificate = certificate.map_or(Verdict::Works, Verdict::Unready);
        // A mismatch after the start must not empty the Service: that would turn a flaw into an outage.
        let bundle = match self.bundle() {
            Bundle::NotOurs | Bundle::Shown => Verdict::Works,
            Bundle::NeverShown => {
                Verdict::Unready("the webhook configuration does not show our CA yet".into())
            }
            Bundle::NoLonger => Verdict::Fails(
                "the webhook configuration does not show our CA any more; the leader repairs it".into(),
            ),
        };
        let is_draining = self.is_draining.load(Ordering::Relaxed);
        let shutdown = if is_draining { Verdict::Unready("shutting down".into()) } else { Verdict::Works };
        let mut checks = vec![
            Check { name: "certificate", verdict: certificate },
            Check { name: "ca-bundle", verdict: bundle },
        ];
        checks.extend(self.parts.verdicts().into_iter().map(|(name, verdict)| Check { name, verdict }));
        checks.push(Check { name: "shutdown", verdict: shutdown });
        checks
    }
}

/// The routes of the health listener.
pub fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn ready(State(health): State<Arc<Health>>, RawQuery(query): RawQuery) -> Response {
    let checks = health.checks(SystemTime::now());
    let is_ready = !checks.iter().any(|check| matches!(check.verdict, Verdict::Unready(_)));
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if is_ready && !query.unwrap_or_default().split('&').any(|word| word.starts_with("verbose")) {
        return (code, "ok\n").into_response();
    }
    let line = |Check { name, verdict }: &Check| match verdict {
        Verdict::Works => format!("[+] {name} ok\n"),
        Verdict::Off(why) => format!("[ ] {name} off: {why}\n"),
        Verdict::Fails(problem) => format!("[!] {name}: {problem}\n"),
        Verdict::Unready(problem) => format!("[-] {name} failed: {problem}\n"),
    };
    let end = if is_ready { "ready\n" } else { "not ready\n" };
    (code, checks.iter().map(line).collect::<String>() + end).into_response()
}

async fn metrics(State(health): State<Arc<Health>>) -> Response {
    match health.metrics.encode() {
        Ok(text) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(axum::http::header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
