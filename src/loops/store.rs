//! Stores that tell the truth: whether AWS accepts a store's credentials in its region, in the condition Ready.
//!
//! ```text
//! follow: watches ─▶ queue ─▶ check: source.prove ─▶ verdict ─▶ status
//! ```
//!
//! The proof needs no permission at AWS: the last role's own success, or GetCallerIdentity for keys. Where AWS cannot be
//! asked, keys that may be good are used as they are.

mod check;
mod follow;
mod object;
mod verdict;

use super::Context;
use crate::api::secret_store::SecretStoreStatus;
use crate::events::Events;
use check::Checker;
use follow::Follower;

/// Keeps the conditions of stores while we lead, until it is dropped.
pub async fn run(context: Context) {
    let Context { client, source, guard, settings, operator, .. } = context.clone();
    let checker = Checker {
        events: Events::start(client.clone(), "keyhatch.dev/stores", Some(guard.clone())),
        client,
        source,
        guard,
        adopt: settings.adopt,
        metrics: operator,
    };
    Follower::new(context, checker).follow().await;
}

/// Whether what uses a store has to wait until it heals: somebody looked, and it cannot be used. When it heals, its
/// status changes.
pub fn is_broken(status: Option<&SecretStoreStatus>) -> bool {
    let ready = status.and_then(|status| status.conditions.iter().find(|one| one.type_ == verdict::READY));
    ready.is_some_and(|ready| ready.status == "False")
}

#[cfg(test)]
mod tests {
    use super::*;

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
