//! Rules about what a store's credentials come from.

use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::common::{SecretKeySelector, ServiceAccountSelector};
use crate::api::secret_store::{AwsAuth, SecretRefAuth};
use crate::facts::Lookup;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks Secrets and ServiceAccount. In a ClusterSecretStore, references without a namespace mean that of whoever
/// uses the store, which nobody knows here.
pub(super) fn check(
    subject: &Subject<'_>,
    auth: &AwsAuth,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if let Some(account) = auth.jwt.as_ref().and_then(|jwt| jwt.service_account_ref.as_ref()) {
        let at = at.key("jwt");
        return check_account(subject, account, &at.key("serviceAccountRef"), context, report);
    }
    let Some(SecretRefAuth { access_key_id, secret_access_key, session_token }) = &auth.secret_ref else {
        return;
    };
    let at = at.key("secretRef");
    for (name, selector) in [
        ("accessKeyIDSecretRef", access_key_id),
        ("secretAccessKeySecretRef", secret_access_key),
        ("sessionTokenSecretRef", session_token),
    ] {
        if let Some(selector) = selector {
            check_key(subject, selector, &at.key(name), context, report);
        }
    }
}

/// A SecretStore reads its own namespace, whatever it says.
fn namespace_of<'a>(subject: &Subject<'a>, named: Option<&'a str>) -> Option<&'a str> {
    if subject.kind == Kind::SecretStore { subject.namespace } else { named.filter(|name| !name.is_empty()) }
}

fn check_key(
    subject: &Subject<'_>,
    selector: &SecretKeySelector,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let SecretKeySelector { name, namespace, key } = selector;
    let Some(namespace) = namespace_of(subject, namespace.as_deref()) else { return };
    match context.facts.secrets.get(namespace, name) {
        _ if name.is_empty() || key.is_empty() => {}
        Lookup::Absent => {
            let cause = format!("there is no Secret of this name in namespace {namespace:?}");
            report.text(&CREDENTIAL_SECRET, &at.key("name"), name, cause);
        }
        Lookup::Found(keys) if keys.get(key).is_none() => {
            report.text(&CREDENTIAL_SECRET, &at.key("key"), key, format!("Secret {name:?} has no such key"));
        }
        Lookup::Found(_) | Lookup::Unknown => {}
    }
}

fn check_account(
    subject: &Subject<'_>,
    account: &ServiceAccountSelector,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let Some(namespace) = namespace_of(subject, account.namespace.as_deref()) else { return };
    match context.facts.service_accounts.get(namespace, &account.name) {
        Lookup::Absent => {
            let cause = format!("there is no ServiceAccount of this name in namespace {namespace:?}");
            report.text(&SERVICE_ACCOUNT, &at.key("name"), &account.name, cause);
        }
        Lookup::Found(known) if !known.has_role => {
            let cause = "has no annotation eks.amazonaws.com/role-arn; set it to the role's ARN";
            report.text(&SERVICE_ACCOUNT_ROLE, &at.key("name"), &account.name, cause);
        }
        Lookup::Found(_) | Lookup::Unknown => {}
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&CREDENTIAL_SECRET, &SERVICE_ACCOUNT, &SERVICE_ACCOUNT_ROLE];

/// Keys that are not there.
pub(super) static CREDENTIAL_SECRET: Rule = Rule {
    id: "credential-secret",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The store does not become ready, and only an event says which Secret or key is missing.",
    fix: "Create the Secret, or correct name and key.",
    example: "provider: {aws: {auth: {secretRef: {accessKeyIDSecretRef: {key: gone}}}}}",
};

/// A ServiceAccount that is not there.
pub(super) static SERVICE_ACCOUNT: Rule = Rule {
    id: "service-account",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The store does not become ready, and only an event says why.",
    fix: "Create the ServiceAccount, or correct its name.",
    example: "provider: {aws: {auth: {secretRef: null, jwt: {serviceAccountRef: {name: gone}}}}}",
};

/// A ServiceAccount without a role.
pub(super) static SERVICE_ACCOUNT_ROLE: Rule = Rule {
    id: "service-account-role",
    level: Level::Warn,
    reason: Reason::Required,
    kind: Some(Kind::SecretStore),
    why: "The operator reads the role from the ServiceAccount's annotation, also where Pod Identity would need none.",
    fix: "Annotate it: eks.amazonaws.com/role-arn: ARN.",
    example: "provider: {aws: {auth: {secretRef: null, jwt: {serviceAccountRef: {name: plain}}}}}",
};
