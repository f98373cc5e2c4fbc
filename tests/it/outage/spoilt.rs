//! Our Secret emptied, deleted, or filled with another CA; the `caBundle` stripped by a tool.

use std::time::Duration;

use crate::support::certificates::{CertificateOptions, certificates};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::{Output, wait_until};
use crate::support::replica::Replica;

const LIMIT: Duration = Duration::from_secs(90);
const BAD: &str = "
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: default}
spec: {provider: {aws: {service: SecretsManager, region: us-esat-1}}}
";

/// The API server insists on two keys of a Secret of type kubernetes.io/tls, and on no value.
const EMPTIED: &str =
    r#"{"data": {"ca.crt": null, "ca.key": null, "state": null, "tls.crt": "", "tls.key": ""}}"#;

fn patch_secret(plane: &ControlPlane, patch: &str) -> Output {
    plane.kubectl(&["patch", "secret", "keyhatch-tls", "-n", "keyhatch", "--type=merge", "-p", patch])
}

/// Waits until the API server reaches the replica: it refuses a store, and nothing else would.
#[track_caller]
fn wait_reviewed(plane: &ControlPlane, replica: &Replica) {
    wait_until(LIMIT, "a review", || {
        let output = plane.kubectl_in(BAD, &["apply", "--dry-run=server", "-f", "-"]);
        if output.is_denied() { Ok(()) } else { Err(format!("{}\n{}", output.stderr, replica.process.log())) }
    });
}

#[test]
fn what_somebody_spoilt_is_told_and_made_anew() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    plane.create_namespace("keyhatch");
    let flags = ["--lease-duration=3s", "--leaf-lifetime=60s", "--ca-settle=10s"];
    let bin = env!("CARGO_BIN_EXE_keyhatch");
    let mut replica = Replica::start(bin, &plane, "one", &plane.kubeconfig(), &flags);
    crate::command::install_crds(&plane);
    replica.wait_state(503, "[-] ca-bundle failed: the webhook configuration does not show our CA yet");
    let url = format!("https://{}", replica.backend.address);
    let config = crate::command::keyhatch(&["webhook-config", "--url", &url]).stdout;
    plane.kubectl_in(&config, &["apply", "-f", "-"]).success().unwrap();
    replica.wait_ready();
    wait_reviewed(&plane, &replica);

    let stripped = r#"[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]"#;
    let strip = ["patch", "validatingwebhookconfiguration", "keyhatch", "--type=json", "-p", stripped];
    plane.kubectl(&strip).success().unwrap();
    replica.wait_state(
        200,
        "[!] ca-bundle: the webhook configuration does not show our CA any more; the leader repairs it",
    );
    replica.wait_state(200, "[+] ca-bundle ok");
    wait_reviewed(&plane, &replica);

    let foreign = certificates(&plane.root().join("foreign"), &CertificateOptions::default());
    let foreign = std::fs::read(foreign.ca_file).unwrap();
    let foreign = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, foreign);
    for (patch, told) in [
        (EMPTIED.to_owned(), "is empty or gone; what was served before stays"),
        (
            format!(r#"{{"data": {{"ca.crt": "{foreign}"}}}}"#),
            "the certificate in tls.crt was not signed by the CA beside it",
        ),
        (r#"{"data": {"tls.crt": "eA=="}}"#.to_owned(), "is spoilt: key tls.crt holds no usable PEM"),
        (r#"{"data": {"state": "eA=="}}"#.to_owned(), "is spoilt: state \\\"x\\\" is not known"),
    ] {
        let seen = replica.process.log().len();
        patch_secret(&plane, &patch).success().unwrap();
        wait_until(LIMIT, told, || match replica.process.log().get(seen..) {
            Some(log) if log.contains(told) && log.contains("Create") => Ok(()),
            log => Err(log.unwrap_or_default().to_owned()),
        });
        replica.wait_state(200, "[+] tls-secret ok");
        replica.wait_state(200, "[+] ca-bundle ok");
        wait_reviewed(&plane, &replica);
    }
    delete_both(&plane, &replica, &config);
    assert!(replica.process.ended().is_none());
    assert!(!replica.process.log().contains("panicked"), "{}", replica.process.log());
}

fn delete_both(plane: &ControlPlane, replica: &Replica, config: &str) {
    plane.kubectl(&["delete", "secret", "keyhatch-tls", "-n", "keyhatch"]).success().unwrap();
    wait_until(LIMIT, "the secret to be made again", || {
        plane.kubectl(&["get", "secret", "keyhatch-tls", "-n", "keyhatch"]).success()
    });
    wait_reviewed(plane, replica);

    plane.kubectl(&["delete", "validatingwebhookconfiguration", "keyhatch"]).success().unwrap();
    replica.wait_state(200, "[!] ca-bundle");
    plane.kubectl_in(config, &["apply", "-f", "-"]).success().unwrap();
    wait_reviewed(plane, replica);
}
