//! Current values, gathered: what is asked for while a call is under way leaves together, up to twenty in one
//! BatchGetSecretValue. What cannot be asked so is asked one by one.

mod call;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tracing::info;

use super::credentials::Session;
use super::error::malformed;
use super::fetch;
use super::quota::{Limited, Payer, Quotas};
use crate::aws::failure::{Class, Failure};
use crate::cache::{Payload, Version};
use crate::source::calls::Calls;

/// As many as AWS takes in one call.
const MOST: usize = 20;
/// How long the first of an idle lane waits for others.
const FIRST: Duration = Duration::from_millis(2);
/// How long later ones wait at most for the call that is under way: a hanging one must not hold up the rest.
const LATER: Duration = Duration::from_millis(200);
/// How long a group waits for the quota of batches: then it is asked for one by one.
const WORTHWHILE: Duration = Duration::from_millis(250);
/// How long "no right to BatchGetSecretValue" is believed.
const WITHOUT: Duration = Duration::from_secs(600);

/// Everything that one identity asks in one region.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) session: Session,
    pub(super) calls: Arc<Calls>,
    quotas: Arc<Quotas>,
    payer: RwLock<Payer>,
    gathering: Mutex<Gathering>,
    without_batch: Mutex<Option<Instant>>,
    has_said: AtomicBool,
}

#[derive(Debug, Default)]
struct Gathering {
    waiting: Vec<Waiting>,
    under_way: usize,
    /// Counts departures, so that a timer finds out that its group has left.
    departures: u64,
}

#[derive(Debug)]
struct Waiting {
    id: Arc<str>,
    answer: oneshot::Sender<Result<Payload, Failure>>,
}

impl Lane {
    pub(super) fn new(session: Session, calls: Arc<Calls>, quotas: Arc<Quotas>, payer: Payer) -> Self {
        Self {
            session,
            calls,
            quotas,
            payer: RwLock::new(payer),
            gathering: Mutex::default(),
            without_batch: Mutex::default(),
            has_said: AtomicBool::new(false),
        }
    }

    /// The value of a version.
    pub(super) async fn value(self: &Arc<Self>, id: Arc<str>, version: &Version) -> Result<Payload, Failure> {
        match version {
            Version::Current => self.current(id).await,
            Version::Stage(_) | Version::Id(_) => self.single(&id, version).await,
        }
    }

    /// The tags.
    pub(super) async fn tags(&self, id: &str) -> Result<Payload, Failure> {
        let client = self.session.client().await?;
        self.checked(fetch::tags(&client, &self.calls, id).await).await
    }

    /// Waits for a token of a quota.
    pub(super) async fn admitted(&self, limited: Limited) {
        while !self.take(limited) {
            sleep(Duration::from_millis(15)).await;
        }
    }

    /// The same, unless it takes too long.
    async fn is_admitted_soon(&self, limited: Limited) -> bool {
        timeout(WORTHWHILE, self.admitted(limited)).await.is_ok()
    }

    /// Learns from an ARN whose quotas are used, so that all identities of an account share them.
    pub(super) fn is_of(&self, arn: &str) {
        let Some(account) = arn.split(':').nth(4).filter(|account| !account.is_empty()) else { return };
        if self.payer().account != account {
            account.clone_into(&mut self.payer.write().unwrap_or_else(PoisonError::into_inner).account);
        }
    }

    fn take(&self, limited: Limited) -> bool {
        self.quotas.take(&self.payer(), limited, Instant::now())
    }

    fn payer(&self) -> RwLockReadGuard<'_, Payer> {
        self.payer.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what AWS says about the identity itself.
    pub(super) async fn checked<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        match result {
            Err(failure) if failure.class == Class::IdentityRefused => {
                Err(self.session.refused(failure).await)
            }
            other => other,
        }
    }

    async fn single(&self, id: &str, version: &Version) -> Result<Payload, Failure> {
        let client = self.session.client().await?;
        self.checked(fetch::value(&client, &self.calls, id, version).await).await
    }

    async fn current(self: &Arc<Self>, id: Arc<str>) -> Result<Payload, Failure> {
        let (answer, answered) = oneshot::channel();
        let object = Arc::clone(&id);
        let (departing, wait) = {
            let mut gathering = self.lock();
            gathering.waiting.push(Waiting { id, answer });
            let wait = (gathering.waiting.len() == 1)
                .then(|| (gathering.departures, if gathering.under_way == 0 { FIRST } else { LATER }));
            let is_full = gathering.waiting.len() >= MOST;
            (is_full.then(|| gathering.depart()).flatten(), wait)
        };
        self.send(departing);
        if let Some((departures, wait)) = wait {
            let lane = Arc::clone(self);
            tokio::spawn(async move {
                sleep(wait).await;
                let departing = {
                    let mut gathering = lane.lock();
                    (gathering.departures == departures).then(|| gathering.depart()).flatten()
                };
                lane.send(departing);
            });
        }
        answered.await.unwrap_or_else(|_| {
            let failure = malformed("GetSecretValue", &object, None, "the call ended without an answer");
            Err(Failure { class: Class::Unavailable, ..failure })
        })
    }

    fn send(self: &Arc<Self>, departing: Option<Vec<Waiting>>) {
        let Some(departing) = departing else { return };
        let lane = Arc::clone(self);
        tokio::spawn(async move {
            let landing = Landing(&lane);
            lane.ask(departing).await;
            drop(landing);
        });
    }

    /// Asks for a group, in one call if that is possible.
    async fn ask(self: &Arc<Self>, mut group: Vec<Waiting>) {
        let client = match self.session.client().await {
            Ok(client) => client,
            Err(failure) => return group.into_iter().for_each(|waiting| waiting.tell(Err(failure.clone()))),
        };
        if group.len() > 1 && self.may_batch() && self.is_admitted_soon(Limited::Batch).await {
            group = self.ask_together(&client, group).await;
        }
        // One by one nobody gains by waiting for another, but whoever is alone is worth gathering for.
        let is_alone = group.len() == 1;
        for waiting in group {
            let asked = Arc::clone(self).ask_alone(client.clone(), waiting);
            if is_alone {
                asked.await;
            } else {
                tokio::spawn(asked);
            }
        }
    }

    async fn ask_alone(self: Arc<Self>, client: Client, waiting: Waiting) {
        let answer = fetch::value(&client, &self.calls, &waiting.id, &Version::Current).await;
        waiting.tell(self.checked(answer).await);
    }

    /// Asks for a group in one call; answers those that have to be asked one by one.
    async fn ask_together(&self, client: &Client, group: Vec<Waiting>) -> Vec<Waiting> {
        let ids: Vec<_> = group.iter().map(|waiting| Arc::clone(&waiting.id)).collect();
        match self.checked(call::ask(client, &self.calls, &ids).await).await {
            Ok(mut answers) => {
                let mut rest = Vec::new();
                for waiting in group {
                    match answers.take(&waiting.id) {
                        Some(answer) => waiting.tell(answer),
                        None => rest.push(waiting),
                    }
                }
                rest
            }
            Err(failure) => match failure.class {
                Class::Denied => {
                    self.lack_batch();
                    group
                }
                // One that AWS does not take must not be the others' failure.
                Class::Invalid | Class::NotFound | Class::MarkedForDeletion => group,
                Class::IdentityRefused
                | Class::Exists
                | Class::LimitReached
                | Class::Throttled
                | Class::Unavailable
                | Class::Malformed => {
                    group.into_iter().for_each(|waiting| waiting.tell(Err(failure.clone())));
                    Vec::new()
                }
            },
        }
    }

    fn may_batch(&self) -> bool {
        let without = self.without_batch.lock().unwrap_or_else(PoisonError::into_inner);
        without.is_none_or(|since| since.elapsed() > WITHOUT)
    }

    fn lack_batch(&self) {
        *self.without_batch.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if !self.has_said.swap(true, Ordering::Relaxed) {
            let payer = self.payer();
            info!(
                account = %payer.account,
                place = %payer.place,
                "no right to secretsmanager:BatchGetSecretValue, so secrets are fetched one by one"
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gathering {
    /// Whoever waits leaves.
    fn depart(&mut self) -> Option<Vec<Waiting>> {
        if self.waiting.is_empty() {
            return None;
        }
        self.departures += 1;
        self.under_way += 1;
        Some(std::mem::take(&mut self.waiting))
    }
}

impl Waiting {
    fn tell(self, answer: Result<Payload, Failure>) {
        // Whoever asked may have gone: the cache's own task has not.
        let answer = answer.map_err(|failure| Failure { object: self.id.to_string(), ..failure });
        let _ = self.answer.send(answer);
    }
}

/// The end of a call: whoever gathered meanwhile leaves.
struct Landing<'a>(&'a Arc<Lane>);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let departing = {
            let mut gathering = self.0.lock();
            gathering.under_way = gathering.under_way.saturating_sub(1);
            gathering.depart()
        };
        self.0.send(departing);
    }
}
