//! Whether AWS accepts an identity: a call that needs no permission, and what its answer means for what is kept.

use std::time::{Instant, SystemTime};

use super::{Base, Session, clients, no_own};
use crate::aws::failure::{Class, Failure};
use crate::source::plan::Plan;
use crate::source::sts::{self, Exchange};

/// What AWS says of an identity when it is asked for that only.
#[derive(Debug)]
pub(in crate::source) enum Proved {
    /// It is accepted.
    Accepted,
    /// AWS does not say, and what there is may be good.
    Unanswered(Failure),
    /// It is of no use.
    Refused(Failure),
}

impl Session {
    /// Asks AWS whether it accepts this identity, whatever is known of it: the last role's own success proves that, and
    /// without roles a call that needs no permission. Nobody who has a client waits for this.
    pub(in crate::source) async fn prove(&self, who: &str) -> Proved {
        let answer = match self.is_lent() {
            true => self.obtain().await.map(Some),
            false => self.accepted(who).await.map(|()| None),
        };
        let mut state = self.state.lock().await;
        match answer {
            Ok(credentials) => {
                (state.refused, state.disproved) = (None, None);
                if let Some(credentials) = credentials {
                    state.live = Some(self.live(credentials, Instant::now(), SystemTime::now()));
                }
                Proved::Accepted
            }
            Err(failure) if failure.class == Class::IdentityRefused => {
                state.live = None;
                state.refused = Some((Instant::now(), failure.clone()));
                state.disproved = Some(failure.clone());
                Proved::Refused(failure)
            }
            Err(failure) => {
                // Whoever has nothing but roles has nothing without STS.
                let is_good = match &state.live {
                    Some(live) => live.is_good(Instant::now()),
                    None => !self.is_lent(),
                };
                match state.disproved.clone() {
                    None if is_good && failure.class != Class::Invalid => Proved::Unanswered(failure),
                    // Silence does not heal what was refused.
                    disproved => Proved::Refused(disproved.unwrap_or(failure)),
                }
            }
        }
    }

    /// Whether AWS lends its credentials for a while.
    fn is_lent(&self) -> bool {
        matches!(self.base, Base::ServiceAccount(_)) || !self.plan.roles.is_empty()
    }

    async fn accepted(&self, who: &str) -> Result<(), Failure> {
        let Plan { region, session_name, .. } = &self.plan;
        let exchange = Exchange { clients: &self.clients, region, session_name };
        match &self.base {
            Base::Keys(credentials) => sts::accept(&exchange, who, credentials.clone()).await,
            Base::Own(provider) => {
                let credentials = clients::provide(provider).await.map_err(|cause| no_own(&cause))?;
                sts::accept(&exchange, who, credentials).await
            }
            Base::ServiceAccount(_) => self.obtain().await.map(drop),
        }
    }
}
