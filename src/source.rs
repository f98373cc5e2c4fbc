//! Where secrets come from: a store, who asks and what for in, AWS's answer out, with as few calls as possible.
//!
//! - [`plan`]: what a store says about access (pure); [`identity`]: who that is to AWS (pure)
//! - [`objects`], `observe`, `watch`: the Kubernetes objects that credentials come from, and their changes
//! - `access`: what is known of a consumer's way through a store
//! - [`clients`], `sts`, `credentials`: AWS's clients, and credentials that are renewed ahead of their end
//! - `batch`, `fetch`, `list`: the calls to Secrets Manager; [`quota`], [`calls`]: limited and counted
//! - [`external`]: what an ExternalSecret reads (pure)
//! - [`prove`]: whether AWS accepts a store's credentials
//! - [`remote`]: one secret as a push needs it, written, too
//! - `read`: references and searches to values; `entry`: an ExternalSecret's entry to its keys; [`error`]: the one classification of what goes wrong
//!
//! What AWS answered is kept by [`crate::cache`].

mod access;
mod batch;
pub mod calls;
pub mod clients;
mod credentials;
mod entry;
pub mod error;
pub mod external;
mod fetch;
pub mod identity;
mod list;
pub mod objects;
mod observe;
pub mod plan;
pub mod prove;
pub mod quota;
mod read;
pub mod remote;
mod sts;
mod watch;

use std::sync::Arc;
use std::time::Duration;

pub use access::Access;
use access::Accesses;
use calls::Calls;
use clients::{ClientConfig, Clients};
pub use entry::Entered;
use error::SourceError;
use identity::Identifier;
use objects::Objects;
use plan::{Ambient, StoreId};
use prove::Proof;
pub use read::{Resolved, document};
use remote::Remote;

use crate::aws::failure::{Class, Failure};
use crate::cache::{Answer, Ask, Asked, Cache, Key};

/// What a source is made of.
#[derive(Debug)]
pub struct SourceConfig {
    /// Where stores and credentials are.
    pub objects: Objects,
    /// Whether Secrets and ServiceAccounts are watched, or read again every few seconds while they are in use.
    pub watch_credentials: bool,
    /// Where AWS is.
    pub clients: ClientConfig,
    /// Who may use our own identity.
    pub ambient: Ambient,
    /// What was answered before.
    pub cache: Arc<Cache>,
    /// What is counted.
    pub calls: Arc<Calls>,
}

/// Secrets of all stores.
#[derive(Clone, Debug)]
pub struct Source {
    accesses: Arc<Accesses>,
    cache: Arc<Cache>,
}

impl Source {
    /// Reads the environment for AWS's own settings.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub async fn new(config: SourceConfig) -> Result<Self, aws_lc_rs::error::Unspecified> {
        let SourceConfig { objects, watch_credentials, clients, ambient, cache, calls } = config;
        cache.keep_swept();
        let clients = Arc::new(Clients::load(clients, calls).await);
        let identifier = Identifier::new()?;
        let accesses =
            Accesses::new(objects, watch_credentials, clients, identifier, ambient, Arc::clone(&cache));
        accesses.keep_swept();
        Ok(Self { accesses, cache })
    }

    /// The way of a namespace's consumer through a store.
    ///
    /// # Errors
    /// If the store or what it names cannot be read, or says too little.
    pub async fn access(&self, store: &StoreId, consumer: &str) -> Result<Arc<Access>, SourceError> {
        self.accesses.access(store, consumer).await
    }

    /// Asks AWS whether it accepts a store's own credentials, by a call that needs no permission.
    ///
    /// # Errors
    /// If the store cannot be used: it says too little, what it names cannot be read, or AWS does not accept that.
    pub async fn prove(&self, store: &StoreId) -> Result<Proof, SourceError> {
        self.accesses.prove(store).await
    }

    /// What AWS says of a secret, by its full name or ARN. `max_age` is the oldest answer that is accepted.
    ///
    /// # Errors
    /// AWS's, classified; also those that were kept.
    pub async fn fetch(
        &self,
        access: &Arc<Access>,
        id: &str,
        asked: Asked,
        max_age: Option<Duration>,
    ) -> Result<Answer, SourceError> {
        let id: Arc<str> = id.into();
        let key = Key { who: Arc::clone(&access.who), id: Arc::clone(&id), asked: asked.clone() };
        let lane = Arc::clone(&access.lane);
        let fetch = || async move {
            match asked {
                Asked::Value(version) => lane.value(id, &version).await,
                Asked::Tags => lane.tags(&id).await,
            }
        };
        let ask = Ask { store: &access.store, max_age };
        Ok(self.cache.get(key, ask, fetch).await?)
    }

    /// Secrets as they are at AWS now, to be looked at and changed.
    pub fn remote(&self, access: &Arc<Access>) -> Remote {
        Remote::new(self.clone(), Arc::clone(access))
    }

    /// What AWS said of an access outside of the cache: one that is not accepted loses what it had.
    fn heeded<T>(&self, access: &Access, result: Result<T, Failure>) -> Result<T, SourceError> {
        if let Err(failure) = &result
            && failure.class == Class::IdentityRefused
        {
            self.cache.forget_identity(access.who.identity);
        }
        Ok(result?)
    }
}
