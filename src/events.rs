//! Events about objects, so that `kubectl describe` says what happened to one: written by a task of its own, never while
//! somebody waits, and once in a while for one thing.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use crate::bounded::bounded;
use crate::leader::Guard;

/// The same is not told again for so long.
const QUIET: Duration = Duration::from_secs(600);
/// Events that wait to be written; further ones are left out.
const WAITING: usize = 256;
/// Things told that are remembered; when they are as many in [`QUIET`], further ones are left out.
const MOST: usize = 10_000;
/// An API server that does not take one in this time has not taken it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest note that an Event takes, in bytes.
const LONGEST: usize = 1024;
/// The longest name of an object: a DNS subdomain.
const LONGEST_NAME: usize = 253;

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub struct Happening {
    /// The object.
    pub regarding: ObjectReference,
    /// Whether it is a trouble; else it is normal.
    pub is_warning: bool,
    /// What happened, in a word.
    pub reason: String,
    /// What was being done.
    pub action: &'static str,
    /// What happened, in a sentence.
    pub note: String,
    /// Tells it from another of the same reason; what has the same here is not told twice.
    pub distinct: String,
}

/// Where happenings are put.
#[derive(Clone, Debug)]
pub struct Events(mpsc::Sender<Happening>);

impl Events {
    /// Starts the task, which ends when nobody can put anything there any more. With a guard, only the leader tells.
    pub fn start(client: Client, controller: &'static str, guard: Option<Guard>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(Writer { client, controller, guard }, receiver));
        Self(sender)
    }

    /// Tells of it, soon. Who writes them may be slow: nobody waits for that.
    pub fn tell(&self, mut happening: Happening) {
        let ObjectReference { name, namespace, uid, .. } = &happening.regarding;
        // Who an object's owner is anybody may write there, whatever that is.
        if [name, namespace, uid].into_iter().flatten().any(|text| text.len() > LONGEST_NAME) {
            return;
        }
        happening.note = bounded(&happening.note, LONGEST).into();
        happening.distinct = bounded(&happening.distinct, LONGEST).into();
        drop(self.0.try_send(happening));
    }
}

struct Writer {
    client: Client,
    controller: &'static str,
    guard: Option<Guard>,
}

async fn write(writer: Writer, mut happenings: mpsc::Receiver<Happening>) {
    let mut told = Told::default();
    while let Some(happening) = happenings.recv().await {
        if told.is_new(&happening, Instant::now()) {
            writer.write(happening).await;
        }
    }
}

/// What was told, and when.
#[derive(Debug, Default)]
struct Told(HashMap<u64, Instant>, RandomState);

impl Told {
    /// Whether something was not told lately; from now on it was.
    fn is_new(&mut self, happening: &Happening, now: Instant) -> bool {
        let Happening { regarding, reason, distinct, .. } = happening;
        // By its hash: what is told may be long.
        let key = self.1.hash_one((&regarding.uid, reason, distinct));
        if self.0.len() >= MOST {
            self.0.retain(|_, at| now.saturating_duration_since(*at) < QUIET);
        }
        let is_told = self.0.get(&key).is_some_and(|at| now.saturating_duration_since(*at) < QUIET);
        let is_new = !is_told && self.0.len() < MOST;
        if is_new {
            self.0.insert(key, now);
        }
        is_new
    }
}

impl Writer {
    /// Made anew each time: to count one up takes another right.
    async fn write(&self, happening: Happening) {
        let now = Timestamp::now();
        let namespace = happening.regarding.namespace.clone().unwrap_or_else(|| "default".into());
        let events = Api::<Event>::namespaced(self.client.clone(), &namespace);
        let event = event(happening, namespace, self.controller, now);
        let parameters = PostParams::default();
        let written = timeout(PATIENCE, events.create(&parameters, &event));
        let written = match &self.guard {
            Some(guard) => guard.write(written).await,
            None => Ok(written.await),
        };
        if let Ok(Ok(Err(error))) = written {
            debug!(%error, "an Event could not be written");
        }
    }
}

fn event(happening: Happening, namespace: String, controller: &str, now: Timestamp) -> Event {
    let Happening { regarding, is_warning, reason, action, note, distinct: _ } = happening;
    let object = regarding.name.clone().unwrap_or_default();
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{object}.{:x}", now.as_nanosecond())),
            namespace: Some(namespace),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(now)),
        type_: Some(if is_warning { "Warning" } else { "Normal" }.into()),
        reason: Some(reason),
        action: Some(action.into()),
        note: Some(note),
        regarding: Some(regarding),
        reporting_controller: Some(controller.into()),
        reporting_instance: Some(controller.into()),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_in_a_while() {
        let happening = |uid: &str, reason: &str, distinct: &str| Happening {
            regarding: ObjectReference { uid: Some(uid.into()), ..ObjectReference::default() },
            is_warning: true,
            reason: reason.into(),
            action: "Push",
            note: String::new(),
            distinct: distinct.into(),
        };
        let (mut told, now) = (Told::default(), Instant::now());
        let all = [
            happening("1", "a", ""),
            happening("2", "a", ""),
            happening("1", "b", ""),
            happening("1", "a", "x"),
        ];
        for (after, expected) in [(Duration::ZERO, true), (QUIET / 2, false), (QUIET, true)] {
            for one in &all {
                assert_eq!(told.is_new(one, now + after), expected, "{after:?} {one:?}");
            }
        }
        for number in 0..2 * MOST {
            told.is_new(&happening(&number.to_string(), "c", ""), now);
        }
        assert_eq!(told.0.len(), MOST);
        assert!(told.is_new(&happening("later", "c", ""), now + 2 * QUIET));
    }
}
