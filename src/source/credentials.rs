//! An identity's credentials: the first ones, and each role assumed after them, kept and renewed ahead of their end.

mod proof;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

use super::clients::{self, Clients};
use super::error::malformed;
use super::objects::{ObjectError, Objects};
use super::plan::{Plan, Role};
use super::sts::{self, Exchange};
use crate::aws::arn;
use crate::aws::failure::{Class, Failure, one_line};
use crate::secret_value::SecretValue;

pub(super) use proof::Proved;

/// Where the first credentials come from, with all that is needed to have them.
#[derive(Clone)]
pub(super) enum Base {
    /// Access keys as they are.
    Keys(Credentials),
    /// A ServiceAccount's token for a role.
    ServiceAccount(ServiceAccountBase),
    /// Keyhatch's own.
    Own(SharedCredentialsProvider),
}

/// A ServiceAccount whose tokens are exchanged.
#[derive(Clone, Debug)]
pub(super) struct ServiceAccountBase {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) audiences: Vec<String>,
    pub(super) role_arn: String,
}

/// An identity in a region: its credentials, and the client that has them.
pub(super) struct Session {
    base: Base,
    plan: Plan,
    clients: Arc<Clients>,
    objects: Objects,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    refused: Option<(Instant, Failure)>,
    /// What the last proof was that AWS does not accept this identity, until one that it does.
    disproved: Option<Failure>,
}

struct Live {
    client: Client,
    /// The same client without retries, made when it is first asked for.
    once: OnceLock<Client>,
    /// From when on new credentials are wanted; never for those that do not end.
    renew: Option<Instant>,
    ends: Option<Instant>,
}

/// How long a refusal of the identity is believed.
const REFUSED: Duration = Duration::from_secs(30);
/// When renewal failed for now and the old credentials are still good: the pause before the next try.
const RENEW_AGAIN: Duration = Duration::from_secs(10);
/// Credentials are not used any more this long before their end: a call takes time, and clocks differ.
const MARGIN: Duration = Duration::from_secs(20);

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(base: Base, plan: Plan, clients: Arc<Clients>, objects: Objects) -> Self {
        Self { base, plan, clients, objects, state: Mutex::default() }
    }

    /// A client with credentials that are good now. Who comes while they are had waits, and uses the same.
    pub(super) async fn client(&self) -> Result<Client, Failure> {
        self.of_live(|live| live.client.clone()).await
    }

    /// The same, for whoever counts attempts: a call is one.
    pub(super) async fn client_that_tries_once(&self) -> Result<Client, Failure> {
        self.of_live(|live| live.once.get_or_init(|| tries_once(&live.client)).clone()).await
    }

    async fn of_live(&self, client: impl Fn(&Live) -> Client) -> Result<Client, Failure> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some((when, failure)) = &state.refused {
            if now.saturating_duration_since(*when) < REFUSED {
                return Err(failure.clone());
            }
            state.refused = None;
        }
        if let Some(live) = state.live.as_ref().filter(|live| live.renew.is_none_or(|renew| now < renew)) {
            return Ok(client(live));
        }
        match self.obtain().await {
            Ok(credentials) => {
                let live = self.live(credentials, Instant::now(), SystemTime::now());
                Ok(client(state.live.insert(live)))
            }
            Err(failure) if failure.class == Class::IdentityRefused => {
                state.live = None;
                state.refused = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
            Err(failure) => match &mut state.live {
                Some(live) if live.is_good(Instant::now()) => {
                    live.renew = Some(Instant::now() + RENEW_AGAIN);
                    Ok(client(live))
                }
                Some(_) | None => Err(failure),
            },
        }
    }

    /// The account whose quotas are used, as far as the last role tells.
    pub(super) fn account(&self) -> Option<String> {
        let first = match &self.base {
            Base::ServiceAccount(account) => Some(account.role_arn.as_str()),
            Base::Keys(_) | Base::Own(_) => None,
        };
        let last = self.plan.roles.last().map(|role| role.arn.as_str()).or(first)?;
        arn::role(last).ok().map(|arn| arn.account.to_owned())
    }

    /// AWS does not accept what we have: it is not used again. Credentials that only ended are had anew by the next who
    /// asks, so that is no refusal; anything else is, and nobody asks for a while. Answers what the failure means.
    pub(super) async fn refused(&self, failure: Failure) -> Failure {
        let mut state = self.state.lock().await;
        let was_lent = state.live.take().is_some_and(|live| live.ends.is_some());
        if was_lent && failure.code.starts_with("ExpiredToken") {
            return Failure { class: Class::Unavailable, ..failure };
        }
        state.refused = Some((Instant::now(), failure.clone()));
        failure
    }

    fn live(&self, credentials: Credentials, now: Instant, wall: SystemTime) -> Live {
        let lives = credentials.expiry().map(|expiry| expiry.duration_since(wall).unwrap_or_default());
        Live {
            client: self.clients.secrets_manager(credentials, &self.plan.region, self.plan.retry.as_ref()),
            once: OnceLock::new(),
            renew: lives.map(|lives| now + renew_after(lives)),
            ends: lives.map(|lives| now + lives),
        }
    }

    async fn obtain(&self) -> Result<Credentials, Failure> {
        let Plan { region, roles, session_name, .. } = &self.plan;
        let exchange = Exchange { clients: &self.clients, region, session_name };
        let mut credentials = match &self.base {
            Base::Keys(credentials) => credentials.clone(),
            Base::ServiceAccount(account) => {
                let token = self.token(account).await?;
                sts::assume_with_token(&exchange, &account.role_arn, &token).await?
            }
            Base::Own(provider) => clients::provide(provider).await.map_err(|cause| no_own(&cause))?,
        };
        for role in roles {
            credentials = sts::assume(&exchange, role, credentials).await?;
        }
        Ok(credentials)
    }

    async fn token(&self, account: &ServiceAccountBase) -> Result<SecretValue, Failure> {
        let ServiceAccountBase { namespace, name, uid, audiences, .. } = account;
        self.objects.token(namespace, name, uid, audiences).await.map_err(|error| {
            let class = match error {
                ObjectError::Unavailable { .. } => Class::Unavailable,
                ObjectError::Missing { .. }
                | ObjectError::Forbidden { .. }
                | ObjectError::NotInFiles { .. }
                | ObjectError::Replaced { .. } => Class::IdentityRefused,
            };
            let object = format!("ServiceAccount {namespace}/{name}");
            Failure { class, ..malformed("TokenRequest", &object, None, &error.to_string()) }
        })
    }
}

impl Live {
    /// Whether its credentials will be accepted for a while.
    fn is_good(&self, now: Instant) -> bool {
        self.ends.is_none_or(|ends| now + MARGIN < ends)
    }
}

fn tries_once(client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().retry_config(RetryConfig::disabled()).build())
}

/// After two thirds of their life, and in any case before they are of no use.
fn renew_after(lives: Duration) -> Duration {
    (lives * 2 / 3).min(lives.saturating_sub(MARGIN))
}

fn no_own(cause: &str) -> Failure {
    let cause = one_line(cause);
    Failure {
        class: Class::IdentityRefused,
        ..malformed("credentials", "Keyhatch's own AWS identity", None, &cause)
    }
}

/// Roles, as a chain for people: `… → arn:…`.
pub(super) fn chain(roles: &[Role]) -> String {
    roles.iter().map(|role| format!(" → {}", role.arn)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_ahead_of_their_end() {
        for (lives, after) in [(900, 600), (3600, 2400), (30, 10), (10, 0), (0, 0)] {
            assert_eq!(renew_after(Duration::from_secs(lives)), Duration::from_secs(after));
        }
    }
}
