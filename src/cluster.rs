//! The connection to the cluster: of a kubeconfig that was named, or of the pod that we run in.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher;
use kube::{Client, Config};

use crate::server::ServeError;

/// A watch ends by itself after this, in seconds, and begins again where it was.
const WATCH: u32 = 60;
/// A connection that has been silent for so long is dead: longer than a watch can be silent.
const SILENCE: Duration = Duration::from_secs(75);

/// Connects; `None` if no kubeconfig was named and we do not run in a cluster.
///
/// # Errors
/// If a cluster was named, or we run in one, and no client can be made for it.
pub async fn connect(kubeconfig: Option<PathBuf>) -> Result<Option<Client>, ServeError> {
    let mut config = match kubeconfig {
        Some(path) => {
            let read = Kubeconfig::read_from(path).map_err(error)?;
            Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.map_err(error)?
        }
        None => match Config::incluster() {
            Ok(config) => config,
            Err(_) => return Ok(None),
        },
    };
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    Client::try_from(config).map(Some).map_err(error)
}

/// How everything is watched.
pub fn watch_config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH)
}

/// An error with what it came from, on one line: the outer ones often say little.
pub fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn error(error: impl Error + Send + Sync + 'static) -> ServeError {
    ServeError::Cluster(Box::new(error))
}
