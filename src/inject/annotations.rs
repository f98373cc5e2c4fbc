//! A pod's annotations in, what it asks for out, or every mistake in them.
//!
//! Kubernetes folds the letters of an annotation's prefix nowhere, so `Keyhatch.dev/inject` is another key to it; here
//! it is a mistake like any other unknown key, for a pod that asks and gets nothing must not start.

mod asked;
mod targets;
mod values;

use serde_json::{Map, Value};

use super::Code;
use crate::field::Field;
use crate::finding::Report;
use crate::suggest;

pub use asked::{Asked, DefaultStore, EnvVia, File, Mode};
pub(super) use targets::check_variable;

/// What every annotation of ours begins with.
pub const PREFIX: &str = "keyhatch.dev/";
/// Opts in.
pub const INJECT: &str = "keyhatch.dev/inject";
/// The store of references that name none; of a namespace, for all its pods.
pub const STORE: &str = "keyhatch.dev/store";
/// How soon a new value is there at the latest; of a namespace, for all its pods.
pub const REFRESH: &str = "keyhatch.dev/refresh";
/// What containers without `command` start.
pub const ENTRYPOINT: &str = "keyhatch.dev/entrypoint";
/// Whether the kubelet may set variables.
pub const ENV_VIA: &str = "keyhatch.dev/env-via";
/// Written by the webhook, never read.
pub const STATUS: &str = "keyhatch.dev/status";
/// What a value in `env` begins with that is a reference.
pub const INLINE: &str = "keyhatch:";

/// What Kubernetes takes of the keys and values of all annotations of an object, in bytes (`ValidateAnnotations`).
const MOST: usize = 256 << 10;

/// Everything that may stand behind the prefix, but for `secret-…`, `env-…`, `perms-…` and `x-…`.
pub const NAMES: [&str; 14] = [
    "inject",
    "store",
    "files",
    "env",
    "external-secret",
    "external-secret-env",
    "containers",
    "mount-path",
    "mode",
    "refresh",
    "on-missing",
    "entrypoint",
    "env-via",
    "status",
];

/// What the pod's namespace says for all its pods.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Its annotation `store`.
    pub store: Option<String>,
    /// Its annotation `refresh`.
    pub refresh: Option<String>,
    /// Whether the namespace is known. If not, it may say anything.
    pub is_known: bool,
}

/// One annotation of ours: its key, what stands behind the prefix, and its value.
#[derive(Clone, Copy)]
struct Annotation<'a> {
    key: &'a str,
    name: &'a str,
    value: &'a str,
}

/// Reads the annotations; `at` is where they stand. None: the pod asks for nothing, or for nothing that can be read.
pub(super) fn read(
    annotations: Option<&Map<String, Value>>,
    defaults: &Defaults,
    at: &Field<'_>,
    report: &mut Report,
) -> Option<Asked> {
    let ours = ours(annotations, at, report);
    // Notes of others, and ours from another time.
    let says_nothing = |annotation: &Annotation<'_>| annotation.name == "status" || is_note(annotation.name);
    let inject = ours.iter().find(|annotation| annotation.key == INJECT);
    if ours.iter().all(says_nothing) || inject.is_some_and(|inject| inject.value == "false") {
        return None;
    }
    let size = size(annotations);
    if size > MOST {
        // The API server would refuse it, after all that is in them was read.
        let cause = format!(
            "annotations have {size} bytes in all, and Kubernetes takes {MOST}; keep {PREFIX}files and {PREFIX}env short, or name an ExternalSecret"
        );
        report.missing(Code::BadAnnotation.rule(), at, cause);
        return None;
    }
    for Annotation { key, name, .. } in &ours {
        check_key(key, name, at, report);
    }
    match inject {
        Some(inject) if inject.value == "true" => {}
        Some(inject) => {
            let cause = "write \"true\" or \"false\", in quotes";
            report.text(Code::InvalidInjectValue.rule(), &at.key(INJECT), inject.value, cause);
            return None;
        }
        None if report.is_empty() => {
            let others: Vec<_> = ours.iter().map(|annotation| annotation.key).take(3).collect();
            let cause = format!("add {INJECT}: \"true\"; without it {} asks for nothing", others.join(", "));
            report.missing(Code::InvalidInjectValue.rule(), &at.key(INJECT), cause);
            return None;
        }
        None => return None,
    }
    let mut asked = Asked { mount_path: "/secrets".into(), ..Asked::default() };
    values::read_defaults(&ours, defaults, &mut asked, at, report);
    for annotation in &ours {
        values::read(annotation, &mut asked, at, report);
    }
    targets::read(&ours, &mut asked, at, report);
    Some(asked)
}

fn size(annotations: Option<&Map<String, Value>>) -> usize {
    let of = |(key, value): (&String, &Value)| key.len() + value.as_str().map_or(0, str::len);
    annotations.into_iter().flatten().map(of).sum()
}

/// The annotations of ours, with the letters of their prefix as they may be.
fn ours<'a>(
    annotations: Option<&'a Map<String, Value>>,
    at: &Field<'_>,
    report: &mut Report,
) -> Vec<Annotation<'a>> {
    let mut ours = Vec::new();
    for (key, value) in annotations.into_iter().flatten() {
        let Some((_, name)) = key.split_at_checked(PREFIX.len()).filter(|_| is_ours(key)) else { continue };
        match value.as_str() {
            Some(value) => ours.push(Annotation { key, name, value }),
            None => report.value(
                Code::BadAnnotation.rule(),
                &at.key(key),
                value,
                format!("must be a text; put it in quotes: \"{value}\""),
            ),
        }
    }
    ours
}

/// Whether a key begins with our prefix, in whatever letters.
pub(super) fn is_ours(key: &str) -> bool {
    key.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
}

/// Annotations that are nobody's but their author's.
fn is_note(name: &str) -> bool {
    name.starts_with("x-")
}

fn check_key(key: &str, name: &str, at: &Field<'_>, report: &mut Report) {
    let rule = Code::UnknownAnnotation.rule();
    if !key.starts_with(PREFIX) {
        report.text(rule, at, key, format!("keys are case-sensitive; write {PREFIX}{name}"));
        return;
    }
    let is_short = ["secret-", "env-", "perms-"].iter().any(|short| name.starts_with(short));
    if NAMES.contains(&name) || is_short || is_note(name) || report.is_full() {
        return;
    }
    let cause = match suggest::nearest(name, NAMES) {
        Some(near) => format!("did you mean {PREFIX}{near}?"),
        None => format!(
            "there is no such annotation; there are {}, secret-…, env-… and perms-…",
            NAMES.join(", ")
        ),
    };
    report.text(rule, at, key, cause);
}
