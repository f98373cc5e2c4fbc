//! IAM's decision: who asks to do what with which resource, in which circumstances, under which policies.
//!
//! Source: IAM User Guide, "Policy evaluation logic": an explicit Deny wins; within an account an Allow of
//! either side is enough; across accounts both sides must allow. A resource policy that names an account only
//! hands the question to that account's own policies.

#[path = "iam/condition.rs"]
mod condition;
#[path = "iam/policy.rs"]
mod policy;

use std::collections::BTreeMap;

pub(crate) use policy::Policy;

/// A question.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    /// `secretsmanager:GetSecretValue`.
    pub(crate) action: &'a str,
    /// An ARN, or `*` for actions that have no resource.
    pub(crate) resource: &'a str,
    /// The ARNs that a `Principal` may name the caller by, the most exact first.
    pub(crate) principals: &'a [String],
    pub(crate) account: &'a str,
    pub(crate) context: &'a Context,
}

/// Values of condition keys; the keys in lower case, since IAM does not look at their case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context(BTreeMap<String, Vec<String>>);

impl Context {
    pub(crate) fn set(&mut self, key: &str, value: impl Into<String>) {
        self.0.insert(key.to_lowercase(), vec![value.into()]);
    }

    pub(crate) fn set_all(&mut self, key: &str, values: Vec<String>) {
        self.0.insert(key.to_lowercase(), values);
    }

    pub(crate) fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(&key.to_lowercase()).map(Vec::as_slice)
    }
}

/// What one side's policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Nothing,
    /// Allowed to the whole account, which has to allow it in turn.
    AllowAccount,
    Allow,
    Deny,
}

/// Why a question is answered with no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoIdentityPolicy,
    NoResourcePolicy,
    DeniedByIdentity,
    DeniedByResource,
}

impl Refusal {
    /// The end of AWS's sentence.
    pub(crate) fn because(self, action: &str) -> String {
        match self {
            Self::NoIdentityPolicy => format!("because no identity-based policy allows the {action} action"),
            Self::NoResourcePolicy => format!("because no resource-based policy allows the {action} action"),
            Self::DeniedByIdentity => "with an explicit deny in an identity-based policy".to_owned(),
            Self::DeniedByResource => "with an explicit deny in a resource-based policy".to_owned(),
        }
    }
}

/// The strongest word of some policies of the caller.
pub(crate) fn identity_side<'a>(policies: impl IntoIterator<Item = &'a Policy>, ask: &Ask<'_>) -> Verdict {
    policies.into_iter().map(|policy| policy.of_identity(ask)).max().unwrap_or(Verdict::Nothing)
}

/// The word of the resource's own policy.
pub(crate) fn resource_side(policy: Option<&Policy>, ask: &Ask<'_>) -> Verdict {
    policy.map_or(Verdict::Nothing, |policy| policy.of_resource(ask))
}

/// Puts both sides together. `same_account` is whether caller and resource are of one account.
///
/// # Errors
/// Says why not.
pub(crate) fn decide(identity: Verdict, resource: Verdict, same_account: bool) -> Result<(), Refusal> {
    match (identity, resource) {
        (Verdict::Deny, _) => Err(Refusal::DeniedByIdentity),
        (_, Verdict::Deny) => Err(Refusal::DeniedByResource),
        (Verdict::Allow, _) | (_, Verdict::Allow) if same_account => Ok(()),
        (Verdict::Allow, Verdict::Allow | Verdict::AllowAccount) => Ok(()),
        (Verdict::Allow, Verdict::Nothing) => Err(Refusal::NoResourcePolicy),
        (Verdict::Nothing | Verdict::AllowAccount, _) => Err(Refusal::NoIdentityPolicy),
    }
}
