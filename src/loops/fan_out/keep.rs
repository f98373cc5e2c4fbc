//! One object of which others are made in, and when it is to be looked at again out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta};
use kube::{Client, Resource};
use serde_json::Value;
use tracing::debug;

use crate::events::{Events, Happening};
use crate::jitter::jittered;
use crate::leader::Guard;
use crate::loops::damaged::{self, Words};
use crate::loops::operator_metrics::OperatorMetrics;
use crate::loops::watched::ObjectKey;
use crate::loops::write::WriteError;
use crate::loops::{Adopt, queue, write};

use super::apply::{Applier, child, namespace};
use super::is_handed_over;
use super::memory::{Memory, Version};
use super::object::{FanOut, Wanted};
use super::plan::{Cause, Plan, Seen, Step, plan};
use super::seen::{Child, Maker, Place};
use super::status::{Failed, Outcome};
use super::whose::Stores;
use super::written::Written;

/// Namespaces that are written to at the same time, for one object.
const TOGETHER: usize = 8;

/// Everything that a look uses.
pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) guard: Guard,
    pub(super) events: Events,
    pub(super) adopt: Adopt,
    pub(super) memory: Memory,
    pub(super) metrics: OperatorMetrics,
}

/// What watches say.
pub(super) struct Around {
    /// Every namespace.
    pub(super) namespaces: BTreeMap<String, Arc<Place>>,
    /// What this object made, and what else has its name.
    pub(super) children: BTreeMap<ObjectKey, Child>,
    /// Every store.
    pub(super) stores: Stores,
}

/// One that is looked at.
struct Look<'a, K> {
    written: &'a Written<K>,
    wanted: &'a Wanted,
    maker: &'a Maker,
    around: &'a Around,
    started: Instant,
}

impl Keeper {
    /// Brings all namespaces into step.
    pub(super) async fn keep<K: FanOut>(&self, written: &Written<K>, around: &Around) -> queue::Outcome {
        let (metadata, wanted) = (written.meta(), written.object.wanted());
        let maker = maker(written);
        if wanted.stores.is_empty() || !is_handed_over(metadata, self.adopt) {
            self.metrics.gone(K::KINDS.0, &key(&maker.name));
            return queue::Outcome::Done;
        }
        let look = Look { written, wanted: &wanted, maker: &maker, around, started: Instant::now() };
        let Some(plan) = self.planned(&look) else { return queue::Outcome::Done };
        self.memory.keep_namespaces(&maker.uid, |namespace| plan.steps.contains_key(namespace));
        match self.carry_out(&look, plan).await {
            Ok(true) => {
                wanted.interval.map_or(queue::Outcome::Done, |it| queue::Outcome::After(jittered(it)))
            }
            Ok(false) => queue::Outcome::Failed,
            Err(error) => {
                debug!(object = %maker.name, %error, "tried again");
                queue::Outcome::Failed
            }
        }
    }

    fn planned<K: FanOut>(&self, look: &Look<'_, K>) -> Option<Plan> {
        let Look { written, wanted, maker, around, .. } = look;
        let version = Version::of(written.meta());
        let seen = Seen {
            maker,
            namespaces: &around.namespaces,
            children: &around.children,
            whose: &|namespace| around.stores.whose(&wanted.stores, namespace),
            is_as_made: &|namespace, child| self.memory.is_as_made(&maker.uid, namespace, &version, child),
        };
        plan(wanted, &seen)
    }

    /// Tells it of one that cannot be read, if it is ours.
    pub(super) async fn tell_damaged<K: FanOut>(&self, key: &ObjectKey, cause: &str) -> queue::Outcome {
        let words = Words {
            kind: K::KINDS.0,
            reason: "Errored",
            consequence: "nothing is made of it",
            finalizer: K::FINALIZER,
        };
        self.metrics.gone(K::KINDS.0, key);
        let is_ours = |metadata: &ObjectMeta, _: &Value| is_handed_over(metadata, self.adopt);
        damaged::tell::<K, _, Value>((&self.client, &self.guard), key, words, cause, is_ours).await
    }

    /// What the operator left on namespaces, of an object that is there no more: the operator is not there, either.
    pub(super) async fn forget<K: FanOut>(&self, name: &str, around: &Around) -> queue::Outcome {
        self.metrics.gone(K::KINDS.0, &key(name));
        if self.adopt != Adopt::All {
            return queue::Outcome::Done;
        }
        match self.free::<K>(name, around).await {
            Ok(()) => queue::Outcome::Done,
            Err(error) => {
                debug!(object = %name, %error, "tried again");
                queue::Outcome::Failed
            }
        }
    }

    /// Answers whether nothing has to be tried again.
    async fn carry_out<K: FanOut>(&self, look: &Look<'_, K>, plan: Plan) -> Result<bool, WriteError> {
        // A namespace that the operator has marked would hang for ever once it is deleted.
        self.free::<K>(&look.maker.name, look.around).await?;
        let object = &look.written.object;
        let api = Api::<K>::all(self.client.clone());
        if object.meta().deletion_timestamp.is_some() {
            // What was made goes by its owner reference.
            if let Some(finalizer) = K::FINALIZER {
                write::finalizer(&api, &self.guard, object, finalizer, false).await?;
            }
            return Ok(true);
        }
        let Plan { steps, removals } = plan;
        let done = stream::iter(steps).map(|(namespace, step)| async move {
            let result = self.step(look, &namespace, step).await;
            (namespace, result)
        });
        let mut done: Vec<_> = done.buffer_unordered(TOGETHER).collect().await;
        for (key, uid) in removals {
            let applier = Applier { client: &self.client, guard: &self.guard };
            if let Err(error) = applier.delete::<K>(&key, &uid).await {
                done.push((key.namespace, Err(Failed::Write { doing: None, error })));
            }
        }
        let (outcome, is_done) = Outcome::of(done)?;
        let new = object.next(&look.wanted.name, &outcome, Timestamp::now());
        let took = look.started.elapsed();
        self.metrics.looked_at(K::KINDS.0, &key(&look.maker.name), took, K::conditions(&new));
        if write::status(&api, &self.guard, object, object.status(), &new).await?.is_some() {
            self.tell(object, &outcome);
        }
        Ok(is_done)
    }

    async fn step<K: FanOut>(&self, look: &Look<'_, K>, namespace: &str, step: Step) -> Result<(), Failed> {
        let Look { written, wanted, maker, .. } = look;
        let (applier, key) = (
            Applier { client: &self.client, guard: &self.guard },
            ObjectKey { namespace: namespace.to_owned(), name: wanted.name.clone() },
        );
        let object = |uid: Option<&str>| child(written, wanted, maker, namespace, uid);
        let made = match step {
            Step::Keep => return Ok(()),
            Step::Fail(cause) => return Err(Failed::Known(told::<K>(&cause, maker))),
            // The watch may be behind: what is there is seen soon, and then changed if it has to be.
            Step::Create => match applier.there::<K>(&key).await {
                Ok(None) => applier.create::<K>(&key, &object(None)).await,
                Ok(Some(child)) if child.maker.as_ref() == Some(maker) => return Ok(()),
                Ok(Some(_)) => return Err(Failed::Unseen(K::TAKEN.to_owned())),
                Err(error) => Err(error),
            },
            Step::Apply { uid } => applier.apply::<K>(&key, &object(Some(&uid))).await,
        };
        let made = made.map_err(|error| Failed::Write { doing: Some(K::KINDS.1), error })?;
        self.memory.remember(&maker.uid, namespace, Version::of(written.meta()), made);
        Ok(())
    }

    /// Takes the operator's finalizers of an object off all namespaces.
    async fn free<K: FanOut>(&self, name: &str, around: &Around) -> Result<(), WriteError> {
        let Some(prefix) = K::NAMESPACE_FINALIZER else { return Ok(()) };
        let finalizer = format!("{prefix}{name}");
        let api = Api::<Namespace>::all(self.client.clone());
        for (of, place) in &around.namespaces {
            if place.finalizers.contains(&finalizer) {
                let metadata = namespace(of, &place.finalizers, place.version.as_ref());
                let marked = Namespace { metadata, ..Namespace::default() };
                write::finalizer(&api, &self.guard, &marked, &finalizer, false).await?;
            }
        }
        Ok(())
    }

    /// An Event with what the condition says.
    fn tell<K: FanOut>(&self, object: &K, outcome: &Outcome) {
        let (is_ready, message) = outcome.condition();
        let note = message.unwrap_or_else(|| format!("in {} namespaces", outcome.provisioned().len()));
        self.events.tell(Happening {
            regarding: object.object_ref(&()),
            is_warning: !is_ready,
            reason: if is_ready { "Synced" } else { "Errored" }.into(),
            action: "FanOut",
            distinct: note.clone(),
            note,
        });
    }
}

/// The key of an object of which others are made.
pub(super) fn key(name: &str) -> ObjectKey {
    ObjectKey { namespace: String::new(), name: name.to_owned() }
}

/// Who an object is to what it makes.
pub(super) fn maker<K: FanOut>(written: &Written<K>) -> Maker {
    let metadata = written.meta();
    Maker {
        kind: K::KINDS.0.as_str().to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
    }
}

fn told<K: FanOut>(cause: &Cause, maker: &Maker) -> String {
    let (kind, made) = K::KINDS;
    match cause {
        Cause::Taken => K::TAKEN.to_owned(),
        Cause::Orphan => {
            format!("the {made} of a {kind} {} that was deleted is still there", maker.name)
        }
        Cause::Leaving => format!("the {made} is being deleted"),
        Cause::NoStore(store) => format!("there is no {store}; create it, or name another"),
    }
}
