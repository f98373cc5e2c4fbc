//! An API server that answers 429 or 500, resets connections, or says nothing, for longer than a Lease lasts.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bad_input::server::good;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::proxy::{Mode, Proxy};
use crate::support::replica::Replica;

/// What a minute is beside the defaults, beside a Lease of three seconds.
const MINUTE: Duration = Duration::from_secs(6);
const FLAGS: [&str; 2] = ["--lease-duration=3s", "--leaf-lifetime=120s"];

fn start(plane: &ControlPlane, proxy: &Proxy, name: &str) -> Replica {
    let kubeconfig = plane.kubeconfig_of("keyhatch", &proxy.url).unwrap();
    Replica::start(env!("CARGO_BIN_EXE_keyhatch"), plane, name, &kubeconfig, &FLAGS)
}

fn plane() -> ControlPlane {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    plane.create_namespace("keyhatch");
    plane.kubectl(&["create", "serviceaccount", "keyhatch", "-n", "keyhatch"]).success().unwrap();
    let account = "--serviceaccount=keyhatch:keyhatch";
    let bind = ["create", "clusterrolebinding", "keyhatch", "--clusterrole=cluster-admin", account];
    plane.kubectl(&bind).success().unwrap();
    crate::command::install_crds(&plane);
    let config = crate::command::keyhatch(&["webhook-config", "--url", "https://127.0.0.1:1"]).stdout;
    plane.kubectl_in(&config, &["apply", "-f", "-"]).success().unwrap();
    plane
}

/// The CA that the webhook configuration shows, as a file.
fn bundle(plane: &ControlPlane) -> PathBuf {
    let file = plane.root().join("serving-ca.crt");
    let jsonpath = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    let shown = plane.kubectl(&["get", "validatingwebhookconfiguration", "keyhatch", "-o", jsonpath]);
    std::fs::write(&file, STANDARD.decode(shown.success().unwrap().trim()).unwrap()).unwrap();
    file
}

#[test]
fn reviews_are_answered_meanwhile_and_everything_recovers() {
    let plane = plane();
    // It also starts in the middle of an outage.
    let proxy = Proxy::start(plane.url(), &plane.ca_file());
    proxy.set(Mode::Answer(500));
    let mut replica = start(&plane, &proxy, "one");
    replica.wait_state(503, "[!] lease: lease keyhatch: the API server answers 500: as the test wants");
    replica.wait_state(503, "[-] facts-secretstores failed: cannot be watched: the API server answers 500");
    replica.wait_state(503, "[-] certificate failed: no certificate is served yet");
    proxy.set(Mode::Pass);
    replica.wait_ready();

    let ca_file = bundle(&plane);
    let url = format!("https://{}/validate/external-secrets", replica.backend.address);
    for (mode, told) in [
        // Asked to come back later, the client does, for as long as it is let.
        (Mode::Answer(429), "did not answer in time"),
        (Mode::Answer(500), "the API server answers 500"),
        (Mode::Hang, "did not answer in time"),
        (Mode::Reset, "client error"),
    ] {
        let began = Instant::now();
        proxy.set(mode);
        replica.wait_state(200, "[!] lease: lease keyhatch: ");
        let mut answered = 0;
        while began.elapsed() < MINUTE {
            let answer = http::post_json(&url, &ca_file, &good().to_string()).unwrap().ok().unwrap();
            assert!(answer.contains("\"allowed\":true"), "{answer}");
            answered += 1;
        }
        let state = replica.state().unwrap();
        assert!(state.status == 200 && state.body.contains(told), "{mode:?}: {}", state.body);
        proxy.set(Mode::Pass);
        for part in
            ["lease", "certificates", "tls-secret-watch", "webhook-configuration", "facts-secretstores"]
        {
            replica.wait_state(200, &format!("[+] {part} ok"));
        }
        println!("{mode:?}: {answered} reviews meanwhile, well again {:?} after it began", began.elapsed());
    }
    assert!(replica.process.ended().is_none());
    let log = replica.process.log();
    assert!(!log.contains("panicked"), "{log}");
    // Each change is told once, not each attempt: a busy machine sees some parts change to and fro.
    assert!(log.matches("\"WARN\"").count() < 160, "{} warnings:\n{log}", log.matches("\"WARN\"").count());
}
