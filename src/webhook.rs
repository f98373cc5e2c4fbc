//! The HTTP side of admission: bytes in, an AdmissionReview out, whatever the bytes were.
//!
//! Every answer is an AdmissionReview, so that the user reads the reason and not "failed calling webhook".
//! What a client sends is bounded: bytes of one body, bytes in flight, and time; deciding itself never waits, so as
//! many reviews are decided at once as there are threads.

mod ahead;
mod answers;
mod asked;
mod body;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::sync::{Semaphore, watch};
use tokio::time::sleep;
use tracing::debug;

use crate::admission::pods::{self, Pod};
use crate::admission::review::{self, Answer, Request, Status};
use crate::admission::{Decision, ReviewError, admitted_at_once, decide};
use crate::broker::Reviews;
use crate::inject::Installation;
use crate::metrics::{Metrics, Outcome};
use crate::policy::{Enforce, Preflight};
use crate::shared_facts::SharedFacts;
use crate::validate::{Context, Settings};
use answers::{answer, decided, refuse_broken, refuse_undecided, refuse_unread};
use asked::{Subject, is_json, timeout_of};

/// The path under which the webhook configurations send objects of our kinds.
pub const PATH: &str = "/validate/external-secrets";
/// The path for pods, which are changed.
pub const PODS_PATH: &str = "/mutate/pods";
/// The path for objects that make pods.
pub const WORKLOADS_PATH: &str = "/validate/workloads";

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
    /// What is put into pods; authorities come and go.
    installation: watch::Receiver<Installation>,
    preflight: Preflight,
    /// The broker, which looks ahead.
    reviews: Reviews,
    metrics: Arc<Metrics>,
    bytes: Semaphore,
    /// Bodies of reviews that wait for others, in KiB: they leave room for those that do not.
    waiting: Semaphore,
}

/// What a webhook is made of.
#[derive(Debug)]
pub struct WebhookConfig {
    /// What rules depend on.
    pub settings: Settings,
    /// What is known of other objects.
    pub facts: Arc<SharedFacts>,
    /// What is put into pods.
    pub installation: watch::Receiver<Installation>,
    /// What is done about secrets that AWS does not give.
    pub preflight: Preflight,
    /// The broker of this process, if there is one.
    pub reviews: Reviews,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl Webhook {
    /// A webhook that judges objects by these settings and by what is known of others.
    pub fn new(config: WebhookConfig) -> Self {
        let WebhookConfig { settings, facts, installation, preflight, reviews, metrics } = config;
        let enforcing = |enforce| Settings { policy: settings.policy.enforcing(enforce), ..settings.clone() };
        Self {
            warning: enforcing(Enforce::Warn),
            denying: enforcing(Enforce::Deny),
            settings,
            facts,
            installation,
            preflight,
            reviews,
            metrics,
            bytes: Semaphore::new(body::IN_FLIGHT_KIB),
            waiting: Semaphore::new(body::IN_FLIGHT_KIB / 4),
        }
    }

    /// The settings for reviews that were sent to this path: the webhook configuration sends those of labelled
    /// namespaces to paths of their own, so nobody has to know the labels here.
    fn settings_for(&self, path: &str) -> &Settings {
        match asked::strictness(path) {
            "/warn" => &self.warning,
            "/deny" => &self.denying,
            _ => &self.settings,
        }
    }
}

/// The routes of the webhook.
pub fn router(webhook: Arc<Webhook>) -> Router {
    Router::new()
        .route(PATH, post(handle))
        .route(&format!("{PATH}/{{enforce}}"), post(handle))
        .route(PODS_PATH, post(handle))
        .route(WORKLOADS_PATH, post(handle))
        .route(&format!("{WORKLOADS_PATH}/{{enforce}}"), post(handle))
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
    match tokio::time::timeout(deadline, webhook.review(body, parts.uri.path(), started + deadline)).await {
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
    async fn review(&self, body: Body, path: &str, deadline: Instant) -> (Response, Outcome) {
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
        // Whoever finds too many waiting is answered by what is known now.
        let may_wait = body::try_share(&self.waiting, body.len());
        match self.decide_patiently(body, path, may_wait.is_some()).await {
            Ok((request, Ok(mut decision))) => {
                if may_wait.is_some() {
                    self.look_ahead(&request, &mut decision, deadline).await;
                }
                self.tell_controller(&request, &decision);
                self.metrics.found(request.namespace.as_deref().unwrap_or_default(), &decision);
                decided(&request, &decision)
            }
            Ok((request, Err(error))) => refuse_undecided(&request, &error),
            Err(error) => refuse_broken(body.as_bytes(), &error),
        }
    }

    /// People apply a store and what uses it in one breath, and the news of the store takes a moment: a refusal that
    /// hangs on a store which is not known waits for it.
    async fn decide_patiently<'a>(&self, body: &'a str, path: &str, may_wait: bool) -> Decided<'a> {
        let decided = self.decide(body, path);
        if !may_wait || !hangs_on_store(&decided) || !self.facts.read().secret_stores.is_complete() {
            return decided;
        }
        let mut changes = self.facts.changes();
        let patience = sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let decided = self.decide(body, path);
            if !hangs_on_store(&decided) {
                return decided;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = &mut patience => return decided,
            }
        }
    }

    fn decide<'a>(&self, body: &'a str, path: &str) -> Decided<'a> {
        let facts = self.facts.read();
        let settings = self.settings_for(path);
        let installation = self.installation.borrow();
        match asked::subject(path) {
            Subject::Objects => decide_object(body, &Context { settings, facts: &facts }),
            Subject::Pods => {
                let (request, pod) = review::parse::<Pod>(body)?.take_object();
                let decision = pods::decide_pod(&request, pod, &facts, &installation);
                Ok((request, decision))
            }
            Subject::Workloads => {
                let request = review::parse(body)?;
                let enforce = settings.policy.enforce;
                let decision = pods::decide_workload(&request, &facts, &installation, enforce);
                Ok((request, decision))
            }
        }
    }
}

fn decide_object<'a>(body: &'a str, context: &Context<'_>) -> Decided<'a> {
    if let Some(request) = admitted_at_once(body, context) {
        return Ok((request, Ok(Decision::default())));
    }
    let request = review::parse(body)?;
    let decision = decide(&request, context);
    Ok((request, decision))
}

/// The request and what is decided about it, or why it cannot be read.
type Decided<'a> = Result<(Request<'a>, Result<Decision, ReviewError>), ReviewError>;

fn hangs_on_store(decided: &Decided<'_>) -> bool {
    matches!(decided, Ok((_, Ok(decision))) if decision.hangs_on_store)
}
