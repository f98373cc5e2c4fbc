//! Who may write: an election for certificates and one for loops, each with a Lease of its own.

use std::sync::Arc;

use kube::Client;
use kube::api::Api;
use tokio::sync::watch;

use crate::accept::Phase;
use crate::health::Health;
use crate::leader::{self, Candidate, Guard};

/// What an election is about, and where its Lease is.
#[derive(Clone, Debug)]
pub struct Leadership {
    /// Namespace of the Lease.
    pub namespace: String,
    /// The Lease.
    pub candidate: Candidate,
}

impl Leadership {
    /// The same of loops, which are not always led by a process that answers reviews.
    #[must_use]
    pub fn of_loops(&self) -> Self {
        let Self { namespace, candidate } = self.clone();
        Self { namespace, candidate: Candidate { lease: format!("{}-loops", candidate.lease), ..candidate } }
    }
}

/// How this process stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The right to write; none where nothing is written.
    pub guard: Option<Guard>,
    /// Whether the process ends and has nothing to write any more.
    over: watch::Receiver<bool>,
}

impl Standing {
    /// Waits until the process ends and has nothing to write any more: the Lease was given back.
    pub async fn over(&self) {
        drop(self.over.clone().wait_for(|over| *over).await);
    }
}

/// Stands for election, if there is something to write and somewhere to write it; the future ends with the process.
pub(super) fn stand(
    leadership: Leadership,
    part: &'static str,
    has_to_write: bool,
    client: Option<&Client>,
    health: &Arc<Health>,
    mut phase: watch::Receiver<Phase>,
) -> (Standing, impl Future<Output = ()> + use<>) {
    let ending = async move { drop(phase.wait_for(|phase| *phase == Phase::Ending).await) };
    let Leadership { namespace, candidate } = leadership;
    let (ended, over) = watch::channel(false);
    let (guard, standing) = match client.filter(|_| has_to_write) {
        Some(client) => {
            let leases = Api::namespaced(client.clone(), &namespace);
            let (guard, election) = leader::elect(leases, candidate, health.part(part), ending);
            (Some(guard), futures_util::future::Either::Left(election))
        }
        None => (None, futures_util::future::Either::Right(ending)),
    };
    let standing = async move {
        standing.await;
        ended.send_replace(true);
    };
    (Standing { guard, over }, standing)
}
