//! The connection to the cluster: of a kubeconfig that was named, or of the pod that we run in.

use std::path::PathBuf;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::server::ServeError;

/// Connects; `None` if no kubeconfig was named and we do not run in a cluster.
///
/// # Errors
/// If a cluster was named, or we run in one, and no client can be made for it.
pub async fn connect(kubeconfig: Option<PathBuf>) -> Result<Option<Client>, ServeError> {
    let config = match kubeconfig {
        Some(path) => {
            let read = Kubeconfig::read_from(path).map_err(error)?;
            Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await.map_err(error)?
        }
        None => match Config::incluster() {
            Ok(config) => config,
            Err(_) => return Ok(None),
        },
    };
    Client::try_from(config).map(Some).map_err(error)
}

fn error(error: impl std::error::Error + Send + Sync + 'static) -> ServeError {
    ServeError::Cluster(Box::new(error))
}
