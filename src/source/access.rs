//! Access through a store: a store and who asks in, an identity and its lane out. What was read for it is believed
//! while watches say that nothing has changed.

mod slots;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::config::SharedCredentialsProvider;

use super::batch::Lane;
use super::clients::Clients;
use super::credentials::{Proved, Session};
use super::error::SourceError;
use super::identity::Identifier;
use super::objects::{ObjectError, ObjectId, ObjectVersion, Objects};
use super::observe::{Observed, Observer};
use super::plan::{Ambient, Plan, StoreId};
use super::prove::Proof;
use super::quota::{Payer, Quotas};
use super::watch::{Comparison, Watched, Watches};
use crate::api::common::StoreKind;
use crate::api::secret_store::RetrySettings;
use crate::aws::failure::Class;
use crate::cache::{Cache, Who};
use slots::{Slot, Slots};

/// How one consumer reaches a store's secrets.
#[derive(Debug)]
pub struct Access {
    /// The store.
    pub store: Arc<StoreId>,
    /// Who its consumer is to AWS, and where the secrets are.
    pub who: Arc<Who>,
    /// What the store says.
    pub plan: Plan,
    /// The identity, as a person would say it.
    pub title: String,
    pub(super) lane: Arc<Lane>,
    seen: Vec<Seen>,
    at: Instant,
}

/// An object that access depends on, as it was read.
#[derive(Debug)]
struct Seen {
    object: ObjectId,
    version: ObjectVersion,
    watched: Option<Arc<Watched>>,
}

/// How long what was read is believed where no watch says more.
const UNWATCHED: Duration = Duration::from_secs(10);
/// In the place of a consumer's namespace, which is never called so: the access of a ClusterSecretStore by itself.
const OF_NO_CONSUMER: &str = "*";
/// How often accesses that are not used are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// All accesses that are in use.
#[derive(Debug)]
pub(super) struct Accesses {
    objects: Objects,
    clients: Arc<Clients>,
    quotas: Arc<Quotas>,
    identifier: Identifier,
    ambient: Ambient,
    cache: Arc<Cache>,
    watches: Option<Watches>,
    slots: Slots,
    lanes: Mutex<HashMap<LaneKey, Weak<Lane>>>,
}

/// Stores with the same identity, place and retries share a lane.
type LaneKey = (Arc<Who>, Option<RetrySettings>);

impl Accesses {
    pub(super) fn new(
        objects: Objects,
        watch_credentials: bool,
        clients: Arc<Clients>,
        identifier: Identifier,
        ambient: Ambient,
        cache: Arc<Cache>,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let on_gone = move |object: &ObjectId| {
                if let Some(accesses) = this.upgrade() {
                    accesses.gone(object);
                }
            };
            Self {
                watches: objects
                    .watchable()
                    .map(|client| Watches::new(client.clone(), watch_credentials, on_gone)),
                objects,
                clients,
                quotas: Arc::default(),
                identifier,
                ambient,
                cache,
                slots: Slots::default(),
                lanes: Mutex::default(),
            }
        })
    }

    /// The access of a consumer through a store, read anew if it may have changed.
    pub(super) async fn access(&self, store: &StoreId, consumer: &str) -> Result<Arc<Access>, SourceError> {
        let slot = self.slots.slot(store, consumer);
        if let Some(access) = slot.valid(Instant::now()) {
            return Ok(access);
        }
        let _reading = slot.reading.lock().await;
        if let Some(access) = slot.valid(Instant::now()) {
            return Ok(access);
        }
        match self.observer(self.clients.own().as_ref()).observe(store, consumer).await {
            Ok(observed) => Ok(self.replace(&slot, store, observed)),
            Err(error) => Err(self.failed(&slot, error)),
        }
    }

    /// Asks AWS whether it accepts a store's own credentials, which are read anew.
    pub(super) async fn prove(&self, store: &StoreId) -> Result<Proof, SourceError> {
        let of_store = match store.kind {
            StoreKind::SecretStore => store.namespace.as_str(),
            StoreKind::ClusterSecretStore => OF_NO_CONSUMER,
        };
        let slot = self.slots.slot(store, of_store);
        slot.is_used(Instant::now());
        let access = {
            let _reading = slot.reading.lock().await;
            match self.observer(self.clients.own().as_ref()).observe_itself(store).await {
                Ok(Some(observed)) => self.replace(&slot, store, observed),
                Ok(None) => {
                    self.drop_access(&slot);
                    return Ok(Proof::Referent);
                }
                Err(error) => return Err(self.failed(&slot, error)),
            }
        };
        // Who was read through this store before it changed is not believed any more.
        let stale = |other: &Arc<Slot>| other.access().is_some_and(|other| other.who != access.who);
        self.slots.of_store(store).iter().filter(|slot| stale(slot)).for_each(|slot| self.drop_access(slot));
        match access.lane.session.prove(&access.title).await {
            Proved::Accepted => Ok(Proof::Accepted { who: access.title.clone() }),
            Proved::Unanswered(failure) => Ok(Proof::Unanswered(failure)),
            Proved::Refused(failure) => {
                if failure.class == Class::IdentityRefused {
                    self.cache.forget_identity(access.who.identity);
                }
                Err(failure.into())
            }
        }
    }

    fn observer<'a>(&'a self, own: Option<&'a SharedCredentialsProvider>) -> Observer<'a> {
        Observer { objects: &self.objects, identifier: &self.identifier, ambient: self.ambient, own }
    }

    /// Who cannot be asked has not said that anything changed; else nothing is had through what cannot be read.
    fn failed(&self, slot: &Slot, error: SourceError) -> SourceError {
        if !matches!(error, SourceError::Object(ObjectError::Unavailable { .. })) {
            self.drop_access(slot);
        }
        error
    }

    fn replace(&self, slot: &Slot, store: &StoreId, observed: Observed) -> Arc<Access> {
        let Observed { plan, base, identity, title, seen } = observed;
        let who = Arc::new(Who { identity, place: self.clients.place(&plan.region).into() });
        let watch = |(object, version)| Seen {
            watched: self.watches.as_ref().map(|watches| watches.watch(&object)),
            object,
            version,
        };
        let seen = seen.into_iter().map(watch).collect();
        let lane = self.lane(&who, &plan, || {
            Session::new(base, plan.clone(), Arc::clone(&self.clients), self.objects.clone())
        });
        let store = Arc::new(store.clone());
        let new = Arc::new(Access { store, who, plan, title, lane, seen, at: Instant::now() });
        let old = slot.set(Some(Arc::clone(&new)));
        if let Some(old) = old.filter(|old| old.who != new.who) {
            self.cache.forget_access(&old.store, old.who.identity);
        }
        new
    }

    /// One lane for each identity and place, whichever store leads to it, as long as stores want the same retries.
    fn lane(&self, who: &Arc<Who>, plan: &Plan, session: impl FnOnce() -> Session) -> Arc<Lane> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(who), plan.retry.clone());
        if let Some(lane) = lanes.get(&key).and_then(Weak::upgrade) {
            return lane;
        }
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let session = session();
        let account = session.account().unwrap_or_else(|| format!("{:?}", who.identity));
        let payer = Payer { account, place: who.place.clone() };
        let lane = Lane::new(session, Arc::clone(&self.clients.calls), Arc::clone(&self.quotas), payer);
        let lane = Arc::new(lane);
        lanes.insert(key, Arc::downgrade(&lane));
        lane
    }

    /// An object was deleted: nobody gets what was had through it, also while nobody asks.
    fn gone(&self, object: &ObjectId) {
        if let ObjectId::Store(store) = object {
            self.cache.forget_store(store);
        }
        self.slots.that_depend_on(object).iter().for_each(|slot| self.drop_access(slot));
    }

    /// Lets go of what is not used any more, for as long as there is somebody to use it.
    pub(super) fn keep_swept(self: &Arc<Self>) {
        let accesses = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP).await;
                match accesses.upgrade() {
                    Some(accesses) => accesses.slots.sweep(Instant::now()),
                    None => return,
                }
            }
        });
    }

    fn drop_access(&self, slot: &Slot) {
        if let Some(old) = slot.set(None) {
            self.cache.forget_access(&old.store, old.who.identity);
        }
    }
}

impl Access {
    fn is_valid(&self, now: Instant) -> bool {
        self.seen.iter().all(|seen| match &seen.watched {
            None => true,
            Some(watched) => match watched.compare(&seen.version) {
                Comparison::Same => true,
                Comparison::Changed => false,
                Comparison::Unknown => now.saturating_duration_since(self.at) < UNWATCHED,
            },
        })
    }
}
