//! Statuses, finalizers and Events: written by the leader alone, and never over what another wrote meanwhile.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use keyhatch::api::push_secret::{PushSecret, PushSecretStatus};
use keyhatch::events::{Events, Happening};
use keyhatch::loops::write::{self, WriteError};
use kube::api::{ListParams, Patch, PatchParams};
use kube::core::ObjectMeta;
use serde_json::json;

use super::*;

const FINALIZER: &str = "pushsecret.externalsecrets.io/finalizer";

struct World {
    plane: ControlPlane,
    client: Client,
    pushes: Api<PushSecret>,
    guard: Guard,
    election: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let plane = cluster();
        install(&plane).await;
        apply(&plane, &push("db", "{}"));
        let client = plane.client().await;
        let (guard, election) = lead(&client).await;
        Self { pushes: Api::namespaced(client.clone(), "default"), plane, client, guard, election }
    }

    async fn read(&self) -> PushSecret {
        self.pushes.get("db").await.unwrap()
    }

    /// Writes the status as the one that was read with the object.
    async fn status(
        &self,
        object: &PushSecret,
        new: &PushSecretStatus,
    ) -> Result<Option<PushSecret>, WriteError> {
        write::status(&self.pushes, &self.guard, object, object.status.as_ref(), new).await
    }
}

fn status(time: &str, synced: &[&str]) -> PushSecretStatus {
    let synced: BTreeMap<_, _> = synced.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
    let status = json!({"refreshTime": time, "syncedPushSecrets": {"SecretStore/aws": synced}});
    serde_json::from_value(status).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_written_if_it_changed_and_takes_nothing_that_is_not_ours() {
    let world = World::new().await;
    let others = json!({"status": {"fromTheFuture": 1, "syncedPushSecrets": {"SecretStore/aws": {"old": {"match": {}}}}}});
    let manager = PatchParams { field_manager: Some("external-secrets".into()), ..PatchParams::default() };
    world.pushes.patch_status("db", &manager, &Patch::Merge(&others)).await.unwrap();
    let read = world.read().await;
    let new = status("2026-01-01T00:00:00Z", &["new"]);
    let written = world.status(&read, &new).await.unwrap().unwrap();
    let raw = world.plane.kubectl(&["get", "pushsecret", "db", "-o", "json"]).success().unwrap();
    let raw: serde_json::Value = serde_json::from_str(&raw).unwrap();
    assert_eq!(raw["status"]["fromTheFuture"], json!(1));
    let synced = raw["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap();
    assert_eq!(synced.keys().collect::<Vec<_>>(), ["new"], "what another operator recorded can be removed");
    let managers = written.metadata.managed_fields.clone().unwrap_or_default();
    assert!(managers.iter().any(|one| one.manager.as_deref() == Some("keyhatch")), "{managers:?}");

    assert!(world.status(&written, written.status.as_ref().unwrap()).await.unwrap().is_none());
    assert_eq!(world.read().await.metadata.resource_version, written.metadata.resource_version);
    let late = world.status(&read, &status("2026-01-02T00:00:00Z", &[])).await.unwrap_err();
    assert!(matches!(late, WriteError::Conflict { .. }), "{late}");
    world.plane.kubectl(&["delete", "pushsecret", "db"]).success().unwrap();
    let gone = world.status(&written, &status("2026-01-02T00:00:00Z", &[])).await.unwrap_err();
    assert!(matches!(gone, WriteError::Gone { .. }), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_comes_and_goes_and_leaves_others_alone() {
    let world = World::new().await;
    let others = json!({"metadata": {"finalizers": ["example.com/other"]}});
    world.pushes.patch("db", &PatchParams::default(), &Patch::Merge(&others)).await.unwrap();
    let set = async |object: &PushSecret, is_wanted| {
        write::finalizer(&world.pushes, &world.guard, object, FINALIZER, is_wanted).await
    };
    let read = world.read().await;
    assert!(set(&read, false).await.unwrap().is_none());
    let with = set(&read, true).await.unwrap().unwrap();
    assert_eq!(with.metadata.finalizers.clone().unwrap(), ["example.com/other", FINALIZER]);
    assert!(set(&with, true).await.unwrap().is_none());
    assert!(matches!(set(&read, true).await.unwrap_err(), WriteError::Conflict { .. }));
    let without = set(&with, false).await.unwrap().unwrap();
    assert_eq!(without.metadata.finalizers.unwrap(), ["example.com/other"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leads_no_more_writes_nothing() {
    let mut world = World::new().await;
    let read = world.read().await;
    world.election.abort();
    world.guard.lost().await;
    assert!(!world.guard.is_valid());
    let new = status("2026-01-01T00:00:00Z", &[]);
    assert!(matches!(world.status(&read, &new).await, Err(WriteError::NotLeader(_))));
    let finalizer = write::finalizer(&world.pushes, &world.guard, &read, FINALIZER, true).await;
    assert!(matches!(finalizer, Err(WriteError::NotLeader(_))));
    assert_eq!(world.read().await.metadata.resource_version, read.metadata.resource_version);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_once_and_by_the_leader() {
    let mut world = World::new().await;
    let ObjectMeta { name, namespace, uid, .. } = world.read().await.metadata;
    let regarding = ObjectReference {
        api_version: Some("external-secrets.io/v1alpha1".into()),
        kind: Some("PushSecret".into()),
        namespace,
        name,
        uid,
        ..ObjectReference::default()
    };
    let happening = |note: &str| Happening {
        regarding: regarding.clone(),
        is_warning: true,
        reason: "Errored".into(),
        action: "Push",
        note: format!("{note} {}", "x".repeat(2000)),
        distinct: note.into(),
    };
    let events = Events::start(world.client.clone(), "keyhatch.dev/pushsecret", Some(world.guard.clone()));
    for note in ["one", "one", "two", "one"] {
        events.tell(happening(note));
    }
    let written = Api::<Event>::namespaced(world.client.clone(), "default");
    let notes = async || {
        let listed = written.list(&ListParams::default().fields("regarding.name=db")).await.unwrap();
        let mut notes: Vec<_> = listed.into_iter().filter_map(|event| event.note).collect();
        notes.sort();
        notes
    };
    eventually("two events", async || if notes().await.len() >= 2 { Ok(()) } else { Err(()) }).await;
    world.election.abort();
    world.guard.lost().await;
    events.tell(happening("three"));
    drop(events);
    let described = world.plane.kubectl(&["describe", "pushsecret", "db"]).success().unwrap();
    assert!(described.contains("Errored") && described.contains("keyhatch.dev/pushsecret"), "{described}");
    let notes: Vec<_> = notes().await.iter().map(|note| (note[..3].to_owned(), note.len())).collect();
    assert_eq!(notes, [("one".to_owned(), 1024), ("two".to_owned(), 1024)]);
}
