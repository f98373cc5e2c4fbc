//! One input through the code that is tested, as the webhook and the command run it, and what must hold of
//! whatever comes out.

use std::path::Path;

use keyhatch::admission::review::{self, Answer, Request};
use keyhatch::admission::{ReviewError, admitted_at_once, decide, refusal, refusal_of_error, warnings};
use keyhatch::api::{GROUP, Kind};
use keyhatch::check::{self, output};
use keyhatch::facts::Facts;
use keyhatch::object::Object;
use keyhatch::validate::{Context, Settings};

/// What became of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A validator read its spec.
    pub(crate) is_reached: bool,
    /// It was refused for its mistakes.
    pub(crate) is_refused: bool,
}

/// The API server cuts a warning at 256 bytes, and all of them at 4096.
const MAX_WARNING: usize = 256;
const MAX_WARNINGS: usize = 4096;
/// What an answer may have beyond the size of its review.
pub(crate) const MAX_EXTRA: usize = 256 << 10;

/// Decides a review. An error is a broken promise, not a refusal.
pub(crate) fn judge_review(body: &[u8], facts: &Facts) -> Result<Verdict, String> {
    let settings = Settings::default();
    let context = Context { settings: &settings, facts };
    let text = std::str::from_utf8(body);
    let parsed = text.map_err(|_| ReviewError::NotText).and_then(review::parse);
    let (answer, verdict) = match parsed {
        Err(error) => {
            let uid = review::uid_in_prefix(body).unwrap_or_default();
            (encode(&Answer::deny(&uid, refusal_of_error(&error), Vec::new()))?, Verdict::default())
        }
        Ok(request) => judge_request(&request, &context)?,
    };
    if answer.len() > body.len() + MAX_EXTRA {
        return Err(format!("an answer of {} bytes to a review of {}", answer.len(), body.len()));
    }
    if let Some(request) = text.ok().and_then(|text| admitted_at_once(text, &context))
        && answer != encode(&Answer::allow(&request.uid, Vec::new()))?
    {
        return Err("admitted without a word in one pass, and not in three".into());
    }
    Ok(verdict)
}

fn judge_request(request: &Request<'_>, context: &Context<'_>) -> Result<(Vec<u8>, Verdict), String> {
    let decision = match decide(request, context) {
        Ok(decision) => decision,
        Err(error) => {
            let answer = Answer::deny(&request.uid, refusal_of_error(&error), Vec::new());
            return Ok((encode(&answer)?, Verdict::default()));
        }
    };
    let verdict = Verdict { is_reached: has_spec(request), is_refused: !decision.mistakes.is_empty() };
    if verdict.is_refused && is_spec_unchanged(request) {
        return Err("an update that leaves the spec alone is refused".into());
    }
    let warnings = warnings(&decision.doubts);
    check_warnings(&warnings)?;
    let answer = match Kind::named(&request.kind.kind).filter(|_| verdict.is_refused) {
        Some(_) => Answer::deny(&request.uid, refusal(request, &decision), warnings),
        None => Answer::allow(&request.uid, warnings),
    };
    Ok((encode(&answer)?, verdict))
}

pub(crate) fn check_warnings(warnings: &[String]) -> Result<(), String> {
    let size: usize = warnings.iter().map(String::len).sum();
    if size > MAX_WARNINGS || warnings.iter().any(|warning| warning.len() > MAX_WARNING) {
        return Err(format!("warnings of {size} bytes would be cut"));
    }
    Ok(())
}

pub(crate) fn encode(answer: &Answer<'_>) -> Result<Vec<u8>, String> {
    serde_json::to_vec(answer).map_err(|error| format!("the answer is no JSON: {error}"))
}

/// The object of a request that is one of ours, if its envelope can be read.
fn object<'a>(request: &Request<'a>, is_old: bool) -> Option<Object<'a>> {
    let kind = Kind::named(&request.kind.kind).filter(|_| request.kind.group == GROUP)?;
    let raw = if is_old { request.old_object } else { request.object };
    Object::admitted(kind, raw?.get()).ok()
}

fn has_spec(request: &Request<'_>) -> bool {
    let is_write = matches!(request.operation.as_ref(), "CREATE" | "UPDATE");
    let has_spec = |object: Object<'_>| object.raw_spec().is_some_and(|spec| spec.starts_with('{'));
    is_write && object(request, false).is_some_and(|object| !object.is_deleting() && has_spec(object))
}

fn is_spec_unchanged(request: &Request<'_>) -> bool {
    let old = object(request, true);
    request.operation == "UPDATE"
        && old.is_some_and(|old| object(request, false).is_some_and(|new| new.raw_spec() == old.raw_spec()))
}

/// Checks a file and prints the outcome in one form or another.
pub(crate) fn judge_file(path: &Path, form: u64) -> Result<Verdict, String> {
    let input = check::read(&[path.to_owned()], Some("team-a"));
    let outcome = check::judge(&input, &Settings::default());
    if outcome.findings.iter().any(|found| found.line == 0) {
        return Err("a finding without a line".into());
    }
    let printed = match form {
        0 => output::sarif(&outcome).to_string(), // slow, as it lists all rules
        1..4 => output::json(&outcome).to_string(),
        _ => output::text(&outcome, output::Palette::for_stdout()),
    };
    if printed.is_empty() {
        return Err("no output".into());
    }
    Ok(Verdict { is_reached: !input.manifests.is_empty(), is_refused: outcome.exit_code() == 1 })
}
