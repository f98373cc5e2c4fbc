//! Events on pods that were denied, and on what makes pods that are doubtful, so that `kubectl describe` says why one does
//! not start. Written by a task of its own, never while anybody waits, and once in a while for one reason.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::debug;

use super::identity::Caller;
use super::reason::{Denial, Reason};

/// The same is not told again for so long: longer than the recorder remembers it, which would then count it up, and that
/// takes another right.
const QUIET: Duration = Duration::from_secs(600);
/// Events that wait to be written; further ones are left out.
const WAITING: usize = 256;
/// Pairs of object and reason that are remembered.
const MOST: usize = 10_000;
/// An API server that does not take one in this time has not taken it.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest note that an Event takes, in bytes.
const LONGEST: usize = 1024;

/// Something to tell.
#[derive(Debug)]
struct News {
    about: ObjectReference,
    /// Told once in a while for one object.
    reason: String,
    action: &'static str,
    note: String,
}

/// Where news is put.
#[derive(Clone, Debug)]
pub(super) struct Events(mpsc::Sender<News>);

impl Events {
    /// Starts the task, which ends when nobody can put anything there any more.
    pub(super) fn start(client: Client) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(client, receiver));
        Self(sender)
    }

    /// Tells of a denial, unless it is one that passes by itself in a moment.
    pub(super) fn denied(&self, caller: &Caller, denial: &Denial) {
        if matches!(
            denial.reason,
            Reason::RateLimited | Reason::Busy | Reason::PodNotFound | Reason::PodReplaced
        ) {
            return;
        }
        let pod = ObjectReference {
            api_version: Some("v1".into()),
            kind: Some("Pod".into()),
            namespace: Some(caller.namespace.clone()),
            name: Some(caller.pod.clone()),
            uid: Some(caller.uid.clone()),
            ..ObjectReference::default()
        };
        self.put(pod, denial.reason.as_str(), "DeliverSecrets", &denial.message);
    }

    /// Tells whoever makes pods that they were admitted with warnings.
    pub(super) fn warned(&self, about: ObjectReference, warnings: &str) {
        self.put(about, "InjectionDoubtful", "InjectSecrets", warnings);
    }

    fn put(&self, about: ObjectReference, reason: impl Into<String>, action: &'static str, note: &str) {
        let note = note.char_indices().take_while(|(at, c)| at + c.len_utf8() <= LONGEST);
        let note = note.map(|(_, c)| c).collect();
        // Who writes them may be slow: nobody waits for that.
        drop(self.0.try_send(News { about, reason: reason.into(), action, note }));
    }
}

async fn write(client: Client, mut news: mpsc::Receiver<News>) {
    let recorder =
        Recorder::new(client, Reporter { controller: "keyhatch.dev/broker".into(), instance: None });
    let mut told: HashMap<(String, String), Instant> = HashMap::new();
    while let Some(News { about, reason, action, note }) = news.recv().await {
        let (now, key) = (Instant::now(), (about.uid.clone().unwrap_or_default(), reason.clone()));
        if told.len() >= MOST {
            told.retain(|_, at| now.saturating_duration_since(*at) < QUIET);
        }
        let is_told = told.get(&key).is_some_and(|at| now.saturating_duration_since(*at) < QUIET);
        if is_told || told.len() >= MOST {
            continue;
        }
        told.insert(key, now);
        let event = Event {
            type_: EventType::Warning,
            reason,
            note: Some(note),
            action: action.into(),
            secondary: None,
        };
        if let Ok(Err(error)) = timeout(PATIENCE, recorder.publish(&event, &about)).await {
            debug!(%error, "an Event could not be written");
        }
    }
}
