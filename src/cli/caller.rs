//! Whose cluster and whose AWS identity a command uses: the caller's, and a pod's only if that is said.

use std::io;
use std::path::PathBuf;

use clap::Args;
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::Failure;
use crate::source::plan::Ambient;

/// Flags of commands that are run by people.
#[derive(Debug, Args)]
pub(super) struct CallerFlags {
    /// The kubeconfig of the cluster, instead of KUBECONFIG or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// In a pod: use its ServiceAccount and its AWS identity, which may read more than you.
    #[arg(long)]
    as_controller: bool,
    /// Set in every pod.
    #[arg(long, hide = true, env = "KUBERNETES_SERVICE_HOST")]
    kubernetes_service_host: Option<String>,
}

/// Whose rights are used, when no flag says so.
const NOT_YOURS: &str = "there is no kubeconfig, and this is a pod: its ServiceAccount may read more than you; \
                         give --kubeconfig, or --as-controller if that is what you want";

const NO_CLUSTER: &str = "no usable kubeconfig; set KUBECONFIG or --kubeconfig, or give --file";

impl CallerFlags {
    /// The cluster of the caller; in a pod only if that is said.
    pub(super) async fn cluster(&self, is_needed: bool) -> Result<Option<Config>, Failure> {
        let read = match &self.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        match read {
            Ok(kubeconfig) => {
                let options = KubeConfigOptions::default();
                Ok(Some(Config::from_custom_kubeconfig(kubeconfig, &options).await?))
            }
            Err(error) if self.kubeconfig.is_some() || !is_missing(&error) => Err(error.into()),
            Err(_) if self.as_controller => Ok(Some(Config::incluster()?)),
            Err(_) if self.is_pod() => Err(NOT_YOURS.into()),
            Err(_) if is_needed => Err(NO_CLUSTER.into()),
            Err(_) => Ok(None),
        }
    }

    /// Which stores may use this process's own AWS identity: in a pod it is the controller's, too.
    pub(super) fn ambient(&self, wanted: Ambient) -> Ambient {
        if self.as_controller || !self.is_pod() { wanted } else { Ambient::None }
    }

    fn is_pod(&self) -> bool {
        self.kubernetes_service_host.is_some()
    }
}

/// Whether there is just no kubeconfig, rather than one that cannot be used.
fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::ReadConfig(source, _) => source.kind() == io::ErrorKind::NotFound,
        KubeconfigError::FindPath => true,
        _ => false,
    }
}
