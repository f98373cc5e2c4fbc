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
use tokio::time::{Instant, sleep_until, timeout};

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
    /// The API server must answer first, and is asked at this time: whoever waits may be called away to other things, again
    /// and again, and each time it would begin to wait anew.
    Broken(Instant),
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

    /// The next change. It may be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Event<K> {
        loop {
            self.wait_for_answer().await;
            let settled = match self.progress {
                Progress::Settling(at) => at,
                Progress::Works | Progress::Broken(_) => Instant::now() + LAST_PAUSE,
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
        self.progress = Progress::Broken(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
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

    /// While it is broken: asks until the API server lists one object, and then for the watch to prove itself.
    async fn wait_for_answer(&mut self) {
        while let Progress::Broken(at) = self.progress {
            sleep_until(at).await;
            match timeout(PATIENCE, self.api.list(&self.probe)).await {
                Ok(Ok(_)) => self.progress = Progress::Settling(Instant::now() + QUIET),
                Ok(Err(error)) => self.fails(&Trouble::from(&error)),
                Err(_) => self.fails(&Trouble::silence()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{Request, Response};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Client;
    use kube::client::Body;

    use super::*;
    use crate::health::Health;
    use crate::metrics::Metrics;

    /// Refuses the first lists, and then has nothing.
    fn client(refusals: usize) -> Client {
        let lists = AtomicUsize::new(0);
        let service = tower::service_fn(move |request: Request<Body>| {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
            let (status, body) = if !is_watch && lists.fetch_add(1, Ordering::Relaxed) < refusals {
                (
                    403,
                    r#"{"kind":"Status","status":"Failure","code":403,"reason":"Forbidden","message":"no"}"#,
                )
            } else {
                (
                    200,
                    r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#,
                )
            };
            async move {
                if is_watch {
                    std::future::pending::<()>().await;
                }
                let response = Response::builder().status(status).body(Body::from(body.as_bytes().to_vec()));
                Ok::<_, Infallible>(response.unwrap())
            }
        });
        Client::new(service, "default")
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_called_away_all_the_time_still_learns_that_it_works_again() {
        let health = Arc::new(Health::new(Arc::new(Metrics::default())));
        let api = Api::<ConfigMap>::all(client(5));
        let mut watching = Watching::new(api, watcher::Config::default(), health.part("watch"));
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(Instant::now() < deadline, "it never asked again");
            // Less than the pause after a failure.
            if let Ok(Event::InitDone) = timeout(Duration::from_millis(100), watching.next()).await {
                return;
            }
        }
    }
}
