//! Secrets at AWS as a push needs them: an access and a full name or ARN in, what AWS says now out, and every change of it.
//!
//! - `described`, `value`: what is there, and new values; `surroundings`: tags, resource policy, replicas; `deletion`
//!
//! Nothing here is served from the cache, and after a change nobody is. Calls wait for a token of their quota, each
//! attempt anew. They are repeated as the store's retrySettings say, but only where a repetition cannot do more than the
//! first attempt did: values carry a ClientRequestToken, most other changes say how it shall be. What is left is tried
//! again only if AWS refused it for coming too often; its lost answer is a failure, and whoever looks finds out.

mod deletion;
mod described;
mod surroundings;
mod value;

use std::sync::Arc;
use std::time::Instant;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use tokio::time::sleep;

pub use deletion::Deletion;
pub use surroundings::ReplicaRegion;
pub use value::{NewSecret, Update, Written};

use super::clients::retry_config;
use super::error::failure;
use super::quota::Limited;
use super::{Access, Source};
use crate::aws::failure::{Class, Failure};
use crate::jitter::jittered;

/// Secrets of one store, as one consumer of it reaches them. Ids are full names, the store's prefix included, or ARNs.
#[derive(Clone, Debug)]
pub struct Remote {
    source: Source,
    access: Arc<Access>,
}

/// One operation, and how it may be called.
#[derive(Clone, Copy, Debug)]
struct Operation {
    /// AWS's name.
    name: &'static str,
    /// The quota that it uses.
    limited: Limited,
    /// Whether a repetition does no more than the first attempt did.
    is_repeatable: bool,
}

impl Operation {
    const fn repeatable(name: &'static str, limited: Limited) -> Self {
        Self { name, limited, is_repeatable: true }
    }

    const fn once(name: &'static str, limited: Limited) -> Self {
        Self { name, limited, is_repeatable: false }
    }
}

impl Remote {
    pub(super) fn new(source: Source, access: Arc<Access>) -> Self {
        Self { source, access }
    }

    /// The access that it uses.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Changes a secret. Whether it succeeds, fails or is given up: what was kept of the secret is forgotten.
    async fn change<T, E, F>(
        &self,
        operation: Operation,
        id: &str,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let _forgotten = Forgotten { remote: self, id };
        self.call(operation, id, send).await
    }

    /// Calls an operation of which AWS takes few.
    async fn call<T, E, F>(
        &self,
        operation: Operation,
        id: &str,
        send: impl Fn(&Client) -> F,
    ) -> Result<T, Failure>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let Operation { name, limited, is_repeatable } = operation;
        let lane = &self.access.lane;
        let retry = retry_config(self.access.plan.retry.as_ref());
        let (mut pause, mut left) = (retry.initial_backoff(), retry.max_attempts());
        loop {
            lane.admitted(limited).await;
            let client = lane.session.client_that_tries_once().await?;
            let started = Instant::now();
            let answer = send(&client).await.map_err(|error| failure(name, id, &error));
            let answer = lane.calls.done(name, || id.to_owned(), started, answer);
            let failure = match lane.checked(answer).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            left = left.saturating_sub(1);
            let may_repeat = match failure.class {
                Class::Throttled => true,
                Class::Unavailable => is_repeatable,
                Class::NotFound
                | Class::MarkedForDeletion
                | Class::Denied
                | Class::IdentityRefused
                | Class::Exists
                | Class::LimitReached
                | Class::Invalid
                | Class::Malformed => false,
            };
            if left == 0 || !may_repeat {
                return Err(failure);
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(retry.max_backoff());
        }
    }
}

/// When it is dropped, nothing is kept of a secret any more.
struct Forgotten<'a> {
    remote: &'a Remote,
    id: &'a str,
}

impl Drop for Forgotten<'_> {
    fn drop(&mut self) {
        let Self { remote: Remote { source, access }, id } = self;
        source.cache.forget_secret(&access.who, id);
    }
}

/// No such secret is an answer, too.
fn present<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.class == Class::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}
