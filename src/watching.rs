//! Watches that never give up: every change of some objects, whatever happens to the API server meanwhile.
//!
//! What goes wrong is told to a [`Part`], and that it works again, too, although a watch that was taken up again has
//! nothing to say until something changes.

mod seen;

use std::fmt::Debug;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use kube::Resource;
use kube::api::{Api, ListParams};
use kube::runtime::watcher::{self, Event, watcher};
pub use seen::{Seen, Taken};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::cluster::{Trouble, TroubleKind};
use crate::health::Part;

/// After a failure the API server is asked again so soon, and then later and later.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(8);
/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// A watch that has not failed for so long works.
const QUIET: Duration = Duration::from_secs(1);

/// A watch, and what is said about it.
pub struct Watching<K> {
    api: Api<K>,
    /// What is asked for to see whether it would work again: no more than what is watched, or it may be forbidden.
    probe: ListParams,
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    part: Part,
    /// What is missing while it fails.
    consequence: String,
    /// Whether the server waits for the first list.
    is_awaited: bool,
    pause: Duration,
    progress: Progress,
}

/// Where a watch stands after a failure.
#[derive(Clone, Copy)]
enum Progress {
    /// It works.
    Works,
    /// The API server must answer first.
    Broken,
    /// It works, unless it fails before this.
    Settling(Instant),
}

impl<K> Watching<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Begins with all objects that there are.
    pub fn new(api: Api<K>, config: watcher::Config, part: Part) -> Self {
        let probe =
            ListParams { field_selector: config.field_selector.clone(), ..ListParams::default() }.limit(1);
        let events = watcher(api.clone(), config).boxed();
        let (pause, progress) = (FIRST_PAUSE, Progress::Works);
        Self { api, probe, events, part, consequence: String::new(), is_awaited: false, pause, progress }
    }

    /// The server is not ready before the first list, unless there is nothing to list or no right to.
    pub fn awaited(self, consequence: String) -> Self {
        self.part.is_awaited("not listed yet");
        Self { is_awaited: true, consequence, ..self }
    }

    /// The next change.
    pub async fn next(&mut self) -> Event<K> {
        loop {
            if let Progress::Broken = self.progress {
                self.wait_for_answer().await;
            }
            let settled = match self.progress {
                Progress::Settling(at) => at,
                Progress::Works | Progress::Broken => Instant::now() + LAST_PAUSE,
            };
            let event = tokio::select! {
                event = self.events.next() => event,
                () = sleep_until(settled) => {
                    if let Progress::Settling(_) = self.progress {
                        self.works();
                    }
                    continue;
                }
            };
            match event {
                Some(Ok(event)) => {
                    // The beginning of a list says nothing about its end.
                    if matches!(event, Event::InitDone | Event::Apply(_) | Event::Delete(_)) {
                        self.works();
                    }
                    return event;
                }
                Some(Err(error)) => self.fails(&Trouble::from(&error)),
                None => std::future::pending().await, // watches have no end
            }
        }
    }

    fn works(&mut self) {
        self.part.works();
        (self.is_awaited, self.pause, self.progress) = (false, FIRST_PAUSE, Progress::Works);
    }

    fn fails(&mut self, trouble: &Trouble) {
        self.progress = Progress::Broken;
        let mut text = format!("cannot be watched: {trouble}");
        match trouble.kind {
            TroubleKind::Passing | TroubleKind::Conflict if self.is_awaited => {
                return self.part.is_awaited(&text);
            }
            TroubleKind::Forbidden => text.push_str(&self.consequence),
            TroubleKind::NotInstalled | TroubleKind::Passing | TroubleKind::Conflict => {}
        }
        self.is_awaited = false;
        self.part.fails(&text);
    }

    /// Asks until the API server lists one object, and then for the watch to prove itself.
    async fn wait_for_answer(&mut self) {
        loop {
            sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LAST_PAUSE);
            match timeout(PATIENCE, self.api.list(&self.probe)).await {
                Ok(Ok(_)) => break,
                Ok(Err(error)) => self.fails(&Trouble::from(&error)),
                Err(_) => self.fails(&Trouble::silence()),
            }
        }
        self.progress = Progress::Settling(Instant::now() + QUIET);
    }
}
