//! Which namespaces a store admits, and in which a cluster-wide object makes its own.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::cluster_external_secret::ClusterExternalSecretSpec;
use crate::api::cluster_push_secret::ClusterPushSecretSpec;
use crate::api::common::StoreKind;
use crate::facts::{Namespace, Owner, selects};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks the namespaces of a ClusterExternalSecret.
pub(super) fn check_external(
    subject: &Subject<'_>,
    spec: &ClusterExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let selectors: Vec<_> = spec.namespace_selector.iter().chain(&spec.namespace_selectors).collect();
    let Some(chosen) = chosen(&selectors, &spec.namespaces, context) else { return };
    let has_any = !selectors.is_empty() || !spec.namespaces.is_empty();
    if chosen.is_empty() && has_any {
        report.missing(&NAMESPACES_UNMATCHED, &at.key("namespaceSelectors"), NO_NAMESPACE);
    }
    let name = Some(spec.external_secret_name.as_str()).filter(|name| !name.is_empty()).or(subject.name);
    let Some(name) = name else { return };
    let is_foreign = |namespace: &&str| {
        let present = context.facts.external_secrets.get(namespace, name).found();
        present.is_some_and(|present| !is_ours(present.made_by.as_ref(), subject))
    };
    let taken = chosen.iter().filter(|namespace| is_foreign(namespace)).count();
    check_taken(name, taken, &at.key("externalSecretName"), report);
}

/// Checks the namespaces of a ClusterPushSecret.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &ClusterPushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let selectors: Vec<_> = spec.namespace_selectors.iter().collect();
    let Some(chosen) = chosen(&selectors, &[], context) else { return };
    if chosen.is_empty() && !selectors.is_empty() {
        report.missing(&NAMESPACES_UNMATCHED, &at.key("namespaceSelectors"), NO_NAMESPACE);
    }
    let name = Some(spec.push_secret_name.as_str()).filter(|name| !name.is_empty()).or(subject.name);
    if let Some(name) = name {
        let is_foreign = |namespace: &&str| {
            let present = context.facts.push_secrets.get(namespace, name).found();
            present.is_some_and(|present| !is_ours(present.made_by.as_ref(), subject))
        };
        let taken = chosen.iter().filter(|namespace| is_foreign(namespace)).count();
        check_taken(name, taken, &at.key("pushSecretName"), report);
    }
    if chosen.len() > 1 {
        check_shared(spec, chosen.len(), at, context, report);
    }
}

/// Every namespace pushes to the same remote key of the same account.
fn check_shared(
    spec: &ClusterPushSecretSpec,
    namespaces: usize,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let pushed = &spec.push_secret_spec;
    let shares = pushed.secret_store_refs.iter().any(|store| {
        let known = context.facts.cluster_secret_stores.get("", &store.name).found();
        store.kind == StoreKind::ClusterSecretStore
            && known.is_some_and(|known| known.is_aws && !known.identity.is_referent)
    });
    let list = at.key("pushSecretSpec");
    let list = list.key("data");
    if let Some(entry) = pushed.data.first().filter(|_| shares) {
        let cause =
            format!("each of {namespaces} namespaces writes this one remote secret, and the last one wins");
        let at = list.index(0);
        let at = at.key("match");
        let at = at.key("remoteRef");
        report.text(
            &super::push_destination::PUSH_SHARED,
            &at.key("remoteKey"),
            &entry.match_.remote_ref.remote_key,
            cause,
        );
    }
}

const NO_NAMESPACE: &str = "no namespace has these labels, so nothing is made";

/// The namespaces that are chosen, if all that matters is known.
fn chosen<'a>(selectors: &[&LabelSelector], names: &[String], context: &Context<'a>) -> Option<Vec<&'a str>> {
    let known = &context.facts.namespaces;
    let is_chosen = |name: &str, namespace: &Namespace| {
        names.iter().any(|listed| listed == name)
            || selectors.iter().any(|selector| selects(selector, &namespace.labels))
    };
    let chosen = known.within("").filter(|(name, known)| is_chosen(name, known)).map(|(name, _)| name);
    known.is_complete().then(|| chosen.collect())
}

/// Whether an object was made by the one that is judged.
fn is_ours(made_by: Option<&Owner>, subject: &Subject<'_>) -> bool {
    made_by.is_some_and(|owner| *owner.kind == *subject.kind.as_str() && Some(&*owner.name) == subject.name)
}

fn check_taken(name: &str, taken: usize, at: &Field<'_>, report: &mut Report) {
    let who = match taken {
        0 => return,
        1 => "one of the namespaces has".to_owned(),
        _ => format!("{taken} of the namespaces have"),
    };
    let cause = format!("{who} an object of this name already, which was not made by this one");
    report.text(&NAME_TAKEN, at, name, cause);
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&NAMESPACES_UNMATCHED, &NAME_TAKEN];

/// Selectors that select nothing.
pub(super) static NAMESPACES_UNMATCHED: Rule = Rule {
    id: "namespaces-unmatched",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ClusterExternalSecret),
    why: "The object reports Ready and makes nothing.",
    fix: "Labels that the namespaces have; nothing to do if they come later.",
    example: "namespaceSelectors: [{matchLabels: {team: gone}}]",
};

/// A name that something else has.
pub(super) static NAME_TAKEN: Rule = Rule {
    id: "name-taken",
    level: Level::Warn,
    reason: Reason::Duplicate,
    kind: Some(Kind::ClusterExternalSecret),
    why: "The operator leaves such a namespace out: `external secret already exists in namespace`.",
    fix: "Give another name: externalSecretName, or pushSecretName.",
    example: "externalSecretName: taken",
};
