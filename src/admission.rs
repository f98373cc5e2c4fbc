//! A review in, a decision out. Pure: bytes were read by [`crate::webhook`], which also writes the answer.
//!
//! An object with mistakes is refused with all of them. On an update, mistakes that were there before are
//! warnings only (the ratchet), and an update that leaves the spec alone always passes: finalizers, labels
//! and status can change whatever the spec says.

mod ahead;
mod at_once;
mod message;
pub mod pods;
mod ratchet;
pub mod review;

use json_patch::Patch;
use thiserror::Error;

use crate::api::{GROUP, Kind};
use crate::finding::Finding;
use crate::object::{Object, Unreadable};
use crate::policy::Enforce;
use crate::rule::Level;
use crate::validate::{Context, hangs_on_unknown_store, validate};

pub use ahead::{Ahead, Controller, Miss};
pub use at_once::admitted_at_once;
pub use message::{refusal, refusal_of_error, warnings};
use review::Request;

/// What is answered to a review.
#[derive(Debug, Default)]
pub struct Decision {
    /// Why the object is refused; admitted if empty.
    pub mistakes: Vec<Finding>,
    /// What the user is told though the object is admitted.
    pub doubts: Vec<Doubt>,
    /// Whether a mistake is one only if a store that is not known is one of AWS.
    pub hangs_on_store: bool,
    /// What is changed of the object; nothing, but in pods.
    pub patch: Patch,
    /// What can be looked up before the answer leaves; nothing, but of pods and of what makes them.
    pub ahead: Option<Ahead>,
    /// The controller that makes a pod.
    pub controller: Option<Controller>,
}

/// Something that is told but not refused.
#[derive(Debug)]
pub struct Doubt {
    /// What it is.
    pub finding: Finding,
    /// Why it is not refused.
    pub why: Why,
}

/// Why a finding is told but not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The rule only warns.
    Doubtful,
    /// The object before this update had it, too.
    NotNew,
    /// Mistakes are not refused here yet.
    NotEnforced,
}

/// Why a review cannot be decided. The object is refused: what cannot be read cannot be vouched for.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// Not JSON, or not an AdmissionReview.
    #[error("the request is no admission.k8s.io/v1 AdmissionReview: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Not even text.
    #[error("the request is no admission.k8s.io/v1 AdmissionReview: it is not UTF-8")]
    NotText,
    /// Another version of AdmissionReview.
    #[error("the request is a {kind} of {api_version}; admission.k8s.io/v1 AdmissionReview is understood")]
    OtherReview {
        /// Its kind.
        kind: String,
        /// Its API version.
        api_version: String,
    },
    /// A response, or an empty review.
    #[error("the AdmissionReview has no request")]
    NoRequest,
    /// A create or update without its object.
    #[error("the AdmissionReview's {operation} request has no object")]
    NoObject {
        /// CREATE or UPDATE.
        operation: String,
    },
    /// A pod that asks for secrets and has no place for them.
    #[error("the object is no pod: its spec and each of its containers must be objects")]
    NoPod,
    /// A version of ours that is not served.
    #[error("{kind} of version {version} is not understood; write {}", .kind.api_version())]
    OtherVersion {
        /// The kind.
        kind: Kind,
        /// The version that was sent.
        version: String,
    },
    /// The object has no readable form.
    #[error(transparent)]
    Object(#[from] Unreadable),
    /// The body is over the limit.
    #[error("the AdmissionReview has more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// What pods must trust is not known.
    #[error("this replica has no certificate authority yet that pods could trust; try again")]
    NoRoots,
    /// The body did not come, or found no room, within the time that the API server gave.
    #[error("the AdmissionReview did not arrive in time; try again")]
    Late,
}

/// Decides a review's request.
///
/// # Errors
/// If it cannot be read; the caller refuses it.
pub fn decide(request: &Request<'_>, context: &Context<'_>) -> Result<Decision, ReviewError> {
    let Some(kind) = subject(request)? else { return Ok(Decision::default()) };
    let Some(raw) = request.object else {
        return Err(ReviewError::NoObject { operation: request.operation.to_string() });
    };
    let object = Object::admitted(kind, raw.get())?;
    if object.is_deleting() {
        return Ok(Decision::default());
    }
    let findings = validate(&object, context)?.into_findings();
    if findings.is_empty() {
        return Ok(Decision::default());
    }
    let mut decision = match request.old_object.filter(|_| request.operation == "UPDATE") {
        Some(old) => ratchet::apply(&object, old.get(), findings, context),
        None => sort(findings, context.settings.policy.enforce, |_| false),
    };
    decision.hangs_on_store =
        !decision.mistakes.is_empty() && hangs_on_unknown_store(&object, &decision.mistakes, context);
    Ok(decision)
}

/// The kind that is reviewed; `None` for what Keyhatch has no opinion about.
fn subject(request: &Request<'_>) -> Result<Option<Kind>, ReviewError> {
    let is_write = matches!(request.operation.as_ref(), "CREATE" | "UPDATE");
    let is_subresource = request.sub_resource.as_deref().is_some_and(|name| !name.is_empty());
    if request.kind.group != GROUP || is_subresource || !is_write {
        return Ok(None);
    }
    match Kind::named(&request.kind.kind) {
        Some(kind) if kind.version() != request.kind.version => {
            Err(ReviewError::OtherVersion { kind, version: request.kind.version.to_string() })
        }
        other => Ok(other),
    }
}

/// Sorts findings into mistakes and doubts.
fn sort(findings: Vec<Finding>, enforce: Enforce, is_old: impl Fn(&Finding) -> bool) -> Decision {
    let mut decision = Decision::default();
    for finding in findings {
        let why = match (finding.level, enforce) {
            (Level::Warn, _) => Why::Doubtful,
            (Level::Deny, _) if is_old(&finding) => Why::NotNew,
            (Level::Deny, Enforce::Warn) => Why::NotEnforced,
            (Level::Deny, Enforce::Deny) => {
                decision.mistakes.push(finding);
                continue;
            }
        };
        decision.doubts.push(Doubt { finding, why });
    }
    decision
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::facts::Facts;
    use crate::validate::Settings;

    const BAD: &str = r#"{"metadata":{"name":"a"},"spec":{"provider":{"aws":{"service":"SecretsManager","region":"eu-centrall-1"}}}}"#;
    const GOOD: &str = r#"{"metadata":{"name":"a"},"spec":{"provider":{"aws":{"service":"SecretsManager","region":"eu-central-1"}}}}"#;

    fn ask(operation: &str, version: &str, rest: &str) -> Result<Decision, ReviewError> {
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","operation":"{operation}",
            "kind":{{"group":"external-secrets.io","version":"{version}","kind":"SecretStore"}}{rest}}}}}"#
        );
        let (settings, facts) = (Settings::default(), Facts::default());
        decide(&review::parse(&body)?, &Context { settings: &settings, facts: &facts })
    }

    fn mistakes(decision: &Decision) -> Vec<&str> {
        decision.mistakes.iter().map(|finding| finding.rule.id).collect()
    }

    #[test]
    fn creations_are_judged() {
        let bad = ask("CREATE", "v1", &format!(r#","object":{BAD}"#)).unwrap();
        assert_eq!(mistakes(&bad), ["region-misspelt"]);
        assert!(mistakes(&ask("CREATE", "v1", &format!(r#","object":{GOOD}"#)).unwrap()).is_empty());
    }

    #[test]
    fn what_is_no_write_of_a_spec_passes() {
        for (operation, rest) in [
            ("DELETE", format!(r#","object":null,"oldObject":{BAD}"#)),
            ("UPDATE", format!(r#","subResource":"status","object":{BAD}"#)),
            ("UPDATE", format!(r#","object":{BAD},"oldObject":{BAD}"#)),
            (
                "UPDATE",
                format!(r#","object":{}"#, BAD.replace("\"name\"", "\"deletionTimestamp\":\"x\",\"name\"")),
            ),
        ] {
            let decision = ask(operation, "v1", &rest).unwrap();
            assert!(decision.mistakes.is_empty() && decision.doubts.is_empty(), "{operation} {rest}");
        }
    }

    #[test]
    fn old_mistakes_are_doubts_on_an_update() {
        let old = BAD.replace("\"aws\":{", "\"aws\":{\"prefix\":\"p\",");
        let decision = ask("UPDATE", "v1", &format!(r#","object":{BAD},"oldObject":{old}"#)).unwrap();
        assert!(decision.mistakes.is_empty());
        assert!(decision.doubts.iter().all(|doubt| doubt.why == Why::NotNew) && decision.doubts.len() == 1);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        assert!(matches!(ask("CREATE", "v1", ""), Err(ReviewError::NoObject { .. })));
        assert!(matches!(
            ask("CREATE", "v1beta1", &format!(r#","object":{GOOD}"#)),
            Err(ReviewError::OtherVersion { .. })
        ));
        assert!(matches!(ask("CREATE", "v1", r#","object":[1]"#), Err(ReviewError::Object(_))));
        let parse = |body| review::parse::<&RawValue>(body).err();
        assert!(matches!(parse("{"), Some(ReviewError::Malformed(_))));
        assert!(matches!(parse("{}"), Some(ReviewError::OtherReview { .. })));
    }
}
