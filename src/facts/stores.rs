//! Facts about a store.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use regex::Regex;

use super::{Labels, Metadata, Provider, selects};
use crate::api::common::{Condition, SecretKeySelector, StoreKind};
use crate::api::secret_store::{AwsProvider, NamespaceCondition, SecretStoreSpec, SecretStoreStatus};
use crate::go::regexp;

/// What is known of one store.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Whether it is a store of AWS Secrets Manager.
    pub is_aws: bool,
    /// Whether its spec cannot be read, or names no service: it may be meant for AWS Secrets Manager all the same.
    pub is_unclear: bool,
    /// Its region.
    pub region: Box<str>,
    /// What it puts before every key.
    pub prefix: Box<str>,
    /// As whom AWS is asked.
    pub identity: Identity,
    /// Which namespaces may use it; all, if empty.
    pub conditions: Box<[Admits]>,
    /// Its labels.
    pub labels: Labels,
    /// The class of controllers that it is for; `""` is for all.
    pub controller: Box<str>,
    /// Its condition Ready, if it has one.
    pub is_ready: Option<bool>,
    /// Whether it is being deleted.
    pub is_deleting: bool,
}

/// Namespaces that a store admits: one of the three is enough.
#[derive(Clone, Debug)]
pub struct Admits {
    /// By their labels.
    pub selector: Option<LabelSelector>,
    /// By name.
    pub names: Box<[String]>,
    /// By a part of the name; what Go refuses matches nothing.
    pub patterns: Box<[Regex]>,
}

impl From<&NamespaceCondition> for Admits {
    fn from(condition: &NamespaceCondition) -> Self {
        let NamespaceCondition { namespace_selector, namespaces, namespace_regexes } = condition;
        let compile = |pattern: &String| Regex::new(regexp::parse(pattern).ok()?.translated()).ok();
        Self {
            selector: namespace_selector.clone(),
            names: namespaces.clone().into(),
            patterns: namespace_regexes.iter().filter_map(compile).collect(),
        }
    }
}

/// Whether a store's conditions admit a namespace; one that fits is enough, and where there are none everybody is. None
/// if that depends on the namespace's labels, and they are not known.
pub fn admits(conditions: &[Admits], namespace: &str, labels: Option<&Labels>) -> Option<bool> {
    let mut is_certain = true;
    for Admits { selector, names, patterns } in conditions {
        if names.iter().any(|name| name == namespace)
            || patterns.iter().any(|pattern| pattern.is_match(namespace))
        {
            return Some(true);
        }
        match (selector, labels) {
            (Some(selector), Some(labels)) if selects(selector, labels) => return Some(true),
            (Some(_), None) => is_certain = false,
            _ => {}
        }
    }
    is_certain.then_some(conditions.is_empty())
}

/// As whom AWS is asked: equal identities are of one account; others may be, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// A role's account, the Secret or ServiceAccount that the credentials come from, or the controller itself.
    pub account: Box<str>,
    /// Whether the credentials are those of whoever uses the store.
    pub is_referent: bool,
}

impl Store {
    /// What is known of a store by what it says.
    pub fn new(
        kind: StoreKind,
        metadata: &Metadata,
        spec: &SecretStoreSpec,
        status: &SecretStoreStatus,
    ) -> Self {
        let aws = spec.provider.aws.as_ref();
        let ready = Condition::ready(&status.conditions);
        Self {
            is_aws: spec.secrets_manager().is_some(),
            is_unclear: aws.is_some_and(|aws| aws.service.is_none()),
            region: aws.map(|aws| aws.region.as_str().into()).unwrap_or_default(),
            prefix: aws.map(|aws| aws.prefix.as_str().into()).unwrap_or_default(),
            identity: aws.map(|aws| identity(kind, metadata, aws)).unwrap_or_default(),
            conditions: spec.conditions.iter().map(Admits::from).collect(),
            labels: metadata.labels.clone(),
            controller: spec.controller.as_str().into(),
            is_ready: ready.map(|condition| condition.status == "True"),
            is_deleting: metadata.deletion_timestamp.is_some(),
        }
    }

    /// Whose it is.
    pub fn provider(&self) -> Provider {
        match (self.is_aws, self.is_unclear) {
            (true, _) => Provider::Aws,
            (false, true) => Provider::Unknown,
            (false, false) => Provider::Other,
        }
    }
}

fn identity(kind: StoreKind, metadata: &Metadata, aws: &AwsProvider) -> Identity {
    let last_role = Some(&aws.role).filter(|role| !role.is_empty()).or_else(|| aws.additional_roles.last());
    if let Some(account) = last_role.and_then(|role| role.split(':').nth(4)) {
        return Identity { account: account.into(), is_referent: false };
    }
    // A SecretStore's references are always to its own namespace.
    let own = (kind == StoreKind::SecretStore).then_some(metadata.namespace.as_deref()).flatten();
    let from = |what: &str, namespace: Option<&str>, name: &str| {
        let namespace = own.or(namespace);
        let account = format!("{what} {}/{name}", namespace.unwrap_or_default());
        Identity { account: account.into(), is_referent: namespace.is_none() }
    };
    if let Some(account) = aws.auth.jwt.as_ref().and_then(|jwt| jwt.service_account_ref.as_ref()) {
        return from("ServiceAccount", account.namespace.as_deref(), &account.name);
    }
    match aws.auth.secret_ref.as_ref().and_then(|auth| auth.access_key_id.as_ref()) {
        Some(SecretKeySelector { name, namespace, key }) => {
            from("Secret", namespace.as_deref(), &format!("{name}/{key}"))
        }
        None => Identity::default(),
    }
}
