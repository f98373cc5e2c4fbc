//! Upgrades that rename an entry of the webhook configuration, and back, while pods roll over and reviews flow.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{SOON, Site};
use crate::support::kubectl::wait_until;
use crate::support::reviews::{Reviews, Seen};

const OLD: &str = "validate.keyhatch.dev";
const NEW: &str = "external-secrets.validate.keyhatch.dev";

/// From the moment in which an entry appears until it shows our CA the API server refuses what it would ask about.
const HEALED: Duration = Duration::from_secs(5);

/// Makes a copy of the manifests the next release: another image, and these entries.
fn release(folder: &Path, tag: &str, entries: impl FnOnce(Value) -> Vec<Value>) {
    let kustomization = folder.join("base/kustomization.yaml");
    let text = fs::read_to_string(&kustomization).unwrap();
    let changed = text.replace(concat!("newTag: ", env!("CARGO_PKG_VERSION")), &format!("newTag: {tag}"));
    assert_ne!(text, changed);
    fs::write(&kustomization, changed).unwrap();
    let file = folder.join("base/webhook.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let (first, others) = text.split_once("\n---\n").unwrap();
    let mut configuration: Value = serde_json::from_str(first).unwrap();
    let webhooks = configuration["webhooks"].as_array_mut().unwrap();
    let changed = entries(webhooks.remove(0));
    webhooks.splice(0..0, changed);
    fs::write(&file, format!("{configuration}\n---\n{others}")).unwrap();
}

/// The next release, with its entry renamed at once.
pub(super) fn next_release(folder: &Path) {
    release(folder, "next", |entry| vec![renamed(entry)]);
}

fn renamed(mut entry: Value) -> Value {
    entry["name"] = NEW.into();
    entry
}

/// Waits until there are these entries, those of pods and of workloads, and no other, each with our CA.
#[track_caller]
fn wait_entries(site: &Site, names: &[&str]) {
    let always = ["pods.keyhatch.dev", "workloads.keyhatch.dev"];
    let mut wanted: Vec<_> = names.iter().chain(&always).map(|name| ((*name).to_owned(), true)).collect();
    wanted.sort();
    wait_until(SOON, &format!("entries {names:?} with our CA"), || {
        let mut entries = site.entries();
        entries.sort();
        if entries == wanted { Ok(()) } else { Err(format!("{entries:?}")) }
    });
}

fn upgrade(site: &Site, folder: &Path, how: &[&str], names: &[&str]) -> (Instant, Duration) {
    let started = Instant::now();
    site.apply(&folder.join("overlays/standalone"), how);
    wait_entries(site, names);
    let took = started.elapsed();
    site.wait_rolled_out();
    (started, took)
}

fn installed(how: &[&str]) -> (Site, std::path::PathBuf) {
    let site = Site::start(&["--drain-delay=4s", "--lease-duration=3s"]);
    site.apply(&Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/crds"), &["--server-side"]);
    let present = site.manifests("present");
    site.apply(&present.join("overlays/standalone"), how);
    site.wait_rolled_out();
    wait_entries(&site, &[OLD]);
    site.wait_judged(true);
    // What Keyhatch wrote since is no difference to whoever applies again.
    let folder = present.join("overlays/standalone");
    let args = [&["diff"], how, &["-k", folder.to_str().unwrap()]].concat();
    site.plane.kubectl(&args).success().unwrap();
    (site, present)
}

/// One step: nothing is open, nothing half is left, and what is refused is refused for a moment only.
fn rename_at_once(how: &[&str]) {
    let (site, present) = installed(how);
    let next = site.manifests("next");
    next_release(&next);
    let reviews = Reviews::start(&site.plane);
    reviews.wait_for_more(20);
    let steps = [upgrade(&site, &next, how, &[NEW]), upgrade(&site, &present, how, &[OLD])];
    reviews.wait_for_more(20);
    let seen = reviews.end();
    println!(
        "{how:?}: {} admitted, {} refused, lost {:?}, closed {}",
        seen.admitted,
        seen.refused,
        seen.lost.len(),
        seen.closed
    );
    assert_eq!(seen.open, Vec::<Instant>::new());
    for (at, error) in &seen.lost {
        let is_soon = steps.iter().any(|(started, took)| *at >= *started && *at <= *started + *took + HEALED);
        assert!(is_soon && error.contains("failed calling webhook"), "{error}");
    }
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

#[test]
fn an_entry_renamed_at_once_is_never_open_and_heals_under_client_side_apply() {
    rename_at_once(&[]);
}

#[test]
fn an_entry_renamed_at_once_is_never_open_and_heals_under_server_side_apply() {
    rename_at_once(&["--server-side"]);
}

/// Three steps, as releases do it: the new entry joins and fails open, the two exchange their policies, the old one goes.
fn rename_step_by_step(how: &[&str]) {
    let (site, present) = installed(how);
    let next = |name: &str, entries: fn(Value) -> Vec<Value>| {
        let folder = site.manifests(name);
        release(&folder, "next", entries);
        folder
    };
    let joined = next("joined", |entry| vec![entry.clone(), open(renamed(entry))]);
    let exchanged = next("exchanged", |entry| vec![open(entry.clone()), renamed(entry)]);
    let gone = next("gone", |entry| vec![renamed(entry)]);
    let (both, old, new) = ([OLD, NEW], [OLD], [NEW]);
    let reviews = Reviews::start(&site.plane);
    reviews.wait_for_more(20);
    for (folder, names) in [
        (&joined, &both[..]),
        (&exchanged, &both),
        (&gone, &new),
        // And back.
        (&exchanged, &both),
        (&joined, &both),
        (&present, &old),
    ] {
        upgrade(&site, folder, how, names);
        reviews.wait_for_more(5);
    }
    let Seen { admitted, refused, open, lost, closed } = reviews.end();
    println!("{how:?}: {admitted} admitted, {refused} refused");
    assert_eq!((open, lost, closed), (Vec::new(), Vec::new(), 0));
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

fn open(mut entry: Value) -> Value {
    entry["failurePolicy"] = "Ignore".into();
    entry
}

#[test]
fn an_entry_renamed_step_by_step_loses_no_review_under_client_side_apply() {
    rename_step_by_step(&[]);
}

#[test]
fn an_entry_renamed_step_by_step_loses_no_review_under_server_side_apply() {
    rename_step_by_step(&["--server-side"]);
}
