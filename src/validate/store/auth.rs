//! `auth`: where a store's first credentials come from.

use crate::api::Kind;
use crate::api::common::SecretKeySelector;
use crate::api::secret_store::{AwsAuth, JwtAuth, SecretRefAuth};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};
use crate::validate::Subject;

/// Checks that one complete way to authenticate is given, or none.
pub(super) fn check(subject: &Subject<'_>, auth: &AwsAuth, at: &Field<'_>, report: &mut Report) {
    let AwsAuth { secret_ref, jwt } = auth;
    if secret_ref.is_some() && jwt.is_some() {
        let cause = "jwt and secretRef are both set, and the operator silently takes jwt; keep one";
        report.missing(&AUTH_AMBIGUOUS, at, cause);
    }
    if let Some(jwt) = jwt {
        check_jwt(subject, jwt, &at.key("jwt"), report);
    }
    if let Some(secret_ref) = secret_ref {
        check_secret_ref(subject, secret_ref, &at.key("secretRef"), report);
    }
}

fn check_jwt(subject: &Subject<'_>, jwt: &JwtAuth, at: &Field<'_>, report: &mut Report) {
    let at = at.key("serviceAccountRef");
    match &jwt.service_account_ref {
        None => {
            let cause =
                "jwt needs the ServiceAccount whose token is exchanged: serviceAccountRef: {name: NAME}";
            report.missing(&AUTH_INCOMPLETE, &at, cause);
        }
        Some(account) if account.name.is_empty() => {
            report.missing(&AUTH_INCOMPLETE, &at.key("name"), "name the ServiceAccount");
        }
        Some(account) => check_namespace(subject, account.namespace.as_deref(), &at, report),
    }
}

fn check_secret_ref(subject: &Subject<'_>, refs: &SecretRefAuth, at: &Field<'_>, report: &mut Report) {
    let SecretRefAuth { access_key_id, secret_access_key, session_token } = refs;
    let required = [
        ("accessKeyIDSecretRef", access_key_id.as_ref()),
        ("secretAccessKeySecretRef", secret_access_key.as_ref()),
    ];
    for (name, selector) in required {
        match selector {
            Some(selector) => check_selector(subject, selector, &at.key(name), report),
            None => {
                let cause = "static credentials need both the access key id and the secret access key";
                report.missing(&AUTH_INCOMPLETE, &at.key(name), cause);
            }
        }
    }
    if let Some(selector) = session_token {
        check_selector(subject, selector, &at.key("sessionTokenSecretRef"), report);
    }
}

fn check_selector(subject: &Subject<'_>, selector: &SecretKeySelector, at: &Field<'_>, report: &mut Report) {
    if selector.name.is_empty() {
        report.missing(&AUTH_INCOMPLETE, &at.key("name"), "name the Secret");
    }
    if selector.key.is_empty() {
        report.missing(&AUTH_INCOMPLETE, &at.key("key"), "name the key in the Secret");
    }
    check_namespace(subject, selector.namespace.as_deref(), at, report);
}

/// A SecretStore reads its own namespace only; a ClusterSecretStore without a namespace reads the consumer's.
fn check_namespace(subject: &Subject<'_>, namespace: Option<&str>, at: &Field<'_>, report: &mut Report) {
    match (subject.kind, namespace, subject.namespace) {
        (Kind::SecretStore, Some(named), Some(own)) if named != own => {
            let cause = format!("a SecretStore reads its own namespace alone, {own:?}; remove the field");
            report.text(&AUTH_NAMESPACE, &at.key("namespace"), named, cause);
        }
        (Kind::ClusterSecretStore, None, _) => {
            let cause =
                "without it each consumer's own namespace is read; if that is not meant, name the namespace";
            report.missing(&AUTH_REFERENT, &at.key("namespace"), cause);
        }
        _ => {}
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&AUTH_INCOMPLETE, &AUTH_AMBIGUOUS, &AUTH_NAMESPACE, &AUTH_REFERENT];

/// Half a way to authenticate.
pub(crate) static AUTH_INCOMPLETE: Rule = Rule {
    id: "auth-incomplete",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::SecretStore),
    why: "The store never gets credentials; an empty jwt even crashes the operator's reconciler.",
    fix: "Give name and key of both keys, or the ServiceAccount.",
    example: "provider: {aws: {auth: {secretRef: null, jwt: {}}}}",
};

/// Two ways to authenticate.
pub(crate) static AUTH_AMBIGUOUS: Rule = Rule {
    id: "auth-ambiguous",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::SecretStore),
    why: "One of the two is silently not used: the store acts as somebody else than expected.",
    fix: "Keep either jwt or secretRef.",
    example: "provider: {aws: {auth: {jwt: {serviceAccountRef: {name: reader}}}}}",
};

/// A foreign namespace in a namespaced store.
pub(crate) static AUTH_NAMESPACE: Rule = Rule {
    id: "auth-namespace",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "Namespaces may not borrow each other's credentials.",
    fix: "Leave the namespace out, or write a ClusterSecretStore.",
    example: "provider: {aws: {auth: {secretRef: {accessKeyIDSecretRef: {namespace: elsewhere}}}}}",
};

/// Credentials of whoever uses the store.
pub(crate) static AUTH_REFERENT: Rule = Rule {
    id: "auth-referent",
    level: Level::Warn,
    reason: Reason::Required,
    kind: Some(Kind::ClusterSecretStore),
    why: "The store is Ready without ever having been tried, and fails in each namespace that lacks the object.",
    fix: "Name the namespace, unless every consumer is to bring its own credentials.",
    example: "provider: {aws: {auth: {jwt: {serviceAccountRef: {namespace: null}}}}}",
};
