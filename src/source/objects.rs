//! The Kubernetes objects that credentials come from: from the cluster, or from files that were read.

mod files;
mod object_id;

pub use files::Files;
pub use object_id::{ObjectError, ObjectId, ObjectVersion};

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::api::{Api, PostParams};
use kube::core::{NamespaceResourceScope, PartialObjectMeta};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::plan::StoreId;
use crate::api::common::StoreKind;
use crate::api::secret_store::{ClusterSecretStore, SecretStore, SecretStoreSpec};
use crate::cluster::Trouble;
use crate::facts::Labels;
use crate::secret_value::SecretValue;

/// Where objects are read.
#[derive(Clone)]
pub enum Objects {
    /// In a cluster.
    Cluster(Client),
    /// In files; in a cluster what they do not have, if there is one.
    Files(Files, Option<Client>),
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(_) => f.write_str("a cluster"),
            Self::Files(files, _) => files.fmt(f),
        }
    }
}

/// An object that was read, and its state then.
#[derive(Debug)]
pub(super) struct Read<T> {
    pub(super) object: T,
    pub(super) version: ObjectVersion,
}

/// What matters of a ServiceAccount.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) role_arn: Option<String>,
    pub(super) audience: Option<String>,
}

impl Objects {
    pub(super) async fn store(&self, id: &StoreId) -> Result<Read<SecretStoreSpec>, ObjectError> {
        let object = ObjectId::Store(id.clone());
        match self.in_files(|files| files.store(id)) {
            Found::Here(spec) => Ok(in_file(spec)),
            Found::Ask(client) => match id.kind {
                StoreKind::SecretStore => {
                    let api = Api::<SecretStore>::namespaced(client.clone(), &id.namespace);
                    read(&api, &object, &id.name).await.map(|read| read.map(|store| store.spec))
                }
                StoreKind::ClusterSecretStore => {
                    let api = Api::<ClusterSecretStore>::all(client.clone());
                    read(&api, &object, &id.name).await.map(|read| read.map(|store| store.spec.0))
                }
            },
            Found::Nowhere => Err(ObjectError::NotInFiles { object }),
        }
    }

    pub(super) async fn secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Read<BTreeMap<String, SecretValue>>, ObjectError> {
        let object = ObjectId::Secret { namespace: namespace.into(), name: name.into() };
        match self.in_files(|files| files.secret(namespace, name)) {
            Found::Here(data) => Ok(in_file(data)),
            Found::Ask(client) => {
                let data = |secret: Secret| {
                    let data = secret.data.unwrap_or_default().into_iter();
                    data.map(|(key, value)| (key, SecretValue::new(value.0))).collect()
                };
                read(&namespaced::<Secret>(client, namespace), &object, name).await.map(|read| read.map(data))
            }
            Found::Nowhere => Err(ObjectError::NotInFiles { object }),
        }
    }

    pub(super) async fn service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Read<Account>, ObjectError> {
        let object = ObjectId::ServiceAccount { namespace: namespace.into(), name: name.into() };
        let client = self.client().ok_or_else(|| ObjectError::NotInFiles { object: object.clone() })?;
        let account = |account: ServiceAccount| {
            let annotations = account.metadata.annotations.unwrap_or_default();
            let annotation = |key| annotations.get(key).filter(|value| !value.is_empty()).cloned();
            Account {
                role_arn: annotation("eks.amazonaws.com/role-arn"),
                audience: annotation("eks.amazonaws.com/audience"),
            }
        };
        read(&namespaced::<ServiceAccount>(client, namespace), &object, name)
            .await
            .map(|read| read.map(account))
    }

    /// The labels of a Namespace.
    pub(super) async fn namespace(&self, name: &str) -> Result<Read<Labels>, ObjectError> {
        let object = ObjectId::Namespace(name.into());
        match self.in_files(|files| files.namespace(name)) {
            Found::Here(labels) => Ok(in_file(labels)),
            Found::Ask(client) => {
                let labels = |namespace: PartialObjectMeta<Namespace>| {
                    namespace.metadata.labels.unwrap_or_default().into_iter().collect()
                };
                let api = Api::<Namespace>::all(client.clone());
                let read = api.get_metadata(name).await.map_err(|error| told(&object, "get", &error))?;
                Ok(Read { version: version_of(&object, &read), object: labels(read) })
            }
            Found::Nowhere => Err(ObjectError::NotInFiles { object }),
        }
    }

    /// A token of a ServiceAccount, and of no other that has come to bear its name.
    pub(super) async fn token(
        &self,
        namespace: &str,
        name: &str,
        uid: &str,
        audiences: &[String],
    ) -> Result<SecretValue, ObjectError> {
        let object = ObjectId::ServiceAccount { namespace: namespace.into(), name: name.into() };
        let client = self.client().ok_or_else(|| ObjectError::NotInFiles { object: object.clone() })?;
        let request = TokenRequest {
            spec: TokenRequestSpec { audiences: audiences.to_vec(), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let api = namespaced::<ServiceAccount>(client, namespace);
        let answer = api.create_token_request(name, &PostParams::default(), &request).await;
        let token = answer.map_err(|error| told(&object, "create token", &error))?.status.map(|it| it.token);
        match token {
            Some(token) if subject_uid(&token).as_deref() == Some(uid) => Ok(SecretValue::from(token)),
            Some(_) => Err(ObjectError::Replaced { object }),
            None => Err(ObjectError::Unavailable { object, cause: "an answer without a token".into() }),
        }
    }

    /// The cluster that is watched for changes; what was read from files does not change.
    pub(super) fn watchable(&self) -> Option<&Client> {
        match self {
            Self::Cluster(client) => Some(client),
            Self::Files(..) => None,
        }
    }

    fn client(&self) -> Option<&Client> {
        match self {
            Self::Cluster(client) => Some(client),
            Self::Files(_, client) => client.as_ref(),
        }
    }

    fn in_files<T>(&self, find: impl FnOnce(&Files) -> Option<T>) -> Found<'_, T> {
        let found = match self {
            Self::Cluster(_) => None,
            Self::Files(files, _) => find(files),
        };
        match (found, self.client()) {
            (Some(found), _) => Found::Here(found),
            (None, Some(client)) => Found::Ask(client),
            (None, None) => Found::Nowhere,
        }
    }
}

enum Found<'a, T> {
    Here(T),
    Ask(&'a Client),
    Nowhere,
}

impl<T> Read<T> {
    fn map<U>(self, map: impl FnOnce(T) -> U) -> Read<U> {
        Read { object: map(self.object), version: self.version }
    }
}

fn in_file<T>(object: T) -> Read<T> {
    Read { object, version: ObjectVersion { uid: String::new(), version: String::new() } }
}

fn namespaced<K>(client: &Client, namespace: &str) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), namespace)
}

async fn read<K>(api: &Api<K>, object: &ObjectId, name: &str) -> Result<Read<K>, ObjectError>
where
    K: Resource + Clone + fmt::Debug + DeserializeOwned,
{
    let read = api.get(name).await.map_err(|error| told(object, "get", &error))?;
    Ok(Read { version: version_of(object, &read), object: read })
}

/// The state of an object, from its metadata.
pub(super) fn version_of<K: Resource>(id: &ObjectId, object: &K) -> ObjectVersion {
    let metadata = object.meta();
    let version = match id {
        ObjectId::Store(_) => metadata.generation.unwrap_or_default().to_string(),
        ObjectId::Secret { .. } | ObjectId::ServiceAccount { .. } | ObjectId::Namespace(_) => {
            metadata.resource_version.clone().unwrap_or_default()
        }
    };
    ObjectVersion { uid: metadata.uid.clone().unwrap_or_default(), version }
}

fn told(object: &ObjectId, verb: &'static str, error: &kube::Error) -> ObjectError {
    let object = object.clone();
    match error {
        kube::Error::Api(status) if status.code == 404 => ObjectError::Missing { object },
        kube::Error::Api(status) if matches!(status.code, 401 | 403) => {
            ObjectError::Forbidden { object, verb, cause: status.message.clone() }
        }
        other => ObjectError::Unavailable { object, cause: Trouble::from(other).text },
    }
}

/// The UID of the ServiceAccount that a token is for, as the token says; the API server has just issued it.
fn subject_uid(token: &str) -> Option<String> {
    use base64::Engine;
    let claims = token.split('.').nth(1)?;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.pointer("/kubernetes.io/serviceaccount/uid")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_whose_it_is() {
        use base64::Engine;
        let claims = r#"{"kubernetes.io":{"serviceaccount":{"name":"a","uid":"u-1"}}}"#;
        let body = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        assert_eq!(subject_uid(&format!("h.{body}.s")).as_deref(), Some("u-1"));
        for token in ["", "h", "h.%.s", "h.e30.s"] {
            assert_eq!(subject_uid(token), None, "{token}");
        }
    }
}
