//! A module uses its own rank or a lower one: words, then decisions, then edges.

use std::fs;
use std::path::{Path, PathBuf};

const WORDS: &[&str] = &[
    "api",
    "aws",
    "bounded",
    "facts",
    "field",
    "finding",
    "go",
    "object_hash",
    "policy",
    "quantity",
    "reference",
    "rule",
    "secret_value",
    "suggest",
    "yaml",
];
const DECISIONS: &[&str] =
    &["admission", "external_secret", "extract", "grant", "inject", "object", "observe", "push", "validate"];
/// What does I/O, knows the time, or reads the environment.
const EDGES: &[&str] =
    &["axum", "tokio", "kube::Client", "kube::Api", "std::env", "std::fs", "SystemTime", "Instant"];

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// The rank of a top-level module.
fn rank(module: &str) -> usize {
    if WORDS.contains(&module) {
        0
    } else if DECISIONS.contains(&module) {
        1
    } else {
        2
    }
}

#[test]
fn modules_use_their_own_rank_or_a_lower_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    for file in files {
        let relative = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let module = relative.split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "main") || rank(module) == 2 || relative.ends_with("/tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in
            code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            let place = format!("{relative}:{}: {line}", number + 1);
            for edge in EDGES {
                assert!(!line.contains(edge), "{place} reaches for {edge}");
            }
            for (at, _) in line.match_indices("crate::") {
                let used: String =
                    line[at + 7..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                assert!(used.is_empty() || rank(&used) <= rank(module), "{place} reaches up to {used}");
            }
        }
    }
}
