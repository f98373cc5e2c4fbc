//! One object from a file or from the cluster that is ours to judge, with the lines of its fields.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::api::{GROUP, Kind};
use crate::inject;
use crate::inject::workload::Workload;
use crate::suggest;

/// An object of our group, or with pods that ask for secrets, as it was written.
#[derive(Debug)]
pub struct Manifest {
    /// The file, `-`, or `cluster`.
    pub file: PathBuf,
    /// Its kind, if it is one of ours.
    pub kind: Option<Kind>,
    /// What it makes pods of, if it is no kind of ours.
    pub workload: Option<Workload>,
    /// Its kind, as written.
    pub kind_name: String,
    /// Its version, as written.
    pub api_version: String,
    /// All of it as JSON.
    pub json: String,
    value: Value,
    prefix: String,
    /// Those of its document, which it shares with the others of a List.
    lines: Arc<HashMap<String, usize>>,
}

impl Manifest {
    /// Takes an object that is ours to judge; gives any other back as `None`. `prefix` is its place in its document,
    /// `items[2]` in a List.
    pub fn of_ours(
        file: PathBuf,
        value: &Value,
        prefix: String,
        lines: Arc<HashMap<String, usize>>,
        default_namespace: Option<&str>,
    ) -> Option<Self> {
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (api_version, kind_name) = (text("apiVersion"), text("kind"));
        let (group, _) = api_version.split_once('/').unwrap_or_default();
        let is_ours = group == GROUP || is_meant(&api_version, &kind_name);
        let workload = Workload::named(group, &kind_name);
        let workload = workload.filter(|workload| workload.pod(value).is_some_and(inject::concerns));
        if !is_ours && workload.is_none() {
            return None;
        }
        let kind = Kind::named(&kind_name).filter(|_| is_ours);
        let mut value = value.clone();
        if (kind.is_some_and(Kind::is_namespaced) || workload.is_some())
            && let Some(namespace) = default_namespace
            && let Some(Value::Object(metadata)) = value.get_mut("metadata")
        {
            metadata.entry("namespace").or_insert_with(|| namespace.into());
        }
        let json = value.to_string();
        Some(Self { file, kind, workload, kind_name, api_version, json, value, prefix, lines })
    }

    /// Whether its group is ours.
    pub fn is_of_group(&self) -> bool {
        self.api_version.split_once('/').is_some_and(|(group, _)| group == GROUP)
    }

    /// `metadata.name`, or the beginning of a generated one.
    pub fn name(&self) -> &str {
        let text = |pointer| self.value.pointer(pointer).and_then(Value::as_str);
        text("/metadata/name").or_else(|| text("/metadata/generateName")).unwrap_or_default()
    }

    /// `metadata.namespace`.
    pub fn namespace(&self) -> Option<&str> {
        self.value
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .filter(|namespace| !namespace.is_empty())
    }

    /// A member of its metadata, of whatever type.
    pub fn metadata(&self, name: &str) -> Option<&Value> {
        self.value.get("metadata").and_then(|metadata| metadata.get(name))
    }

    /// All of it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The line of a field, or of the nearest thing around it that was written.
    pub fn line_of(&self, field: &str) -> usize {
        let mut path = match self.prefix.as_str() {
            "" => field.to_owned(),
            prefix => format!("{prefix}.{field}"),
        };
        loop {
            if let Some(line) = self.lines.get(&path) {
                return *line;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path.truncate(end),
                None => return self.lines.get("").copied().unwrap_or(1),
            }
        }
    }

    /// `SecretStore team-a/aws`, for people.
    pub fn title(&self) -> String {
        match self.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", self.kind_name, self.name()),
            None => format!("{} {}", self.kind_name, self.name()),
        }
    }
}

/// Whether an object is meant for our group, which it misspells, or names without a version, or leaves out. The kind must
/// be one of ours: others have such kinds, too, in groups of other names.
fn is_meant(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or(api_version, |(group, _)| group);
    Kind::named(kind).is_some() && (group.is_empty() || suggest::nearest(group, [GROUP]).is_some())
}
