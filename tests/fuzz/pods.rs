//! Seeds to reviews of pods and of what makes pods: their annotations and specs mutated, and some broken bytes.

use std::path::Path;

use keyhatch::facts::{Facts, Namespace};
use keyhatch::field::Field;
use keyhatch::inject::annotations::{Defaults, NAMES, PREFIX};
use keyhatch::inject::resources::Resources;
use keyhatch::inject::workload::Workload;
use keyhatch::inject::{Installation, plan};
use serde_json::{Value, json};

use super::mutate::{self, Pool, mutate};
use super::random::Random;
use super::{reviews, seeds, words};

/// Pods, and what is made of them once.
pub(crate) struct Pods {
    pub(crate) all: Vec<Value>,
    pub(crate) pool: Pool,
    /// A namespace with a store for all its pods.
    pub(crate) facts: Facts,
}

/// What is injected.
pub(crate) fn installation() -> Installation {
    Installation {
        image: Some("registry.example.com/keyhatch-agent:1".into()),
        resources: Resources::default(),
        broker: "keyhatch-broker.keyhatch.svc:10251".into(),
        broker_address: Some("10.96.0.7".into()),
        roots: "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n".into(),
        allow_shared_pid: false,
        kubernetes: Some((1, 36)),
    }
}

/// The namespace of all reviews.
const NAMESPACE: &str = "team-a";

impl Pods {
    /// Every pod of the repository, each as it is, injected, and injected without annotations.
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = Vec::new();
        for folder in ["tests/data/pods", "examples/pods"] {
            seeds::add_texts(&root.join(folder), &mut texts);
        }
        let mut all = Vec::new();
        for text in texts {
            let object: Value = serde_saphyr::from_str(&text).expect("YAML of ours");
            let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
            let workload = Workload::ALL.into_iter().find(|workload| workload.as_str() == kind);
            let pod = workload.unwrap_or(Workload::Pod).pod(&object).expect("a pod").clone();
            let injected = injected(&pod);
            all.push(pod);
            if let Some(injected) = injected {
                let mut copy = injected.clone();
                copy["metadata"] = json!({"name": "copy"});
                all.extend([injected, copy]);
            }
        }
        let mut pool = Pool::new();
        all.iter().for_each(|pod| mutate::members(pod, &mut pool));
        let mut facts = Facts::default();
        let namespace = Namespace { store: Some("team".into()), ..Namespace::default() };
        facts.namespaces.insert("", NAMESPACE, namespace);
        Self { all, pool, facts }
    }
}

fn injected(pod: &Value) -> Option<Value> {
    let defaults = Defaults { store: Some("team".into()), refresh: None, is_known: true };
    let plan = plan(pod, &Field::Root, &defaults, &installation()).ok()?;
    let mut pod = pod.clone();
    json_patch::patch(&mut pod, &plan.patch).ok()?;
    (!plan.patch.is_empty()).then_some(pod)
}

/// The body of a review of a pod, or of another object that makes pods.
pub(crate) fn review(pods: &Pods, is_pod: bool, random: &mut Random) -> Vec<u8> {
    let kind = if is_pod { 0 } else { 1 + random.below(Workload::ALL.len() - 1) };
    let workload = Workload::ALL[kind];
    let pod = mutated(pods, random);
    let operation = match random.below(100) {
        0..3 => "DELETE",
        3..40 if !is_pod => "UPDATE",
        3..5 => "UPDATE",
        _ => "CREATE",
    };
    let old = match random.below(3) {
        _ if operation == "CREATE" => Value::Null,
        0 => pod.clone(),
        1 => mutated(pods, random),
        _ => pods.all[random.below(pods.all.len())].clone(),
    };
    let mut value = envelope(workload, operation, &around(workload, pod), &around(workload, old));
    if random.once_in(40) {
        mutate(&mut value, &pods.pool, random);
    }
    reviews::with_broken_bytes(&value, random)
}

/// A review of an object.
pub(crate) fn envelope(workload: Workload, operation: &str, object: &Value, old: &Value) -> Value {
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": workload.group(), "version": "v1", "kind": workload.as_str()},
            "name": "web",
            "namespace": NAMESPACE,
            "operation": operation,
            "object": object,
            "oldObject": old,
        },
    })
}

/// An object of a kind that makes this pod.
pub(crate) fn around(workload: Workload, pod: Value) -> Value {
    match workload {
        _ if pod.is_null() => pod,
        Workload::Pod => pod,
        Workload::CronJob => json!({"spec": {"jobTemplate": {"spec": {"template": pod}}}}),
        Workload::Deployment | Workload::StatefulSet | Workload::DaemonSet | Workload::Job => {
            json!({"spec": {"template": pod}})
        }
    }
}

/// A pod with a few changes, most of them where somebody reads.
fn mutated(pods: &Pods, random: &mut Random) -> Value {
    let mut pod = pods.all[random.below(pods.all.len())].clone();
    for _ in 0..random.below(3) {
        annotate(&mut pod, pods, random);
    }
    let place = match random.below(100) {
        0..45 => "/spec",
        45..60 => "/spec/containers",
        60..90 => "/metadata/annotations",
        _ => "",
    };
    match pod.pointer_mut(place) {
        Some(part) => mutate(part, &pods.pool, random),
        None => mutate(&mut pod, &pods.pool, random),
    }
    pod
}

/// Sets an annotation of ours, to what another pod has there or to anything.
fn annotate(pod: &mut Value, pods: &Pods, random: &mut Random) {
    let name = match random.below(8) {
        0 => format!("secret-{}", words::text(PREFIX, random)),
        1 => format!("env-{}", random.pick(&["A", "PASSWORD", "a b", "_"])),
        2 => format!("perms-{}", random.pick(&["db.json", "a", ".."])),
        _ => random.pick(&NAMES).to_owned(),
    };
    let key = format!("{PREFIX}{name}");
    let known: Vec<_> = pods.pool.iter().filter(|(name, _)| *name == key).collect();
    let value = match random.below(3) {
        0 if !known.is_empty() => known[random.below(known.len())].1.clone(),
        _ => words::text(&key, random).into(),
    };
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(key, value);
    }
}
