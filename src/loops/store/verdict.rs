//! What a proof means: the proof in, the condition Ready and the next look out. Pure.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::Timestamp;

use crate::api::secret_store::{SecretStoreSpec, SecretStoreStatus};
use crate::aws::failure::Failure;
use crate::aws::region;
use crate::go::duration;
use crate::loops::conditions;
use crate::source::error::SourceError;
use crate::source::objects::ObjectError;
use crate::source::prove::Proof;

/// What a store of AWS Secrets Manager can.
const CAPABILITIES: &str = "ReadWrite";
/// The operator's word for a store that AWS accepts.
pub(super) const VALID: &str = "Valid";
/// The operator's word for a store that cannot be used.
pub(super) const INVALID: &str = "InvalidProviderConfig";
/// Between two looks, where the store does not say.
const INTERVAL: Duration = Duration::from_secs(300);
/// Between two looks at a store of which nothing good is known: whoever repairs it at AWS waits so long at most.
const SOON: Duration = Duration::from_secs(30);

/// What is said of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether its secrets are read and pushed.
    pub(super) is_ready: bool,
    /// The operator's word.
    pub(super) reason: &'static str,
    /// Why.
    pub(super) message: String,
}

/// Decides. None: nothing new can be said, and it is asked again.
pub(super) fn verdict(proof: Result<Proof, SourceError>, region: &str) -> Option<Verdict> {
    let valid = |message| Verdict { is_ready: true, reason: VALID, message };
    let invalid = |cause: String| {
        let message = format!("unable to validate store: {cause}");
        Verdict { is_ready: false, reason: INVALID, message }
    };
    Some(match proof {
        Ok(Proof::Accepted { who }) => valid(format!("store validated: AWS accepts {who} in {region}")),
        Ok(Proof::Referent) => valid(
            "store validated; nothing was proven, since each namespace that uses it is somebody else to AWS"
                .to_owned(),
        ),
        Ok(Proof::Unanswered(failure)) if !region::may_exist(region) => invalid(told(failure, region)),
        // Credentials that are good need no STS, so nobody waits for this.
        Ok(Proof::Unanswered(failure)) => Verdict {
            is_ready: true,
            reason: "ValidationUnknown",
            message: format!(
                "could not determine validation status, so the store is used as it is: {}",
                told(failure, region)
            ),
        },
        Err(SourceError::Object(ObjectError::Unavailable { .. })) => return None,
        Err(SourceError::Aws(failure)) => invalid(told(failure, region)),
        Err(error) => invalid(error.to_string()),
    })
}

/// Without AWS's request id, so that the same trouble says the same; an endpoint that does not answer may be of no region.
fn told(failure: Failure, region: &str) -> String {
    let failure = Failure { request_id: None, ..failure };
    if failure.class.is_unavailable() && !region::may_exist(region) {
        return format!("there is no region {region:?}, as far as is known: {failure}");
    }
    failure.to_string()
}

impl Verdict {
    /// The status that says so.
    pub(super) fn status(&self, old: Option<&SecretStoreStatus>, now: Timestamp) -> SecretStoreStatus {
        let mut status = old.cloned().unwrap_or_default();
        let condition = conditions::ready(self.is_ready, self.reason, self.message.clone());
        if let Some(conditions) = conditions::set(&status.conditions, condition, &conditions::seconds(now)) {
            status.conditions = conditions;
        }
        if self.is_ready {
            status.capabilities = Some(CAPABILITIES.into());
        }
        status
    }

    /// How long it is believed.
    pub(super) fn lasts(&self, spec: &SecretStoreSpec) -> Duration {
        let interval = interval(spec);
        if self.reason == VALID { interval } else { interval.min(SOON) }
    }
}

/// Time between two looks: seconds, or a duration; what is neither is the default.
fn interval(spec: &SecretStoreSpec) -> Duration {
    let said = match &spec.refresh_interval {
        None => None,
        Some(IntOrString::Int(seconds)) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Some(IntOrString::String(text)) => duration::interval(Some(text), INTERVAL),
    };
    said.filter(|interval| !interval.is_zero()).unwrap_or(INTERVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::failure::Class;
    use crate::source::objects::ObjectId;

    fn failure(class: Class) -> Failure {
        Failure {
            class,
            operation: "GetCallerIdentity",
            object: "access keys of Secret a/aws".into(),
            code: "connection".into(),
            message: "dns error".into(),
            request_id: Some("r-1".into()),
        }
    }

    fn unanswered() -> Result<Proof, SourceError> {
        Ok(Proof::Unanswered(failure(Class::Unavailable)))
    }

    #[test]
    fn a_proof_says_what_the_operator_would_say_and_why() {
        let accepted = || Ok(Proof::Accepted { who: "arn:a".into() });
        let (refused, silent) = (failure(Class::IdentityRefused), failure(Class::Unavailable));
        for (proof, region, is_ready, reason, words) in [
            (accepted(), "eu-central-1", true, "Valid", "AWS accepts arn:a in eu-central-1"),
            (Ok(Proof::Referent), "eu-central-1", true, "Valid", "nothing was proven"),
            (unanswered(), "eu-central-1", true, "ValidationUnknown", "access keys of Secret a/aws"),
            (unanswered(), "eu-central-9", true, "ValidationUnknown", "dns error"),
            (unanswered(), "eu-centrall-1", false, "InvalidProviderConfig", r#"no region "eu-centrall-1""#),
            (Err(refused.into()), "eu-central-1", false, "InvalidProviderConfig", "does not accept"),
            (
                Err(silent.into()),
                "eu-centrall-1",
                false,
                "InvalidProviderConfig",
                r#"no region "eu-centrall-1""#,
            ),
        ] {
            let verdict = verdict(proof, region).unwrap();
            assert_eq!((verdict.is_ready, verdict.reason), (is_ready, reason), "{verdict:?}");
            assert!(verdict.message.contains(words) && !verdict.message.contains("r-1"), "{verdict:?}");
        }
        let object = ObjectId::Namespace("a".into());
        let silent = SourceError::Object(ObjectError::Unavailable { object, cause: "timeout".into() });
        assert_eq!(verdict(Err(silent), "eu-central-1"), None);
    }

    #[test]
    fn a_status_moves_with_the_verdict_and_keeps_what_is_not_ours() {
        let old: SecretStoreStatus = serde_json::from_str(
            r#"{"conditions":[{"type":"Other","status":"True"},
                {"type":"Ready","status":"True","reason":"Valid","lastTransitionTime":"2020-01-01T00:00:00Z"}]}"#,
        )
        .unwrap();
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let good = verdict(Ok(Proof::Referent), "r").unwrap().status(Some(&old), now);
        assert_eq!(good.capabilities.as_deref(), Some("ReadWrite"));
        assert_eq!(good.conditions[0], old.conditions[0]);
        assert_eq!(good.conditions[1].last_transition_time, old.conditions[1].last_transition_time);
        let bad = verdict(Err(failure(Class::IdentityRefused).into()), "r").unwrap();
        let new = bad.status(Some(&good), now);
        assert_eq!(new.conditions[1].last_transition_time.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(bad.status(None, now).capabilities, None);
    }

    #[test]
    fn a_store_is_looked_at_as_often_as_it_says_and_a_broken_one_soon() {
        let good = verdict(Ok(Proof::Referent), "r").unwrap();
        let unknown = verdict(unanswered(), "eu-central-1").unwrap();
        for (interval, lasts, lasts_unknown) in [
            ("null", 300, 30),
            ("0", 300, 30),
            ("-1", 300, 30),
            ("10", 10, 10),
            (r#""2m""#, 120, 30),
            (r#""soon""#, 300, 30),
        ] {
            let spec: SecretStoreSpec =
                serde_json::from_str(&format!(r#"{{"refreshInterval":{interval}}}"#)).unwrap();
            assert_eq!(good.lasts(&spec), Duration::from_secs(lasts), "{interval}");
            assert_eq!(unknown.lasts(&spec), Duration::from_secs(lasts_unknown), "{interval}");
        }
    }
}
