//! A text that is nowhere but in AWS: whoever finds it elsewhere has found a leak, in whatever form it went there.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The text, and what it looks like in base64, wherever it begins there, and in JSON that escapes its first letter.
pub(crate) fn forms(marker: &str) -> Vec<String> {
    let encoded = (0..3).map(|before| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(marker.as_bytes());
        bytes.truncate(bytes.len() / 3 * 3);
        let whole = STANDARD.encode(bytes);
        // The first four letters hold what stands before.
        whole.chars().skip(if before == 0 { 0 } else { 4 }).collect()
    });
    [marker.to_owned(), escaped(marker)].into_iter().chain(encoded).collect()
}

/// As JSON may write it.
pub(crate) fn escaped(marker: &str) -> String {
    let mut letters = marker.chars();
    let first = letters.next().map(u32::from).unwrap_or_default();
    format!("\\u{first:04x}{}", letters.as_str())
}

/// Files below a folder that hold one of the texts.
pub(crate) fn files_with(folder: &Path, texts: &[String]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, kind) = (entry.path(), entry.file_type());
            match kind {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() => {
                    let bytes = fs::read(&path).unwrap_or_default();
                    let holds = |text: &String| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
                    if texts.iter().any(holds) {
                        found.push(path);
                    }
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}
