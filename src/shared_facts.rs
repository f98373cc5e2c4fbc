//! [`Facts`] that watches write and reviews read, and the news that they changed.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::facts::Facts;

/// One set of facts for the whole process.
#[derive(Debug, Default)]
pub struct SharedFacts {
    facts: RwLock<Facts>,
    changes: watch::Sender<()>,
}

impl SharedFacts {
    /// The facts as they are now; held for one decision.
    pub fn read(&self) -> RwLockReadGuard<'_, Facts> {
        self.facts.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes them, and tells whoever waits.
    pub fn change(&self, change: impl FnOnce(&mut Facts)) {
        change(&mut self.facts.write().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_replace(());
    }

    /// Hears of every change from now on.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }
}
