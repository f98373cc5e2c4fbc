//! What is made goes through our own webhook, too.

use super::*;
use crate::support::webhook::Webhook;

#[test]
fn a_spec_that_is_refused_is_told_with_its_cause() {
    let site = Site::new();
    let crowd = Crowd::of(Team::at(&site));
    crowd.namespaces(&["a"]);
    let spec = |interval: &str| {
        json!({"externalSecretSpec": {"secretStoreRef": {"name": crowd.name(), "kind": "ClusterSecretStore"},
            "refreshInterval": interval, "data": [{"secretKey": "a", "remoteRef": {"key": "app"}}]}})
    };
    // Written before there was a webhook, which would have refused this as well.
    site.apply(&[crowd.external(&spec("1d"))]);
    let webhook = Webhook::serve(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &site.plane).unwrap();
    webhook.register(&site.plane).unwrap();
    let _looper = site.install(&[]).start().unwrap();
    let object = crowd.wait_failed(CES, "a", "could not create or update ExternalSecret");
    let reason = object["status"]["failedNamespaces"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("spec.refreshInterval") && reason.contains("1d"), "{reason}");
    assert!(ready(&object)["message"].as_str().unwrap().contains("spec.refreshInterval"), "{object}");
    site.apply(&[crowd.external(&spec("1h"))]);
    let object = crowd.wait_provisioned(CES, ES, &["a"]);
    assert_eq!(ready(&object)["status"], "True");
}
