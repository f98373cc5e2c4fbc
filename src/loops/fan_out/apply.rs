//! One object, made or changed: what is wanted in, writes to the API server out, each under the leader's guard.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{
    Api, DeleteParams, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams, Preconditions,
};
use kube::core::ApiResource;
use kube::{Client, Resource};
use serde_json::{Value, json};

use crate::leader::Guard;
use crate::loops::watched::ObjectKey;
use crate::loops::write::{MANAGER, WriteError, write};

use super::object::{FanOut, Wanted};
use super::plan::{Child, Maker};
use super::take_over::take_over;
use super::written::Written;

/// Who writes, and where.
pub(super) struct Applier<'a> {
    pub(super) client: &'a Client,
    pub(super) guard: &'a Guard,
}

impl Applier<'_> {
    /// Makes an object that is not there; one that is there after all is not touched.
    pub(super) async fn create<K: FanOut>(
        &self,
        key: &ObjectKey,
        object: &Value,
    ) -> Result<Child, WriteError> {
        let api = self.api::<K>(&key.namespace);
        let object = serde_json::from_value::<DynamicObject>(object.clone());
        let object = object.map_err(|cause| form::<K>(key, cause))?;
        let parameters = PostParams { field_manager: Some(MANAGER.into()), ..PostParams::default() };
        let made = write(self.guard, || told::<K>(key), api.create(&parameters, &object)).await?;
        Ok(Child::of(&made.metadata))
    }

    /// Brings one that has a UID into step, in all fields that ever were of its maker's making.
    pub(super) async fn apply<K: FanOut>(
        &self,
        key: &ObjectKey,
        object: &Value,
    ) -> Result<Child, WriteError> {
        let applied = self.apply_once::<K>(key, object).await?;
        let Some(entries) =
            take_over(applied.metadata.managed_fields.as_deref().unwrap_or_default(), MANAGER)
        else {
            return Ok(Child::of(&applied.metadata));
        };
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": applied.metadata.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
        ]);
        let patch = Patch::<()>::Json(serde_json::from_value(patch).map_err(|cause| form::<K>(key, cause))?);
        let api = self.api::<K>(&key.namespace);
        let parameters = PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() };
        write(self.guard, || told::<K>(key), api.patch(&key.name, &parameters, &patch)).await?;
        let applied = self.apply_once::<K>(key, object).await?;
        Ok(Child::of(&applied.metadata))
    }

    /// Who made the object that is there now.
    pub(super) async fn maker_of<K: FanOut>(&self, key: &ObjectKey) -> Result<Option<Maker>, WriteError> {
        let read = self.api::<K>(&key.namespace).get_metadata_opt(&key.name).await;
        let read =
            read.map_err(|error| WriteError::Api { what: told::<K>(key), trouble: (&error).into() })?;
        Ok(read.and_then(|object| Child::of(&object.metadata).maker))
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
    ) -> Result<DynamicObject, WriteError> {
        let api = self.api::<K>(&key.namespace);
        let parameters = PatchParams::apply(MANAGER).force();
        write(self.guard, || told::<K>(key), api.patch(&key.name, &parameters, &Patch::Apply(object))).await
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
