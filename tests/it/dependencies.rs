//! What must never be linked. `deny.toml` says the same to cargo-deny; this needs no tool.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crate to versions, as linked on any target. Cargo.lock is no witness: it names optional crates, too.
fn linked() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--target",
            "all",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut crates: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut words = line.split_whitespace();
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            crates.entry(name.into()).or_default().insert(version.trim_start_matches('v').into());
        }
    }
    crates
}

#[test]
fn there_is_one_tls_and_one_http_stack() {
    let crates = linked();
    for single in ["rustls", "hyper", "h2", "http", "k8s-openapi", "kube-core", "tokio-rustls"] {
        assert_eq!(crates.get(single).map(BTreeSet::len), Some(1), "{single}: {:?}", crates.get(single));
    }
    for banned in ["ring", "openssl", "native-tls", "serde_yaml"] {
        assert_eq!(crates.get(banned), None, "{banned} came in; `cargo tree -i {banned}` says through what");
    }
    assert!(crates["h2"].iter().all(|version| !version.starts_with("0.3.")), "h2 0.3 has RUSTSEC-2026-0258");
}
