//! Annotations that say how: store, refresh, mode, containers, mount path, entry points.

use std::collections::{BTreeMap, BTreeSet};

use keyhatch_agent::OnMissing;
use serde_json::{Map, Value};

use super::{Annotation, Asked, DefaultStore, Defaults, EnvVia, Mode, REFRESH, STORE};
use crate::field::Field;
use crate::finding::Report;
use crate::go::duration;
use crate::grant::{MIN_REFRESH, names};
use crate::inject::Code;
use crate::suggest;
use crate::yaml;

/// Places that belong to the container or the kubelet.
const FOREIGN_PATHS: [&str; 6] = ["/dev", "/etc", "/proc", "/run", "/sys", "/var/run"];

/// Store and refresh, of the pod or else of its namespace.
pub(super) fn read_defaults(
    ours: &[Annotation<'_>],
    defaults: &Defaults,
    asked: &mut Asked,
    at: &Field<'_>,
    report: &mut Report,
) {
    let own = |key| ours.iter().find(|annotation| annotation.key == key).map(|annotation| annotation.value);
    asked.store = match (own(STORE), &defaults.store) {
        (Some(text), _) => read_store(text, "", &at.key(STORE), report),
        (None, Some(text)) => read_store(text, IN_NAMESPACE, &at.key(STORE), report),
        (None, None) if defaults.is_known => DefaultStore::Missing,
        (None, None) => DefaultStore::Unknown,
    };
    asked.refresh = match (own(REFRESH), &defaults.refresh) {
        (Some(text), _) => read_refresh(text, "", &at.key(REFRESH), report),
        (None, Some(text)) => read_refresh(text, IN_NAMESPACE, &at.key(REFRESH), report),
        (None, None) => None,
    };
}

const IN_NAMESPACE: &str = "from the namespace's annotations: ";

fn read_store(text: &str, whose: &str, at: &Field<'_>, report: &mut Report) -> DefaultStore {
    match text.parse() {
        Ok(store) => DefaultStore::Is(store),
        Err(error) => {
            report.text(Code::BadReference.rule(), at, text, format!("{whose}{error}"));
            DefaultStore::Wrong
        }
    }
}

fn read_refresh(text: &str, whose: &str, at: &Field<'_>, report: &mut Report) -> Option<u64> {
    let nanos = match duration::parse(text) {
        Ok(duration) => u64::try_from(duration.0).ok(),
        Err(error) => {
            report.text(Code::BadAnnotation.rule(), at, text, format!("{whose}{error}"));
            return None;
        }
    };
    match nanos.map(|nanos| nanos.div_ceil(1_000_000_000)) {
        Some(seconds) if seconds == 0 || seconds >= MIN_REFRESH => Some(seconds),
        Some(_) | None => {
            let cause = format!("{whose}write {MIN_REFRESH}s or more, or \"0\" for never");
            report.text(Code::RefreshBelowMin.rule(), at, text, cause);
            None
        }
    }
}

/// Whatever is said once and is no reference.
pub(super) fn read(annotation: &Annotation<'_>, asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    let Annotation { key, name, value } = *annotation;
    let at = &at.key(key);
    match name {
        "containers" => asked.containers = Some(read_list(value, at, report)),
        "mount-path" => read_mount_path(value, asked, at, report),
        "mode" => match value {
            "auto" => asked.mode = Mode::Auto,
            "init" => asked.mode = Mode::Init,
            "sidecar" => asked.mode = Mode::Sidecar,
            other => choose(other, ["auto", "init", "sidecar"], at, report),
        },
        "on-missing" => match value {
            "fail" => asked.on_missing = OnMissing::Fail,
            "skip" => asked.on_missing = OnMissing::Skip,
            other => choose(other, ["fail", "skip"], at, report),
        },
        "env-via" => match value {
            "exec" => asked.env_via = EnvVia::Exec,
            "kubelet" => asked.env_via = EnvVia::Kubelet,
            other => choose(other, ["exec", "kubelet"], at, report),
        },
        "entrypoint" => asked.entrypoint = read_entrypoints(value, at, report),
        "external-secret" => asked.external_secrets = read_names(value, at, report),
        "external-secret-env" => asked.external_secret_env = read_names(value, at, report),
        _ => {}
    }
}

fn choose<const N: usize>(value: &str, from: [&'static str; N], at: &Field<'_>, report: &mut Report) {
    let meant = suggest::nearest(value, from).map(|near| format!("; did you mean {near}?"));
    let cause = format!("write one of {}{}", from.join(", "), meant.unwrap_or_default());
    report.text(Code::BadAnnotation.rule(), at, value, cause);
}

/// Names with commas between them.
fn read_list(value: &str, at: &Field<'_>, report: &mut Report) -> Vec<String> {
    let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
    for name in value.split(',').map(str::trim) {
        if name.is_empty() {
            report.text(Code::BadAnnotation.rule(), at, value, "write names with commas between them: a,b");
        } else if seen.insert(name) {
            names.push(name.to_owned());
        } else {
            report.text(Code::DuplicateTarget.rule(), at, name, "is named twice");
        }
    }
    names
}

/// Names of ExternalSecrets.
fn read_names(value: &str, at: &Field<'_>, report: &mut Report) -> Vec<String> {
    let mut names = read_list(value, at, report);
    names.retain(|name| {
        let checked = names::object(name);
        if let Err(error) = &checked {
            report.text(Code::BadReference.rule(), at, name, error.to_string());
        }
        checked.is_ok()
    });
    names
}

fn read_mount_path(value: &str, asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    let Some(inner) = value.strip_prefix('/') else {
        report.text(Code::BadAnnotation.rule(), at, value, "write an absolute path, such as /secrets");
        return;
    };
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains([':', '\0']);
    let path = inner.strip_suffix('/').unwrap_or(inner);
    if !path.split('/').all(is_plain) {
        let cause = "write an absolute path without :, . and .., and not / itself, such as /secrets";
        report.text(Code::PathEscape.rule(), at, value, cause);
        return;
    }
    let path = format!("/{path}");
    let is_below = |foreign: &&&str| super::super::is_within(&path, foreign);
    if let Some(foreign) = FOREIGN_PATHS.iter().find(is_below) {
        let cause = format!("{foreign} belongs to the system; write another place, such as /secrets");
        report.text(Code::MountConflict.rule(), at, value, cause);
        return;
    }
    asked.mount_path = path;
}

fn read_entrypoints(value: &str, at: &Field<'_>, report: &mut Report) -> BTreeMap<String, Vec<String>> {
    let mut entrypoints = BTreeMap::new();
    for (container, argv) in read_map(value, "app: [/bin/server, --port=80]", at, report) {
        let words = argv.as_array().map(|words| words.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        match words.flatten() {
            Some(words) if !words.is_empty() => {
                entrypoints.insert(container, words.into_iter().map(str::to_owned).collect());
            }
            Some(_) | None => {
                let cause = "write the program and its arguments as a list of texts: [/bin/server, \"80\"]";
                report.value(Code::BadAnnotation.rule(), &at.key(&container), argv, cause);
            }
        }
    }
    entrypoints
}

/// A YAML map in an annotation. What it is not is told, with an example.
pub(super) fn read_map(text: &str, example: &str, at: &Field<'_>, report: &mut Report) -> Map<String, Value> {
    let rule = Code::BadAnnotation.rule();
    let documents = match yaml::documents(text) {
        Ok(documents) => documents,
        Err(error) => {
            report.text(rule, at, text, format!("line {}: {}", error.line, error.message));
            return Map::new();
        }
    };
    let mut documents = documents.into_iter().map(|document| document.value);
    match (documents.next(), documents.next()) {
        (Some(Value::Object(members)), None) => return members,
        (Some(_), Some(_)) => report.text(rule, at, text, "more than one YAML document; write one map"),
        (Some(_) | None, _) => report.text(rule, at, text, format!("write a YAML map, such as {example}")),
    }
    Map::new()
}
