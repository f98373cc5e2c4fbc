//! Rules that need to know other objects. Without the fact, silence; and never the name of an object of another
//! namespace, for whoever reads a warning may not be allowed to know it.

mod credentials;
mod namespaces;
mod own_loop;
mod push_destination;
mod push_replicas;
mod push_source;
mod push_stores;
mod store_class;
mod stores;
mod target;
mod template_source;

use super::{Context, Subject};
use crate::api::cluster_external_secret::ClusterExternalSecretSpec;
use crate::api::cluster_push_secret::ClusterPushSecretSpec;
use crate::api::external_secret::ExternalSecretSpec;
use crate::api::push_secret::PushSecretSpec;
use crate::api::secret_store::SecretStoreSpec;
use crate::facts::FactKind;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::Rule;

pub(super) use own_loop::is_all_ours;
pub(crate) use push_destination::pushes;
pub(super) use push_stores::{entry_may_be_aws, may_be_aws};
pub(super) use store_class::STORE_CONTROLLER;
pub(super) use stores::{check_find, check_key, check_ref};
pub(super) use template_source::TEMPLATE_SOURCE;

/// Checks a store of AWS.
pub(super) fn check_store(
    subject: &Subject<'_>,
    spec: &SecretStoreSpec,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(aws) = spec.secrets_manager() else { return };
    let at = Field::Root.key("spec");
    store_class::check_controller(subject, &spec.controller, &at.key("controller"), context, report);
    let at = at.key("provider");
    let at = at.key("aws");
    credentials::check(subject, &aws.auth, &at.key("auth"), context, report);
}

/// Checks what an ExternalSecret of a namespace meets there.
pub(super) fn check_external(
    subject: &Subject<'_>,
    spec: &ExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(namespace) = subject.namespace else { return };
    own_loop::check_external(subject, spec, at, context, report);
    target::check(subject, namespace, &spec.target, &at.key("target"), context, report);
    if let Some(template) = &spec.target.template {
        let at = at.key("target");
        template_source::check(namespace, template, &at.key("template"), context, report);
    }
}

/// Checks what a PushSecret reads and writes.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    push_replicas::check(subject, spec, at, context, report);
    push_stores::check_selectors(subject, spec, at, context, report);
    push_destination::check(subject, spec, at, context, report);
    own_loop::check_push(subject, spec, at, context, report);
    let Some(namespace) = subject.namespace else { return };
    push_source::check(namespace, spec, at, context, report);
    if let Some(template) = &spec.template {
        template_source::check(namespace, template, &at.key("template"), context, report);
    }
}

/// Checks the namespaces in which a ClusterExternalSecret makes an ExternalSecret.
pub(super) fn check_external_namespaces(
    subject: &Subject<'_>,
    spec: &ClusterExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    namespaces::check_external(subject, spec, at, context, report);
}

/// Checks the namespaces in which a ClusterPushSecret makes a PushSecret.
pub(super) fn check_push_namespaces(
    subject: &Subject<'_>,
    spec: &ClusterPushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    namespaces::check_push(subject, spec, at, context, report);
}

/// The rules of this module.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    let files = [
        stores::RULES,
        store_class::RULES,
        push_stores::RULES,
        push_replicas::RULES,
        own_loop::RULES,
        credentials::RULES,
        target::RULES,
        template_source::RULES,
        namespaces::RULES,
        push_source::RULES,
        push_destination::RULES,
    ];
    files.into_iter().flatten().copied()
}

/// Those about the store that anything names.
pub(super) static RULES_OF_USERS: &[&Rule] =
    &[&stores::STORE_UNKNOWN, &stores::STORE_CONDITIONS, &stores::STORE_NOT_READY];

/// Those about the namespaces that something is made in.
pub(super) static RULES_OF_FAN_OUT: &[&Rule] = namespaces::RULES;

/// Those that need to know the object's own namespace.
pub(super) fn rules_of_one_kind() -> impl Iterator<Item = &'static Rule> {
    let last: &Rule = &push_destination::PUSH_SETTING_KEPT;
    target::RULES.iter().chain(push_source::RULES).copied().chain([last])
}

/// The rules that say nothing, or less, without facts of this kind.
pub fn rules_about(kind: FactKind) -> &'static [&'static Rule] {
    match kind {
        FactKind::SecretStores | FactKind::ClusterSecretStores => ABOUT_STORES,
        FactKind::ExternalSecrets => ABOUT_EXTERNAL_SECRETS,
        FactKind::PushSecrets => ABOUT_PUSH_SECRETS,
        FactKind::Namespaces => ABOUT_NAMESPACES,
        FactKind::Secrets => ABOUT_SECRETS,
        FactKind::ConfigMaps => ABOUT_CONFIG_MAPS,
        FactKind::ServiceAccounts => ABOUT_SERVICE_ACCOUNTS,
    }
}

static ABOUT_STORES: &[&Rule] = &[
    &stores::STORE_UNKNOWN,
    &stores::STORE_CONDITIONS,
    &stores::STORE_NOT_READY,
    &stores::KEY_REGION,
    &stores::KEY_PREFIX,
    &STORE_CONTROLLER,
    &push_stores::PUSH_STORES_UNMATCHED,
    &push_replicas::REPLICA_OF_ITSELF,
    &own_loop::PUSH_UNSUPPORTED,
    &own_loop::EXTERNAL_UNSUPPORTED,
    &push_destination::PUSH_SHARED,
];
static ABOUT_EXTERNAL_SECRETS: &[&Rule] = &[&target::TARGET_OWNED, &namespaces::NAME_TAKEN];
static ABOUT_PUSH_SECRETS: &[&Rule] =
    &[&push_destination::PUSH_SHARED, &push_destination::PUSH_SETTING_KEPT, &namespaces::NAME_TAKEN];
static ABOUT_NAMESPACES: &[&Rule] =
    &[&stores::STORE_CONDITIONS, &namespaces::NAMESPACES_UNMATCHED, &namespaces::NAME_TAKEN];
static ABOUT_SECRETS: &[&Rule] = &[
    &credentials::CREDENTIAL_SECRET,
    &target::TARGET_OWNED,
    &target::TARGET_IMMUTABLE,
    &target::TARGET_MISSING,
    &TEMPLATE_SOURCE,
    &push_source::PUSH_SOURCE_MISSING,
    &push_source::PUSH_KEY_MISSING,
    &push_source::PUSH_NOT_TEXT,
    &push_source::PUSH_TEMPLATE_KEY,
    &push_source::POLICY_SOURCE_MISSING,
    &push_source::POLICY_JSON,
];
static ABOUT_CONFIG_MAPS: &[&Rule] =
    &[&TEMPLATE_SOURCE, &push_source::POLICY_SOURCE_MISSING, &push_source::POLICY_JSON];
static ABOUT_SERVICE_ACCOUNTS: &[&Rule] =
    &[&credentials::SERVICE_ACCOUNT, &credentials::SERVICE_ACCOUNT_ROLE];
