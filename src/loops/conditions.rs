//! Conditions of a status: those there are and a new one in, the list to be written out, if there is something to write.

use std::fmt::Display;

use k8s_openapi::jiff::Timestamp;
use kube::api::ObjectMeta;

use super::write::MANAGER;
use crate::api::common::Condition;
use crate::bounded::bounded;

/// Problems that are told in one message.
pub const TOLD: usize = 8;
/// The longest message, in bytes: a status has its size.
const LONGEST: usize = 4096;

/// Puts a condition in the place of the one of its type. None: it is there as it should be, so nothing is to be written.
/// `lastTransitionTime` becomes `now` (RFC 3339) only where the status changes; the one that `new` has does not count.
pub fn set(conditions: &[Condition], new: Condition, now: &str) -> Option<Vec<Condition>> {
    let before = conditions.iter().find(|one| one.type_ == new.type_);
    let since = before.filter(|before| before.status == new.status);
    let since = since.and_then(|before| before.last_transition_time.clone());
    let new = Condition {
        message: new.message.as_deref().map(|message| bounded(message, LONGEST).into_owned()),
        last_transition_time: Some(since.unwrap_or_else(|| now.to_owned())),
        ..new
    };
    if before == Some(&new) {
        return None;
    }
    let mut conditions = conditions.to_vec();
    match conditions.iter_mut().find(|one| one.type_ == new.type_) {
        Some(there) => *there = new,
        None => conditions.push(new),
    }
    Some(conditions)
}

/// Whether it was we who last said something of an object: when its stores are gone, nobody else will tell.
pub fn was_ours(metadata: &ObjectMeta) -> bool {
    let entries = metadata.managed_fields.iter().flatten();
    let statuses = entries.filter(|entry| entry.subresource.as_deref() == Some("status"));
    let last = statuses.max_by_key(|entry| entry.time.as_ref().map(|time| time.0));
    last.is_some_and(|entry| entry.manager.as_deref() == Some(MANAGER))
}

/// A time as Kubernetes writes it.
pub fn seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Problems in one message: where each is, and what.
pub fn listed<P: Display>(problems: &[(String, P)]) -> String {
    let told = problems.iter().take(TOLD).map(|(at, problem)| format!("{at}: {problem}"));
    let mut message = told.collect::<Vec<_>>().join("; ");
    if let Some(more) = problems.len().checked_sub(TOLD).filter(|more| *more > 0) {
        message.push_str(&format!("; and {more} more"));
    }
    message
}

/// A condition Ready, as it is to be set.
pub fn ready(is_ready: bool, reason: &str, message: String) -> Condition {
    Condition {
        type_: Condition::READY.into(),
        status: if is_ready { "True" } else { "False" }.into(),
        reason: Some(reason.into()),
        message: Some(message),
        last_transition_time: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(status: &str, reason: &str, message: &str, since: Option<&str>) -> Condition {
        Condition {
            type_: "Ready".into(),
            status: status.into(),
            reason: Some(reason.into()),
            message: Some(message.into()),
            last_transition_time: since.map(str::to_owned),
        }
    }

    #[test]
    fn the_time_moves_with_the_status_and_with_nothing_else() {
        let other = Condition { type_: "Other".into(), ..ready("True", "r", "m", Some("t0")) };
        let old = [other.clone(), ready("True", "Synced", "all", Some("t1"))];
        for (new, expected) in [
            (ready("True", "Synced", "all", None), None),
            (ready("True", "Synced", "more", None), Some(ready("True", "Synced", "more", Some("t1")))),
            (ready("True", "Other", "all", None), Some(ready("True", "Other", "all", Some("t1")))),
            (ready("False", "Errored", "all", None), Some(ready("False", "Errored", "all", Some("t2")))),
        ] {
            let expected = expected.map(|ready| vec![other.clone(), ready]);
            assert_eq!(set(&old, new, "t2"), expected);
        }
        let first = ready("True", "Synced", "all", Some("t2"));
        assert_eq!(set(&[], first.clone(), "t2"), Some(vec![first.clone()]));
        assert_eq!(set(&[ready("True", "Synced", "all", None)], first.clone(), "t2"), Some(vec![first]));
    }

    #[test]
    fn a_message_is_bounded_and_stays_text() {
        let long = "ä".repeat(LONGEST);
        let set = set(&[], ready("False", "Errored", &long, None), "t").unwrap();
        let message = set[0].message.as_deref().unwrap();
        assert!((LONGEST - 4..=LONGEST).contains(&message.len()), "{}", message.len());
        assert!(message.ends_with("ä…"));
        assert_eq!(super::set(&set, ready("False", "Errored", &long, None), "t2"), None);
    }
}
