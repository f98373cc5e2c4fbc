//! PushSecrets that do not fit their type, because an older or a relaxed definition let them in: they are not pushed, and
//! a condition says which field is wrong. Nothing else of them is touched.

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, PartialObjectMeta, PartialObjectMetaExt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Kind;
use crate::api::common::Condition;
use crate::api::push_secret::{PushSecret, PushSecretSpec, PushSecretStatus, PushStoreRef};
use crate::aws::failure::one_line;
use crate::cluster::Trouble;
use crate::finding::Report;
use crate::loops::watched::ObjectKey;
use crate::loops::{conditions, write};
use crate::object::Object;

use super::error::PushError;
use super::reconcile::Pusher;
use super::status::{TOLD, seconds};
use super::stores::{Store, select};

/// The part of a status that is ours to write here.
#[derive(Serialize)]
struct Said {
    conditions: Vec<Condition>,
}

/// Tells it in the condition, if as much of it can be read as says that it is ours. `stores` are all that its namespace
/// sees; `cause` is why it could not be read.
pub(super) async fn tell(
    pusher: &Pusher,
    key: &ObjectKey,
    stores: &[Store],
    cause: &str,
) -> Result<(), PushError> {
    let told = |error: &kube::Error| PushError::Cluster {
        object: format!("PushSecret {key}"),
        trouble: Trouble::from(error),
    };
    let resource = ApiResource::erase::<PushSecret>(&());
    let raw = Api::<DynamicObject>::namespaced_with(pusher.client.clone(), &key.namespace, &resource);
    let object = match raw.get_opt(&key.name).await {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(()),
        Err(error) => return Err(told(&error)),
    };
    let Readable { stores: refs, problems } = read(&object.data, cause);
    if select(&refs, stores, |store| pusher.takes(store)).ours.is_empty() {
        return Ok(());
    }
    let status = object.data.get("status");
    let old = Said { conditions: status.map(conditions_of).unwrap_or_default() };
    let condition = Condition {
        type_: "Ready".into(),
        status: "False".into(),
        reason: Some("Errored".into()),
        message: Some(format!("it cannot be read, so it is not pushed: {}", problems.join("; "))),
        last_transition_time: None,
    };
    let Some(new) = conditions::set(&old.conditions, condition, &seconds(Timestamp::now())) else {
        return Ok(());
    };
    let object = object.metadata.into_response_partial::<PushSecret>();
    let api = Api::<PartialObjectMeta<PushSecret>>::namespaced(pusher.client.clone(), &key.namespace);
    write::status(&api, &pusher.guard, &object, Some(&old), &Said { conditions: new }).await?;
    Ok(())
}

/// What can be read of it.
#[derive(Debug, Default)]
struct Readable {
    stores: Vec<PushStoreRef>,
    /// Why not all of it can be, by field; never empty.
    problems: Vec<String>,
}

fn read(object: &Value, cause: &str) -> Readable {
    let mut readable = Readable::default();
    let text = object.to_string();
    let report = Object::unchecked(Kind::PushSecret, &text).and_then(|object| {
        object.judge(|spec: &PushSecretSpec, _| {
            readable.stores.clone_from(&spec.secret_store_refs);
            false
        })
    });
    let findings = report.map(Report::into_findings).unwrap_or_default();
    let told = findings.iter().take(TOLD).map(|finding| format!("{}: {finding}", finding.field));
    readable.problems.extend(told);
    if let Some(status) = object.get("status")
        && let Err(error) = PushSecretStatus::deserialize(status)
    {
        readable.problems.push(format!("status: {}", one_line(&error.to_string())));
    }
    if readable.problems.is_empty() {
        readable.problems.push(cause.to_owned());
    }
    readable
}

/// Its conditions, as far as they are some.
fn conditions_of(status: &Value) -> Vec<Condition> {
    let conditions = status.get("conditions").map(Vec::deserialize);
    conditions.and_then(Result::ok).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_that_does_not_fit_is_told_and_the_stores_are_read_all_the_same() {
        let object = json!({"spec": {"secretStoreRefs": [{"name": "aws"}], "selector": {"secret": {"name": "app"}},
            "updatePolicy": "Sometimes", "data": [{"match": {"secretKey": 7, "remoteRef": {"remoteKey": "a"}}}]}});
        let Readable { stores, problems } = read(&object, "the cause");
        assert_eq!(stores.first().map(|one| one.name.as_str()), Some("aws"));
        let fields: Vec<_> = problems.iter().filter_map(|one| one.split(": ").next()).collect();
        assert_eq!(fields, ["spec.updatePolicy", "spec.data[0].match.secretKey"]);
        let status = json!({"spec": object["spec"], "status": {"refreshTime": 7}});
        assert!(read(&status, "").problems.iter().any(|one| one.starts_with("status: ")));
    }

    #[test]
    fn what_fits_the_schema_and_yet_no_type_is_told_as_it_was_found() {
        assert_eq!(
            read(
                &json!({"spec": {"selector": {"secret": {"name": "a"}}, "secretStoreRefs": []}}),
                "the cause"
            )
            .problems,
            ["the cause"]
        );
        assert!(conditions_of(&json!({"conditions": "none"})).is_empty());
    }
}
