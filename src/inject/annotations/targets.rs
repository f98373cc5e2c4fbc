//! Annotations that say what: files and variables, each from a reference; and where a file may lie.

use std::collections::BTreeMap;

use keyhatch_agent::Permissions;
use serde_json::Value;

use super::values::read_map;
use super::{Annotation, Asked, File};
use crate::field::Field;
use crate::finding::Report;
use crate::inject::Code;
use crate::suggest;

/// The longest path of a file, in bytes.
const MAX_PATH: usize = 253;

/// Reads files, variables and permissions.
pub(super) fn read(ours: &[Annotation<'_>], asked: &mut Asked, at: &Field<'_>, report: &mut Report) {
    for Annotation { key, name, value } in ours {
        let at = &at.key(key);
        if let Some(file) = name.strip_prefix("secret-") {
            add_file(file, value, asked, at, report);
        } else if let Some(variable) = name.strip_prefix("env-") {
            add_variable(variable, value, asked, at, report);
        } else if matches!(*name, "files" | "env") {
            read_references(name, value, asked, at, report);
        }
    }
    check_folders(&asked.files, at, report);
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
    let is_part = |b: u8| b == b'_' || b.is_ascii_alphanumeric();
    let is_name = name.bytes().all(is_part) && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if !is_name {
        let cause = "variables are letters, digits and _, and do not begin with a digit";
        report.text(Code::BadName.rule(), at, name, cause);
    }
    is_name
}

/// Whether a file can lie there.
fn check_path(path: &str, at: &Field<'_>, report: &mut Report) -> bool {
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..") && !segment.contains(['\0', '\\']);
    if path.len() > MAX_PATH || !path.split('/').all(is_segment) || path.chars().any(char::is_control) {
        let cause = format!("write a relative path without . and .. of at most {MAX_PATH} bytes");
        report.text(Code::PathEscape.rule(), at, path, cause);
        return false;
    }
    if path.starts_with(".keyhatch") || path.starts_with("..") {
        let cause = "names that begin with .keyhatch or .. are Keyhatch's own";
        report.text(Code::ReservedName.rule(), at, path, cause);
        return false;
    }
    true
}

/// A file cannot be a folder of others.
fn check_folders(files: &BTreeMap<String, File>, at: &Field<'_>, report: &mut Report) {
    for path in files.keys() {
        let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
        for folder in folders.filter(|folder| files.contains_key(*folder)) {
            let cause = format!("is a file, and a folder with {path:?} in it");
            report.text(Code::DuplicateTarget.rule(), at, folder, cause);
        }
    }
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
        let near = suggest::nearest(path, files.keys().map(String::as_str));
        let cause = match near {
            Some(near) => format!("the pod asks for no file of this name; did you mean {near}?"),
            None => "the pod asks for no file of this name".to_owned(),
        };
        return report.text(rule, at, path, cause);
    };
    match value.parse::<Permissions>() {
        Ok(permissions) if permissions.bits() & 0o002 != 0 => {
            report.text(rule, at, value, "everybody could write the file");
        }
        Ok(permissions) if permissions.bits() & 0o400 == 0 => {
            report.text(rule, at, value, "its owner must be able to read the file");
        }
        Ok(permissions) => file.permissions = Some(permissions),
        Err(rule_of_permissions) => report.text(rule, at, value, rule_of_permissions),
    }
}
