//! Paths in, objects out: files, folders and standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::helm::{self, UNRENDERED};
use super::{Input, Manifest, Problem};
use crate::yaml::{self, Document};

/// The largest file that is read.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// How deep folders are searched.
const MAX_DEPTH: usize = 64;

/// Reads all paths. What cannot be read is told in the result; the rest is read all the same.
pub fn read(paths: &[PathBuf], default_namespace: Option<&str>) -> Input {
    let mut input = Input::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = Vec::new();
            match io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut text) {
                Ok(_) => add_stdin(&mut input, path, &text, default_namespace),
                Err(error) => input.refuse(path, 1, format!("cannot be read: {error}")),
            }
        } else {
            add_path(&mut input, path, default_namespace);
        }
    }
    input
}

/// All objects in a file, or in the manifests of a folder, as they are written.
///
/// # Errors
/// Tells what cannot be read, and where.
pub fn documents(path: &Path) -> Result<Vec<Value>, String> {
    let told = |error: io::Error| format!("{}: cannot be read: {error}", path.display());
    if !path.is_dir() {
        let text = fs::read_to_string(path).map_err(told)?;
        let documents = yaml::documents(&text);
        let documents =
            documents.map_err(|error| format!("{}:{}: {}", path.display(), error.line, error.message))?;
        return Ok(documents.into_iter().map(|document| document.value).collect());
    }
    let entries = fs::read_dir(path).map_err(told)?;
    let mut inner: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    inner.sort();
    let documents = inner.iter().filter(|path| is_manifest(path)).map(|path| documents(path));
    Ok(documents.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

impl Input {
    /// How much was found, readable or not.
    fn things(&self) -> usize {
        self.manifests.len() + self.skipped + self.unreadable.len()
    }

    pub(super) fn refuse(&mut self, file: &Path, line: usize, message: String) {
        self.unreadable.push(Problem { file: file.to_owned(), line, message });
    }
}

/// Reads what was named. A folder without any object is told: in a pipeline it is a wrong path.
fn add_path(input: &mut Input, path: &Path, default_namespace: Option<&str>) {
    if !path.is_dir() {
        return add_file(input, path, Origin::Named, default_namespace);
    }
    let before = input.things();
    let is_new = add_folder(input, path, default_namespace, 0);
    if is_new && input.things() == before {
        input.refuse(path, 1, NOTHING_FOUND.into());
    }
}

const NOTHING_FOUND: &str =
    "no manifests found; is this the right path? Of a folder *.yaml, *.yml and *.json are read";

/// Whether a file was named, or found in a folder, where other things than manifests lie as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Named,
    Folder,
}

fn add_file(input: &mut Input, path: &Path, origin: Origin, default_namespace: Option<&str>) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE => {
            return input.refuse(path, 1, format!("has more than {} MiB", MAX_FILE >> 20));
        }
        Ok(_) => {}
        Err(error) => return input.refuse(path, 1, format!("cannot be read: {error}")),
    }
    match fs::read(path) {
        Ok(text) => add_text(input, path, origin, &text, default_namespace),
        Err(error) => input.refuse(path, 1, format!("cannot be read: {error}")),
    }
}

/// Reads a folder; answers whether nothing in it had been looked at before.
fn add_folder(input: &mut Input, path: &Path, default_namespace: Option<&str>, depth: usize) -> bool {
    if !is_first_visit(input, path) {
        return false; // a link to a folder that was searched, or is being searched
    }
    if depth > MAX_DEPTH {
        input.refuse(path, 1, "folders are nested too deep; is there a link to itself?".into());
        return true;
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            input.refuse(path, 1, format!("cannot be read: {error}"));
            return true;
        }
    };
    let mut inner: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    inner.sort();
    let mut is_new = true;
    for path in &inner {
        if path.is_dir() {
            is_new &= add_folder(input, path, default_namespace, depth + 1);
        } else if is_manifest(path) {
            add_file(input, path, Origin::Folder, default_namespace);
        }
    }
    is_new
}

/// A program that fails prints nothing: that is no reason to call its output good.
fn add_stdin(input: &mut Input, path: &Path, text: &[u8], default_namespace: Option<&str>) {
    let before = input.things();
    add_text(input, path, Origin::Named, text, default_namespace);
    if input.things() == before {
        input.refuse(path, 1, "no manifests found; did the program that should print them fail?".into());
    }
}

fn is_first_visit(input: &mut Input, folder: &Path) -> bool {
    fs::canonicalize(folder).is_ok_and(|folder| input.folders.insert(folder))
}

/// In a folder only these are read; a file that is named is read whatever its name.
fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension, "yaml" | "yml" | "json")
}

fn add_text(input: &mut Input, path: &Path, origin: Origin, text: &[u8], default_namespace: Option<&str>) {
    input.files += 1;
    let Ok(text) = std::str::from_utf8(text) else {
        return input.refuse(path, 1, "is not UTF-8 text".into());
    };
    match yaml::documents(text) {
        Ok(documents) => {
            for document in documents {
                add_document(input, path, origin, document, default_namespace);
            }
        }
        Err(error) => match helm::line_in_text(text) {
            Some(line) => input.refuse(path, line, UNRENDERED.into()),
            None => input.refuse(path, error.line, error.message),
        },
    }
}

fn add_document(
    input: &mut Input,
    path: &Path,
    origin: Origin,
    document: Document,
    default_namespace: Option<&str>,
) {
    let Document { value, lines } = document;
    let lines = Arc::new(lines);
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if let Some(items) = value.get("items").and_then(Value::as_array).filter(|_| is_list) {
        for (index, item) in items.iter().enumerate() {
            let prefix = format!("items[{index}]");
            let manifest =
                Manifest::of_ours(path.to_owned(), item, prefix, Arc::clone(&lines), default_namespace);
            add_object(input, path, item, manifest, default_namespace);
        }
        return;
    }
    match &value {
        Value::Null => {}
        Value::Object(_) => {
            let manifest =
                Manifest::of_ours(path.to_owned(), &value, String::new(), lines, default_namespace);
            add_object(input, path, &value, manifest, default_namespace);
        }
        _ if origin == Origin::Folder => input.skipped += 1, // a list of values for a chart, say
        _ => input.refuse(path, lines.get("").copied().unwrap_or(1), "is no Kubernetes object".into()),
    }
}

fn add_object(
    input: &mut Input,
    path: &Path,
    value: &Value,
    manifest: Option<Manifest>,
    default_namespace: Option<&str>,
) {
    let Some(manifest) = manifest else {
        input.skipped += 1;
        input.others.extend(of_others(value, default_namespace));
        return;
    };
    match helm::field_in_value(manifest.value(), "") {
        Some(field) => input.refuse(path, manifest.line_of(&field), UNRENDERED.into()),
        None => input.manifests.push(manifest),
    }
}

/// An object of another kind, if facts may be taken of it.
fn of_others(value: &Value, default_namespace: Option<&str>) -> Option<Value> {
    let kind = value.get("kind").and_then(Value::as_str)?;
    if !matches!(kind, "Namespace" | "Secret" | "ConfigMap" | "ServiceAccount") {
        return None;
    }
    let mut value = value.clone();
    if kind != "Namespace"
        && let Some(namespace) = default_namespace
        && let Some(Value::Object(metadata)) = value.get_mut("metadata")
    {
        metadata.entry("namespace").or_insert_with(|| namespace.into());
    }
    Some(value)
}
