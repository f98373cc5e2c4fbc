//! What a store says about access: its spec and who asks in, the steps to credentials out. Pure.

mod roles;
mod words;

use thiserror::Error;

use crate::api::common::{SecretKeySelector, StoreKind};
use crate::api::secret_store::{AwsProvider, SecretStoreSpec, SessionTagsPolicy};
use roles::{roles, session_name};
pub use words::{Ambient, Base, Plan, Role, SecretKey, StoreId};

/// Why a store cannot be used at all.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// Of another provider or service.
    #[error("{store} is not a store of AWS Secrets Manager")]
    NotSecretsManager {
        /// The store.
        store: StoreId,
    },
    /// No region.
    #[error("{store} names no region: set spec.provider.aws.region")]
    NoRegion {
        /// The store.
        store: StoreId,
    },
    /// A reference to credentials is missing or names nothing.
    #[error("{store} does not say where its credentials are: set spec.provider.aws.auth.{field}")]
    Incomplete {
        /// The store.
        store: StoreId,
        /// What is missing.
        field: &'static str,
    },
    /// The store is not for everybody.
    #[error("{store} does not admit namespace {namespace:?}: see its spec.conditions")]
    NotAdmitted {
        /// The store.
        store: StoreId,
        /// The consumer's namespace.
        namespace: String,
    },
    /// The store has no credentials of its own, and may not use Keyhatch's.
    #[error("{store} has no auth, and --ambient-credentials={} keeps Keyhatch's own identity from it", match ambient { Ambient::All => "all", Ambient::Cluster => "cluster", Ambient::None => "none" })]
    AmbientForbidden {
        /// The store.
        store: StoreId,
        /// The flag.
        ambient: Ambient,
    },
}

/// Reads a store's spec, for a consumer in a namespace.
///
/// # Errors
/// If the store is not one of Secrets Manager, or says too little.
pub fn plan(
    store: &StoreId,
    spec: &SecretStoreSpec,
    consumer: &str,
    ambient: Ambient,
) -> Result<Plan, PlanError> {
    let not_ours = || PlanError::NotSecretsManager { store: store.clone() };
    let aws = spec.secrets_manager().ok_or_else(not_ours)?;
    if aws.region.is_empty() {
        return Err(PlanError::NoRegion { store: store.clone() });
    }
    let base = base(store, aws, consumer, ambient)?;
    let is_consumers = differs_by_consumer(store, aws);
    let roles = roles(store, aws, consumer);
    let owner = match store.kind {
        StoreKind::SecretStore => store.namespace.as_str(),
        StoreKind::ClusterSecretStore if is_consumers => consumer,
        StoreKind::ClusterSecretStore => "cluster",
    };
    Ok(Plan {
        region: aws.region.clone(),
        prefix: aws.prefix.clone(),
        base,
        roles,
        session_name: session_name(owner, &store.name),
        retry: spec.retry_settings.clone(),
    })
}

fn base(store: &StoreId, aws: &AwsProvider, consumer: &str, ambient: Ambient) -> Result<Base, PlanError> {
    let missing = |field| PlanError::Incomplete { store: store.clone(), field };
    if let Some(jwt) = &aws.auth.jwt {
        let account = jwt.service_account_ref.as_ref().filter(|account| !account.name.is_empty());
        let account = account.ok_or_else(|| missing("jwt.serviceAccountRef"))?;
        return Ok(Base::ServiceAccount {
            namespace: namespace_of(store, account.namespace.as_deref(), consumer),
            name: account.name.clone(),
            audiences: account.audiences.clone(),
        });
    }
    if let Some(keys) = &aws.auth.secret_ref {
        let key = |selector: &Option<SecretKeySelector>, field| {
            let selector = selector.as_ref().filter(|at| !at.name.is_empty() && !at.key.is_empty());
            selector.map(|at| secret_key(store, at, consumer)).ok_or_else(|| missing(field))
        };
        return Ok(Base::Keys {
            access_key_id: key(&keys.access_key_id, "secretRef.accessKeyIDSecretRef")?,
            secret_access_key: key(&keys.secret_access_key, "secretRef.secretAccessKeySecretRef")?,
            session_token: match &keys.session_token {
                Some(_) => Some(key(&keys.session_token, "secretRef.sessionTokenSecretRef")?),
                None => None,
            },
        });
    }
    if ambient.allows(store.kind) {
        Ok(Base::Own)
    } else {
        Err(PlanError::AmbientForbidden { store: store.clone(), ambient })
    }
}

fn secret_key(store: &StoreId, selector: &SecretKeySelector, consumer: &str) -> SecretKey {
    SecretKey {
        namespace: namespace_of(store, selector.namespace.as_deref(), consumer),
        name: selector.name.clone(),
        key: selector.key.clone(),
    }
}

/// A SecretStore reads in its own namespace, whatever it says; a ClusterSecretStore where it says, or else where its
/// consumer is.
fn namespace_of(store: &StoreId, named: Option<&str>, consumer: &str) -> String {
    match store.kind {
        StoreKind::SecretStore => store.namespace.clone(),
        StoreKind::ClusterSecretStore => named.filter(|name| !name.is_empty()).unwrap_or(consumer).to_owned(),
    }
}

/// Whether each consumer of a store is somebody else to AWS, so that the store by itself is nobody.
pub fn is_referent(store: &StoreId, spec: &SecretStoreSpec) -> bool {
    spec.secrets_manager().is_some_and(|aws| differs_by_consumer(store, aws))
}

fn differs_by_consumer(store: &StoreId, aws: &AwsProvider) -> bool {
    let named = |namespace: &Option<String>| namespace.as_deref().is_some_and(|name| !name.is_empty());
    let jwt = aws.auth.jwt.as_ref().and_then(|jwt| jwt.service_account_ref.as_ref());
    let keys = aws.auth.secret_ref.as_ref().map(|keys| {
        [&keys.access_key_id, &keys.secret_access_key, &keys.session_token]
            .into_iter()
            .flatten()
            .any(|key| !named(&key.namespace))
    });
    let tagged = !aws.role.is_empty() && aws.session_tags_policy != SessionTagsPolicy::None;
    store.kind == StoreKind::ClusterSecretStore
        && (jwt.is_some_and(|account| !named(&account.namespace)) || keys.unwrap_or_default() || tagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(aws: &str) -> SecretStoreSpec {
        let text = format!(
            r#"{{"provider":{{"aws":{{"service":"SecretsManager","region":"eu-central-1",{aws}}}}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn cluster(aws: &str) -> Plan {
        plan(
            &StoreId::seen_from("team-a", StoreKind::ClusterSecretStore, "shared"),
            &spec(aws),
            "team-a",
            Ambient::All,
        )
        .unwrap()
    }

    fn namespaced(aws: &str) -> Result<Plan, PlanError> {
        plan(
            &StoreId::seen_from("team-a", StoreKind::SecretStore, "aws"),
            &spec(aws),
            "team-a",
            Ambient::Cluster,
        )
    }

    const KEYS: &str = r#""auth":{"secretRef":{"accessKeyIDSecretRef":{"name":"k","key":"id","namespace":"other"},
        "secretAccessKeySecretRef":{"name":"k","key":"secret","namespace":"other"}}}"#;
    const REFERENT: &str = r#""auth":{"jwt":{"serviceAccountRef":{"name":"reader","audiences":["x"]}}}"#;

    #[test]
    fn a_secret_store_reads_credentials_in_its_own_namespace_only() {
        let Base::Keys { access_key_id, session_token, .. } = namespaced(KEYS).unwrap().base else {
            panic!()
        };
        assert_eq!((access_key_id.namespace.as_str(), session_token), ("team-a", None));
        let Base::Keys { access_key_id, .. } = cluster(KEYS).base else { panic!() };
        assert_eq!(access_key_id.namespace, "other");
    }

    #[test]
    fn referent_credentials_are_the_consumers() {
        let plan = cluster(REFERENT);
        assert_eq!(
            plan.base,
            Base::ServiceAccount {
                namespace: "team-a".into(),
                name: "reader".into(),
                audiences: vec!["x".into()]
            }
        );
        assert_eq!(plan.session_name, "keyhatch-team-a-shared");
        assert_eq!(cluster(KEYS).session_name, "keyhatch-cluster-shared");
    }

    #[test]
    fn built_in_tags_cannot_be_overridden() {
        let plan = cluster(
            r#""role":"arn:r","sessionTagsPolicy":"Custom","transitiveTagKeys":["esoNamespace"],
               "customSessionTags":{"esoNamespace":"prod","team":"a","empty":""}"#,
        );
        let tags: Vec<_> = plan.roles[0].tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            tags,
            ["esoNamespace=team-a", "esoStoreName=shared", "esoStoreKind=ClusterSecretStore", "team=a"]
        );
        assert_eq!(plan.session_name, "keyhatch-team-a-shared");
    }

    #[test]
    fn roles_are_assumed_in_order_and_only_the_last_has_an_external_id() {
        let plan = cluster(r#""role":"arn:c","additionalRoles":["arn:a","arn:b"],"externalID":"x""#);
        let told: Vec<_> =
            plan.roles.iter().map(|role| (role.arn.as_str(), role.external_id.as_deref())).collect();
        assert_eq!(told, [("arn:a", None), ("arn:b", None), ("arn:c", Some("x"))]);
    }

    #[test]
    fn our_own_identity_is_given_to_those_only_who_may_have_it() {
        assert!(matches!(namespaced(r#""role":"arn:c""#), Err(PlanError::AmbientForbidden { .. })));
        assert_eq!(cluster(r#""role":"arn:c""#).base, Base::Own);
    }
}
