//! Fields that another wrote, taken over: an apply removes only what the same manager applied before, so what an operator
//! wrote by updates would stay for ever when it is wanted no more. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::{Map, Value};

const SPEC: &str = "f:spec";
const METADATA: &str = "f:metadata";
/// Of the metadata; finalizers stay with whoever put them there.
const PARTS: [&str; 3] = ["f:labels", "f:annotations", "f:ownerReferences"];

/// The entries with all of the spec, and the metadata of whoever wrote some of it, in `manager`'s hand. None: they are so.
pub(super) fn take_over(entries: &[ManagedFieldsEntry], manager: &str) -> Option<Vec<ManagedFieldsEntry>> {
    let is_ours = |entry: &ManagedFieldsEntry| {
        entry.manager.as_deref() == Some(manager) && entry.operation.as_deref() == Some("Apply")
    };
    let mut taken = Map::new();
    let mut others = Vec::new();
    for entry in entries {
        let is_status = entry.subresource.as_deref().is_some_and(|subresource| !subresource.is_empty());
        let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.as_object());
        let fields = fields.filter(|fields| fields.contains_key(SPEC) && !is_status && !is_ours(entry));
        let Some(fields) = fields else {
            others.push(entry.clone());
            continue;
        };
        let left = split(fields, &mut taken);
        if !left.is_empty() {
            let fields_v1 = Some(FieldsV1(Value::Object(left)));
            others.push(ManagedFieldsEntry { fields_v1, ..entry.clone() });
        }
    }
    let ours = others.iter_mut().find(|entry| is_ours(entry))?;
    if taken.is_empty() {
        return None;
    }
    let fields = ours.fields_v1.get_or_insert_with(|| FieldsV1(Value::Object(Map::new())));
    merge(&mut fields.0, Value::Object(taken));
    Some(others)
}

/// Puts what is taken of some fields there; answers the rest.
fn split(fields: &Map<String, Value>, taken: &mut Map<String, Value>) -> Map<String, Value> {
    let mut left = fields.clone();
    let mut take = |[part, field]: [&str; 2], value: Value| {
        let place = taken.entry(part).or_insert_with(|| Value::Object(Map::new()));
        merge(place, Value::Object(Map::from_iter([(field.to_owned(), value)])));
    };
    if let Some(Value::Object(spec)) = left.shift_remove(SPEC) {
        spec.into_iter().for_each(|(name, value)| take([SPEC, &name], value));
    }
    if let Some(Value::Object(metadata)) = left.get_mut(METADATA) {
        for part in PARTS {
            if let Some(value) = metadata.shift_remove(part) {
                take([METADATA, part], value);
            }
        }
        // A lone dot says that the object itself is there.
        if metadata.keys().all(|name| name == ".") {
            left.shift_remove(METADATA);
        }
    }
    left
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(there) => merge(there, value),
                    None => drop(into.insert(name, value)),
                }
            }
        }
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, subresource: Option<&str>, fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.into()),
            operation: Some(operation.into()),
            subresource: subresource.map(str::to_owned),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn spec_labels_and_owners_change_hands_and_nothing_else_does() {
        let ours = entry("keyhatch", "Apply", None, json!({"f:spec": {"f:data": {}}}));
        let operator = entry(
            "external-secrets",
            "Update",
            None,
            json!({
                "f:metadata": {".": {}, "f:labels": {".": {}, "f:a": {}}, "f:finalizers": {".": {}, "v:\"x\"": {}}},
                "f:spec": {".": {}, "f:target": {"f:name": {}}, "f:data": {}}
            }),
        );
        let own_create = entry(
            "keyhatch",
            "Update",
            None,
            json!({"f:metadata": {"f:annotations": {"f:n": {}}}, "f:spec": {"f:refreshInterval": {}}}),
        );
        let status =
            entry("external-secrets", "Update", Some("status"), json!({"f:status": {}, "f:spec": {}}));
        let user = entry("kubectl", "Update", None, json!({"f:metadata": {"f:labels": {"f:mine": {}}}}));
        let all = [ours.clone(), operator, own_create, status.clone(), user.clone()];
        let taken = take_over(&all, "keyhatch").unwrap();
        assert_eq!(
            taken,
            [
                entry(
                    "keyhatch",
                    "Apply",
                    None,
                    json!({
                        "f:spec": {"f:data": {}, ".": {}, "f:target": {"f:name": {}}, "f:refreshInterval": {}},
                        "f:metadata": {"f:labels": {".": {}, "f:a": {}}, "f:annotations": {"f:n": {}}}
                    })
                ),
                entry(
                    "external-secrets",
                    "Update",
                    None,
                    json!({"f:metadata": {".": {}, "f:finalizers": {".": {}, "v:\"x\"": {}}}})
                ),
                status.clone(),
                user.clone(),
            ]
        );
        assert_eq!(take_over(&taken, "keyhatch"), None);
        assert_eq!(take_over(&[ours, status, user], "keyhatch"), None);
        assert_eq!(take_over(&[], "keyhatch"), None);
    }
}
