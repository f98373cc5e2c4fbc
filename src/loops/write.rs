//! Writes to the objects that loops work on and keep: statuses, finalizers, whole objects. Each goes through the leader's guard and carries
//! the version that was read, so a late one conflicts.

use std::fmt::Debug;
use std::time::Duration;

use kube::Resource;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::time::timeout;

use crate::cluster::{Trouble, TroubleKind};
use crate::leader::{Guard, NotLeader};

/// Whose the fields are that we write.
pub const MANAGER: &str = "keyhatch";
/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why something was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// It is another's work now.
    #[error(transparent)]
    NotLeader(#[from] NotLeader),
    /// The object changed after it was read: whoever wants to write it reads it again.
    #[error("{what}: it changed meanwhile: {cause}")]
    Conflict {
        /// The object.
        what: String,
        /// The API server's words.
        cause: String,
    },
    /// The object is gone.
    #[error("{what}: it does not exist any more")]
    Gone {
        /// The object.
        what: String,
    },
    /// The API server does not take it, or does not answer.
    #[error("{what}: {trouble}")]
    Api {
        /// The object.
        what: String,
        /// Why.
        trouble: Trouble,
    },
    /// The status has no form in JSON.
    #[error("{what}: the status cannot be written down: {cause}")]
    Form {
        /// The object.
        what: String,
        /// Why.
        cause: serde_json::Error,
    },
}

impl WriteError {
    /// Whether it is nothing to tell of: whoever tries again has read the object anew, or leads no more.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::NotLeader(_) | Self::Conflict { .. } | Self::Gone { .. } => true,
            Self::Api { .. } | Self::Form { .. } => false,
        }
    }
}

/// Writes what is new of a status, and removes what is gone of it; fields that are in neither stay as they are. None:
/// nothing changes, so nothing was written.
///
/// This is a merge patch and not an apply: fields that another operator wrote before us, such as records of what was
/// pushed, would be its own for ever, and could not be removed.
///
/// # Errors
/// Why it was not written, or may not have been.
pub async fn status<K, S>(
    api: &Api<K>,
    guard: &Guard,
    object: &K,
    old: Option<&S>,
    new: &S,
) -> Result<Option<K>, WriteError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let form =
        |status| serde_json::to_value(status).map_err(|cause| WriteError::Form { what: told(object), cause });
    let (old, new) = (form(old)?, form(Some(new))?);
    let Some(difference) = difference(&old, &new) else { return Ok(None) };
    let patch =
        json!({"metadata": {"resourceVersion": object.meta().resource_version}, "status": difference});
    let name = object.meta().name.clone().unwrap_or_default();
    let parameters = parameters();
    let patch = Patch::Merge(&patch);
    write(guard, || told(object), api.patch_status(&name, &parameters, &patch)).await.map(Some)
}

/// Sees to it that an object has a finalizer, or has it no more. None: it is so already.
///
/// # Errors
/// Why it was not written, or may not have been.
pub async fn finalizer<K>(
    api: &Api<K>,
    guard: &Guard,
    object: &K,
    finalizer: &str,
    is_wanted: bool,
) -> Result<Option<K>, WriteError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let there = object.meta().finalizers.as_deref().unwrap_or_default();
    if there.iter().any(|one| one == finalizer) == is_wanted {
        return Ok(None);
    }
    let others = there.iter().map(String::as_str).filter(|one| *one != finalizer);
    let finalizers: Vec<&str> = others.chain(is_wanted.then_some(finalizer)).collect();
    let version = &object.meta().resource_version;
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": finalizers}});
    let name = object.meta().name.clone().unwrap_or_default();
    let parameters = parameters();
    let patch = Patch::Merge(&patch);
    write(guard, || told(object), api.patch(&name, &parameters, &patch)).await.map(Some)
}

/// Makes an object, in somebody's name.
///
/// # Errors
/// Why it was not made, or may not have been; a conflict if there is one already.
pub async fn create<K>(api: &Api<K>, guard: &Guard, object: &K, manager: &str) -> Result<K, WriteError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
{
    let parameters = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
    write(guard, || told(object), api.create(&parameters, object)).await
}

/// Puts an object in the place of the one that it was made of, in somebody's name.
///
/// # Errors
/// Why it was not written, or may not have been.
pub async fn replace<K>(api: &Api<K>, guard: &Guard, object: &K, manager: &str) -> Result<K, WriteError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug,
{
    let parameters = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
    let name = object.meta().name.clone().unwrap_or_default();
    write(guard, || told(object), api.replace(&name, &parameters, object)).await
}

/// Deletes an object, if it is still the one that was read. One that is gone is deleted.
///
/// # Errors
/// Why it was not deleted, or may not have been.
pub async fn delete<K>(api: &Api<K>, guard: &Guard, object: &K) -> Result<(), WriteError>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let metadata = object.meta();
    let preconditions =
        Preconditions { uid: metadata.uid.clone(), resource_version: metadata.resource_version.clone() };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let name = metadata.name.clone().unwrap_or_default();
    let deleted = async { api.delete(&name, &parameters).await.map(|_| object.clone()) };
    match write(guard, || told(object), deleted).await {
        Ok(_) | Err(WriteError::Gone { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Patches are in our name.
pub fn parameters() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.into()), ..PatchParams::default() }
}

/// Any other write, of which `what` tells the object.
///
/// # Errors
/// Why it was not written, or may not have been.
pub async fn write<T>(
    guard: &Guard,
    what: impl Fn() -> String,
    call: impl Future<Output = kube::Result<T>>,
) -> Result<T, WriteError> {
    let trouble = match guard.write(timeout(PATIENCE, call)).await? {
        Ok(Ok(written)) => return Ok(written),
        Ok(Err(kube::Error::Api(status))) if status.code == 409 => {
            return Err(WriteError::Conflict { what: what(), cause: status.message.clone() });
        }
        Ok(Err(error)) => Trouble::from(&error),
        Err(_) => Trouble::silence(),
    };
    Err(match trouble.kind {
        TroubleKind::NotInstalled => WriteError::Gone { what: what() },
        TroubleKind::Forbidden | TroubleKind::Conflict | TroubleKind::Passing => {
            WriteError::Api { what: what(), trouble }
        }
    })
}

fn told<K: Resource<DynamicType = ()>>(object: &K) -> String {
    let metadata = object.meta();
    let name = metadata.name.as_deref().unwrap_or_default();
    match metadata.namespace.as_deref() {
        Some(namespace) => format!("{} {namespace}/{name}", K::kind(&())),
        None => format!("{} {name}", K::kind(&())),
    }
}

/// The merge patch that makes one value of another; none if they are the same. A null is as if it were not there.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return (old != new).then(|| without_nulls(new));
    };
    let gone = old.iter().filter(|(key, old)| !old.is_null() && new.get(*key).is_none_or(Value::is_null));
    let mut patch: Map<String, Value> = gone.map(|(key, _)| (key.clone(), Value::Null)).collect();
    for (key, new) in new.iter().filter(|(_, new)| !new.is_null()) {
        if let Some(difference) = difference(old.get(key).unwrap_or(&Value::Null), new) {
            patch.insert(key.clone(), difference);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), (0..3_u8).prop_map(Value::from), "[ab]?".prop_map(Value::from)];
        let document = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(0..2_u8, 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-d]", document, 0..4)
            .prop_map(|members| Value::Object(members.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn what_is_written_makes_the_new_of_the_old_and_touches_nothing_else(old in document(), new in document()) {
            let (old, new) = (without_nulls(&old), without_nulls(&new));
            let mut patched = old.clone();
            patched["unknown"] = json!({"to": "us"});
            match difference(&old, &new) {
                Some(patch) => json_patch::merge(&mut patched, &patch),
                None => prop_assert_eq!(&old, &new),
            }
            let mut expected = new;
            expected["unknown"] = json!({"to": "us"});
            prop_assert_eq!(patched, expected);
        }
    }

    #[test]
    fn what_is_gone_is_removed_and_what_is_the_same_is_not_written() {
        let old = json!({"synced": {"a": {"x": 1}, "b": {}}, "time": null, "conditions": [1]});
        let new = json!({"synced": {"a": {"x": 1}}, "conditions": [2]});
        assert_eq!(difference(&old, &new), Some(json!({"synced": {"b": null}, "conditions": [2]})));
        assert_eq!(difference(&old, &json!({"synced": {"a": {"x": 1}, "b": {}}, "conditions": [1]})), None);
    }
}
