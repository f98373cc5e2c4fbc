//! What is mutated: every manifest of the repository, and each rule's example in a valid object.

use std::path::{Path, PathBuf};

use keyhatch::api::Kind;
use keyhatch::check;
use keyhatch::facts::{Complete, Facts};
use keyhatch::validate::rules;
use serde_json::Value;

use super::mutate::{self, Pool};
use super::pods::Pods;

/// An object of one of our kinds.
pub(crate) struct Seed {
    pub(crate) kind: Kind,
    pub(crate) object: Value,
}

/// All seeds, and what is made of them once.
pub(crate) struct Seeds {
    pub(crate) objects: Vec<Seed>,
    pub(crate) pool: Pool,
    /// YAML files as they are.
    pub(crate) texts: Vec<String>,
    /// Every store among the objects.
    pub(crate) facts: Facts,
    /// What pods are made of.
    pub(crate) pods: Pods,
}

impl Seeds {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders: Vec<PathBuf> =
            ["tests/data/base", "tests/data/manifests", "tests/data/check", "examples"]
                .map(|folder| root.join(folder))
                .into_iter()
                .filter(|folder| folder.exists())
                .collect();
        let input = check::read(&folders, None);
        let mut facts = Facts::default();
        facts.secret_stores.complete = Complete::Everywhere;
        facts.cluster_secret_stores.complete = Complete::Everywhere;
        for object in &input.manifests {
            keyhatch::observe::add(&mut facts, object.value());
        }
        let seed = |manifest: &check::Manifest| {
            let object = serde_json::from_str(&manifest.json).ok()?;
            Some(Seed { kind: manifest.kind?, object })
        };
        let mut objects: Vec<Seed> = input.manifests.iter().filter_map(seed).collect();
        objects.extend(examples(root));
        let mut pool = Pool::new();
        objects.iter().for_each(|seed| mutate::members(&seed.object, &mut pool));
        let mut texts = Vec::new();
        folders.iter().for_each(|folder| add_texts(folder, &mut texts));
        Self { objects, pool, texts, facts, pods: Pods::read() }
    }
}

/// Each rule's example, merged into a valid object of its kind.
fn examples(root: &Path) -> Vec<Seed> {
    let base = root.join("tests/data/base");
    let example = |rule: &&'static keyhatch::rule::Rule| {
        let kind = rule.kind?;
        let bases = check::read(&[base.join(format!("{kind}.yaml"))], None);
        let mut object: Value = serde_json::from_str(&bases.manifests.first()?.json).ok()?;
        let patch: Value = serde_saphyr::from_str(rule.example).ok()?;
        json_patch::merge(object.get_mut("spec")?, &patch);
        Some(Seed { kind, object })
    };
    rules().iter().filter(|rule| !rule.example.is_empty()).filter_map(example).collect()
}

pub(crate) fn add_texts(folder: &Path, texts: &mut Vec<String>) {
    let Ok(entries) = folder.read_dir() else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_texts(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            texts.extend(std::fs::read_to_string(&path));
        }
    }
}
