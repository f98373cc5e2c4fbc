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
use tokio::time::timeout;

use super::identity::Caller;
use super::reason::{Denial, Reason};
use super::{Broker, OnItsWay, Told, audit};

/// A question has this long: more than a call to AWS with all its attempts.
const PATIENCE: Duration = Duration::from_secs(20);

/// The routes of the broker.
pub fn router(broker: Arc<Broker>) -> Router {
    Router::new().route(ANSWER_PATH, get(handle)).with_state(broker)
}

async fn handle(State(broker): State<Arc<Broker>>, headers: HeaderMap) -> Response {
    let started = Instant::now();
    let (response, outcome) = match ask(&broker, &headers).await {
        Ok(response) if response.status() == StatusCode::NOT_MODIFIED => (response, "unchanged"),
        Ok(response) => (response, "delivered"),
        Err(denial) => {
            broker.metrics.denied(denial.reason);
            (refusal(&denial), if denial.reason.is_decision() { "denied" } else { "failed" })
        }
    };
    broker.metrics.answered(outcome, started.elapsed());
    response
}

async fn ask(broker: &Broker, headers: &HeaderMap) -> Result<Response, Denial> {
    let _slot = broker.slots.try_acquire().map_err(|_| busy("too many pods ask at once; ask again"))?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = in_time(identify(broker, text(header::AUTHORIZATION))).await.inspect_err(audit::refused)?;
    in_time(async {
        match broker.answer(&caller, text(header::IF_NONE_MATCH)).await? {
            Told::All(answer, tag, on_its_way) => all(&answer, &tag, on_its_way),
            Told::Unchanged(tag) => Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response()),
        }
    })
    .await
}

async fn identify(broker: &Broker, authorization: Option<&str>) -> Result<Arc<Caller>, Denial> {
    let token = authorization.and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| {
        Denial::new(Reason::TokenMissing, "the header Authorization with the pod's token is missing")
    })?;
    broker.caller(token).await
}

async fn in_time<T>(asking: impl Future<Output = Result<T, Denial>>) -> Result<T, Denial> {
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| Err(busy("no answer within 20 s; ask again")))
}

fn busy(message: &str) -> Denial {
    Denial::new(Reason::Busy, message)
}

/// The text of an answer, wiped once it is sent, and what is held until then.
struct Sent {
    text: Zeroizing<Vec<u8>>,
    _on_its_way: OnItsWay,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

fn all(answer: &Answer, tag: &str, on_its_way: OnItsWay) -> Result<Response, Denial> {
    let contents = answer.files.values().chain(answer.env.values().flat_map(|env| env.values()));
    // Enough for all of it: a buffer that grows leaves copies behind.
    let size: usize = contents.map(|content| content.expose().len() * 4 / 3 + 512).sum();
    let mut text = Zeroizing::new(Vec::with_capacity(size + answer.roots.len() * 2 + 1024));
    serde_json::to_writer(&mut *text, answer).map_err(|_| busy("the answer cannot be written"))?;
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::ETAG, tag)];
    let sent = Bytes::from_owner(Sent { text, _on_its_way: on_its_way });
    Ok((headers, Body::from(sent)).into_response())
}

fn refusal(denial: &Denial) -> Response {
    let text = serde_json::to_string(&denial.refusal()).unwrap_or_default();
    (denial.reason.status(), [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
