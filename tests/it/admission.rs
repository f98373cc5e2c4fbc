//! What a person sees: kubectl's own words, with the API server between kubectl and Keyhatch.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::kubectl::Output;
use crate::support::webhook::{self, Cluster};

fn cluster() -> &'static Cluster {
    webhook::shared(env!("CARGO_BIN_EXE_keyhatch"))
}

/// Applies a file without storing anything.
fn try_out(path: &str) -> Output {
    cluster().plane.kubectl(&["apply", "--server-side", "--dry-run=server", "-f", path])
}

/// The manifests of a folder, by name.
fn manifests(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&root).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

/// How many objects a folder's files hold.
fn objects(folder: &str) -> usize {
    let count =
        |file: &PathBuf| fs::read_to_string(file).unwrap().lines().filter(|l| l.starts_with("kind:")).count();
    manifests(folder).iter().map(count).sum()
}

#[test]
fn kubectl_says_what_is_wrong_with_each_bad_example() {
    let _ = cluster();
    let files = manifests("examples/bad");
    std::thread::scope(|scope| {
        for file in &files {
            scope.spawn(move || {
                let name = file.file_stem().unwrap().to_str().unwrap();
                let output = try_out(file.to_str().unwrap());
                insta::assert_snapshot!(
                    format!("kubectl-{name}"),
                    format!("{}{}", output.stderr, output.stdout)
                );
            });
        }
    });
}

#[test]
fn good_examples_are_admitted_without_a_word() {
    let output = try_out("examples/good");
    assert!(output.is_success(), "{}", output.stderr);
    assert_eq!(output.stderr, "");
}

#[test]
fn what_cannot_work_is_refused() {
    let folder = "tests/data/manifests/refused";
    let output = try_out(folder);
    assert_eq!(output.stdout, "", "these were admitted");
    let is_refusal =
        |line: &&str| line.starts_with("Error from server") || line.contains("no matches for kind");
    assert_eq!(output.stderr.lines().filter(is_refusal).count(), objects(folder), "{}", output.stderr);
}

#[test]
fn what_is_doubtful_is_admitted_with_a_warning() {
    let folder = "tests/data/manifests/warned";
    for file in manifests(folder) {
        let output = try_out(file.to_str().unwrap());
        assert!(output.is_success(), "{}: {}", file.display(), output.stderr);
        assert!(output.stderr.contains("Warning: "), "{}: no warning", file.display());
    }
}

#[test]
fn what_is_valid_is_admitted_without_a_word() {
    let folder = "tests/data/manifests/valid";
    let output = try_out(folder);
    assert_eq!(output.stderr, "");
    assert_eq!(output.stdout.lines().count(), objects(folder));
}
