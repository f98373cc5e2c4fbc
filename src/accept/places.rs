//! Places for connections: so many, and before the last are taken, whoever has been idle longest makes room. So nobody who
//! only holds connections keeps others out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The part of all places that is kept free for who comes next, while others are still leaving.
const RESERVE: usize = 16;

/// All places of a listener.
pub(super) struct Places {
    free: Arc<Semaphore>,
    reserve: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Arc<Place>>,
}

/// One connection's, until it is dropped.
pub(super) struct Seat {
    place: Arc<Place>,
    number: u64,
    taken: Arc<Mutex<Taken>>,
    _slot: OwnedSemaphorePermit,
}

/// What a connection does.
pub(super) struct Place {
    doing: Mutex<Doing>,
    leave: Notify,
}

struct Doing {
    /// Requests that are being answered, in the order in which they came, and since when.
    requests: BTreeMap<u64, Instant>,
    next: u64,
    idle_since: Instant,
    is_leaving: bool,
}

/// A request that is being answered, until the last byte of its answer is sent.
pub(super) struct Busy {
    place: Arc<Place>,
    number: u64,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), reserve: most / RESERVE, taken: Arc::default() }
    }

    /// A place; waits for one if all others are busy.
    pub(super) async fn take(&self) -> Option<Seat> {
        if self.free.available_permits() <= self.reserve {
            self.make_room();
        }
        let slot = Arc::clone(&self.free).acquire_owned().await.ok()?;
        let place = Arc::new(Place::new(Instant::now()));
        let mut taken = lock(&self.taken);
        let number = taken.next;
        taken.next += 1;
        taken.places.insert(number, Arc::clone(&place));
        Some(Seat { place, number, taken: Arc::clone(&self.taken), _slot: slot })
    }

    /// Tells the one that has been idle longest to go.
    fn make_room(&self) {
        let taken = lock(&self.taken);
        let idle = taken.places.values().filter_map(|place| Some((place.idle_since()?, place)));
        if let Some((_, place)) = idle.min_by_key(|(since, _)| *since) {
            lock(&place.doing).is_leaving = true;
            place.leave.notify_one();
        }
    }
}

impl Seat {
    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.taken).places.remove(&self.number);
    }
}

impl Place {
    fn new(now: Instant) -> Self {
        let doing = Doing { requests: BTreeMap::new(), next: 0, idle_since: now, is_leaving: false };
        Self { doing: Mutex::new(doing), leave: Notify::new() }
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut doing = lock(&self.doing);
        let number = doing.next;
        doing.next += 1;
        doing.requests.insert(number, Instant::now());
        Busy { place: Arc::clone(self), number }
    }

    /// Waits until the place is wanted by others.
    pub(super) async fn wanted(&self) {
        self.leave.notified().await;
    }

    /// Waits until a request has not been answered, or its answer not been taken, for so long.
    pub(super) async fn stuck(&self, patience: Duration) {
        loop {
            let oldest = lock(&self.doing).requests.first_key_value().map(|(_, since)| *since);
            let now = Instant::now();
            match oldest.map(|since| since + patience) {
                Some(end) if end <= now => return,
                Some(end) => tokio::time::sleep_until(end).await,
                None => tokio::time::sleep(patience).await,
            }
        }
    }

    /// Since when it does nothing; none if it does something, or is told to go already.
    fn idle_since(&self) -> Option<Instant> {
        let doing = lock(&self.doing);
        (doing.requests.is_empty() && !doing.is_leaving).then_some(doing.idle_since)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut doing = lock(&self.place.doing);
        doing.requests.remove(&self.number);
        doing.idle_since = Instant::now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    async fn is_wanted(seat: &Seat) -> bool {
        timeout(Duration::ZERO, seat.place().wanted()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_idle_longest_makes_room_and_nobody_who_is_answered() {
        let places = Places::new(3);
        let mut seats = Vec::new();
        for _ in 0..3 {
            seats.push(places.take().await.unwrap());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        let busy = seats[0].place().begin();
        drop(seats[1].place().begin());
        let waits = timeout(Duration::from_secs(1), places.take()).await;
        assert!(waits.is_err(), "all are taken until somebody goes");
        let mut wanted = Vec::new();
        for seat in &seats {
            wanted.push(is_wanted(seat).await);
        }
        assert_eq!(wanted, [false, false, true], "the second was asked something just now");
        drop(seats.remove(2));
        let fourth = timeout(Duration::from_secs(1), places.take()).await.unwrap().unwrap();
        assert!(timeout(Duration::from_secs(1), places.take()).await.is_err());
        assert!(is_wanted(&seats[1]).await && !is_wanted(&seats[0]).await && !is_wanted(&fourth).await);
        drop(busy);
        assert_eq!(lock(&places.taken).places.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_noticed() {
        let place = Arc::new(Place::new(Instant::now()));
        let (patience, long) = (Duration::from_secs(10), Duration::from_secs(100));
        assert!(timeout(long, place.stuck(patience)).await.is_err(), "to do nothing is no fault");
        drop(place.begin());
        let _first = place.begin();
        tokio::time::advance(Duration::from_secs(5)).await;
        let _second = place.begin();
        let since = Instant::now();
        timeout(long, place.stuck(patience)).await.unwrap();
        assert!((4..=11).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    }
}
