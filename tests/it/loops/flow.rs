//! The flow in the server: an election for loops, wherever certificates come from, and loops for the leader.

use std::path::Path;

use super::*;
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::replica::Replica;
use crate::support::webhook::Webhook;

const BIN: &str = env!("CARGO_BIN_EXE_keyhatch");
const FLAGS: [&str; 3] = ["--flows=admission,loops", "--lease-duration=3s", "--drain-delay=0s"];

fn holder(plane: &ControlPlane) -> Result<String, String> {
    let holder =
        ["get", "lease", "keyhatch-loops", "-n", "keyhatch", "-o", "jsonpath={.spec.holderIdentity}"];
    plane.kubectl(&holder).success()
}

/// Whether loops run there.
fn has_begun(health: &str) -> Result<(), String> {
    let state = http::get(&format!("{health}/readyz?verbose"))?.body;
    if state.contains(" loop-pushsecrets") && state.contains("[+] loops-lease ok") {
        Ok(())
    } else {
        Err(state)
    }
}

#[test]
fn beside_certificates_of_another_there_is_a_leader_too() {
    let plane = cluster();
    plane.create_namespace("keyhatch");
    let first =
        Webhook::serve_with(Path::new(BIN), &plane, &[&FLAGS[..], &["--identity=first"]].concat()).unwrap();
    wait_until(PATIENCE, "loops to begin", || has_begun(&first.health));
    assert!(holder(&plane).unwrap().starts_with("first_"));
    let second =
        Webhook::serve_with(Path::new(BIN), &plane, &[&FLAGS[..], &["--identity=second"]].concat()).unwrap();
    wait_until(PATIENCE, "the second to stand for election", || {
        let state = http::get(&format!("{}/readyz?verbose", second.health))?.body;
        if state.contains("[+] loops-lease ok") { Ok(()) } else { Err(state) }
    });
    assert!(has_begun(&second.health).is_err(), "only the leader's loops run");
    drop(first);
    wait_until(PATIENCE, "the second to lead", || has_begun(&second.health));
    assert!(holder(&plane).unwrap().starts_with("second_"));
}

#[test]
fn with_certificates_of_our_own_there_is_an_election_for_each_and_the_lease_is_given_back() {
    let plane = cluster();
    plane.create_namespace("keyhatch");
    let mut replica = Replica::start(BIN, &plane, "own", &plane.kubeconfig(), &FLAGS);
    wait_until(PATIENCE, "loops to begin", || has_begun(&replica.backend.health));
    let leases = plane.kubectl(&["get", "leases", "-n", "keyhatch", "-o", "name"]).success().unwrap();
    assert_eq!(
        leases.trim(),
        "lease.coordination.k8s.io/keyhatch\nlease.coordination.k8s.io/keyhatch-loops",
        "whoever keeps certificates need not run loops"
    );
    assert!(plane.kubectl(&["get", "secret", "keyhatch-tls", "-n", "keyhatch"]).is_success());
    replica.signal("TERM");
    replica.wait_ended(PATIENCE);
    assert_eq!(holder(&plane).unwrap(), "");
}

#[test]
fn without_a_cluster_there_is_nothing_to_keep() {
    let authority = crate::support::certificates::Authority::new();
    let guardian = crate::support::process::Guardian::new().unwrap();
    let files =
        authority.issue(guardian.root(), &crate::support::certificates::CertificateOptions::default());
    let mut command = std::process::Command::new(BIN);
    command.env_clear().args(["serve", "--flows=loops", "--health-listen=127.0.0.1:0", "--tls-cert-file"]);
    let output = command.arg(files.cert_file).arg("--tls-key-file").arg(files.key_file).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("the flow loops needs a cluster"), "{told}");
}
