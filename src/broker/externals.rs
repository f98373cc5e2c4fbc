//! ExternalSecrets that pods ask for, read from the cluster and kept for a short time.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::api::Api;

use super::api::{self, SHORT};
use super::kept::{Kept, Limits};
use super::reason::{Denial, Reason};
use crate::api::external_secret::ExternalSecret;
use crate::source::external::{Entry, entries};

/// How long what was read is believed.
const LASTS: Duration = Duration::from_secs(10);
/// ExternalSecrets that are remembered.
const LIMITS: Limits<Result<Arc<External>, Denial>> = Limits {
    most: 5_000,
    bytes: 32 << 20,
    weigh: |answer| answer.as_ref().map_or(0, |external| external.size),
};
/// What is read of a text takes several times as much as the text.
const AS_IT_IS_KEPT: usize = 4;
/// Entries that a pod may have of one: each is asked for, though they name few secrets.
const ENTRIES: usize = 1000;

/// One that can be read.
#[derive(Debug)]
pub(super) struct External {
    pub(super) name: String,
    /// Its UID and generation: what it says changes with them only.
    pub(super) version: String,
    pub(super) entries: Vec<Entry>,
    /// In bytes, roughly.
    size: usize,
}

/// Those that were asked for lately, by namespace and name.
pub(super) struct Externals {
    client: Client,
    kept: Kept<(String, String), Result<Arc<External>, Denial>>,
}

impl std::fmt::Debug for Externals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kept.fmt(f)
    }
}

impl Externals {
    pub(super) fn new(client: Client) -> Self {
        Self { client, kept: Kept::new(LIMITS) }
    }

    /// The one of a name.
    pub(super) async fn get(&self, namespace: &str, name: &str) -> Result<Arc<External>, Denial> {
        let key = (namespace.to_owned(), name.to_owned());
        self.kept.get(&key, || self.ask(namespace, name)).await
    }

    async fn ask(&self, namespace: &str, name: &str) -> (Result<Arc<External>, Denial>, Duration) {
        let api = Api::<ExternalSecret>::namespaced(self.client.clone(), namespace);
        let what = format!("ExternalSecret {namespace}/{name}");
        match api::answer(&what, api.get_opt(name)).await {
            Ok(Some(found)) => (read(&what, name, &found), LASTS),
            Ok(None) => {
                (Err(Denial::new(Reason::ExternalSecretNotFound, format!("{what} does not exist"))), SHORT)
            }
            Err(denial) => (Err(denial), SHORT),
        }
    }
}

fn read(what: &str, name: &str, found: &ExternalSecret) -> Result<Arc<External>, Denial> {
    let unsupported = |error| Denial::new(Reason::ExternalSecretUnsupported, format!("{what}: {error}"));
    let entries = entries(&found.spec).map_err(unsupported)?;
    if entries.len() > ENTRIES {
        let cause = format!("{what} has {} entries, and pods get at most {ENTRIES} of one", entries.len());
        return Err(Denial::new(Reason::ExternalSecretUnsupported, cause));
    }
    let size = serde_json::to_string(&found.spec).map_or(0, |text| text.len() * AS_IT_IS_KEPT);
    let uid = found.metadata.uid.as_deref().unwrap_or_default();
    let version = format!("{uid}/{}", found.metadata.generation.unwrap_or_default());
    Ok(Arc::new(External { name: name.to_owned(), version, entries, size }))
}
