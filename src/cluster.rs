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

/// Why the API server could not be used, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub text: String,
    /// What kind of trouble it is.
    pub kind: TroubleKind,
}

/// What can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TroubleKind {
    /// Somebody has to install something.
    NotInstalled,
    /// Somebody has to give a right.
    Forbidden,
    /// Somebody else wrote first, or what was read is old.
    Conflict,
    /// It will pass.
    Passing,
}

impl From<&kube::Error> for Trouble {
    fn from(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status.code, &status.message),
            // Its words quote what was read, which may be a Secret.
            kube::Error::SerdeError(_) => {
                Self { text: "the API server's answer cannot be read".into(), kind: TroubleKind::Passing }
            }
            other => Self { text: causes(other), kind: TroubleKind::Passing },
        }
    }
}

impl From<&watcher::Error> for Trouble {
    fn from(error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => error.into(),
            watcher::Error::WatchError(status) => Self::of_status(status.code, &status.message),
            watcher::Error::NoResourceVersion => Self { text: causes(error), kind: TroubleKind::Passing },
        }
    }
}

impl Trouble {
    /// No answer at all.
    pub fn silence() -> Self {
        Self { text: "the API server did not answer in time".into(), kind: TroubleKind::Passing }
    }

    fn of_status(code: u16, message: &str) -> Self {
        let (kind, text) = match code {
            404 => (TroubleKind::NotInstalled, "not installed".to_owned()),
            401 | 403 => (TroubleKind::Forbidden, message.trim().to_owned()),
            409 | 422 => (TroubleKind::Conflict, message.trim().to_owned()),
            code => (TroubleKind::Passing, format!("the API server answers {code}: {}", message.trim())),
        };
        Self { text, kind }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_quoted() {
        let error =
            serde_json::from_str::<std::collections::BTreeMap<String, String>>("\"hunter2\"").unwrap_err();
        assert!(error.to_string().contains("hunter2"));
        let trouble = Trouble::from(&kube::Error::SerdeError(error));
        assert_eq!(trouble.text, "the API server's answer cannot be read");
    }
}
