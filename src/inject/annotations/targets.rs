//! Annotations that say what: files and variables, each from a reference; and where a file may lie.

use std::collections::BTreeMap;

use keyhatch_agent::Permissions;
use serde_json::Value;

use super::values::read_map;
use super::{Annotation, Asked, ENV_VIA, File};
use crate::field::Field;
use crate::finding::Report;
use crate::grant::names::{self, NameError};
use crate::grant::{GrantError, MAX_REFERENCES, check_nesting, check_permissions};
use crate::inject::Code;
use crate::suggest;

/// Reads files, variables and permissions.
pub(super) fn read(ours: &[Annotation<'_>], asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    for Annotation { key, name, value } in ours {
        let at = &at.key(key);
        if let Some(file) = name.strip_prefix("secret-") {
            add_file(file, value, asked, at, report);
        } else if let Some(variable) = name.strip_prefix("env-").filter(|_| *key != ENV_VIA) {
            add_variable(variable, value, asked, at, report);
        } else if matches!(*name, "files" | "env") {
            read_references(name, value, asked, at, report);
        }
    }
    if let Err(GrantError::Nested { outer, inner }) = check_nesting(asked.files.keys().map(String::as_str)) {
        let cause = format!("is a file, and a folder with {inner:?} in it");
        report.text(Code::DuplicateTarget.rule(), at, &outer, cause);
    }
    for Annotation { key, name, value } in ours {
        if let Some(file) = name.strip_prefix("perms-") {
            read_permissions(file, value, &mut asked.files, &at.key(key), report);
        }
    }
}

/// The maps `files` and `env`.
fn read_references(name: &str, value: &str, asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    let is_files = name == "files";
    let example = if is_files { "db.json: aws::prod/db" } else { "PASSWORD: aws::prod/db#password" };
    for (target, reference) in read_map(value, example, at, report) {
        let at = &at.key(&target);
        let Value::String(reference) = &reference else {
            let cause = format!("write a reference, in quotes if it looks like a number: {example}");
            report.value(Code::BadReference.rule(), at, &reference, cause);
            continue;
        };
        if is_files {
            add_file(&target, reference, asked, at, report);
        } else {
            add_variable(&target, reference, asked, at, report);
        }
    }
}

fn add_file(path: &str, reference: &str, asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    let is_path = check_path(path, at, report);
    let Some(from) = asked.reference(reference, at, report).filter(|_| is_path) else { return };
    if asked.files.insert(path.to_owned(), File { from, permissions: None }).is_some() {
        report.text(Code::DuplicateTarget.rule(), at, path, "another annotation has this file, too");
    }
}

fn add_variable(name: &str, reference: &str, asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    let is_name = check_variable(name, at, report);
    let Some(from) = asked.reference(reference, at, report).filter(|_| is_name) else { return };
    if asked.env.insert(name.to_owned(), from).is_some() {
        report.text(Code::DuplicateTarget.rule(), at, name, "another annotation has this variable, too");
    }
}

/// Whether a program can read an environment variable of this name.
pub(in crate::inject) fn check_variable(name: &str, at: &Field<'_>, report: &mut Report) -> bool {
    let checked = names::variable(name);
    if let Err(error) = &checked {
        report.text(Code::BadName.rule(), at, name, error.to_string());
    }
    checked.is_ok()
}

/// Whether a file can lie there.
fn check_path(path: &str, at: &Field<'_>, report: &mut Report) -> bool {
    let checked = names::file(path);
    if let Err(error) = &checked {
        let code = if *error == NameError::Reserved { Code::ReservedName } else { Code::PathEscape };
        report.text(code.rule(), at, path, error.to_string());
    }
    checked.is_ok()
}

fn read_permissions(
    path: &str,
    value: &str,
    files: &mut BTreeMap<String, File>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let rule = Code::BadPerms.rule();
    let Some(file) = files.get_mut(path) else {
        if report.is_full() {
            return;
        }
        let near = suggest::nearest(path, files.keys().take(MAX_REFERENCES).map(String::as_str));
        let cause = match near {
            Some(near) => format!("the pod asks for no file of this name; did you mean {near}?"),
            None => "the pod asks for no file of this name".to_owned(),
        };
        return report.text(rule, at, path, cause);
    };
    match value.parse::<Permissions>() {
        Ok(permissions) if check_permissions(path, permissions).is_err() => {
            report.text(rule, at, value, "nobody but the owner may write the file");
        }
        Ok(permissions) if permissions.bits() & 0o400 == 0 => {
            report.text(rule, at, value, "its owner must be able to read the file");
        }
        Ok(permissions) => file.permissions = Some(permissions),
        Err(rule_of_permissions) => report.text(rule, at, value, rule_of_permissions),
    }
}
