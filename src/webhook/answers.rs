//! Decisions in the form that goes out: an AdmissionReview, and a line in the log.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tracing::{debug, info, warn};

use crate::admission::review::{self, Answer, Request};
use crate::admission::{Decision, ReviewError, refusal, refusal_of_error, warnings};
use crate::metrics::Outcome;

/// The answer to a review that was decided.
pub(super) fn decided(request: &Request<'_>, decision: &Decision) -> (Response, Outcome) {
    let warnings = warnings(&decision.doubts);
    let outcome = Outcome::of(decision);
    log(request, decision, outcome);
    let uid = request.uid.as_ref();
    let review = if decision.mistakes.is_empty() {
        Answer::change(uid, &decision.patch, warnings)
    } else {
        Ok(Answer::deny(uid, refusal(request, decision), warnings))
    };
    match review {
        Ok(review) => (answer(StatusCode::OK, &review), outcome),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR.into_response(), Outcome::Error),
    }
}

/// A request whose object cannot be judged.
pub(super) fn refuse_undecided(request: &Request<'_>, error: &ReviewError) -> (Response, Outcome) {
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

/// A body that is no review; its uid may be readable all the same.
pub(super) fn refuse_broken(body: &[u8], error: &ReviewError) -> (Response, Outcome) {
    let uid = review::uid_in_prefix(body).unwrap_or_default();
    (refuse_unread(StatusCode::BAD_REQUEST, &uid, error), Outcome::Error)
}

/// Refuses what could not be read.
pub(super) fn refuse_unread(code: StatusCode, uid: &str, error: &ReviewError) -> Response {
    warn!(uid, %error, "not decided, so refused");
    answer(code, &Answer::deny(uid, refusal_of_error(error), Vec::new()))
}

pub(super) fn answer(code: StatusCode, review: &Answer<'_>) -> Response {
    match serde_json::to_vec(review) {
        Ok(body) => (code, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
