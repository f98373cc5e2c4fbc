//! Where accesses are kept, by store and consumer, while they are in use.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use super::Access;
use crate::source::objects::ObjectId;
use crate::source::plan::StoreId;

/// How long an access is kept, and its objects are watched, after it was last used.
const UNUSED: Duration = Duration::from_secs(600);

/// All slots.
#[derive(Debug, Default)]
pub(super) struct Slots(RwLock<HashMap<StoreId, HashMap<String, Arc<Slot>>>>);

/// One consumer's access, and whoever reads it anew just now.
#[derive(Debug, Default)]
pub(super) struct Slot {
    current: RwLock<Option<Arc<Access>>>,
    used: RwLock<Option<Instant>>,
    pub(super) reading: tokio::sync::Mutex<()>,
}

impl Slots {
    /// The slot of a consumer; an empty one if there was none.
    pub(super) fn slot(&self, store: &StoreId, consumer: &str) -> Arc<Slot> {
        let there = self.read().get(store).and_then(|consumers| consumers.get(consumer)).cloned();
        there.unwrap_or_else(|| {
            let mut slots = self.write();
            Arc::clone(slots.entry(store.clone()).or_default().entry(consumer.to_owned()).or_default())
        })
    }

    /// The slots of all consumers whose access depends on an object.
    pub(super) fn that_depend_on(&self, object: &ObjectId) -> Vec<Arc<Slot>> {
        let slots = self.read();
        slots.values().flat_map(HashMap::values).filter(|slot| slot.depends_on(object)).cloned().collect()
    }

    /// The slots of all consumers of a store.
    pub(super) fn of_store(&self, store: &StoreId) -> Vec<Arc<Slot>> {
        self.read().get(store).into_iter().flat_map(HashMap::values).cloned().collect()
    }

    /// Lets go of slots that are empty, or have not been used for long.
    pub(super) fn sweep(&self, now: Instant) {
        self.write().retain(|_, consumers| {
            consumers.retain(|_, slot| slot.is_in_use(now));
            !consumers.is_empty()
        });
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<StoreId, HashMap<String, Arc<Slot>>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<StoreId, HashMap<String, Arc<Slot>>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// The access, if nothing says that it has changed.
    pub(super) fn valid(&self, now: Instant) -> Option<Arc<Access>> {
        self.is_used(now);
        self.access().filter(|access| access.is_valid(now))
    }

    /// Somebody uses it.
    pub(super) fn is_used(&self, now: Instant) {
        *self.used.write().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// The access, whatever has changed since.
    pub(super) fn access(&self) -> Option<Arc<Access>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another access there, or none; answers the one before.
    pub(super) fn set(&self, access: Option<Arc<Access>>) -> Option<Arc<Access>> {
        std::mem::replace(&mut *self.current.write().unwrap_or_else(PoisonError::into_inner), access)
    }

    fn depends_on(&self, object: &ObjectId) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().is_some_and(|access| access.seen.iter().any(|seen| seen.object == *object))
    }

    fn is_in_use(&self, now: Instant) -> bool {
        let is_there = self.current.read().unwrap_or_else(PoisonError::into_inner).is_some();
        let used = *self.used.read().unwrap_or_else(PoisonError::into_inner);
        let is_recent = used.is_none_or(|used| now.saturating_duration_since(used) < UNUSED);
        is_recent && (is_there || self.reading.try_lock().is_err())
    }
}
