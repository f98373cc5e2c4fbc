//! What can be looked up while a pod is reviewed: its references in, and what is missing of them as findings out. Pure;
//! who looks them up is the broker.

use keyhatch_agent::OnMissing;
use serde::Deserialize;
use serde_json::Value;

use super::{Decision, Doubt, Why};
use crate::field::Field;
use crate::finding::Report;
use crate::inject::{Code, Needs};
use crate::policy::Preflight;
use crate::reference::SecretRef;
use crate::rule::Level;

/// Asked for, and not judged by what is known here.
#[derive(Clone, Debug)]
pub struct Ahead {
    /// The pod's ServiceAccount.
    pub account: String,
    /// What it will ask for, each with its field.
    pub references: Vec<(SecretRef, String)>,
    /// Whether the pod starts without what is not there.
    pub may_miss: bool,
    /// Whether a controller makes the pod: it would try again for ever, so the pod waits instead.
    pub is_controlled: bool,
}

/// Who makes a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Controller {
    /// `apps/v1`.
    pub api_version: String,
    /// `ReplicaSet`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Whether it is the controller, of several owners.
    pub(super) controller: bool,
}

/// A reference that has no value now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Which, by its place in [`Ahead::references`].
    pub index: usize,
    /// Why not.
    pub code: Code,
    /// The same in words; never with a value.
    pub cause: String,
}

impl Ahead {
    /// What a pod needs that is not known here. None: nothing.
    pub(super) fn of(pod: &Value, needs: Needs, is_controlled: bool) -> Option<Self> {
        let account = pod.pointer("/spec/serviceAccountName").and_then(Value::as_str);
        let Needs { references, on_missing, .. } = needs;
        (!references.is_empty()).then(|| Self {
            account: account.filter(|name| !name.is_empty()).unwrap_or("default").to_owned(),
            references,
            may_miss: on_missing == OnMissing::Skip,
            is_controlled,
        })
    }

    /// Adds what is missing to a decision.
    pub fn judge(&self, misses: Vec<Miss>, preflight: Preflight, decision: &mut Decision) {
        let is_refused = preflight == Preflight::Deny && !self.is_controlled;
        let mut report = Report::default();
        for Miss { index, code, cause } in misses {
            let may_miss = self.may_miss && matches!(code, Code::SecretNotFound | Code::PropertyMissing);
            if let Some((reference, field)) = self.references.get(index).filter(|_| !may_miss) {
                report.text(code.rule(), &Field::Path(field), &reference.to_string(), cause);
            }
        }
        for mut finding in report.into_findings() {
            if is_refused {
                finding.level = Level::Deny;
                decision.mistakes.push(finding);
            } else {
                decision.doubts.push(Doubt { finding, why: Why::Doubtful });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ahead(may_miss: bool, is_controlled: bool) -> Ahead {
        let on_missing = if may_miss { OnMissing::Skip } else { OnMissing::Fail };
        let references = vec![("aws::a".parse().unwrap(), "metadata.annotations[a]".to_owned())];
        let needs = Needs { references, on_missing, ..Needs::default() };
        Ahead::of(&json!({"spec": {"serviceAccountName": ""}}), needs, is_controlled).unwrap()
    }

    #[test]
    fn only_what_somebody_makes_by_hand_is_refused() {
        let miss = |code| Miss { index: 0, code, cause: "why".into() };
        for (preflight, is_controlled, may_miss, code, expected) in [
            (Preflight::Warn, false, false, Code::SecretNotFound, (0, 1)),
            (Preflight::Deny, false, false, Code::SecretNotFound, (1, 0)),
            (Preflight::Deny, true, false, Code::AwsDenied, (0, 1)),
            (Preflight::Deny, false, true, Code::PropertyMissing, (0, 0)),
            (Preflight::Deny, false, true, Code::AwsDenied, (1, 0)),
        ] {
            let mut decision = Decision::default();
            let ahead = ahead(may_miss, is_controlled);
            assert_eq!(ahead.account, "default");
            ahead.judge(vec![miss(code), Miss { index: 7, ..miss(code) }], preflight, &mut decision);
            let told = (decision.mistakes.len(), decision.doubts.len());
            assert_eq!(told, expected, "{preflight:?} {code:?}");
        }
    }

    #[test]
    fn who_needs_nothing_is_not_looked_up() {
        assert!(Ahead::of(&json!({}), Needs::default(), false).is_none());
    }
}
