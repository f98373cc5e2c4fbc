//! The HTTP side of admission: bytes in, an AdmissionReview out, whatever the bytes were.
//!
//! Every answer is an AdmissionReview, so that the user reads the reason and not "failed calling webhook".
//! What a client sends is bounded: bytes of one body, bytes in flight, and time; deciding itself never waits, so as
//! many reviews are decided at once as there are threads.

mod body;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use crate::admission::review::{self, Answer, Request, Status};
use crate::admission::{
    Decision, ReviewError, admitted_at_once, decide, refusal, refusal_of_error, warnings,
};
use crate::api::Kind;
use crate::metrics::{Metrics, Outcome};
use crate::policy::Enforce;
use crate::shared_facts::SharedFacts;
use crate::validate::{Context, Settings};

/// The path under which the webhook configurations call.
pub const PATH: &str = "/validate/external-secrets";

/// The API server's own default, used when it names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a refusal waits for the news of a store.
const PATIENCE: Duration = Duration::from_millis(300);

/// What all reviews share.
#[derive(Debug)]
pub struct Webhook {
    settings: Settings,
    /// The same for namespaces whose label says that mistakes are only warned about, or are refused.
    warning: Settings,
    denying: Settings,
    facts: Arc<SharedFacts>,
    metrics: Arc<Metrics>,
    bytes: Semaphore,
}

impl Webhook {
    /// A webhook that judges objects by these settings and by what is known of others.
    pub fn new(settings: Settings, facts: Arc<SharedFacts>, metrics: Arc<Metrics>) -> Self {
        let enforcing = |enforce| Settings { policy: settings.policy.enforcing(enforce), ..settings.clone() };
        Self {
            warning: enforcing(Enforce::Warn),
            denying: enforcing(Enforce::Deny),
            settings,
            facts,
            metrics,
            bytes: Semaphore::new(body::IN_FLIGHT_KIB),
        }
    }

    /// The settings for reviews that were sent to this path: the webhook configuration sends those of labelled
    /// namespaces to paths of their own, so nobody has to know the labels here.
    fn settings_for(&self, path: &str) -> &Settings {
        match path.strip_prefix(PATH) {
            Some("/warn") => &self.warning,
            Some("/deny") => &self.denying,
            _ => &self.settings,
        }
    }
}

/// The routes of the webhook.
pub fn router(webhook: Arc<Webhook>) -> Router {
    Router::new()
        .route(PATH, post(handle))
        .route(&format!("{PATH}/{{enforce}}"), post(handle))
        .with_state(webhook)
}

async fn handle(State(webhook): State<Arc<Webhook>>, request: HttpRequest) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let status = Status {
            code: 415,
            reason: "UnsupportedMediaType",
            message: "keyhatch: an AdmissionReview is sent as application/json".into(),
            details: None,
        };
        webhook.metrics.reviewed(Outcome::Error, started.elapsed());
        return answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, &Answer::deny("", status, Vec::new()));
    }
    let deadline = timeout_of(&parts.uri);
    match tokio::time::timeout(deadline, webhook.review(body, webhook.settings_for(parts.uri.path()))).await {
        Ok((response, outcome)) => {
            webhook.metrics.reviewed(outcome, started.elapsed());
            response
        }
        Err(_) => {
            webhook.metrics.reviewed(Outcome::Error, started.elapsed());
            refuse_unread(StatusCode::OK, "", &ReviewError::Late)
        }
    }
}

impl Webhook {
    async fn review(&self, body: Body, settings: &Settings) -> (Response, Outcome) {
        let read = match body::read(body, &self.bytes).await {
            Ok(read) => read,
            Err(body::BodyError::TooLarge { uid }) => {
                let error = ReviewError::TooLarge { limit: body::LIMIT };
                return (refuse_unread(StatusCode::OK, &uid, &error), Outcome::Error);
            }
            Err(body::BodyError::Broken(error)) => {
                debug!(%error, "a client ended its request early");
                return (StatusCode::BAD_REQUEST.into_response(), Outcome::Error);
            }
        };
        let Ok(body) = std::str::from_utf8(&read.bytes) else {
            return refuse_broken(&read.bytes, &ReviewError::NotText);
        };
        match self.decide_patiently(body, settings).await {
            Ok((request, Ok(decision))) => self.tell(&request, &decision),
            Ok((request, Err(error))) => refuse_undecided(&request, &error),
            Err(error) => refuse_broken(body.as_bytes(), &error),
        }
    }

    /// People apply a store and what uses it in one breath, and the news of the store takes a moment: a refusal that
    /// hangs on a store which is not known waits for it.
    async fn decide_patiently<'a>(&self, body: &'a str, settings: &Settings) -> Decided<'a> {
        let decided = self.decide(body, settings);
        if !hangs_on_store(&decided) || !self.facts.read().secret_stores.is_complete {
            return decided;
        }
        let mut changes = self.facts.changes();
        let patience = sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let decided = self.decide(body, settings);
            if !hangs_on_store(&decided) {
                return decided;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = &mut patience => return decided,
            }
        }
    }

    fn decide<'a>(&self, body: &'a str, settings: &Settings) -> Decided<'a> {
        let facts = self.facts.read();
        let context = Context { settings, facts: &facts };
        if let Some(request) = admitted_at_once(body, &context) {
            return Ok((request, Ok(Decision::default())));
        }
        let request = review::parse(body)?;
        let decision = decide(&request, &context);
        Ok((request, decision))
    }

    fn tell(&self, request: &Request<'_>, decision: &Decision) -> (Response, Outcome) {
        self.metrics.found(request.namespace.as_deref().unwrap_or_default(), decision);
        let warnings = warnings(&decision.doubts);
        let outcome = Outcome::of(decision);
        log(request, decision, outcome);
        let uid = request.uid.as_ref();
        let review = match Kind::named(&request.kind.kind).filter(|_| !decision.mistakes.is_empty()) {
            Some(kind) => Answer::deny(uid, refusal(kind, request, decision), warnings),
            None => Answer::allow(uid, warnings),
        };
        (answer(StatusCode::OK, &review), outcome)
    }
}

/// The request and what is decided about it, or why it cannot be read.
type Decided<'a> = Result<(Request<'a>, Result<Decision, ReviewError>), ReviewError>;

fn hangs_on_store(decided: &Decided<'_>) -> bool {
    matches!(decided, Ok((_, Ok(decision))) if decision.hangs_on_store)
}

/// A request whose object cannot be judged.
fn refuse_undecided(request: &Request<'_>, error: &ReviewError) -> (Response, Outcome) {
    warn!(uid = %request.uid, kind = %request.kind.kind, namespace = ?request.namespace, name = ?request.name, %error, "not decided, so refused");
    let review = Answer::deny(&request.uid, refusal_of_error(error), Vec::new());
    (answer(StatusCode::OK, &review), Outcome::Error)
}

/// One line a decision; admitted without a word is the common case and is told at debug only.
fn log(request: &Request<'_>, decision: &Decision, outcome: Outcome) {
    if outcome == Outcome::Allowed {
        debug!(uid = %request.uid, kind = %request.kind.kind, namespace = ?request.namespace, name = ?request.name, "admitted");
        return;
    }
    let ids = |rules: &mut dyn Iterator<Item = &'static str>| rules.collect::<Vec<_>>().join(",");
    info!(
        uid = %request.uid,
        operation = %request.operation,
        kind = %request.kind.kind,
        namespace = request.namespace.as_deref().unwrap_or_default(),
        name = request.name.as_deref().unwrap_or_default(),
        dry_run = request.dry_run.unwrap_or_default(),
        mistakes = ids(&mut decision.mistakes.iter().map(|finding| finding.rule.id)),
        doubts = ids(&mut decision.doubts.iter().map(|doubt| doubt.finding.rule.id)),
        "{}",
        if outcome == Outcome::Refused { "refused" } else { "admitted with warnings" },
    );
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// The API server says how long it waits: `?timeout=5s`. The answer leaves a little earlier.
fn timeout_of(uri: &Uri) -> Duration {
    let query = uri.query().unwrap_or_default();
    let named = query.split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let parsed =
        named.and_then(|text| crate::go::duration::parse(text).ok()).and_then(|d| u64::try_from(d.0).ok());
    let given = parsed
        .map_or(DEFAULT_TIMEOUT, Duration::from_nanos)
        .clamp(Duration::from_millis(100), Duration::from_secs(30));
    given - given / 10
}

/// A body that is no review; its uid may be readable all the same.
fn refuse_broken(body: &[u8], error: &ReviewError) -> (Response, Outcome) {
    let uid = review::uid_in_prefix(body).unwrap_or_default();
    (refuse_unread(StatusCode::BAD_REQUEST, &uid, error), Outcome::Error)
}

/// Refuses what could not be read.
fn refuse_unread(code: StatusCode, uid: &str, error: &ReviewError) -> Response {
    warn!(uid, %error, "not decided, so refused");
    answer(code, &Answer::deny(uid, refusal_of_error(error), Vec::new()))
}

fn answer(code: StatusCode, review: &Answer<'_>) -> Response {
    match serde_json::to_vec(review) {
        Ok(body) => (code, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
