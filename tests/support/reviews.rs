//! A stream of reviews through the API server, and what became of each.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use keyhatch::api::secret_store::SecretStore;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use serde_json::json;

use super::control_plane::ControlPlane;
use super::kubectl::wait_until;

/// Creations without effect, of a store that is right and of one that is not, by turns, until it is ended.
pub(crate) struct Reviews {
    seen: Arc<Mutex<Seen>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What became of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Right ones that were admitted.
    pub(crate) admitted: usize,
    /// Wrong ones that were refused for what is wrong with them.
    pub(crate) refused: usize,
    /// Wrong ones that were admitted: nobody asked us.
    pub(crate) open: Vec<Instant>,
    /// Right ones that were not admitted: why, and when.
    pub(crate) lost: Vec<(Instant, String)>,
    /// Wrong ones that were refused for another reason than theirs: we could not be asked.
    pub(crate) closed: usize,
}

impl Reviews {
    pub(crate) fn start(plane: &Arc<ControlPlane>) -> Self {
        let (seen, is_over) = (Arc::<Mutex<Seen>>::default(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (plane, seen, is_over) = (Arc::clone(plane), Arc::clone(&seen), Arc::clone(&is_over));
            move || send(&plane, &seen, &is_over)
        });
        Self { seen, is_over, thread: Some(thread) }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic under the lock").clone()
    }

    /// Waits until as many more were answered as they should be.
    #[track_caller]
    pub(crate) fn wait_for_more(&self, more: usize) {
        let before = self.seen();
        wait_until(Duration::from_secs(60), "more reviews", || {
            let seen = self.seen();
            let is_enough = seen.admitted >= before.admitted + more && seen.refused >= before.refused + more;
            if is_enough { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    }

    pub(crate) fn end(mut self) -> Seen {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).expect("a thread").expect("no panic in it");
        self.seen()
    }
}

impl Drop for Reviews {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn send(plane: &ControlPlane, seen: &Mutex<Seen>, is_over: &AtomicBool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let kind = ApiResource::erase::<SecretStore>(&());
        let stores: Api<DynamicObject> = Api::namespaced_with(plane.client().await, "default", &kind);
        let dry_run = PostParams { dry_run: true, field_manager: None };
        let store = |region: &str| -> DynamicObject {
            let aws = json!({"service": "SecretsManager", "region": region});
            serde_json::from_value(json!({
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "metadata": {"name": "review"},
                "spec": {"provider": {"aws": aws}},
            }))
            .expect("a store")
        };
        let (right, wrong) = (store("eu-central-1"), store("us-esat-1"));
        while !is_over.load(Ordering::Relaxed) {
            let (of_right, of_wrong) =
                tokio::join!(stores.create(&dry_run, &right), stores.create(&dry_run, &wrong));
            let mut seen = seen.lock().expect("no panic under the lock");
            match of_right {
                Ok(_) => seen.admitted += 1,
                Err(error) => seen.lost.push((Instant::now(), error.to_string())),
            }
            match of_wrong {
                Ok(_) => seen.open.push(Instant::now()),
                Err(kube::Error::Api(status)) if status.code == 422 => seen.refused += 1,
                Err(_) => seen.closed += 1,
            }
        }
    });
}
