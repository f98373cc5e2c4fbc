//! What `manifests/` deploys, run by a kubelet: it restarts and drops nothing, and pods get their secrets from it.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::cluster::{pod, store};
use crate::site::Site;
use crate::support::aws::account::allow_all;
use crate::support::http;
use crate::support::kubectl::{poll, wait_until};
use crate::support::reviews::Reviews;

/// Reviews without the API server, each on a connection of its own, until told to stop; answers how many.
fn connect_and_ask(site: &Site, is_over: &AtomicBool, answered: &AtomicUsize) {
    let ca_file = site.plane.root().join("webhook-ca.crt");
    let ca = site.kubectl(&["get", "secret", "keyhatch-tls", "-o", r"jsonpath={.data.ca\.crt}"]).unwrap();
    fs::write(&ca_file, STANDARD.decode(ca).unwrap()).unwrap();
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": {"name": "aws", "namespace": "team-a"},
        "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1"}}},
    });
    let review = json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "external-secrets.io", "version": "v1", "kind": "SecretStore"},
            "operation": "CREATE", "name": "aws", "namespace": "team-a", "object": store,
        },
    });
    let url = format!("{}/validate/external-secrets", site.webhook());
    while !is_over.load(Ordering::Relaxed) {
        let answer = http::post_json(&url, &ca_file, &review.to_string()).and_then(http::Response::ok);
        let answer = answer.unwrap_or_else(|error| {
            panic!("after {} reviews: {error}\n{}", answered.load(Ordering::Relaxed), site.dump())
        });
        assert!(answer.contains(r#""allowed":true"#), "{answer}");
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends the stream, also when the test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Two pods that ask for a secret: both start, whichever replica they meet.
fn start_pods(site: &Site, namespace: &str, round: &str) {
    for name in ["one", "two"] {
        let script = "/busybox cat /secrets/db";
        let object = pod(&format!("{name}-{round}"), "keyhatch.dev/secret-db: prod/db", script);
        site.plane.kubectl_in(&object, &["-n", namespace, "apply", "-f", "-"]).success().unwrap();
    }
}

fn wait_for_pods(site: &Site, namespace: &str, count: usize) {
    poll(Duration::from_secs(120), "pods with their secret", || {
        let args = ["-n", namespace, "logs", "-l", "app", "-c", "app", "--max-log-requests=9"];
        let said = site.plane.kubectl(&args).success()?;
        if said == "marker-e2e-site".repeat(count) { Ok(()) } else { Err(said) }
    })
    .unwrap_or_else(|error| panic!("{error}\n{}", site.dump()));
}

#[test]
fn both_replicas_of_the_deployment_are_restarted_and_no_review_is_dropped() {
    let site = Site::start();
    let account = site.aws.account("111122223333");
    account.secret("prod/db", "marker-e2e-site");
    let namespace = site.plane.namespace("team");
    let store = store(&account.user("team", &[allow_all()]), &namespace);
    site.plane.kubectl_in(&store, &["apply", "-f", "-"]).success().unwrap();

    let before = site.pods();
    let reviews = Reviews::start(&site.plane);
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let after = std::thread::scope(|scope| {
        let direct = scope.spawn(|| connect_and_ask(&site, &is_over, &answered));
        let end = End(&is_over);
        reviews.wait_for_more(20);
        start_pods(&site, &namespace, "before");
        site.kubectl(&["rollout", "restart", "deployment/keyhatch"]).unwrap();
        wait_until(Duration::from_secs(60), "a third pod", || {
            let pods = site.pods();
            if pods.len() > 2 { Ok(()) } else { Err(format!("{pods:?}")) }
        });
        start_pods(&site, &namespace, "during");
        site.wait_rolled_out();
        start_pods(&site, &namespace, "after");
        reviews.wait_for_more(20);
        drop(end);
        direct.join().unwrap();
        site.pods()
    });
    wait_for_pods(&site, &namespace, 6);
    let seen = reviews.end();
    println!(
        "{:?}: {} admitted, {} refused, {} on connections of their own",
        started.elapsed(),
        seen.admitted,
        seen.refused,
        answered.load(Ordering::Relaxed)
    );
    assert!(!after.iter().any(|pod| before.contains(pod)), "{before:?} {after:?}");
    assert_eq!((seen.open.len(), &seen.lost, seen.closed), (0, &Vec::new(), 0));
    assert!(answered.load(Ordering::Relaxed) > 100);
    let restarts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}";
    assert_eq!(site.kubectl(&["get", "pods", "-o", restarts]).unwrap(), "0 0");
}
