//! Ends at any moment, a namespace that goes while nobody looks, an object that cannot be read; and metrics.

use std::collections::BTreeSet;
use std::thread;

use super::*;
use crate::stores::looper;
use crate::support::control_plane::Options;
use crate::support::looper::Installation;

/// Changes of the spec, each with a process that is killed.
const ROUNDS: usize = 6;

/// A definition that lets everything in, as one of another release may.
const LENIENT: &str = r#"[{"op": "replace", "path": "/spec/versions/0/schema",
    "value": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]"#;

fn metrics(looper: &Looper) -> String {
    http::get(&format!("{}/metrics", looper.health)).unwrap().body
}

/// The object of a round; it says nothing of whose it is, and all are handed over.
fn version(crowd: &Crowd<'_>, round: usize) -> Json {
    let more = json!({"externalSecretMetadata": {"labels": {"round": round.to_string()}}});
    let mut object = crowd.external(&more);
    object["metadata"]["annotations"] = json!({});
    object
}

#[test]
fn killed_at_any_moment_it_ends_in_step_and_what_nobody_looked_at_goes_cleanly() {
    let site = Site::new();
    let crd = ["patch", "crd", "clusterexternalsecrets.external-secrets.io", "--type=json", "-p", LENIENT];
    site.plane.kubectl(&crd).success().unwrap();
    let installation = site.install(&["--lease-duration=1s", "--adopt=all", "--eso-metrics"]);
    let crowd = Crowd::of(Team::at(&site));
    let suffixes: Vec<String> = (0..12).map(|index| format!("n{index:02}")).collect();
    let suffixes: Vec<&str> = suffixes.iter().map(String::as_str).collect();
    crowd.namespaces(&suffixes);
    // One that cannot be read stops no other, and one is somebody else's.
    let mut damaged = crowd.external(&json!({"namespaces": "all"}));
    damaged["metadata"]["name"] = json!("damaged");
    let mut others = crowd.external(&json!({}));
    others["metadata"] = json!({"name": "others", "annotations": {"keyhatch.dev/controller": "other"}});
    site.apply(&[damaged, others, version(&crowd, 0)]);
    for round in 1..=ROUNDS {
        let looper = installation.start().unwrap();
        wait_begun(&site, round - 1);
        signal(&looper, "KILL");
        drop(looper);
        site.apply(&[version(&crowd, round)]);
    }
    // One namespace goes while nobody looks, marked as the operator would have.
    let gone = crowd.at("n00");
    let mark = |name: &str| format!("externalsecrets.external-secrets.io/ces-{name}");
    let marks = json!({"metadata": {"finalizers": [mark(crowd.name()), mark("long-gone")]}});
    crowd.patch(&["namespace", &gone], &marks);
    site.delete(&["namespace", &gone]);
    let last = installation.start().unwrap();
    crowd.wait_provisioned(CES, ES, &suffixes[1..]);
    for suffix in &suffixes[1..] {
        let made = crowd.get(ES, suffix).unwrap();
        assert_eq!(made["metadata"]["labels"], json!({"round": ROUNDS.to_string()}), "{suffix}");
    }
    wait_until(PATIENCE, "the namespace to go", || {
        site.get(&["namespace", &gone]).map_or(Ok(()), |namespace| Err(namespace.to_string()))
    });
    wait_until(PATIENCE, "the last word of it", || {
        let status = &site.get(&[CES, crowd.name()]).ok_or("gone")?["status"];
        let is_over = status["failedNamespaces"].as_array().is_none_or(Vec::is_empty);
        if is_over { Ok(()) } else { Err(status.to_string()) }
    });
    assert!(site.get(&[CES, "others"]).unwrap().get("status").is_none());
    let ready = &site.get(&[CES, "damaged"]).unwrap()["status"]["conditions"][0];
    let message = ready["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("it cannot be read, so nothing is made of it: spec.namespaces: "), "{ready}");
    drop(last);
    check_metrics(&crowd, &start_again(&crowd, &installation));
}

#[test]
fn a_leader_that_was_stopped_past_its_lease_has_no_second_effect() {
    let site = Site::with(&Options { audit_bodies: true, ..Options::default() });
    let installation = site.install(&["--lease-duration=2s", "--adopt=all"]);
    let first = installation.start().unwrap();
    let crowd = Crowd::of(Team::at(&site));
    crowd.namespaces(&["a", "b"]);
    site.apply(&[version(&crowd, 0)]);
    crowd.wait_provisioned(CES, ES, &["a", "b"]);
    signal(&first, "STOP");
    site.apply(&[version(&crowd, 1)]);
    crowd.patch(&["namespace", &crowd.at("b")], &json!({"metadata": {"labels": {"crowd": "other"}}}));
    let _second = installation.start().unwrap();
    crowd.wait_provisioned(CES, ES, &["a"]);
    let versions = || {
        let objects = [site.get(&[CES, crowd.name()]), crowd.get(ES, "a"), crowd.get(ES, "b")];
        objects.map(|object| object.map(|object| object["metadata"]["resourceVersion"].clone()))
    };
    let before = wait_until(PATIENCE, "the second to have changed it", || {
        let made = crowd.get(ES, "a").ok_or("gone")?;
        if made["metadata"]["labels"]["round"] == "1" { Ok(versions()) } else { Err(made.to_string()) }
    });
    signal(&first, "CONT");
    wait_until(PATIENCE, "the first to notice", || {
        let log = first.log();
        if log.contains("another replica leads") { Ok(()) } else { Err(log) }
    });
    assert_eq!(versions(), before);
    check_rights(&site, &installation.namespace);
}

/// What is granted is used, and what is not granted is not asked for.
#[track_caller]
fn check_rights(site: &Site, namespace: &str) {
    let user = format!("system:serviceaccount:{namespace}:keyhatch");
    let events = site.plane.audited().into_iter().filter(|event| event["user"]["username"] == user);
    let (mut used, mut forbidden) = (BTreeSet::new(), Vec::new());
    for event in events {
        let reference = &event["objectRef"];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let subresource =
            reference["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
        let request = format!("{} {}{subresource}", text(&event["verb"]), text(&reference["resource"]));
        if event["responseStatus"]["code"] == 403 {
            forbidden.push(request.clone());
        }
        used.insert(request);
    }
    assert_eq!(forbidden, Vec::<String>::new());
    for request in [
        "list clusterexternalsecrets",
        "watch clusterexternalsecrets",
        "patch clusterexternalsecrets/status",
        "list clusterpushsecrets",
        "list externalsecrets",
        "watch externalsecrets",
        "get externalsecrets",
        "patch externalsecrets",
        "delete externalsecrets",
        "list namespaces",
        "patch clustersecretstores/status",
    ] {
        assert!(used.contains(request), "{request} is not in {used:?}");
    }
}

/// Another that begins with nothing known: it finds all as it should be, and writes nothing.
#[track_caller]
fn start_again(crowd: &Crowd<'_>, installation: &Installation<'_>) -> Looper {
    let objects = || {
        let lists = [[CES].as_slice(), &[ES, "-A"]].map(|what| crowd.site().get(what).unwrap());
        lists.iter().flat_map(|list| list["items"].as_array().unwrap().clone()).collect::<Vec<_>>()
    };
    // What the last one began may still be on its way.
    let before = wait_until(PATIENCE, "nobody to write any more", || {
        let seen = objects();
        thread::sleep(Duration::from_secs(1));
        if objects() == seen { Ok(seen) } else { Err("somebody does".to_owned()) }
    });
    let looper = installation.start().unwrap();
    let line = format!(r#"clusterexternalsecret_reconcile_duration{{name="{}""#, crowd.name());
    wait_until(PATIENCE, "a look", || {
        let text = metrics(&looper);
        if text.contains(&line) { Ok(()) } else { Err(text) }
    });
    for (before, after) in before.iter().zip(objects()) {
        assert_eq!(*before, after);
    }
    looper
}

/// Waits until something was made of a round; at the end it may all be there before we look.
#[track_caller]
fn wait_begun(site: &Site, round: usize) {
    let started = Instant::now();
    wait_until(PATIENCE, "work to begin", || {
        let list = site.get(&[ES, "-A", "-l", &format!("round={round}")]).ok_or("no list")?;
        let is_begun = list["items"].as_array().is_some_and(|items| !items.is_empty());
        if is_begun || started.elapsed() > Duration::from_secs(15) { Ok(()) } else { Err(String::new()) }
    });
}

/// Objects are told by the operator's names while they are there; and only by whoever was asked to.
#[track_caller]
fn check_metrics(crowd: &Crowd<'_>, last: &Looper) {
    let name = crowd.name();
    let ready = format!(r#"{{name="{name}",namespace="",condition="Ready",status="True"}} 1"#);
    let lines = [
        format!("clusterexternalsecret_status_condition{ready}"),
        format!("clustersecretstore_status_condition{ready}"),
        format!(r#"clusterexternalsecret_reconcile_duration{{name="{name}",namespace=""}}"#),
    ];
    wait_until(PATIENCE, "metrics", || {
        let text = metrics(last);
        if lines.iter().all(|line| text.contains(line.as_str())) { Ok(()) } else { Err(text) }
    });
    assert!(metrics(last).ends_with("# EOF\n") && metrics(last).matches("# EOF").count() == 1);
    crowd.site().delete(&[CES, name]);
    wait_until(PATIENCE, "no metrics of what is gone", || {
        let text = metrics(last);
        if text.contains("clusterexternalsecret_status_condition{") { Err(text) } else { Ok(()) }
    });
    assert!(!metrics(looper()).contains("secretstore_status_condition"));
}
