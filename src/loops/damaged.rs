//! Objects that do not fit their type, because an older or a relaxed definition let them in: nothing is done about them,
//! and a condition says which field is wrong. Nothing else of them is touched, but for the finalizer of one that is deleted.

use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DynamicObject, ObjectMeta, Patch};
use kube::core::ApiResource;
use kube::{Client, Resource};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tracing::{debug, warn};

use crate::api::Kind;
use crate::api::common::Condition;
use crate::aws::failure::one_line;
use crate::cluster::Trouble;
use crate::finding::Report;
use crate::leader::Guard;
use crate::loops::conditions::{self, TOLD, ready, seconds};
use crate::loops::queue::Outcome;
use crate::loops::watched::ObjectKey;
use crate::loops::write::{self, WriteError};
use crate::object::Object;

/// What is said of such objects of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// The kind.
    pub kind: Kind,
    /// The reason of its condition Ready.
    pub reason: &'static str,
    /// What is not done, "it is not pushed".
    pub consequence: &'static str,
    /// The finalizer that would hold it, and its namespace, for ever once it is deleted; none if more hangs on that.
    pub finalizer: Option<&'static str>,
}

/// Tells it in the condition, if as much of it can be read as says that it is ours: `is_ours` is given its spec without
/// the fields that do not fit. `cause` is why it could not be read.
pub async fn tell<K, Spec, Status>(
    by: (&Client, &Guard),
    key: &ObjectKey,
    words: Words,
    cause: &str,
    is_ours: impl FnOnce(&ObjectMeta, &Spec) -> bool,
) -> Outcome
where
    K: Resource<DynamicType = ()>,
    Spec: DeserializeOwned + Default + Clone,
    Status: DeserializeOwned,
{
    let consequence = words.consequence;
    warn!(kind = %words.kind, object = %key, %cause, "cannot be read, so {consequence}");
    match try_to_tell::<K, Spec, Status>(by, key, words, cause, is_ours).await {
        Ok(()) => Outcome::Done,
        Err(error) => {
            debug!(kind = %words.kind, object = %key, %error, "tried again");
            Outcome::Failed
        }
    }
}

async fn try_to_tell<K, Spec, Status>(
    (client, guard): (&Client, &Guard),
    key: &ObjectKey,
    words: Words,
    cause: &str,
    is_ours: impl FnOnce(&ObjectMeta, &Spec) -> bool,
) -> Result<(), WriteError>
where
    K: Resource<DynamicType = ()>,
    Spec: DeserializeOwned + Default + Clone,
    Status: DeserializeOwned,
{
    let resource = ApiResource::erase::<K>(&());
    let api = match key.namespace.as_str() {
        "" => Api::<DynamicObject>::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    let what = || format!("{} {key}", words.kind);
    let object = api.get_opt(&key.name).await;
    let object = object.map_err(|error| WriteError::Api { what: what(), trouble: Trouble::from(&error) })?;
    let Some(object) = object else { return Ok(()) };
    let Readable { spec, problems } = read::<Spec, Status>(words.kind, &object.data, cause);
    if !is_ours(&object.metadata, &spec) {
        return Ok(());
    }
    if object.metadata.deletion_timestamp.is_some()
        && let Some(finalizer) = words.finalizer
    {
        return let_go(&api, guard, &object, finalizer, what).await;
    }
    let old = object.data.get("status").map(conditions_of).unwrap_or_default();
    let message = format!("it cannot be read, so {}: {}", words.consequence, problems.join("; "));
    let condition = ready(false, words.reason, message);
    let Some(new) = conditions::set(&old, condition, &seconds(Timestamp::now())) else { return Ok(()) };
    let version = &object.metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version}, "status": {"conditions": new}});
    let (parameters, patch) = (write::parameters(), Patch::Merge(&patch));
    write::write(guard, what, api.patch_status(&key.name, &parameters, &patch)).await.map(drop)
}

/// Takes our finalizer off.
async fn let_go(
    api: &Api<DynamicObject>,
    guard: &Guard,
    object: &DynamicObject,
    finalizer: &str,
    what: impl Fn() -> String,
) -> Result<(), WriteError> {
    let ObjectMeta { name, finalizers, resource_version, .. } = &object.metadata;
    let there = finalizers.as_deref().unwrap_or_default();
    let others: Vec<_> = there.iter().filter(|one| *one != finalizer).collect();
    if others.len() == there.len() {
        return Ok(());
    }
    let patch = json!({"metadata": {"resourceVersion": resource_version, "finalizers": others}});
    let (parameters, patch) = (write::parameters(), Patch::Merge(&patch));
    let name = name.as_deref().unwrap_or_default();
    write::write(guard, what, api.patch(name, &parameters, &patch)).await.map(drop)
}

/// What can be read of it.
#[derive(Debug, Default)]
struct Readable<Spec> {
    spec: Spec,
    /// Why not all of it can be, by field; never empty.
    problems: Vec<String>,
}

fn read<Spec, Status>(kind: Kind, object: &Value, cause: &str) -> Readable<Spec>
where
    Spec: DeserializeOwned + Default + Clone,
    Status: DeserializeOwned,
{
    let mut readable = Readable::default();
    let text = object.to_string();
    let report = Object::unchecked(kind, &text).and_then(|object| {
        object.judge(|spec: &Spec, _| {
            readable.spec = spec.clone();
            false
        })
    });
    let findings = report.map(Report::into_findings).unwrap_or_default();
    let told = findings.iter().take(TOLD).map(|finding| format!("{}: {finding}", finding.field));
    readable.problems.extend(told);
    if let Some(status) = object.get("status")
        && let Err(error) = Status::deserialize(status)
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
    use super::*;
    use crate::api::push_secret::{PushSecretSpec, PushSecretStatus};

    fn read(object: &Value, cause: &str) -> Readable<PushSecretSpec> {
        super::read::<_, PushSecretStatus>(Kind::PushSecret, object, cause)
    }

    #[test]
    fn each_field_that_does_not_fit_is_told_and_the_stores_are_read_all_the_same() {
        let object = json!({"spec": {"secretStoreRefs": [{"name": "aws"}], "selector": {"secret": {"name": "app"}},
            "updatePolicy": "Sometimes", "data": [{"match": {"secretKey": 7, "remoteRef": {"remoteKey": "a"}}}]}});
        let Readable { spec, problems } = read(&object, "the cause");
        assert_eq!(spec.secret_store_refs.first().map(|one| one.name.as_str()), Some("aws"));
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
