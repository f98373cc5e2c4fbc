//! What of an object is one field manager's, as `metadata.managedFields` tells. Applies and updates count alike.

use std::collections::BTreeSet;

use kube::api::ObjectMeta;
use serde_json::Value;

/// Keys that a field manager has set.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Of the data.
    pub data: BTreeSet<String>,
    /// Of the labels.
    pub labels: BTreeSet<String>,
    /// Of the annotations.
    pub annotations: BTreeSet<String>,
}

/// What is a manager's.
pub fn owned(metadata: &ObjectMeta, manager: &str) -> Owned {
    let mut owned = Owned::default();
    let entries = metadata.managed_fields.iter().flatten();
    for entry in entries.filter(|entry| entry.manager.as_deref() == Some(manager)) {
        let Some(fields) = entry.fields_v1.as_ref().map(|fields| &fields.0) else { continue };
        owned.data.extend(keys(fields.get("f:data")));
        let metadata = fields.get("f:metadata");
        owned.labels.extend(keys(metadata.and_then(|metadata| metadata.get("f:labels"))));
        owned.annotations.extend(keys(metadata.and_then(|metadata| metadata.get("f:annotations"))));
    }
    owned
}

/// `{"f:a": {}, ".": {}}` to `a`.
fn keys(fields: Option<&Value>) -> impl Iterator<Item = String> {
    let members = fields.and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys());
    members.filter_map(|key| key.strip_prefix("f:")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_manager_alone() {
        let metadata = serde_json::json!({"managedFields": [
            {"manager": "m", "operation": "Update", "fieldsV1": {
                "f:data": {".": {}, "f:a": {}, "f:b.c": {}},
                "f:metadata": {"f:labels": {"f:l/x": {}}, "f:annotations": {".": {}, "f:n": {}}}, "f:type": {}}},
            {"manager": "other", "operation": "Update", "fieldsV1": {"f:data": {"f:z": {}}}},
            {"manager": "m", "operation": "Apply", "fieldsV1": {"f:data": {"f:d": {}}}},
            {"manager": "m", "operation": "Update", "subresource": "x"},
        ]});
        let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        let expected =
            Owned { data: set(&["a", "b.c", "d"]), labels: set(&["l/x"]), annotations: set(&["n"]) };
        assert_eq!(owned(&metadata, "m"), expected);
        assert_eq!(owned(&metadata, "nobody"), Owned::default());
    }
}
