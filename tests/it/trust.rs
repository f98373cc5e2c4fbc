//! Keyhatch's own certificates: two replicas, a rotation of leaf and CA, a restart, and a stream of reviews.
//!
//! `KEYHATCH_SOAK=1` runs it at the length of an operator's patience: leaves of a minute, a CA of three, ten minutes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::bad_input::client::{self, post};
use crate::bad_input::server::{JSON, PATH, good};
use crate::support::balancer::Balancer;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::replica::Replica;

const GOOD: &str = "
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws, namespace: default}
spec: {provider: {aws: {service: SecretsManager, region: eu-central-1}}}
";

struct Pace {
    leaf: u64,
    ca: u64,
    settle: u64,
    whole: Duration,
}

fn pace() -> Pace {
    match std::env::var_os("KEYHATCH_SOAK") {
        Some(_) => Pace { leaf: 60, ca: 180, settle: 20, whole: Duration::from_secs(600) },
        None => Pace { leaf: 6, ca: 18, settle: 2, whole: Duration::from_secs(30) },
    }
}

fn replica(plane: &ControlPlane, name: &str, pace: &Pace) -> Replica {
    let lifetimes =
        [("--leaf-lifetime", pace.leaf), ("--ca-lifetime", pace.ca), ("--ca-settle", pace.settle)]
            .map(|(flag, seconds)| format!("{flag}={seconds}s"));
    let mut flags = vec!["--drain-delay=4s", "--log-level=debug", "--lease-duration=3s"];
    flags.extend(lifetimes.iter().map(String::as_str));
    Replica::start(env!("CARGO_BIN_EXE_keyhatch"), plane, name, &plane.kubeconfig(), &flags)
}

/// What the Secret says: its state, and whether the bundle has two CAs.
fn secret(plane: &ControlPlane, key: &str) -> String {
    let path = format!("jsonpath={{.data.{}}}", key.replace('.', "\\."));
    let encoded =
        plane.kubectl(&["get", "secret", "keyhatch-tls", "-n", "keyhatch", "-o", &path]).success().unwrap();
    String::from_utf8(STANDARD.decode(encoded.trim()).unwrap()).unwrap()
}

#[test]
#[allow(clippy::too_many_lines, reason = "one story, told in the order in which it happens")]
fn rotations_and_restarts_lose_no_review() {
    let pace = pace();
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    let balancer = Balancer::start();
    plane.create_namespace("keyhatch");
    crate::command::install_crds(&plane);
    let url = format!("https://{}", balancer.address);
    let config = crate::command::keyhatch(&["webhook-config", "--url", &url]).stdout;
    plane.kubectl_in(&config, &["apply", "-f", "-"]).success().unwrap();

    let mut replicas = vec![replica(&plane, "one", &pace), replica(&plane, "two", &pace)];
    replicas.iter().for_each(Replica::wait_ready);
    balancer.set(replicas.iter().map(|replica| replica.backend.clone()).collect());
    wait_until(Duration::from_secs(90), "reviews to be answered", || {
        plane.kubectl_in(GOOD, &["apply", "--dry-run=server", "-f", "-"]).success()
    });

    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let began: BTreeMap<u32, usize> = replicas.iter().map(log_length).collect();
    let old_ca = secret(&plane, "ca.crt");
    let mut states = BTreeSet::new();
    let mut logs = String::new();
    let mut dropped_at = None;
    let bundle = plane.root().join("shown.crt");
    std::thread::scope(|scope| {
        let stream = || {
            while !is_over.load(Ordering::Relaxed) {
                let output = plane.kubectl_in(GOOD, &["apply", "--dry-run=server", "-f", "-"]);
                assert!(
                    output.is_success(),
                    "after {} reviews: {}",
                    answered.load(Ordering::Relaxed),
                    output.stderr
                );
                answered.fetch_add(1, Ordering::Relaxed);
            }
        };
        let streams = [
            scope.spawn(stream),
            scope.spawn(stream),
            scope.spawn(|| follow_bundle(&plane, &bundle, &is_over)),
            scope.spawn(|| shake_hands(&balancer, &bundle, &is_over)),
        ];
        let started = Instant::now();
        let mut is_restarted = false;
        while started.elapsed() < pace.whole && !streams.iter().any(|stream| stream.is_finished()) {
            states.insert(secret(&plane, "state").split(' ').next().unwrap().to_owned());
            if dropped_at.is_none() && !secret(&plane, "ca.crt").contains(&old_ca) {
                dropped_at = Some(replicas.iter().map(log_length).collect::<BTreeMap<_, _>>());
            }
            if !is_restarted && started.elapsed() > pace.whole / 3 {
                is_restarted = true;
                logs.push_str(&restart(&plane, &mut replicas, &balancer, &pace));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });

    assert_eq!(states.into_iter().collect::<Vec<_>>(), ["OneCA", "Switched", "TwoCAs"]);
    assert!(answered.load(Ordering::Relaxed) > 50, "{} reviews", answered.load(Ordering::Relaxed));
    // Each handshake is a line with the serial number of the leaf that it met.
    let handshakes = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("a connection, with this leaf"));
        let serial = |line: &str| Some(line.split("\"serial\":\"").nth(1)?.split('"').next()?.to_owned());
        lines.filter_map(serial).collect()
    };
    let dropped_at = dropped_at.expect("the old CA left the bundle");
    let after = |replica: &Replica| {
        let seen = dropped_at.get(&replica.process.id()).copied().unwrap_or_default();
        handshakes(&replica.process.log()[seen..]).len()
    };
    let after: usize = replicas.iter().map(after).sum();
    assert!(after > 0, "no handshake after the old CA had left the bundle");
    logs.extend(replicas.iter().map(|replica| replica.process.log()));
    let mut by_serial = BTreeMap::<String, usize>::new();
    for serial in handshakes(&logs) {
        *by_serial.entry(serial).or_default() += 1;
    }
    println!(
        "{} reviews, {after} handshakes after the old CA was gone; by serial: {by_serial:#?}",
        answered.load(Ordering::Relaxed)
    );
    // The leaf that was served when the stream began, and the one at its end, were met by chance or not at all.
    let leaf = |line: &str| {
        let line = Some(line).filter(|line| line.contains("serving the certificate of the secret"))?;
        Some(line.split("\"serial\":\"").nth(1)?.split('"').next()?.to_owned())
    };
    let mut served: Vec<String> = Vec::new();
    for replica in &replicas {
        let since = began.get(&replica.process.id()).copied().unwrap_or_default();
        let log = replica.process.log();
        let mut leaves: Vec<String> = log[since..].lines().filter_map(leaf).collect();
        leaves.pop();
        served.extend(leaves.into_iter().skip(usize::from(since == 0)));
    }
    assert!(served.len() >= 4, "only these leaves were served: {served:?}");
    let unmet: Vec<_> = served.iter().filter(|serial| !by_serial.contains_key(*serial)).collect();
    assert_eq!(unmet, Vec::<&String>::new(), "leaves that served no handshake");
}

/// How much a process has logged.
fn log_length(replica: &Replica) -> (u32, usize) {
    (replica.process.id(), replica.process.log().len())
}

/// Keeps a file as the webhook configuration shows the bundle.
fn follow_bundle(plane: &ControlPlane, file: &Path, is_over: &AtomicBool) {
    let jsonpath = "jsonpath={.webhooks[0].clientConfig.caBundle}";
    let next = file.with_extension("next");
    while !is_over.load(Ordering::Relaxed) {
        let shown = plane.kubectl(&["get", "validatingwebhookconfiguration", "keyhatch", "-o", jsonpath]);
        let shown = shown.success().unwrap();
        std::fs::write(&next, STANDARD.decode(shown.trim()).unwrap()).unwrap();
        std::fs::rename(&next, file).unwrap();
    }
}

/// Meets every leaf, also those that no connection of the API server meets, and trusts them for what the webhook
/// configuration shows and nothing else.
fn shake_hands(balancer: &Balancer, bundle: &Path, is_over: &AtomicBool) {
    let address = balancer.address.to_string();
    wait_until(Duration::from_secs(90), "a bundle", || {
        if bundle.exists() { Ok(()) } else { Err("none yet".into()) }
    });
    while !is_over.load(Ordering::Relaxed) {
        let mut connection = client::connect(&address, bundle, &["http/1.1"]).unwrap();
        connection.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed();
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Ends the first replica as a rollout would, a new one beside it; answers the log of the one that went.
fn restart(plane: &ControlPlane, replicas: &mut Vec<Replica>, balancer: &Balancer, pace: &Pace) -> String {
    let new = replica(plane, "three", pace);
    new.wait_ready();
    replicas.push(new);
    balancer.set(replicas.iter().map(|replica| replica.backend.clone()).collect());
    let mut old = replicas.remove(0);
    old.signal("TERM");
    old.wait_ended(Duration::from_secs(30));
    balancer.set(replicas.iter().map(|replica| replica.backend.clone()).collect());
    old.process.log()
}
