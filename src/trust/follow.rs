//! Every replica's part: serves what the Secret holds, from a watch.

use std::time::{Duration, SystemTime};

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::Api;
use kube::runtime::watcher::Event;
use tokio::time::sleep;
use tracing::info;

use super::{Names, Trust, secret};
use crate::cluster;
use crate::health::Part;
use crate::tls::Certificate;
use crate::watching::Watching;

/// What cannot be served now is tried again after this; longer than a watch pauses.
const RETRY: Duration = Duration::from_secs(10);

/// Hands on each new certificate, or one whose clients must trust another bundle, until it is dropped. `watch` speaks of
/// the watch, `content` of what the Secret holds.
pub async fn follow(client: Client, names: Names, watch: Part, content: Part, serve: impl Fn(Certificate)) {
    let secrets: Api<Secret> = Api::namespaced(client, &names.namespace);
    let only_ours = cluster::watch_config().fields(&format!("metadata.name={}", names.secret));
    let mut watching = Watching::new(secrets, only_ours, watch);
    let mut served: Option<Trust> = None;
    let mut waiting: Option<Trust> = None;
    loop {
        let trust = tokio::select! {
            event = watching.next() => match event {
                Event::Apply(present) | Event::InitApply(present) => secret::read(&present),
                Event::Delete(_) => Ok(None),
                Event::Init | Event::InitDone => continue,
            },
            // It may be valid by now: clocks differ.
            () = sleep(RETRY), if waiting.is_some() => Ok(waiting.take()),
        };
        let trust = match trust {
            Ok(Some(trust)) => trust,
            Ok(None) => {
                let text = format!("secret {} is empty or gone; what was served before stays", names.secret);
                content.fails(&text);
                continue;
            }
            Err(damage) => {
                let text =
                    format!("secret {} is spoilt: {damage}; what was served before stays", names.secret);
                content.fails(&text);
                continue;
            }
        };
        waiting = None;
        if served.as_ref() == Some(&trust) {
            content.works();
            continue;
        }
        let (cert, key) = (trust.leaf.cert.as_bytes(), trust.leaf.key.as_bytes());
        match Certificate::from_pem(cert, key, &trust.bundle(), SystemTime::now()) {
            Ok(certificate) => {
                info!(serial = certificate.serial, not_after = certificate.not_after, state = ?trust.state, "serving the certificate of the secret");
                content.works();
                serve(certificate);
                served = Some(trust);
            }
            Err(error) => {
                let text = format!("secret {}: {error}; what was served before stays", names.secret);
                content.fails(&text);
                waiting = Some(trust);
            }
        }
    }
}
