//! One object, made or changed: what is wanted in, writes to the API server out, each under the leader's guard.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Api, DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, Preconditions};
use kube::core::ApiResource;
use kube::{Client, Resource};
use serde_json::{Value, json};

use crate::leader::Guard;
use crate::loops::watched::ObjectKey;
use crate::loops::write::{MANAGER, WriteError, write};

use super::object::{FanOut, Wanted};
use super::seen::{Child, Maker};
use super::take_over::take_over;
use super::written::Written;

/// Who writes, and where.
pub(super) struct Applier<'a> {
    pub(super) client: &'a Client,
    pub(super) guard: &'a Guard,
}

impl Applier<'_> {
    /// Makes an object that was not there a moment ago. It is applied, and not created, so that all of it is of one manager
    /// from the beginning; but not by force: should another be there meanwhile, that conflicts.
    pub(super) async fn create<K: FanOut>(
        &self,
        key: &ObjectKey,
        object: &Value,
    ) -> Result<Child, WriteError> {
        let made = self.apply_once::<K>(key, object, &PatchParams::apply(MANAGER)).await?;
        Ok(Child::of(&made.metadata))
    }

    /// Brings one that has a UID into step, in all fields that ever were of its maker's making.
    pub(super) async fn apply<K: FanOut>(
        &self,
        key: &ObjectKey,
        object: &Value,
    ) -> Result<Child, WriteError> {
        let parameters = PatchParams::apply(MANAGER).force();
        let applied = self.apply_once::<K>(key, object, &parameters).await?;
        let Some(entries) =
            take_over(applied.metadata.managed_fields.as_deref().unwrap_or_default(), MANAGER)
        else {
            return Ok(Child::of(&applied.metadata));
        };
        let patch = json!([
            // To replace it conflicts, if the object is another by now; to test it would be a refusal for good.
            {"op": "replace", "path": "/metadata/resourceVersion", "value": applied.metadata.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        ]);
        let patch = Patch::<()>::Json(serde_json::from_value(patch).map_err(|cause| form::<K>(key, cause))?);
        let api = self.api::<K>(&key.namespace);
        let plain = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        write(self.guard, || told::<K>(key), api.patch(&key.name, &plain, &patch)).await?;
        let applied = self.apply_once::<K>(key, object, &parameters).await?;
        Ok(Child::of(&applied.metadata))
    }

    /// The object that is there now, whatever watches say.
    pub(super) async fn there<K: FanOut>(&self, key: &ObjectKey) -> Result<Option<Child>, WriteError> {
        let read = self.api::<K>(&key.namespace).get_metadata_opt(&key.name).await;
        let read =
            read.map_err(|error| WriteError::Api { what: told::<K>(key), trouble: (&error).into() })?;
        Ok(read.map(|object| Child::of(&object.metadata)))
    }

    /// Deletes one of a UID.
    pub(super) async fn delete<K: FanOut>(&self, key: &ObjectKey, uid: &str) -> Result<(), WriteError> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let api = self.api::<K>(&key.namespace);
        match write(self.guard, || told::<K>(key), api.delete(&key.name, &parameters)).await {
            Ok(_) | Err(WriteError::Gone { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn apply_once<K: FanOut>(
        &self,
        key: &ObjectKey,
        object: &Value,
        parameters: &PatchParams,
    ) -> Result<DynamicObject, WriteError> {
        let api = self.api::<K>(&key.namespace);
        write(self.guard, || told::<K>(key), api.patch(&key.name, parameters, &Patch::Apply(object))).await
    }

    fn api<K: FanOut>(&self, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &ApiResource::erase::<K::Child>(&()))
    }
}

/// The object of a namespace, as it is wanted; `uid` is that of the one that is there.
pub(super) fn child<K: FanOut>(
    written: &Written<K>,
    wanted: &Wanted,
    maker: &Maker,
    namespace: &str,
    uid: Option<&str>,
) -> Value {
    let (kind, made) = K::KINDS;
    let some = |map: &BTreeMap<String, String>| Some(map.clone()).filter(|map| !map.is_empty());
    let metadata = ObjectMeta {
        name: Some(wanted.name.clone()),
        namespace: Some(namespace.to_owned()),
        uid: uid.map(str::to_owned),
        labels: some(&wanted.labels),
        annotations: some(&wanted.annotations),
        owner_references: Some(vec![OwnerReference {
            api_version: kind.api_version().to_owned(),
            kind: kind.as_str().to_owned(),
            name: maker.name.clone(),
            uid: maker.uid.clone(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        }]),
        ..ObjectMeta::default()
    };
    json!({
        "apiVersion": made.api_version(), "kind": made.as_str(), "metadata": metadata, "spec": written.template,
    })
}

fn told<K: FanOut>(key: &ObjectKey) -> String {
    format!("{} {key}", K::Child::kind(&()))
}

fn form<K: FanOut>(key: &ObjectKey, cause: serde_json::Error) -> WriteError {
    WriteError::Form { what: told::<K>(key), cause }
}

/// The metadata of a Namespace whose finalizers are to be changed.
pub(super) fn namespace(name: &str, finalizers: &[String], version: Option<&String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        finalizers: Some(finalizers.to_vec()),
        resource_version: version.cloned(),
        ..ObjectMeta::default()
    }
}
