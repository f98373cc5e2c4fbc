//! Which objects a store has its credentials in. Pure.

use crate::api::secret_store::SecretStoreSpec;

/// Whether a store has access keys in a Secret, by namespace and name. `namespace` is the store's; empty for a
/// ClusterSecretStore.
pub fn are_in_secret(spec: &SecretStoreSpec, namespace: &str, secret: (&str, &str)) -> bool {
    let Some(keys) = spec.secrets_manager().and_then(|aws| aws.auth.secret_ref.as_ref()) else {
        return false;
    };
    let selectors =
        [keys.access_key_id.as_ref(), keys.secret_access_key.as_ref(), keys.session_token.as_ref()];
    let mut selectors = selectors.into_iter().flatten();
    selectors.any(|at| at.name == secret.1 && may_be_in(namespace, at.namespace.as_deref(), secret.0))
}

/// Whether a store uses tokens of a ServiceAccount, by namespace and name.
pub fn are_of_account(spec: &SecretStoreSpec, namespace: &str, account: (&str, &str)) -> bool {
    let jwt = spec.secrets_manager().and_then(|aws| aws.auth.jwt.as_ref());
    let at = jwt.and_then(|jwt| jwt.service_account_ref.as_ref());
    at.is_some_and(|at| at.name == account.1 && may_be_in(namespace, at.namespace.as_deref(), account.0))
}

/// A ClusterSecretStore's without a namespace is each consumer's.
fn may_be_in(of_store: &str, named: Option<&str>, namespace: &str) -> bool {
    let own = if of_store.is_empty() { named } else { Some(of_store) };
    own.is_none_or(|own| own == namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_where_the_store_says_or_where_it_is_or_where_its_consumer_is() {
        let keys = |namespace: &str| {
            format!(
                r#"{{"secretRef":{{"accessKeyIDSecretRef":{{"name":"k","key":"id"{namespace}}},
                    "secretAccessKeySecretRef":{{"name":"other","key":"secret"{namespace}}}}}}}"#
            )
        };
        let account =
            |namespace: &str| format!(r#"{{"jwt":{{"serviceAccountRef":{{"name":"k"{namespace}}}}}}}"#);
        let named = r#","namespace":"a""#;
        for (of_store, in_namespace, expected) in
            [("team", named, "team"), ("team", "", "team"), ("", named, "a"), ("", "", "*")]
        {
            for namespace in ["team", "a", "b"] {
                let spec = |auth: &str| -> SecretStoreSpec {
                    let text = format!(
                        r#"{{"provider":{{"aws":{{"service":"SecretsManager","region":"r","auth":{auth}}}}}}}"#
                    );
                    serde_json::from_str(&text).unwrap()
                };
                let is_there = expected == "*" || expected == namespace;
                let case = format!("{of_store:?} {in_namespace} {namespace}");
                let keys = spec(&keys(in_namespace));
                let account = spec(&account(in_namespace));
                for name in ["k", "other"] {
                    assert_eq!(are_in_secret(&keys, of_store, (namespace, name)), is_there, "{case} {name}");
                }
                assert!(!are_in_secret(&keys, of_store, (namespace, "third")), "{case}");
                assert!(!are_in_secret(&account, of_store, (namespace, "k")), "{case}");
                assert_eq!(are_of_account(&account, of_store, (namespace, "k")), is_there, "{case}");
                assert!(!are_of_account(&keys, of_store, (namespace, "k")), "{case}");
            }
        }
    }
}
