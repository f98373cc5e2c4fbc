//! `/healthz`, `/readyz` and `/metrics`, on plain HTTP for probes and Prometheus.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::metrics::Metrics;

/// What readiness depends on.
#[derive(Debug, Default)]
pub struct Health {
    serving_until: AtomicI64,
    is_draining: AtomicBool,
    metrics: Arc<Metrics>,
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

    /// The server is about to end: no new connections, please.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Each check by name, and what is wrong with it.
    fn checks(&self, now: SystemTime) -> [(&'static str, Option<String>); 2] {
        let now = now
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|t| i64::try_from(t.as_secs()).ok())
            .unwrap_or_default();
        let until = self.serving_until.load(Ordering::Relaxed);
        let certificate = match until {
            0 => Some("no certificate is served yet".to_owned()),
            until if until < now => {
                Some(format!("the serving certificate expired {} s ago; renew it", now - until))
            }
            _ => None,
        };
        let draining = self.is_draining.load(Ordering::Relaxed).then(|| "shutting down".to_owned());
        [("certificate", certificate), ("shutdown", draining)]
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
    let is_ready = checks.iter().all(|(_, problem)| problem.is_none());
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if is_ready && !query.unwrap_or_default().split('&').any(|word| word.starts_with("verbose")) {
        return (code, "ok\n").into_response();
    }
    let line = |(name, problem): &(&str, Option<String>)| match problem {
        None => format!("[+] {name} ok\n"),
        Some(problem) => format!("[-] {name} failed: {problem}\n"),
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
