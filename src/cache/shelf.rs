//! Where entries are kept: within bounds of bytes in total and for each store, until nobody asks for them any more.
//!
//! A plain table under one lock, since a general cache takes several hundred bytes for each entry; what was used longest
//! ago goes first, a tenth at a time, so that looking for it is rare.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::age::Limits;
use super::entry::{Entry, Kept, Key};
use super::names::Names;
use crate::source::identity::Identity;
use crate::source::plan::StoreId;

/// All entries.
#[derive(Debug)]
pub(super) struct Shelf {
    table: RwLock<Table>,
    limits: Limits,
    serials: AtomicU64,
    /// Where its clock begins.
    start: Instant,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Arc<Key>, Arc<Entry>>,
    names: Names,
    bytes: u64,
    bytes_of: HashMap<Arc<StoreId>, u64>,
}

impl Shelf {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            table: RwLock::default(),
            limits: limits.clone(),
            serials: AtomicU64::new(0),
            start: Instant::now(),
        }
    }

    /// The key under which answers to this key are kept: by ARN, once that is known.
    pub(super) fn canonical(&self, key: Key) -> Key {
        match self.read().names.arn(&key) {
            Some(arn) => Key { id: arn, ..key },
            None => key,
        }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        let entry = self.read().entries.get(key).cloned()?;
        let now = self.now();
        if self.is_idle(&entry, now) {
            return None; // it goes with the next sweep
        }
        entry.used.store(now, Ordering::Relaxed);
        Some(entry)
    }

    /// Keeps an answer under its ARN, and the ARN under the name that was asked for.
    pub(super) fn put(&self, key: Key, kept: Kept, fetched: Instant, store: &Arc<StoreId>) {
        let mut table = self.write();
        let key = match &kept {
            Kept::Value(payload) => {
                table.names.learn(&key, &payload.arn);
                Key { id: Arc::clone(&payload.arn), ..key }
            }
            Kept::No(_) => key,
        };
        let serial = self.serials.fetch_add(1, Ordering::Relaxed);
        let entry = Entry::new(kept, fetched, Arc::clone(store), serial, self.now());
        table.insert(key, entry);
        if table.bytes_of.get(store).is_some_and(|bytes| *bytes > self.limits.bytes_per_store) {
            table.make_room(self.limits.bytes_per_store, Some(store));
        }
        if table.bytes > self.limits.bytes {
            table.make_room(self.limits.bytes, None);
        }
    }

    pub(super) fn remove(&self, key: &Key) {
        self.write().remove(key);
    }

    /// Lets go of what nobody has asked for.
    pub(super) fn sweep(&self) {
        let now = self.now();
        self.write().remove_all(|_, entry| self.is_idle(entry, now));
    }

    pub(super) fn forget_identity(&self, identity: Identity) {
        self.write().remove_all(|key, _| key.who.identity == identity);
    }

    pub(super) fn forget_store(&self, store: &StoreId) {
        self.write().remove_all(|_, entry| *entry.store == *store);
    }

    pub(super) fn forget_access(&self, store: &StoreId, identity: Identity) {
        self.write().remove_all(|key, entry| key.who.identity == identity && *entry.store == *store);
    }

    pub(super) fn forget_keys(&self, is_meant: impl Fn(&Key) -> bool) {
        self.write().remove_all(|key, _| is_meant(key));
    }

    /// How many answers there are, and their bytes.
    pub(super) fn size(&self) -> (usize, u64) {
        let table = self.read();
        (table.entries.len(), table.bytes)
    }

    fn is_idle(&self, entry: &Entry, now: u64) -> bool {
        let lives = jittered(self.limits.idle, entry.serial).as_millis();
        u128::from(now.saturating_sub(entry.used.load(Ordering::Relaxed))) > lives
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, key: Key, entry: Entry) {
        let weight = entry.weight();
        self.bytes += weight;
        *self.bytes_of.entry(Arc::clone(&entry.store)).or_default() += weight;
        if let Some(replaced) = self.entries.insert(Arc::new(key), Arc::new(entry)) {
            self.discount(&replaced);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some((key, entry)) = self.entries.remove_entry(key) {
            self.names.forget(&key.who, &key.id);
            self.discount(&entry);
        }
    }

    fn remove_all(&mut self, is_meant: impl Fn(&Key, &Entry) -> bool) {
        let meant = self.entries.iter().filter(|(key, entry)| is_meant(key, entry));
        for key in meant.map(|(key, _)| Arc::clone(key)).collect::<Vec<_>>() {
            self.remove(&key);
        }
    }

    /// Brings a store, or all of them, to nine tenths of a bound.
    fn make_room(&mut self, bound: u64, store: Option<&Arc<StoreId>>) {
        let theirs = self.entries.iter().filter(|(_, entry)| store.is_none_or(|store| entry.store == *store));
        let mut by_use: Vec<_> = theirs
            .map(|(key, entry)| (entry.used.load(Ordering::Relaxed), entry.serial, Arc::clone(key)))
            .collect();
        by_use.sort_unstable_by_key(|(used, serial, _)| (*used, *serial));
        for (_, _, key) in by_use {
            let bytes = match store {
                Some(store) => self.bytes_of.get(store).copied().unwrap_or_default(),
                None => self.bytes,
            };
            if bytes <= bound / 10 * 9 {
                return;
            }
            self.remove(&key);
        }
    }

    fn discount(&mut self, entry: &Entry) {
        let weight = entry.weight();
        self.bytes = self.bytes.saturating_sub(weight);
        if let Some(bytes) = self.bytes_of.get_mut(&entry.store) {
            *bytes = bytes.saturating_sub(weight);
            if *bytes == 0 {
                self.bytes_of.remove(&entry.store);
            }
        }
    }
}

/// ± 10 %, so that what came together does not go together.
fn jittered(idle: Duration, serial: u64) -> Duration {
    let spread = u32::try_from(serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54).unwrap_or_default();
    idle * 9 / 10 + idle / (5 * 1024) * spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_times_are_spread_by_a_tenth() {
        let idle = Duration::from_secs(300);
        let all: Vec<_> = (0..1000).map(|serial| jittered(idle, serial)).collect();
        assert!(all.iter().all(|one| (idle * 9 / 10..=idle * 11 / 10).contains(one)));
        assert!(all.iter().max().unwrap().saturating_sub(*all.iter().min().unwrap()) > idle / 6);
    }
}
