//! Threads of one flow beside those of reviews.

use tokio::runtime::{Builder, Runtime};

/// Half of what there is: the other half is for reviews.
pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> std::io::Result<Self> {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let mut threads = Builder::new_multi_thread();
        threads.worker_threads(all.div_ceil(2)).thread_name("pods").on_thread_start(stand_back).enable_all();
        Ok(Self(Some(threads.build()?)))
    }

    /// Does something as one of them.
    pub(super) fn within<T>(&self, act: impl FnOnce() -> T) -> T {
        let _entered = self.0.as_ref().map(Runtime::enter);
        act()
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.as_ref()?.spawn(task).await.ok()
    }
}

/// To wait for threads is not allowed where others run.
impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

/// Where both want the same processor, reviews have it first: everybody who writes to the API server waits for them, and a
/// pod can wait for a moment. It is what the threads do better with, so it is no matter if it is not allowed.
#[cfg(target_os = "linux")]
fn stand_back() {
    /// A tenth of a review's share.
    const NICE: i32 = 10;
    // On Linux this is about the calling thread alone, see setpriority(2).
    let _ = rustix::process::setpriority_process(None, NICE);
}

/// Elsewhere it would be about the whole process.
#[cfg(not(target_os = "linux"))]
fn stand_back() {}
