//! What the head of a request says: whether it is JSON, how long its sender waits, and what is reviewed how strictly.

use std::time::Duration;

use axum::http::{HeaderMap, Uri, header};

use super::{PATH, PODS_PATH, WORKLOADS_PATH};

/// The API server's own default, used when it names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// What is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Objects of our six kinds.
    Objects,
    /// Pods, which are changed.
    Pods,
    /// Objects that make pods.
    Workloads,
}

/// What is reviewed under a path.
pub(super) fn subject(path: &str) -> Subject {
    if path.starts_with(PODS_PATH) {
        Subject::Pods
    } else if path.starts_with(WORKLOADS_PATH) {
        Subject::Workloads
    } else {
        Subject::Objects
    }
}

/// The last part of a path, where namespaces decide how strictly they are judged.
pub(super) fn strictness(path: &str) -> &str {
    let rest = path.strip_prefix(PATH).or_else(|| path.strip_prefix(WORKLOADS_PATH));
    rest.unwrap_or_default()
}

/// Whether the body is said to be JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// The API server says how long it waits: `?timeout=5s`. The answer leaves a little earlier.
pub(super) fn timeout_of(uri: &Uri) -> Duration {
    let query = uri.query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let parsed =
        named.and_then(|text| crate::go::duration::parse(text).ok()).and_then(|d| u64::try_from(d.0).ok());
    let given = parsed
        .map_or(DEFAULT_TIMEOUT, Duration::from_nanos)
        .clamp(Duration::from_millis(100), Duration::from_secs(30));
    given - given / 10
}
