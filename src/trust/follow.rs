//! Every replica's part: serves what the Secret holds, from a watch.

use std::time::SystemTime;

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use tracing::{error, info};

use super::{Names, secret};
use crate::cluster;
use crate::health::Part;
use crate::tls::Certificate;

/// Hands on each new certificate, with the bundle that its clients must trust, until it is dropped.
pub async fn follow(client: Client, names: Names, part: Part, serve: impl Fn(Certificate, String)) {
    let secrets: Api<Secret> = Api::namespaced(client, &names.namespace);
    let only_ours = cluster::watch_config().fields(&format!("metadata.name={}", names.secret));
    let mut changes = std::pin::pin!(watcher(secrets, only_ours).default_backoff().applied_objects());
    let mut last = None;
    while let Some(change) = changes.next().await {
        let trust = match change {
            Ok(present) => secret::read(&present),
            Err(error) => {
                part.fails(&format!("secret {}: cannot be watched: {}", names.secret, cluster::causes(&error)));
                continue;
            }
        };
        let trust = match trust {
            Ok(Some(trust)) => trust,
            Ok(None) => {
                part.fails(&format!("secret {} is empty; what was served before stays", names.secret));
                continue;
            }
            Err(damage) => {
                part.fails(&format!("secret {} is spoilt: {damage}; what was served before stays", names.secret));
                continue;
            }
        };
        part.works();
        if last.as_ref() == Some(&trust) {
            continue;
        }
        match Certificate::from_pem(trust.leaf.cert.as_bytes(), trust.leaf.key.as_bytes(), SystemTime::now())
        {
            Ok(certificate) => {
                info!(not_after = certificate.not_after, state = ?trust.state, "serving the certificate of the secret");
                serve(certificate, trust.bundle());
            }
            Err(error) => {
                error!(%error, "the certificate of the secret cannot be served; the one before stays")
            }
        }
        last = Some(trust);
    }
}
