//! All replicas are gone: what must go on all the same, for objects of all six kinds.

use std::path::Path;
use std::time::Duration;

use keyhatch::api::Kind;
use serde_json::json;

use crate::rules::base;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::{Output, wait_until};
use crate::support::webhook::Webhook;

const NAMESPACE: &str = "team-a";

fn patch(plane: &ControlPlane, object: &str, more: &[&str], patch: &str) -> Output {
    let args = [&["patch", object, "-n", NAMESPACE, "--type=merge", "-p", patch], more].concat();
    plane.kubectl(&args)
}

#[test]
fn metadata_and_status_change_and_a_namespace_goes() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    let webhook = Webhook::serve(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &plane).unwrap();
    webhook.register(&plane).unwrap();
    plane.create_namespace(NAMESPACE);
    let objects: Vec<String> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let mut object = base(kind);
            object["metadata"]["finalizers"] = json!(["example.com/keep"]);
            plane.kubectl_in(&object.to_string(), &["create", "-f", "-"]).success().unwrap();
            format!("{}.external-secrets.io/{}", kind.plural(), object["metadata"]["name"].as_str().unwrap())
        })
        .collect();
    drop(webhook);

    let closed = patch(&plane, &objects[0], &[], r#"{"spec": {"controller": "other"}}"#);
    assert!(!closed.is_success() && closed.stderr.contains("validate.keyhatch.dev"), "{}", closed.stderr);
    for object in &objects {
        let changes: [(&str, &[&str]); 3] = [
            (r#"{"metadata": {"labels": {"team": "a"}}}"#, &[]),
            (r#"{"metadata": {"finalizers": ["example.com/keep", "example.com/more"]}}"#, &[]),
            (
                r#"{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}"#,
                &["--subresource=status"],
            ),
        ];
        for (change, more) in changes {
            let changed = patch(&plane, object, more, change);
            assert!(changed.is_success(), "{object} {change}: {}", changed.stderr);
        }
        let stored = plane.kubectl(&["get", object, "-n", NAMESPACE, "-o", "json"]).success().unwrap();
        for word in ["\"team\": \"a\"", "example.com/more", "\"Ready\""] {
            assert!(stored.contains(word), "{object} has no {word}: {stored}");
        }
    }

    plane.kubectl(&["delete", "namespace", NAMESPACE, "--wait=false"]).success().unwrap();
    for object in &objects {
        plane.kubectl(&["delete", object, "-n", NAMESPACE, "--wait=false"]).success().unwrap();
        let freed = patch(&plane, object, &[], r#"{"metadata": {"finalizers": null}}"#);
        assert!(freed.is_success(), "{object}: {}", freed.stderr);
    }
    wait_until(Duration::from_secs(60), "the namespace to be gone", || {
        match plane.kubectl(&["get", "namespace", NAMESPACE, "-o", "jsonpath={.status}"]) {
            output if output.stderr.contains("NotFound") => Ok(()),
            output => Err(output.stdout),
        }
    });
}
