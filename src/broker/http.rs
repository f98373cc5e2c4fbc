//! The HTTP side of the broker: `GET` with a token, files and variables or a refusal out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use keyhatch_agent::{ANSWER_PATH, Answer};
use secrecy::zeroize::Zeroizing;
use tracing::info;

use super::reason::{Denial, Reason};
use super::{Broker, Told};

/// A question has this long: more than a call to AWS with all its attempts.
const PATIENCE: Duration = Duration::from_secs(20);

/// The routes of the broker.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new().route(ANSWER_PATH, get(handle)).with_state(broker)
}

async fn handle(State(broker): State<Arc<Broker>>, headers: HeaderMap) -> Response {
    let started = Instant::now();
    let (response, outcome) = match ask(&broker, &headers).await {
        Ok(Told::All(answer, tag)) => (all(&answer, &tag), "delivered"),
        Ok(Told::Unchanged(tag)) => {
            ((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response(), "unchanged")
        }
        Err(denial) => {
            broker.metrics.denied(denial.reason);
            info!(reason = ?denial.reason, cause = denial.message, "denied");
            (refusal(&denial), if denial.reason.is_decision() { "denied" } else { "failed" })
        }
    };
    broker.metrics.answered(outcome, started.elapsed());
    response
}

async fn ask(broker: &Broker, headers: &HeaderMap) -> Result<Told, Denial> {
    let busy = |message: &str| Denial::new(Reason::Busy, message);
    let _slot = broker.slots.try_acquire().map_err(|_| busy("too many pods ask at once; ask again"))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let token = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| {
        Denial::new(Reason::TokenMissing, "the header Authorization with the pod's token is missing")
    })?;
    let answering = broker.answer(token, text(header::IF_NONE_MATCH));
    let late = || busy("no answer within 20 s; ask again");
    tokio::time::timeout(PATIENCE, answering).await.unwrap_or_else(|_| Err(late()))
}

/// The text is wiped once it is sent.
fn all(answer: &Answer, tag: &str) -> Response {
    let size = answer.files.values().chain(answer.env.values().flat_map(|env| env.values()));
    // Enough for all of it: a buffer that grows leaves copies behind.
    let size =
        size.map(|content| content.expose().len() * 4 / 3 + 512).sum::<usize>() + answer.roots.len() * 2;
    let mut text = Zeroizing::new(Vec::with_capacity(size + 1024));
    match serde_json::to_writer(&mut *text, answer) {
        Ok(()) => {
            let headers = [(header::CONTENT_TYPE, "application/json"), (header::ETAG, tag)];
            (headers, Body::from(Bytes::from_owner(text))).into_response()
        }
        Err(_) => refusal(&Denial::new(Reason::NotReady, "the answer cannot be written")),
    }
}

fn refusal(denial: &Denial) -> Response {
    let text = serde_json::to_string(&denial.refusal()).unwrap_or_default();
    (denial.reason.status(), [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
