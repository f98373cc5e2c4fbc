//! Paths in, objects out: files, folders and standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::yaml::{self, Document};
use super::{Input, Manifest, Problem};

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
                Ok(_) => add_text(&mut input, path, &text, default_namespace),
                Err(error) => input.refuse(path, 1, format!("cannot be read: {error}")),
            }
        } else {
            add_path(&mut input, path, default_namespace, 0);
        }
    }
    input
}

impl Input {
    fn refuse(&mut self, file: &Path, line: usize, message: String) {
        self.unreadable.push(Problem { file: file.to_owned(), line, message });
    }
}

fn add_path(input: &mut Input, path: &Path, default_namespace: Option<&str>, depth: usize) {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return input.refuse(path, 1, format!("cannot be read: {error}")),
    };
    if !metadata.is_dir() {
        if metadata.len() > MAX_FILE {
            return input.refuse(path, 1, format!("has more than {} MiB", MAX_FILE >> 20));
        }
        return match fs::read(path) {
            Ok(text) => add_text(input, path, &text, default_namespace),
            Err(error) => input.refuse(path, 1, format!("cannot be read: {error}")),
        };
    }
    if !is_first_visit(input, path) {
        return; // a link to a folder that was searched, or is being searched
    }
    if depth > MAX_DEPTH {
        return input.refuse(path, 1, "folders are nested too deep; is there a link to itself?".into());
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return input.refuse(path, 1, format!("cannot be read: {error}")),
    };
    let mut inner: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    inner.sort();
    for path in inner.iter().filter(|path| path.is_dir() || is_manifest(path)) {
        add_path(input, path, default_namespace, depth + 1);
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

fn add_text(input: &mut Input, path: &Path, text: &[u8], default_namespace: Option<&str>) {
    input.files += 1;
    let Ok(text) = std::str::from_utf8(text) else {
        return input.refuse(path, 1, "is not UTF-8 text".into());
    };
    match yaml::documents(text) {
        Ok(documents) => {
            for document in documents {
                add_document(input, path, document, default_namespace);
            }
        }
        Err(error) => match line_of_helm(text) {
            Some(line) => input.refuse(path, line, UNRENDERED.into()),
            None => input.refuse(path, error.line, error.message),
        },
    }
}

const UNRENDERED: &str =
    "an unrendered Helm template; check what `helm template` prints: helm template . | keyhatch check -";

fn add_document(input: &mut Input, path: &Path, document: Document, default_namespace: Option<&str>) {
    let Document { value, lines } = document;
    let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    if let Some(items) = value.get("items").and_then(Value::as_array).filter(|_| is_list) {
        for (index, item) in items.iter().enumerate() {
            let prefix = format!("items[{index}]");
            let manifest = Manifest::of_ours(path.to_owned(), item, prefix, lines.clone(), default_namespace);
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
    match manifest {
        // Quoted, Helm's actions are valid YAML, and to judge them as values would tell nonsense.
        Some(manifest) if line_of_helm(&manifest.json).is_some() => {
            input.refuse(path, manifest.line_of("metadata"), UNRENDERED.into());
        }
        Some(manifest) => input.manifests.push(manifest),
        None => {
            input.skipped += 1;
            input.others.extend(of_others(value, default_namespace));
        }
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

/// The first line of Helm's. Manifests of ours hold Go templates, too; Helm's own objects, and directives at the
/// beginning of a line, are the difference.
fn line_of_helm(text: &str) -> Option<usize> {
    let objects = [".Values.", ".Release.", ".Chart.", ".Capabilities.", ".Files.", "include \""];
    let is_helm = |line: &str| {
        let action = line.split_once("{{").map(|(_, action)| action).unwrap_or_default();
        objects.iter().any(|object| action.contains(object)) || line.starts_with("{{")
    };
    text.lines().position(is_helm).map(|index| index + 1)
}
