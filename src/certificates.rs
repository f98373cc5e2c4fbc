//! Where the serving certificate comes from: files that somebody else renews, or our own, kept in the cluster.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kube::Client;
use tokio::sync::{Notify, watch};

use crate::health::Health;
use crate::leader::Guard;
use crate::needs::rights::{self, Right};
use crate::server::ServeError;
use crate::server::leadership::{Leadership, Standing};
use crate::tls::{self, Certificate, CertificateFiles};
use crate::trust::{self, Lifetimes, Names};

/// The ways to a certificate.
#[derive(Clone, Debug)]
pub enum Certificates {
    /// Files, of cert-manager say.
    Files {
        /// Where they are.
        files: CertificateFiles,
        /// How often they are read again.
        every: Duration,
    },
    /// Our own, kept by the replicas that answer reviews: it is them whose clients are told whom to trust.
    Followed {
        /// Where things are.
        names: Names,
        /// How long a certificate lasts.
        leaf: Duration,
    },
    /// Our own, and we keep them.
    SelfManaged {
        /// Where things are.
        names: Names,
        /// How long they last.
        lifetimes: Lifetimes,
    },
}

impl Certificates {
    /// How old a connection may become: a client that never hangs up must meet a new certificate in time.
    pub fn connection_age(&self) -> Duration {
        match self {
            Self::Files { .. } => Duration::from_secs(3600),
            Self::Followed { leaf, .. } => *leaf / 2,
            Self::SelfManaged { lifetimes, .. } => lifetimes.leaf / 2,
        }
    }

    /// Whether clients can be told whom to trust.
    pub fn tells_roots(&self) -> bool {
        match self {
            Self::Files { files, .. } => files.ca.is_some(),
            Self::Followed { .. } | Self::SelfManaged { .. } => true,
        }
    }

    /// Whether there is something that only the leader may write.
    pub fn have_to_be_written(&self) -> bool {
        match self {
            Self::Files { .. } | Self::Followed { .. } => false,
            Self::SelfManaged { .. } => true,
        }
    }

    /// The rights that it takes.
    pub fn rights(&self, leadership: &Leadership) -> Vec<Right> {
        match self {
            Self::Files { .. } => Vec::new(),
            Self::Followed { names, .. } => rights::followed_certificates(names),
            Self::SelfManaged { names, .. } => rights::certificates(names, &leadership.candidate.lease),
        }
    }

    /// Hands on a certificate, and each that follows it, and what must be trusted to trust it, until the process ends;
    /// ours are then somebody else's to write.
    ///
    /// # Errors
    /// If there is none to begin with.
    pub async fn provide(
        self,
        client: Option<Client>,
        health: Arc<Health>,
        standing: Standing,
        serve: impl Fn(Certificate),
    ) -> Result<(), ServeError> {
        match self {
            Self::Files { files, every } => {
                serve(files.load(SystemTime::now())?);
                tokio::select! {
                    () = tls::follow(files, every, serve) => {}
                    () = standing.over() => {}
                }
            }
            Self::Followed { names, .. } => {
                let client = client.ok_or(ServeError::NoCluster)?;
                tokio::select! {
                    () = follow(client, names, &health, serve) => {}
                    () = standing.over() => {}
                }
            }
            Self::SelfManaged { names, lifetimes } => {
                let client = client.ok_or(ServeError::NoCluster)?;
                health.vouch();
                let guard = standing.guard.clone().ok_or(ServeError::NoCluster)?;
                tokio::select! {
                    () = standing.over() => {}
                    () = manage(client, names, lifetimes, guard, &health, serve) => {}
                }
            }
        }
        Ok(())
    }
}

/// Keeps our own certificates, serves them, and sees that clients are told to trust them.
async fn manage(
    client: Client,
    names: Names,
    lifetimes: Lifetimes,
    guard: Guard,
    health: &Arc<Health>,
    serve: impl Fn(Certificate),
) {
    let (told, bundle) = watch::channel(String::new());
    let serve = |certificate: Certificate| {
        let roots = certificate.roots.to_string();
        serve(certificate);
        told.send_replace(roots);
    };
    let stirred = Arc::new(Notify::new());
    let tell = |is_shown| tell_shown(is_shown, health, &stirred);
    let keep = trust::keeper::Keeper::new(&client, names.clone(), lifetimes, health.part("certificates"));
    let shown = [health.part("webhook-configuration"), health.part("pod-webhook-configuration")];
    tokio::join!(
        keep.keep(guard, Arc::clone(&stirred)),
        follow(client.clone(), names.clone(), health, serve),
        trust::shown::follow(client, names, shown, bundle, tell),
    );
}

/// Serves what the Secret holds.
async fn follow(client: Client, names: Names, health: &Arc<Health>, serve: impl Fn(Certificate)) {
    let (watch, content) = (health.part("tls-secret-watch"), health.part("tls-secret"));
    trust::follow::follow(client, names, watch, content, serve).await;
}

/// Whether the webhook configurations show our CA is told to whoever asks for readiness, and to the keeper if not.
fn tell_shown(is_shown: bool, health: &Health, stirred: &Notify) {
    health.bundle_is_shown(is_shown);
    if !is_shown {
        stirred.notify_one();
    }
}
