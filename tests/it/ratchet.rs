//! Objects that were stored before Keyhatch came, and a Keyhatch that does not answer.

use std::path::Path;
use std::time::Duration;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::{Output, wait_until};
use crate::support::webhook::Webhook;

/// Two mistakes and a finalizer.
const OLD: &str = "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: old, namespace: default, finalizers: [example.com/keep]}
spec:
  refreshInterval: 1h
  secretStoreRef: {name: aws}
  data:
  - {secretKey: a, remoteRef: {key: 'a b'}}
  - {secretKey: c, remoteRef: {key: c, version: uuid/1}}
";

fn patch(plane: &ControlPlane, patch: &str) -> Output {
    plane.kubectl(&["patch", "es", "old", "-n", "default", "--type=json", "-p", patch])
}

/// One control plane of its own: the object must be there before the webhook is.
fn with_an_old_object() -> (ControlPlane, Webhook) {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    let webhook = Webhook::serve(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &plane).unwrap();
    crate::command::install_crds(&plane);
    wait_until(Duration::from_secs(90), "the old object to be stored", || {
        plane.kubectl_in(OLD, &["apply", "--server-side", "-f", "-"]).success()
    });
    webhook.register(&plane).unwrap();
    (plane, webhook)
}

#[test]
fn an_update_is_refused_for_new_mistakes_only() {
    let (plane, webhook) = with_an_old_object();

    let labelled = plane.kubectl(&["label", "es", "old", "-n", "default", "team=a"]);
    assert!(labelled.is_success(), "{}", labelled.stderr);
    assert_eq!(labelled.stderr, "", "the spec is as it was: nothing to say");

    let changed = patch(&plane, r#"[{"op": "replace", "path": "/spec/refreshInterval", "value": "2h"}]"#);
    assert!(changed.is_success(), "{}", changed.stderr);
    insta::assert_snapshot!("ratchet-old-mistakes", changed.stderr);

    let moved =
        r#"[{"op": "add", "path": "/spec/data/0", "value": {"secretKey": "n", "remoteRef": {"key": "n"}}}]"#;
    assert!(patch(&plane, moved).is_success(), "an entry that moved in its list is no new mistake");

    let worse = r#"[{"op": "add", "path": "/spec/data/-", "value": {"secretKey": "d", "remoteRef": {"key": "d e"}}}]"#;
    let refused = patch(&plane, worse);
    assert!(refused.is_denied(), "{}", refused.stderr);
    insta::assert_snapshot!("ratchet-new-mistake", refused.stderr);

    let created = OLD.replace("name: old", "name: new");
    assert!(plane.kubectl_in(&created, &["create", "-f", "-"]).is_denied());

    drop(webhook);
    finalizers_go_while_nobody_answers(&plane);
}

fn finalizers_go_while_nobody_answers(plane: &ControlPlane) {
    let closed = patch(plane, r#"[{"op": "replace", "path": "/spec/refreshInterval", "value": "3h"}]"#);
    assert!(!closed.is_success() && closed.stderr.contains("validate.keyhatch.dev"), "{}", closed.stderr);

    let labelled = plane.kubectl(&["label", "es", "old", "-n", "default", "team=b", "--overwrite"]);
    assert!(labelled.is_success(), "{}", labelled.stderr);
    let deleted = plane.kubectl(&["delete", "es", "old", "-n", "default", "--wait=false"]);
    assert!(deleted.is_success(), "{}", deleted.stderr);
    let freed = patch(plane, r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#);
    assert!(freed.is_success(), "{}", freed.stderr);
    let gone = plane.kubectl(&["get", "es", "old", "-n", "default"]);
    assert!(gone.stderr.contains("NotFound"), "{}", gone.stderr);
}
