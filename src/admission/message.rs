//! A decision in the words of the API: causes for a refusal, headers for warnings.

use std::fmt::Write;

use super::review::{Cause, Details, Request, Status};
use super::{Decision, Doubt, ReviewError, Why};
use crate::finding::MOST;

/// The API server passes 4096 bytes of warnings on, and cuts each at 256.
const MAX_WARNINGS: usize = 15;
const MAX_WARNING: usize = 240;
/// A person reads no more at once, and the API server should not have to pass on megabytes.
const MAX_CAUSES: usize = 50;

/// The refusal of an object: every mistake a cause, and all of them in the message.
pub fn refusal(request: &Request<'_>, decision: &Decision) -> Status {
    let (group, kind) = (request.kind.group.as_ref(), request.kind.kind.as_ref());
    let dot = if group.is_empty() { "" } else { "." };
    let name = request.name.as_deref().filter(|name| !name.is_empty()).unwrap_or("(generated)");
    let told = decision.mistakes.get(..MAX_CAUSES).unwrap_or(&decision.mistakes);
    let more = decision.mistakes.len() - told.len();
    let mut message = format!("{kind}{dot}{group} {name:?} is invalid: ");
    if decision.mistakes.len() > 1 {
        message.push('[');
    }
    for (index, finding) in told.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(message, "{separator}{}: {finding}", finding.field);
    }
    if decision.mistakes.len() > 1 {
        message.push(']');
    }
    let causes = told.iter().map(|finding| Cause {
        reason: finding.reason.cause_type(),
        message: finding.to_string(),
        field: finding.field.clone(),
    });
    let rest = (more > 0).then(|| Cause {
        reason: "FieldValueInvalid",
        message: format!("and {more}{} more mistakes: keyhatch check", or(decision.mistakes.len())),
        field: "spec".into(),
    });
    let causes = causes.chain(rest);
    let details = Details {
        name: name.to_owned(),
        group: group.to_owned(),
        kind: kind.to_owned(),
        causes: causes.collect(),
    };
    Status { code: 422, reason: "Invalid", message, details: Some(details) }
}

/// The refusal of a review that cannot be decided.
pub fn refusal_of_error(error: &ReviewError) -> Status {
    let (code, reason) = match error {
        ReviewError::Malformed(_)
        | ReviewError::NotText
        | ReviewError::OtherReview { .. }
        | ReviewError::NoRequest
        | ReviewError::NoObject { .. }
        | ReviewError::NoPod => (400, "BadRequest"),
        ReviewError::OtherVersion { .. } | ReviewError::Object(_) => (422, "Invalid"),
        ReviewError::TooLarge { .. } => (413, "RequestEntityTooLarge"),
        ReviewError::Late | ReviewError::NoRoots => (503, "ServiceUnavailable"),
    };
    Status { code, reason, message: format!("keyhatch: {error}"), details: None }
}

/// Doubts as warnings that reach the user whole: a long one goes on in the next.
pub fn warnings(doubts: &[Doubt]) -> Vec<String> {
    let mut out = Vec::new();
    for (index, doubt) in doubts.iter().enumerate() {
        let lines = pieces(&warning(doubt));
        let is_last = index + 1 == doubts.len();
        if out.len() + lines.len() > MAX_WARNINGS - usize::from(!is_last) {
            out.push(format!("and {}{} more: keyhatch check", doubts.len() - index, or(doubts.len())));
            break;
        }
        out.extend(lines);
    }
    out
}

/// Of very many not all were counted.
fn or(count: usize) -> &'static str {
    if count >= MOST { " or" } else { "" }
}

fn warning(doubt: &Doubt) -> String {
    let Doubt { finding, why } = doubt;
    let because = match why {
        Why::Doubtful => "",
        Why::NotNew => "not new, so admitted: ",
        Why::NotEnforced => "will be refused: ",
    };
    format!("{}: {because}{finding}", finding.field)
}

/// Breaks a text at spaces into lines that no API server cuts.
fn pieces(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match out.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= MAX_WARNING => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => out.push(format!("  … {}", start(word, MAX_WARNING - 6))),
            None => out.push(start(word, MAX_WARNING).to_owned()),
        }
    }
    out
}

/// At most `limit` bytes from the beginning of a word.
fn start(word: &str, limit: usize) -> &str {
    let end = (0..=limit.min(word.len())).rev().find(|&at| word.is_char_boundary(at)).unwrap_or(0);
    word.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::rules;

    fn doubts(count: usize, cause: &str) -> Vec<Doubt> {
        let doubt = |index: usize| {
            let (field, value) = (format!("spec.data[{index}]"), String::new());
            let finding = crate::finding::Finding {
                rule: rules()[0],
                level: crate::rule::Level::Warn,
                reason: crate::rule::Reason::Invalid,
                field,
                value,
                cause: cause.into(),
            };
            Doubt { finding, why: Why::Doubtful }
        };
        (0..count).map(doubt).collect()
    }

    #[test]
    fn many_warnings_end_in_a_count() {
        let lines = warnings(&doubts(20, "x"));
        assert_eq!(lines.len(), 15);
        assert_eq!(lines[14], "and 6 more: keyhatch check");
        assert_eq!(warnings(&doubts(15, "x")).len(), 15);
        assert_eq!(warnings(&doubts(1000, "x"))[14], "and 986 or more: keyhatch check");
    }

    #[test]
    fn long_warnings_go_on_in_the_next() {
        for cause in ["word ".repeat(100), "é".repeat(900), format!("{} {}", "a".repeat(250), "b".repeat(10))]
        {
            let lines = warnings(&doubts(2, &cause));
            assert!(lines.iter().all(|line| line.len() <= 240 && !line.is_empty()), "{lines:?}");
            assert!(lines.len() <= 15);
        }
    }
}
