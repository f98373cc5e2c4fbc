//! Stores that tell the truth: whether AWS accepts a store's credentials in its region, in the condition Ready.
//!
//! ```text
//! follow: changes ─▶ queue ─▶ check: source.prove ─▶ verdict ─▶ status
//! ```
//!
//! The proof needs no permission at AWS: the last role's own success, or GetCallerIdentity for keys. Where AWS cannot be
//! asked, keys that may be good are used as they are.

mod check;
mod follow;
mod verdict;

use crate::api::common::Condition;
use crate::api::secret_store::SecretStoreStatus;
pub(super) use follow::Loop;

/// Whether what uses a store has to wait until it heals: somebody looked, and it cannot be used. When it heals, its
/// status changes.
pub fn is_broken(status: Option<&SecretStoreStatus>) -> bool {
    let ready = status.and_then(|status| Condition::ready(&status.conditions));
    ready.is_some_and(|ready| ready.status == "False")
}

/// Whether a condition Ready says that AWS was asked and accepts the store.
pub fn is_proof(ready: &Condition) -> bool {
    ready.status == "True" && ready.reason.as_deref() == Some(verdict::VALID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_may_be_good_is_not_proven() {
        for (condition, expected) in [
            (r#"{"type":"Ready","status":"True","reason":"Valid"}"#, true),
            (r#"{"type":"Ready","status":"True","reason":"ValidationUnknown"}"#, false),
            (r#"{"type":"Ready","status":"False","reason":"InvalidProviderConfig"}"#, false),
        ] {
            assert_eq!(is_proof(&serde_json::from_str(condition).unwrap()), expected, "{condition}");
        }
    }

    #[test]
    fn only_a_store_that_cannot_be_used_is_waited_for() {
        for (conditions, expected) in [
            ("[]", false),
            (r#"[{"type":"Ready","status":"True"}]"#, false),
            (r#"[{"type":"Ready","status":"Unknown"}]"#, false),
            (r#"[{"type":"Ready","status":"False"}]"#, true),
            (r#"[{"type":"Other","status":"False"}]"#, false),
        ] {
            let status = serde_json::from_str(&format!(r#"{{"conditions":{conditions}}}"#)).unwrap();
            assert_eq!(is_broken(Some(&status)), expected, "{conditions}");
        }
        assert!(!is_broken(None));
    }
}
