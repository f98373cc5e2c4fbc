//! Reviews of pods, which are changed, and of the objects that make pods, which are only judged.
//!
//! People apply Deployments, not pods: what the pods of one would be refused for is told, and refused, where it is
//! written. What may be there when the pods are made is a warning there.

use json_patch::Patch;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::review::Request;
use super::{Ahead, Controller, Decision, ReviewError, ratchet, sort};
use crate::facts::{Facts, Lookup};
use crate::field::Field;
use crate::finding::{Finding, Report};
use crate::inject::annotations::Defaults;
use crate::inject::workload::Workload;
use crate::inject::{Code, Installation, Plan, Refusals, check_known, plan};
use crate::policy::Enforce;
use crate::rule::Level;

/// What is read of a pod. Most of what the API server sends is who set which field, and is passed over.
#[derive(Debug, Deserialize)]
pub struct Pod {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    annotations: Option<Map<String, Value>>,
    #[serde(default)]
    owner_references: Option<Vec<Controller>>,
}

impl From<Pod> for Value {
    fn from(Pod { metadata: Metadata { annotations, .. }, spec }: Pod) -> Self {
        let mut metadata = Map::new();
        metadata.extend(annotations.map(|annotations| ("annotations".to_owned(), annotations.into())));
        let members = [("metadata".to_owned(), metadata.into()), ("spec".to_owned(), spec)];
        Self::Object(members.into_iter().collect())
    }
}

/// Decides about a pod that is to be made.
///
/// # Errors
/// If there is none, or if what would be injected is not known yet.
pub fn decide_pod(
    request: &Request<'_>,
    pod: Option<Pod>,
    facts: &Facts,
    installation: &Installation,
) -> Result<Decision, ReviewError> {
    if reviewed(request) != Some(Workload::Pod) || request.operation != "CREATE" {
        return Ok(Decision::default());
    }
    let mut pod = pod.ok_or_else(|| no_object(request))?;
    let owners = pod.metadata.owner_references.take().unwrap_or_default();
    let controller = owners.into_iter().find(|owner| owner.controller);
    let pod = Value::from(pod);
    let namespace = request.namespace.as_deref().unwrap_or_default();
    // A namespace that is not known yet has no defaults that could be used.
    let defaults = Defaults { is_known: true, ..defaults(namespace, facts) };
    let (report, patch, ahead) = match judge(&pod, &Field::Root, namespace, &defaults, facts, installation) {
        Ok(Plan { patch, doubts, needs }) => (doubts, patch, Ahead::of(&pod, needs, controller.is_some())),
        Err(Refusals(report)) => (report, Patch::default(), None),
    };
    if !patch.is_empty() && installation.roots.is_empty() {
        return Err(ReviewError::NoRoots);
    }
    if !patch.is_empty() && !has_parts(&pod) {
        return Err(ReviewError::NoPod);
    }
    let findings = report.into_findings();
    let hangs_on_store = findings.iter().any(may_be_late);
    // What cannot be injected cannot be admitted, either, however lenient this installation is.
    let decision = sort(findings, Enforce::Deny, |_| false);
    Ok(Decision { hangs_on_store, patch, ahead, controller, ..decision })
}

/// Decides about an object that makes pods.
///
/// # Errors
/// If it cannot be read.
pub fn decide_workload(
    request: &Request<'_>,
    facts: &Facts,
    installation: &Installation,
    enforce: Enforce,
) -> Result<Decision, ReviewError> {
    let is_write = matches!(request.operation.as_ref(), "CREATE" | "UPDATE");
    let Some(workload) = reviewed(request).filter(|workload| *workload != Workload::Pod && is_write) else {
        return Ok(Decision::default());
    };
    let object = request.object.ok_or_else(|| no_object(request))?;
    let object: Value = serde_json::from_str(object.get())?;
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let judge = |object: &Value| judge_template(workload, object, namespace, facts, installation);
    let (findings, ahead) = judge(&object);
    let old = request.old_object.filter(|_| request.operation == "UPDATE");
    let Some(old) = old.filter(|_| !findings.is_empty() || ahead.is_some()) else {
        return Ok(Decision { ahead, ..sort(findings, enforce, |_| false) });
    };
    let old: Value = serde_json::from_str(old.get())?;
    if workload.pod(&old) == workload.pod(&object) {
        return Ok(Decision::default());
    }
    Ok(Decision { ahead, ..ratchet::sort_new(findings, &judge(&old).0, enforce) })
}

/// All that is found in the pods of an object, by what is known of others. Whatever others may still bring is only a
/// doubt. `keyhatch check` judges by this, too.
pub fn judge_workload(
    workload: Workload,
    object: &Value,
    namespace: &str,
    facts: &Facts,
    installation: &Installation,
) -> Vec<Finding> {
    judge_template(workload, object, namespace, facts, installation).0
}

/// The same, and what can be looked up: its pods will be a controller's.
fn judge_template(
    workload: Workload,
    object: &Value,
    namespace: &str,
    facts: &Facts,
    installation: &Installation,
) -> (Vec<Finding>, Option<Ahead>) {
    let Some(pod) = workload.pod(object) else { return (Vec::new(), None) };
    let defaults = defaults(namespace, facts);
    let at = Field::Path(workload.path());
    let (report, ahead) = match judge(pod, &at, namespace, &defaults, facts, installation) {
        Ok(Plan { doubts, needs, .. }) => (doubts, Ahead::of(pod, needs, true)),
        Err(Refusals(report)) => (report, None),
    };
    let soften = |finding: Finding| {
        let level = if is_about_others(&finding) { Level::Warn } else { finding.level };
        Finding { level, ..finding }
    };
    (report.into_findings().into_iter().map(soften).collect(), ahead)
}

fn judge(
    pod: &Value,
    at: &Field<'_>,
    namespace: &str,
    defaults: &Defaults,
    facts: &Facts,
    installation: &Installation,
) -> Result<Plan, Refusals> {
    let mut plan = plan(pod, at, defaults, installation)?;
    let mut known = Report::default();
    check_known(&plan.needs, namespace, facts, &mut known);
    let is_refused = known.has(Level::Deny);
    let findings = [std::mem::take(&mut plan.doubts).into_findings(), known.into_findings()].concat();
    let report = Report::from(findings);
    if is_refused { Err(Refusals(report)) } else { Ok(Plan { doubts: report, ..plan }) }
}

/// The kind that is reviewed; None for what is none of ours.
fn reviewed(request: &Request<'_>) -> Option<Workload> {
    let is_whole = request.sub_resource.as_deref().is_none_or(str::is_empty);
    Workload::named(&request.kind.group, &request.kind.kind).filter(|_| is_whole)
}

/// Whether what a patch goes into is there, and what a pod has there. The API server sends no other.
fn has_parts(pod: &Value) -> bool {
    let is_list = |name: &str| {
        let list = pod.pointer("/spec").and_then(|spec| spec.get(name)).and_then(Value::as_array);
        list.is_none_or(|items| items.iter().all(Value::is_object))
    };
    pod.get("spec").is_some_and(Value::is_object) && is_list("containers") && is_list("initContainers")
}

fn no_object(request: &Request<'_>) -> ReviewError {
    ReviewError::NoObject { operation: request.operation.to_string() }
}

/// What a namespace says for its pods.
pub fn defaults(namespace: &str, facts: &Facts) -> Defaults {
    match facts.namespaces.get("", namespace) {
        Lookup::Found(known) => Defaults {
            store: known.store.as_deref().map(str::to_owned),
            refresh: known.refresh.as_deref().map(str::to_owned),
            is_known: true,
        },
        Lookup::Absent | Lookup::Unknown => Defaults::default(),
    }
}

/// Codes about objects that may come, or change, before the pods do.
fn is_about_others(finding: &Finding) -> bool {
    let id = finding.rule.id;
    [Code::StoreNotFound, Code::StoreNotAllowed, Code::ExternalSecretNotFound]
        .iter()
        .any(|code| code.rule().id == id)
}

/// Whether the news of what is missed may be on its way.
fn may_be_late(finding: &Finding) -> bool {
    is_about_others(finding) || finding.rule.id == Code::NoStore.rule().id
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::review;

    fn decided(spec: &Value) -> Result<Decision, ReviewError> {
        let body = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "1", "operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "object": {"spec": spec, "metadata": {"annotations": {
                    "keyhatch.dev/inject": "true", "keyhatch.dev/secret-a": "aws::a",
                }}},
            },
        })
        .to_string();
        let (request, pod) = review::parse::<Pod>(&body)?.take_object();
        let installation = Installation { roots: "roots".into(), ..Installation::anywhere() };
        decide_pod(&request, pod, &Facts::default(), &installation)
    }

    #[test]
    fn a_pod_that_no_patch_would_fit_is_refused() {
        for spec in [json!(null), json!("a"), json!([{}]), json!({"containers": [{"name": "a"}, []]})] {
            assert!(matches!(decided(&spec), Err(ReviewError::NoPod)), "{spec}");
        }
        assert!(!decided(&json!({"containers": [{"name": "a"}]})).unwrap().patch.is_empty());
    }
}
