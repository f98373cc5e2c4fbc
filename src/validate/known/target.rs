//! Rules about the Secret that an ExternalSecret writes.

use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::external_secret::{CreationPolicy, Target};
use crate::facts::Lookup;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks who else has the Secret, and whether it can be written.
pub(super) fn check(
    subject: &Subject<'_>,
    namespace: &str,
    target: &Target,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(own_name) = subject.name else { return };
    if target.manifest.is_some() || target.creation_policy == CreationPolicy::None {
        return;
    }
    let name = if target.name.is_empty() { own_name } else { target.name.as_str() };
    let at_name = at.key("name");
    let present = context.facts.secrets.get(namespace, name);
    let owner = match present {
        Lookup::Found(secret) => secret.owner.as_ref(),
        Lookup::Absent | Lookup::Unknown => None,
    };
    let mut others = context.facts.external_secrets.within(namespace);
    let other = others.find(|(other, known)| *other != own_name && *known.name == *name && known.owns);
    let is_own = |kind: &str, name: &str| kind == Kind::ExternalSecret.as_str() && name == own_name;
    if let Some((other, _)) = other {
        report.text(&TARGET_OWNED, &at_name, name, format!("ExternalSecret {other:?} owns this Secret"));
    } else if let Some(owner) = owner.filter(|owner| !is_own(&owner.kind, &owner.name)) {
        let of_operator = *owner.kind == *Kind::ExternalSecret.as_str();
        if of_operator || target.creation_policy == CreationPolicy::Owner {
            let cause = format!("{} {:?} owns this Secret", owner.kind, owner.name);
            report.text(&TARGET_OWNED, &at_name, name, cause);
        }
    }
    match present {
        Lookup::Absent if target.creation_policy == CreationPolicy::Merge => {
            let cause = "there is no such Secret, and creationPolicy: Merge makes none";
            report.text(&TARGET_MISSING, &at_name, name, cause);
        }
        Lookup::Found(secret) if secret.is_immutable && !target.immutable => {
            report.text(&TARGET_IMMUTABLE, &at_name, name, "this Secret is immutable and cannot be filled");
        }
        Lookup::Found(_) | Lookup::Absent | Lookup::Unknown => {}
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&TARGET_OWNED, &TARGET_MISSING, &TARGET_IMMUTABLE];

/// A Secret that has an owner.
pub(super) static TARGET_OWNED: Rule = Rule {
    id: "target-owned",
    level: Level::Warn,
    reason: Reason::Duplicate,
    kind: Some(Kind::ExternalSecret),
    why: "The operator refuses to write a Secret of another owner, and does not try again.",
    fix: "Another target.name; or one ExternalSecret with the entries of both.",
    example: "target: {name: of-another}",
};

/// A Secret that is only filled, and is not there.
pub(super) static TARGET_MISSING: Rule = Rule {
    id: "target-missing",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The status is Ready with reason SecretMissing, and nothing is written until the next interval.",
    fix: "Create the Secret first, or use creationPolicy: CreateOrMerge.",
    example: "target: {name: gone, creationPolicy: Merge}",
};

/// A Secret that cannot be changed.
pub(super) static TARGET_IMMUTABLE: Rule = Rule {
    id: "target-immutable",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "Once a value changes, the operator fails and does not try again.",
    fix: "Delete the Secret, or write another.",
    example: "target: {name: frozen, creationPolicy: Merge}",
};
