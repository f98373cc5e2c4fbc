//! Parts of the server that can fail by themselves: what each of them says goes to `/readyz?verbose`, and to the log
//! once, when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{debug, info, warn};

use super::{Health, Verdict};

/// What each part said last.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<BTreeMap<&'static str, Verdict>>);

impl Parts {
    /// All of them, by name.
    pub(super) fn verdicts(&self) -> Vec<(&'static str, Verdict)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().map(|(name, verdict)| (*name, verdict.clone())).collect()
    }

    /// Answers whether something else was said before, and what.
    fn set(&self, name: &'static str, verdict: Verdict) -> (bool, Option<Verdict>) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if parts.get(name) == Some(&verdict) {
            return (false, Some(verdict));
        }
        (true, parts.insert(name, verdict))
    }
}

/// One part's voice.
#[derive(Clone, Debug)]
pub struct Part {
    health: Arc<Health>,
    name: &'static str,
}

impl Part {
    pub(super) fn new(health: Arc<Health>, name: &'static str) -> Self {
        Self { health, name }
    }

    /// It works.
    pub fn works(&self) {
        let (_, before) = self.health.parts.set(self.name, Verdict::Works);
        if let Some(Verdict::Fails(_) | Verdict::Unready(_)) = before {
            info!(part = self.name, "works");
        }
    }

    /// It is not wanted here; says what does not happen because of that. That was chosen, so the log need not repeat it.
    pub fn is_off(&self, why: &str) {
        if self.health.parts.set(self.name, Verdict::Off(why.to_owned())).0 {
            debug!(part = self.name, "off: {why}");
        }
    }

    /// It does not work now. Reviews are answered all the same.
    pub fn fails(&self, problem: &str) {
        if self.health.parts.set(self.name, Verdict::Fails(problem.to_owned())).0 {
            warn!(part = self.name, "{problem}");
        }
    }

    /// It has not worked yet, and without it the server is not ready.
    pub fn is_awaited(&self, problem: &str) {
        match self.health.parts.set(self.name, Verdict::Unready(problem.to_owned())) {
            (true, Some(_)) => warn!(part = self.name, "{problem}"),
            (true, None) => debug!(part = self.name, "{problem}"), // every start begins so
            (false, _) => {}
        }
    }
}
