//! The one cache of what AWS answered: key, owner and age in; a kept answer, or one fetch for all who wait, out.
//!
//! - [`age`]: whether a kept answer may be given (pure)
//! - [`entry`]: keys, answers, and what is kept of them
//! - `flight`: one fetch for all who wait, in a task of its own
//! - `shelf`: where entries are kept, within bounds in total and for each store
//! - `names`: which ARN a name means
//! - [`metrics`]: what is counted
//!
//! A key holds everything that AWS would check, so an entry under it exists only because AWS accepted that identity.

pub mod age;
pub mod entry;
mod flight;
pub mod metrics;
mod names;
mod shelf;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::aws::failure::{Class, Failure};
use crate::source::identity::Identity;
use crate::source::plan::StoreId;

pub use age::Limits;
use age::{Freshness, Oldest};
pub use entry::{Answer, Asked, Key, Payload, Served, Stages, Value, Version, Who};
use entry::{Entry, Kept};
use flight::{Flight, Flights, Ticket};
use metrics::Metrics;
use shelf::Shelf;

/// Answers of AWS, shared by everybody to whom AWS would give them.
#[derive(Debug)]
pub struct Cache {
    limits: Limits,
    shelf: Shelf,
    flights: Flights,
    metrics: Arc<Metrics>,
}

/// Who asks, and how old an answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The store through which it is asked; what is kept counts as the store's.
    pub store: &'a Arc<StoreId>,
    /// The oldest answer that is accepted; `None` for any.
    pub max_age: Option<Duration>,
}

impl Cache {
    /// An empty cache.
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        let shelf = Shelf::new(&limits);
        Self { limits, shelf, flights: Flights::default(), metrics }
    }

    /// The answer under a key: kept, or fetched once for all who wait. Whoever hangs up ends the fetch for nobody.
    ///
    /// # Errors
    /// The fetch's failure, unless AWS could not say and an answer from before may stand in.
    pub async fn get<F>(
        self: &Arc<Self>,
        key: Key,
        ask: Ask<'_>,
        fetch: impl FnOnce() -> F,
    ) -> Result<Answer, Failure>
    where
        F: Future<Output = Result<Payload, Failure>> + Send + 'static,
    {
        let key = self.shelf.canonical(key);
        let oldest = Oldest::from(Instant::now(), ask.max_age);
        let mut fetch = Some(fetch);
        loop {
            let kept = self.shelf.get(&key);
            if let Some(answer) = kept.as_ref().and_then(|entry| self.kept_answer(entry, oldest)) {
                return answer;
            }
            match self.flights.board(&key, ask.store, oldest) {
                Ticket::Join(mut flight) => {
                    self.metrics.joined();
                    return flight.landed().await;
                }
                Ticket::Wait(mut flight) => {
                    let _ = flight.landed().await;
                }
                Ticket::Pilot(flight, mut passenger) => {
                    let Some(fetch) = fetch.take() else { return Err(ended(&key)) };
                    // Between the look at the shelf and this ticket another flight may have landed.
                    if let Some(answer) =
                        self.shelf.get(&key).and_then(|entry| self.kept_answer(&entry, oldest))
                    {
                        flight.land(answer.clone());
                        return answer;
                    }
                    tokio::spawn(fly(Arc::clone(self), key, Arc::clone(ask.store), kept, flight, fetch()));
                    return passenger.landed().await;
                }
            }
        }
    }

    /// What is kept under a key, of any age; nothing is asked for it.
    pub fn kept(&self, key: Key) -> Option<Result<Answer, Failure>> {
        let entry = self.shelf.get(&self.shelf.canonical(key))?;
        self.kept_answer(&entry, Oldest::any())
    }

    /// Drops what is kept for an identity, and what is under way for it.
    pub fn forget_identity(&self, identity: Identity) {
        self.flights.void(|key, _| key.who.identity == identity);
        self.shelf.forget_identity(identity);
    }

    /// Drops what was fetched through a store.
    pub fn forget_store(&self, store: &StoreId) {
        self.flights.void(|_, through| through == store);
        self.shelf.forget_store(store);
    }

    /// Drops what was fetched through a store for one identity.
    pub fn forget_access(&self, store: &StoreId, identity: Identity) {
        self.flights.void(|key, through| key.who.identity == identity && through == store);
        self.shelf.forget_access(store, identity);
    }

    /// Drops all that is kept of a secret, and what is under way, for who knows it by this name or ARN.
    pub fn forget_secret(&self, who: &Who, id: &str) {
        let is_meant = |key: &Key| *key.who == *who && names::is_same(&key.id, id);
        self.flights.void(|key, _| is_meant(key));
        self.shelf.forget_keys(is_meant);
    }

    /// Drops one key.
    pub fn forget(&self, key: Key) {
        let key = self.shelf.canonical(key);
        self.flights.void(|flying, _| *flying == key);
        self.shelf.remove(&key);
    }

    /// Lets go of what nobody asks for any more, for as long as the cache exists.
    pub fn keep_swept(self: &Arc<Self>) {
        let (cache, every) = (Arc::downgrade(self), self.limits.idle / 10);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                match cache.upgrade() {
                    Some(cache) => {
                        cache.shelf.sweep();
                        cache.metrics.kept(cache.shelf.size());
                    }
                    None => return,
                }
            }
        });
    }

    /// How many answers are kept, and their bytes.
    pub fn size(&self) -> (usize, u64) {
        self.shelf.size()
    }

    fn kept_answer(&self, entry: &Entry, oldest: Oldest) -> Option<Result<Answer, Failure>> {
        let now = Instant::now();
        let served = match age::judge(entry.sign(), entry.fetched, now, oldest, &self.limits) {
            Freshness::Fresh => Served::Hit,
            Freshness::Old if entry.is_held(now) => Served::Stale,
            Freshness::Old | Freshness::Expired => return None,
        };
        Some(match &entry.kept {
            Kept::Value(payload) => {
                self.metrics.served(served);
                Ok(Answer { payload: Arc::clone(payload), served, age: now - entry.fetched })
            }
            Kept::No(failure) => {
                self.metrics.served(Served::Negative);
                Err(Failure::clone(failure))
            }
        })
    }

    /// What a fetch's result means for what is kept, and for those who wait.
    fn settle(
        &self,
        key: &Key,
        store: &Arc<StoreId>,
        before: Option<Arc<Entry>>,
        flight: &Flight,
        result: Result<Payload, Failure>,
    ) -> Result<Answer, Failure> {
        let now = Instant::now();
        let failure = match result {
            Ok(payload) => {
                let payload = Arc::new(payload);
                if !flight.is_void() {
                    self.shelf.put(key.clone(), Kept::Value(Arc::clone(&payload)), flight.started, store);
                }
                self.metrics.served(Served::Miss);
                return Ok(Answer { payload, served: Served::Miss, age: Duration::ZERO });
            }
            Err(failure) => failure,
        };
        match failure.class {
            // The no takes the place of what was kept, also for those who know the secret by its name.
            Class::NotFound | Class::MarkedForDeletion | Class::Denied if !flight.is_void() => {
                let no = Kept::No(Arc::new(failure.clone()));
                self.shelf.put(key.clone(), no, flight.started, store);
            }
            Class::NotFound | Class::MarkedForDeletion | Class::Denied => self.shelf.remove(key),
            Class::IdentityRefused => self.forget_identity(key.who.identity),
            Class::Throttled | Class::Unavailable => {
                let stands_in = before.filter(|_| !flight.is_void()).filter(|entry| {
                    age::judge(entry.sign(), entry.fetched, now, Oldest::any(), &self.limits)
                        == Freshness::Fresh
                });
                if let Some(Entry { kept: Kept::Value(payload), fetched, .. }) = stands_in.as_deref() {
                    if let Some(entry) = &stands_in {
                        entry.hold(now + self.limits.hold);
                    }
                    self.metrics.served(Served::Stale);
                    let payload = Arc::clone(payload);
                    return Ok(Answer { payload, served: Served::Stale, age: now - *fetched });
                }
            }
            Class::Exists | Class::LimitReached | Class::Invalid | Class::Malformed => {}
        }
        self.metrics.failed(failure.class);
        Err(failure)
    }
}

/// Fetches, keeps what may be kept, and tells everybody who waits.
async fn fly(
    cache: Arc<Cache>,
    key: Key,
    store: Arc<StoreId>,
    before: Option<Arc<Entry>>,
    flight: Flight,
    fetch: impl Future<Output = Result<Payload, Failure>>,
) {
    let result = fetch.await;
    let settled = cache.settle(&key, &store, before, &flight, result);
    cache.metrics.kept(cache.shelf.size());
    flight.land(settled);
}

/// The failure of those whose fetch ended without a word.
fn ended(key: &Key) -> Failure {
    Failure {
        class: Class::Unavailable,
        operation: "GetSecretValue",
        object: key.id.to_string(),
        code: String::new(),
        message: "the fetch ended without an answer".into(),
        request_id: None,
    }
}

#[cfg(test)]
mod tests;
