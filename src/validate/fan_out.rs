//! ClusterExternalSecret and ClusterPushSecret: the namespaces, and the spec that each of them gets.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Context, Subject, duration, external_secret, known, push_secret, selector};
use crate::api::Kind;
use crate::api::cluster_external_secret::ClusterExternalSecretSpec;
use crate::api::cluster_push_secret::ClusterPushSecretSpec;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks a ClusterExternalSecret.
pub(super) fn check_external(
    subject: &Subject<'_>,
    spec: &ClusterExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let ClusterExternalSecretSpec {
        external_secret_spec,
        external_secret_name: _,
        external_secret_metadata: _,
        namespace_selector,
        namespace_selectors,
        namespaces,
        refresh_time,
    } = spec;
    external_secret::check(subject, external_secret_spec, &at.key("externalSecretSpec"), context, report);
    if let Some(labels) = namespace_selector {
        selector::check(labels, &at.key("namespaceSelector"), report);
    }
    check_selectors(namespace_selectors, &at.key("namespaceSelectors"), report);
    if namespace_selector.is_none() && namespace_selectors.is_empty() && namespaces.is_empty() {
        report.missing(&NO_NAMESPACES, &at.key("namespaceSelectors"), NAME_NAMESPACES);
    }
    if let Some(time) = refresh_time {
        duration::check(time, &at.key("refreshTime"), report);
    }
    known::check_external_namespaces(subject, spec, at, context, report);
}

/// Checks a ClusterPushSecret.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &ClusterPushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let ClusterPushSecretSpec {
        push_secret_spec,
        refresh_time,
        push_secret_name: _,
        push_secret_metadata: _,
        namespace_selectors,
    } = spec;
    push_secret::check(subject, push_secret_spec, &at.key("pushSecretSpec"), context, report);
    check_selectors(namespace_selectors, &at.key("namespaceSelectors"), report);
    if namespace_selectors.is_empty() {
        report.missing(&NO_NAMESPACES, &at.key("namespaceSelectors"), NAME_NAMESPACES);
    }
    if let Some(time) = refresh_time {
        duration::check(time, &at.key("refreshTime"), report);
    }
    known::check_push_namespaces(subject, spec, at, context, report);
}

const NAME_NAMESPACES: &str =
    "selects no namespace, so nothing is made; add a selector, {} for all namespaces";

fn check_selectors(selectors: &[LabelSelector], at: &Field<'_>, report: &mut Report) {
    for (index, labels) in selectors.iter().enumerate() {
        selector::check(labels, &at.index(index), report);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&NO_NAMESPACES];

/// No namespace at all.
pub(crate) static NO_NAMESPACES: Rule = Rule {
    id: "no-namespaces",
    level: Level::Warn,
    reason: Reason::Required,
    kind: Some(Kind::ClusterExternalSecret),
    why: "The object reports Ready and makes nothing.",
    fix: "Give namespaceSelectors.",
    example: "namespaceSelectors: null",
};
