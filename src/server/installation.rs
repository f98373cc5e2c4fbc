//! What is put into pods, as it changes: whom they trust, and what the cluster's version can do.

use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::inject::Installation;
use crate::tls::Certificate;

/// How often the API server is asked for its version: it is upgraded while we run.
const EVERY: Duration = Duration::from_secs(600);
/// The same, while it does not answer.
const SOON: Duration = Duration::from_secs(5);
/// An API server that does not answer in this time has not answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps it, until it is dropped.
pub(super) async fn follow(
    tls: watch::Receiver<Option<Certificate>>,
    client: Option<Client>,
    installation: &watch::Sender<Installation>,
) {
    tokio::join!(follow_roots(tls, installation), follow_version(client, installation));
}

/// New pods trust who signs for the broker now.
async fn follow_roots(
    mut tls: watch::Receiver<Option<Certificate>>,
    installation: &watch::Sender<Installation>,
) {
    loop {
        let roots = tls.borrow_and_update().as_ref().map(|served| served.roots.to_string());
        installation.send_modify(|installation| installation.roots = roots.unwrap_or_default());
        if tls.changed().await.is_err() {
            // No other certificate will come: the process ends, when its last review is answered.
            return std::future::pending().await;
        }
    }
}

async fn follow_version(client: Option<Client>, installation: &watch::Sender<Installation>) {
    let Some(client) = client else { return std::future::pending().await };
    loop {
        let answer = timeout(PATIENCE, client.apiserver_version()).await;
        let version = answer.ok().and_then(Result::ok).and_then(|info| version(&info.major, &info.minor));
        if version.is_some() {
            installation.send_modify(|installation| installation.kubernetes = version);
        }
        sleep(if version.is_some() { EVERY } else { SOON }).await;
    }
}

/// Some builds add a sign to the minor version: `33+`.
fn version(major: &str, minor: &str) -> Option<(u32, u32)> {
    let digits = minor.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_builds_are_read() {
        for (major, minor, expected) in [
            ("1", "36", Some((1, 36))),
            ("1", "33+", Some((1, 33))),
            ("1", "", None),
            ("", "36", None),
            ("v1", "36", None),
        ] {
            assert_eq!(version(major, minor), expected, "{major} {minor}");
        }
    }
}
