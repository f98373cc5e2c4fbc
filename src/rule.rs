//! Rules as data: the id that users see and switch, how grave it is, and what `docs/rules.md` says of it.
//!
//! The check itself stands beside the rule's constant in `validate::*`; [`crate::validate::rules`] lists them all. Those
//! about pods are the codes of [`crate::inject`].

use serde::Serialize;

use crate::api::Kind;

/// One rule. Ids are stable: they stand in messages, metrics, flags and dashboards.
#[derive(Debug, Serialize)]
pub struct Rule {
    /// Stable id in kebab case, `store-region-unknown`; of pods in camel case, `NoCommand`, as the broker's reasons.
    pub id: &'static str,
    /// Whether breaking it refuses the object or only warns.
    pub level: Level,
    /// The Kubernetes cause that a refusal carries.
    pub reason: Reason,
    /// The kind whose sample object `example` breaks; none for rules about pods.
    pub kind: Option<Kind>,
    /// What happens to a user whose object breaks the rule and is admitted all the same.
    pub why: &'static str,
    /// What to write instead.
    pub fix: &'static str,
    /// YAML that, merged into the `spec` of a valid object of `kind`, breaks this rule (RFC 7396).
    pub example: &'static str,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Cannot work: the object is refused.
    Deny,
    /// Works, but probably not as meant: the object is admitted with a warning.
    Warn,
}

/// The cause of a refusal in Kubernetes' vocabulary (`metav1.CauseType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reason {
    /// The value is not one that can work.
    Invalid,
    /// A value is needed and absent.
    Required,
    /// The value occurs twice where it may occur once.
    Duplicate,
    /// The value is not one of a closed set.
    NotSupported,
    /// The field may not be set here.
    Forbidden,
    /// There is no such field.
    Unknown,
}

impl Reason {
    /// `metav1.CauseType`, as API clients compare it.
    pub fn cause_type(self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotSupported | Self::Unknown => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
        }
    }

    /// The words with which the API server's own messages begin.
    pub fn label(self) -> &'static str {
        match self {
            Self::Invalid => "Invalid value",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::Unknown => "Unknown field",
        }
    }
}
