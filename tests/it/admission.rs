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

/// Those that are about one object alone: nothing is stored here that another could be judged by.
fn single_manifests(folder: &str) -> Vec<PathBuf> {
    let mut files = manifests(folder);
    files.retain(|file| kinds(file) == 1);
    files
}

fn kinds(file: &Path) -> usize {
    let input = keyhatch::check::read(&[file.to_owned()], None);
    input.manifests.len() + input.skipped
}

/// How many objects these files hold.
fn objects(folder: &str) -> usize {
    single_manifests(folder).iter().map(|file| kinds(file)).sum()
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

/// Applies the manifests of a folder in four calls at once; answers what they printed to stdout and stderr.
fn try_out_all(folder: &str) -> (String, String) {
    create_namespaces();
    let files = single_manifests(folder);
    let outputs: Vec<Output> = std::thread::scope(|scope| {
        let try_out = |files: Vec<&str>| {
            let named = files.iter().flat_map(|file| ["-f", *file]);
            let args: Vec<&str> = ["apply", "--dry-run=server"].into_iter().chain(named).collect();
            cluster().plane.kubectl(&args)
        };
        let chunks = files.chunks(files.len().div_ceil(4));
        let threads: Vec<_> = chunks
            .map(|chunk| chunk.iter().map(|file| file.to_str().unwrap()).collect())
            .map(|files| scope.spawn(move || try_out(files)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    outputs.into_iter().map(|output| (output.stdout, output.stderr)).unzip()
}

/// The namespaces that the manifests speak of.
fn create_namespaces() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for name in ["kube-tokens", "orders", "payments", "team-b", "web"] {
            cluster().plane.create_namespace(name);
        }
    });
}

#[test]
fn what_cannot_work_is_refused() {
    let folder = "tests/data/manifests/refused";
    let (stdout, stderr) = try_out_all(folder);
    assert_eq!(stdout, "", "these were admitted");
    let is_refusal = |line: &&str| {
        line.contains(" is invalid:")
            || line.contains("no matches for kind")
            || line.contains("strict decoding error")
    };
    let is_error =
        |line: &&str| ["The ", "Error ", "error: ", "resource mapping "].iter().any(|s| line.starts_with(s));
    let errors: Vec<_> = stderr.lines().filter(is_error).collect();
    assert_eq!(errors.iter().filter(|line| !is_refusal(line)).collect::<Vec<_>>(), Vec::<&&str>::new());
    assert_eq!(errors.len(), objects(folder), "{stderr}");
}

#[test]
fn what_is_doubtful_is_admitted_with_a_warning() {
    create_namespaces();
    for file in single_manifests("tests/data/manifests/warned") {
        let output = cluster().plane.kubectl(&["apply", "--dry-run=server", "-f", file.to_str().unwrap()]);
        assert!(output.is_success(), "{}: {}", file.display(), output.stderr);
        assert!(output.stderr.contains("Warning: "), "{}: no warning", file.display());
    }
}

#[test]
fn what_is_valid_is_admitted_without_a_word() {
    let folder = "tests/data/manifests/valid";
    let (stdout, stderr) = try_out_all(folder);
    assert_eq!(stderr, "");
    assert_eq!(stdout.lines().count(), objects(folder));
}
