//! One review of a pod, or of what makes pods, through the code that is tested, and what must hold of the answer.

use std::time::{Duration, Instant};

use keyhatch::admission::pods::{self, Pod};
use keyhatch::admission::review::{self, Answer, Request};
use keyhatch::admission::{Decision, ReviewError, refusal, refusal_of_error, warnings};
use keyhatch::facts::Facts;
use keyhatch::inject::annotations::PREFIX;
use keyhatch::inject::workload::Workload;
use keyhatch::inject::{Installation, concerns};
use keyhatch::policy::Enforce;
use serde_json::{Value, json};

use super::judge::{MAX_EXTRA, Verdict, check_warnings, encode};
use super::pods::{envelope, installation};

/// A review that was decided, or why not.
type Decided<'a> = Result<(Request<'a>, Decision), ReviewError>;

/// Decides a review as the webhook does that changes pods. An error is a broken promise, not a refusal. `took` is set to
/// how long the decision took: to see whether it is right takes longer.
pub(crate) fn judge_pod(body: &[u8], facts: &Facts, took: &mut Option<Duration>) -> Result<Verdict, String> {
    let installation = installation();
    let started = Instant::now();
    let decided = decide_pod(body, facts, &installation);
    let answer = encoded(body, &decided)?;
    *took = Some(started.elapsed());
    // A patch may repeat what the pod has, in base64.
    check_size(&answer, 2 * body.len())?;
    let Ok((request, decision)) = &decided else { return Ok(Verdict::default()) };
    // What is passed over when a pod is read may be no JSON that others read.
    let Some(pod) = request_object(body) else { return Ok(Verdict::default()) };
    if !decision.patch.is_empty() && !decision.mistakes.is_empty() {
        return Err("a patch for a pod that is refused".into());
    }
    if !asks(&pod) && !decision.patch.is_empty() {
        return Err("a patch for a pod without annotations of ours".into());
    }
    let is_silent = decision.mistakes.is_empty() && decision.doubts.is_empty();
    if !is_silent && !concerns(&pod) {
        return Err(format!("something is told about a pod that is nobody's business: {decision:?}"));
    }
    if !decision.patch.is_empty() {
        check_patch(&pod, decision, request, facts, &installation)?;
    }
    Ok(verdict(asks(&pod), decision))
}

/// The same of the webhook that judges what makes pods.
pub(crate) fn judge_workload(
    body: &[u8],
    facts: &Facts,
    took: &mut Option<Duration>,
) -> Result<Verdict, String> {
    let installation = installation();
    let started = Instant::now();
    let decided = read(body, |text| {
        let request = review::parse(text)?;
        let decision = pods::decide_workload(&request, facts, &installation, Enforce::Deny)?;
        Ok((request, decision))
    });
    let answer = encoded(body, &decided)?;
    *took = Some(started.elapsed());
    check_size(&answer, body.len())?;
    let Ok((request, decision)) = &decided else { return Ok(Verdict::default()) };
    if !decision.patch.is_empty() {
        return Err("a patch for what is only judged".into());
    }
    let pod = |raw: Option<&serde_json::value::RawValue>| {
        let object: Value = serde_json::from_str(raw?.get()).ok()?;
        Workload::named(&request.kind.group, &request.kind.kind)?.pod(&object).cloned()
    };
    let template = pod(request.object);
    let is_same = request.operation == "UPDATE" && template == pod(request.old_object);
    if is_same && !(decision.mistakes.is_empty() && decision.doubts.is_empty()) {
        return Err(format!("something is told about an update that leaves the pods alone: {decision:?}"));
    }
    let asks = template.is_some_and(|pod| asks(&pod));
    Ok(verdict(asks, decision))
}

fn decide_pod<'a>(body: &'a [u8], facts: &Facts, installation: &Installation) -> Decided<'a> {
    read(body, |text| {
        let (request, pod) = review::parse::<Pod>(text)?.take_object();
        let decision = pods::decide_pod(&request, pod, facts, installation)?;
        Ok((request, decision))
    })
}

fn read<'a>(body: &'a [u8], decide: impl FnOnce(&'a str) -> Decided<'a>) -> Decided<'a> {
    decide(std::str::from_utf8(body).map_err(|_| ReviewError::NotText)?)
}

/// The answer as it goes out.
fn encoded(body: &[u8], decided: &Decided<'_>) -> Result<Vec<u8>, String> {
    let (request, decision) = match decided {
        Ok(decided) => decided,
        Err(error) => {
            let uid = review::uid_in_prefix(body).unwrap_or_default();
            return encode(&Answer::deny(&uid, refusal_of_error(error), Vec::new()));
        }
    };
    let warnings = warnings(&decision.doubts);
    check_warnings(&warnings)?;
    if decision.mistakes.is_empty() {
        let answer = Answer::change(&request.uid, &decision.patch, warnings);
        encode(&answer.map_err(|error| format!("the patch is no JSON: {error}"))?)
    } else {
        encode(&Answer::deny(&request.uid, refusal(request, decision), warnings))
    }
}

fn check_size(answer: &[u8], most: usize) -> Result<(), String> {
    match answer.len() {
        size if size > most + MAX_EXTRA => Err(format!("an answer of {size} bytes, at most {most} expected")),
        _ => Ok(()),
    }
}

/// It applies, and planning what it makes changes nothing.
fn check_patch(
    pod: &Value,
    decision: &Decision,
    request: &Request<'_>,
    facts: &Facts,
    installation: &Installation,
) -> Result<(), String> {
    let shown = || serde_json::to_string(&decision.patch).unwrap_or_default();
    let mut patched = pod.clone();
    json_patch::patch(&mut patched, &decision.patch)
        .map_err(|error| format!("the patch does not apply: {error}: {}", shown()))?;
    let mut again = envelope(Workload::Pod, "CREATE", &patched, &Value::Null);
    again["request"]["namespace"] = json!(request.namespace);
    let again = again.to_string();
    let again = decide_pod(again.as_bytes(), facts, installation);
    let (_, again) = again.map_err(|error| format!("the patched pod cannot be decided: {error}"))?;
    if !again.mistakes.is_empty() {
        return Err(format!("the patched pod is refused: {:?}, after {}", again.mistakes, shown()));
    }
    if !again.patch.is_empty() {
        let again = serde_json::to_string(&again.patch).unwrap_or_default();
        return Err(format!("the patched pod is changed again: {again}, after {}", shown()));
    }
    Ok(())
}

/// The pod of a review that could be read.
fn request_object(body: &[u8]) -> Option<Value> {
    let mut review: Value = serde_json::from_slice(body).ok()?;
    review.pointer_mut("/request/object").map(Value::take)
}

/// Whether a pod has an annotation of ours.
fn asks(pod: &Value) -> bool {
    let annotations = pod.pointer("/metadata/annotations").and_then(Value::as_object);
    let is_ours = |key: &String| key.to_ascii_lowercase().starts_with(PREFIX);
    annotations.is_some_and(|annotations| annotations.keys().any(is_ours))
}

fn verdict(is_reached: bool, decision: &Decision) -> Verdict {
    Verdict { is_reached, is_refused: !decision.mistakes.is_empty() }
}
