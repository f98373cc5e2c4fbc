//! The same rules on a real API server: switched on by a flag and by a right, and following what happens.

use std::path::Path;
use std::time::Duration;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::webhook::Webhook;

const LIMIT: Duration = Duration::from_secs(90);

fn apply(plane: &ControlPlane, objects: &str) {
    plane.kubectl_in(objects, &["apply", "--server-side", "-f", "-"]).success().unwrap();
}

const STORE: &str = "
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: team-a}
spec: {provider: {aws: {service: SecretsManager, region: eu-central-1}}}
";

const PUSH: &str = "
apiVersion: external-secrets.io/v1alpha1
kind: PushSecret
metadata: {name: db, namespace: team-a}
spec:
  secretStoreRefs: [{name: aws}]
  selector: {secret: {name: db}}
  data: [{match: {secretKey: password, remoteRef: {remoteKey: db}}}]
";

fn secret(key: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: db, namespace: team-a}}, stringData: {{{key}: x}}}}"
    )
}

/// Waits until an apply is answered with these warnings and no others, by their rules.
#[track_caller]
fn wait_warned(plane: &ControlPlane, object: &str, rules: &[&str]) {
    wait_until(LIMIT, &format!("{rules:?}"), || {
        let output = plane.kubectl_in(object, &["apply", "--dry-run=server", "-f", "-"]);
        assert!(output.is_success(), "{}", output.stderr);
        let told: Vec<_> = output
            .stderr
            .lines()
            .filter_map(|line| Some(line.rsplit_once('[')?.1.trim_end_matches(']')))
            .collect();
        if told == rules { Ok(()) } else { Err(output.stderr) }
    });
}

#[test]
fn what_other_objects_have_is_followed_where_the_operator_wants_it() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
    let plain = Webhook::serve(bin, &plane).unwrap();
    plain.register(&plane).unwrap();
    plane.create_namespace("team-a");
    let state =
        |webhook: &Webhook| http::get(&format!("{}/readyz?verbose", webhook.health)).unwrap().ok().unwrap();
    let off = "[ ] facts-secrets off: --cluster-checks is not given; without it these rules are off, or see less: \
               credential-secret, ";
    assert!(state(&plain).contains(off), "{}", state(&plain));
    wait_until(LIMIT, "the definitions to be noticed", || {
        let state = state(&plain);
        if state.contains("[+] facts-secretstores ok\n") { Ok(()) } else { Err(state) }
    });
    wait_warned(&plane, PUSH, &["store-unknown"]);
    apply(&plane, STORE);
    wait_warned(&plane, PUSH, &[]);
    drop(plain);

    let webhook = Webhook::serve_with(bin, &plane, &["--cluster-checks"]).unwrap();
    webhook.register(&plane).unwrap();
    wait_warned(&plane, PUSH, &["push-source-missing"]);
    apply(&plane, &secret("user"));
    wait_warned(&plane, PUSH, &["push-key-missing"]);
    apply(&plane, &secret("password"));
    wait_warned(&plane, PUSH, &[]);
    plane.kubectl(&["delete", "secret", "db", "-n", "team-a"]).success().unwrap();
    wait_warned(&plane, PUSH, &["push-source-missing"]);
    assert!(state(&webhook).contains("[+] facts-secrets ok\n"), "{}", state(&webhook));
    for word in ["\"x\"", "eA=="] {
        assert!(!webhook.log().contains(word), "a value is in the log");
    }
}
