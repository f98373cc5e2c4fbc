//! One fetch for all who wait: who asks first starts it, the others join; it lands for everybody, also if nobody
//! waits any more.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::age::Oldest;
use super::entry::{Answer, Key};
use crate::aws::failure::Failure;
use crate::source::plan::StoreId;

type Outcome = Result<Answer, Failure>;

/// The fetches that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Key, Airborne>>>);

#[derive(Debug)]
struct Airborne {
    started: Instant,
    store: Arc<StoreId>,
    void: Arc<AtomicBool>,
    landing: watch::Receiver<Option<Outcome>>,
}

/// What somebody who asks has to do.
pub(super) enum Ticket {
    /// Wait for this fetch: it began late enough.
    Join(Passenger),
    /// Wait for this fetch to end, and ask again: it began too early to be an answer.
    Wait(Passenger),
    /// Fetch.
    Pilot(Flight, Passenger),
}

/// Somebody who waits for a fetch.
pub(super) struct Passenger {
    key: Key,
    landing: watch::Receiver<Option<Outcome>>,
}

/// The right and the duty to fetch. When it is dropped, the fetch is over for everybody.
#[derive(Debug)]
pub(super) struct Flight {
    key: Key,
    pub(super) started: Instant,
    void: Arc<AtomicBool>,
    land: watch::Sender<Option<Outcome>>,
    flights: Flights,
}

impl Flights {
    /// Joins the fetch of a key, or begins one.
    pub(super) fn board(&self, key: &Key, store: &Arc<StoreId>, oldest: Oldest) -> Ticket {
        let mut airborne = self.lock();
        if let Some(Airborne { started, landing, .. }) = airborne.get(key) {
            let passenger = Passenger { key: key.clone(), landing: landing.clone() };
            return if oldest.accepts(*started) { Ticket::Join(passenger) } else { Ticket::Wait(passenger) };
        }
        let (land, landing) = watch::channel(None);
        let (started, void) = (Instant::now(), Arc::new(AtomicBool::new(false)));
        let flying =
            Airborne { started, store: Arc::clone(store), void: Arc::clone(&void), landing: landing.clone() };
        airborne.insert(key.clone(), flying);
        let flight = Flight { key: key.clone(), started, void, land, flights: self.clone() };
        Ticket::Pilot(flight, Passenger { key: key.clone(), landing })
    }

    /// Cuts fetches off: what they bring is not kept, and nobody joins them any more.
    pub(super) fn void(&self, which: impl Fn(&Key, &StoreId) -> bool) {
        self.lock().retain(|key, flying| {
            let is_void = which(key, &flying.store);
            flying.void.fetch_or(is_void, Ordering::SeqCst);
            !is_void
        });
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Airborne>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    /// Whether what is fetched may not be kept.
    pub(super) fn is_void(&self) -> bool {
        self.void.load(Ordering::SeqCst)
    }

    /// Tells everybody who waits.
    pub(super) fn land(self, outcome: Outcome) {
        self.land.send_replace(Some(outcome));
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        let mut airborne = self.flights.lock();
        if airborne.get(&self.key).is_some_and(|flying| Arc::ptr_eq(&flying.void, &self.void)) {
            airborne.remove(&self.key);
        }
    }
}

impl Passenger {
    /// Waits for the fetch.
    pub(super) async fn landed(&mut self) -> Outcome {
        match self.landing.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(super::ended(&self.key))),
            Err(_) => Err(super::ended(&self.key)),
        }
    }
}
