//! `keyhatch check`: manifests, or a live cluster, judged by the functions that admission uses.
//!
//! Everything is read first, so that objects are judged with what is known of the others (a PushSecret with
//! the region of its store, say); then each object by itself.

pub mod cluster;
mod files;
mod helm;
mod manifest;
mod metadata;
pub mod output;

use std::collections::HashSet;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use crate::admission::pods::judge_workload;
use crate::api::Kind;
use crate::facts::{Complete, Facts};
use crate::field::Field;
use crate::finding::{Finding, Report};
use crate::inject::Installation;
use crate::object::{Object, SCHEMA, VERSION_SERVED};
use crate::observe;
use crate::rule::{Level, Rule};
use crate::suggest;
use crate::validate::{Context, Settings, validate};

pub use files::{documents, read};
pub use manifest::Manifest;

/// Everything that was read: objects of ours, and what could not be.
#[derive(Debug, Default)]
pub struct Input {
    /// Objects of our group.
    pub manifests: Vec<Manifest>,
    /// What could not be read.
    pub unreadable: Vec<Problem>,
    /// Files that were read.
    pub files: usize,
    /// Folders that were searched.
    folders: HashSet<PathBuf>,
    /// Objects of other kinds.
    pub skipped: usize,
    /// Those of them that ours depend on.
    others: Vec<Value>,
    /// Where it was read.
    pub place: Place,
}

/// Where objects were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In files, which hold a part of a cluster only: nothing is absent because it is not in them.
    #[default]
    Files,
    /// In one namespace, with what belongs to no namespace.
    Namespace(String),
    /// In the whole cluster.
    Cluster,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The file, or `-`.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Why, and what to do.
    pub message: String,
}

/// A finding, and where it is.
#[derive(Debug)]
pub struct Located<'a> {
    /// The object.
    pub manifest: &'a Manifest,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub finding: Finding,
}

/// The result: findings by object, in the order of the input.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// What was read.
    pub input: &'a Input,
    /// What was found.
    pub findings: Vec<Located<'a>>,
}

impl Outcome<'_> {
    /// How many findings are of this level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|located| located.finding.level == level).count()
    }

    /// 0: nothing wrong. 1: mistakes. 2: something could not be read, so nothing is sure.
    pub fn exit_code(&self) -> u8 {
        match (self.input.unreadable.is_empty(), self.count(Level::Deny)) {
            (false, _) => 2,
            (true, 0) => 0,
            (true, _) => 1,
        }
    }
}

/// Judges everything that was read.
pub fn judge<'a>(input: &'a Input, settings: &Settings) -> Outcome<'a> {
    let facts = facts(input);
    let context = Context { settings, facts: &facts };
    let findings = input.manifests.iter().flat_map(|manifest| {
        let locate = |finding: Finding| Located { manifest, line: manifest.line_of(&finding.field), finding };
        let mut located: Vec<_> = judge_one(manifest, &context).into_iter().map(locate).collect();
        located.sort_by_key(|located| located.line);
        located
    });
    Outcome { input, findings: findings.collect() }
}

fn judge_one(manifest: &Manifest, context: &Context<'_>) -> Vec<Finding> {
    let mut report = Report::default();
    if let Some(workload) = manifest.workload {
        metadata::check(manifest, &mut report);
        let namespace = manifest.namespace().unwrap_or_default();
        let anywhere = Installation::anywhere();
        let found = judge_workload(workload, manifest.value(), namespace, context.facts, &anywhere);
        return [report.into_findings(), found].concat();
    }
    let kind = match (manifest.kind, manifest.api_version.as_str()) {
        (Some(kind), version) if version == kind.api_version() => kind,
        (Some(kind), "") => {
            let cause = format!("write apiVersion: {}", kind.api_version());
            report.missing(&VERSION_SERVED, &Field::Path("apiVersion"), cause);
            return report.into_findings();
        }
        (Some(kind), version) => {
            let cause = other_version(manifest, kind);
            return at_top(&VERSION_SERVED, "apiVersion", version, cause).into_findings();
        }
        (None, _) => {
            let near = suggest::nearest(&manifest.kind_name, Kind::ALL.iter().map(|kind| kind.as_str()));
            let cause = match near {
                Some(near) => format!("there is no such kind in this group; did you mean {near}?"),
                None => "no kind of this group that Keyhatch or the operator knows".to_owned(),
            };
            return at_top(&VERSION_SERVED, "kind", &manifest.kind_name, cause).into_findings();
        }
    };
    let unreadable = |error: String| at_top(&SCHEMA, "spec", "", error).into_findings();
    metadata::check(manifest, &mut report);
    let mut findings = report.into_findings();
    let object = match Object::unchecked(kind, &manifest.json) {
        Ok(object) => object,
        Err(_) if !findings.is_empty() => return findings,
        Err(error) => return unreadable(error.to_string()),
    };
    match validate(&object, context) {
        Ok(report) => findings.extend(report.into_findings()),
        Err(error) => findings.extend(unreadable(error.to_string())),
    }
    findings
}

/// Why a version is not that of its kind.
fn other_version(manifest: &Manifest, kind: Kind) -> String {
    let instead = kind.api_version();
    match manifest.api_version.rsplit('/').next().unwrap_or_default() {
        _ if !manifest.is_of_group() => {
            format!("there is no such group and version; did you mean {instead}?")
        }
        "v1beta1" | "v1alpha1" => format!("no longer served; write {instead}"),
        _ => format!("there is no such version of {kind}; write {instead}"),
    }
}

fn at_top(rule: &'static Rule, field: &str, value: &str, cause: String) -> Report {
    let mut report = Report::default();
    match value {
        "" => report.forbidden(rule, &Field::Path(field), cause),
        value => report.text(rule, &Field::Path(field), value, cause),
    }
    report
}

/// What the objects say to each other, and where all are known.
fn facts(input: &Input) -> Facts {
    let mut facts = Facts::default();
    for object in input.manifests.iter().map(Manifest::value).chain(&input.others) {
        observe::add(&mut facts, object);
    }
    let (namespaced, of_cluster) = match &input.place {
        Place::Files => return facts,
        Place::Namespace(name) => (Complete::Within(name.as_str().into()), Complete::Everywhere),
        Place::Cluster => (Complete::Everywhere, Complete::Everywhere),
    };
    facts.secret_stores.complete = namespaced.clone();
    facts.external_secrets.complete = namespaced.clone();
    facts.push_secrets.complete = namespaced;
    facts.cluster_secret_stores.complete = of_cluster;
    facts
}
