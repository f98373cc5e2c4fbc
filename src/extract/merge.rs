//! Merges the JSON objects of all values into one.

use std::collections::BTreeMap;

use super::Values;
use super::error::RewriteCause;
use crate::api::data_from::{ConflictPolicy, MergeStrategy, PriorityPolicy, RewriteMerge};
use crate::go::float;
use crate::go::json::{self, Json, JsonError};
use crate::secret_value::SecretValue;

pub(super) fn merge(rewrite: &RewriteMerge, values: Values) -> Result<Values, RewriteCause> {
    let RewriteMerge { into, priority: _, priority_policy: _, conflict_policy, strategy } = rewrite;
    let (merged, conflicts) = merged(rewrite, &values)?;
    if *conflict_policy == ConflictPolicy::Error && !conflicts.is_empty() {
        return Err(RewriteCause::Conflicts(conflicts.join(", ")));
    }
    match strategy {
        MergeStrategy::Extract => {
            Ok(merged.into_iter().map(|(key, value)| (key, extracted(value))).collect())
        }
        MergeStrategy::Json if into.is_empty() => Err(RewriteCause::MergeInto),
        MergeStrategy::Json => {
            let mut values = values;
            values.insert(into.clone(), written(&Json::Object(merged), false));
            Ok(values)
        }
    }
}

/// The members of all objects, and the keys that more than one has. Those with priority come last, and win.
fn merged(
    rewrite: &RewriteMerge,
    values: &Values,
) -> Result<(BTreeMap<String, Json>, Vec<String>), RewriteCause> {
    let (mut merged, mut conflicts) = (BTreeMap::new(), Vec::new());
    let others = values.keys().filter(|key| !rewrite.priority.contains(key));
    for key in others.chain(&rewrite.priority) {
        let Some(value) = values.get(key) else {
            match rewrite.priority_policy {
                PriorityPolicy::IgnoreNotFound => continue,
                PriorityPolicy::Strict => return Err(RewriteCause::NoPriorityKey(key.clone())),
            }
        };
        let members = match json::read(value.expose()) {
            Ok(Json::Object(members)) => Ok(members),
            Ok(Json::Null) => Ok(BTreeMap::new()),
            Ok(Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_)) => {
                Err(JsonError::NotAnObject)
            }
            Err(error) => Err(error),
        };
        let members = members.map_err(|cause| RewriteCause::NotAnObject { key: key.clone(), cause })?;
        for (name, value) in members {
            if merged.contains_key(&name) {
                conflicts.push(name.clone());
            }
            merged.insert(name, value);
        }
    }
    Ok((merged, conflicts))
}

/// A member as a value of its own.
fn extracted(value: Json) -> SecretValue {
    match value {
        Json::Null => SecretValue::new(Vec::new()),
        Json::String(text) => SecretValue::from(text),
        Json::Number(number) => SecretValue::from(float::format(number)),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => written(&value, true),
    }
}

fn written(value: &Json, html: bool) -> SecretValue {
    let mut out = Vec::new();
    value.write(&mut out, html);
    SecretValue::new(out)
}
