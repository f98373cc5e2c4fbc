//! What an answer says, as files of the new folder: variables are files, too.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use keyhatch_agent::{Answer, Request, env_file, layout};
use zeroize::Zeroizing;

use super::DirectoryError;
use crate::variables;

/// One file.
pub(super) struct File {
    /// Below the folder.
    pub(super) path: PathBuf,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) permissions: u32,
}

/// All files of an answer, in one order, variables among them.
pub(super) fn files(request: &Request, answer: &Answer) -> Result<Vec<File>, DirectoryError> {
    let mut files = Vec::new();
    for (name, content) in &answer.files {
        let own = request.files.get(name).and_then(|file| file.permissions);
        files.push(File {
            path: safe(name)?,
            bytes: content.expose().to_vec().into(),
            permissions: own.unwrap_or(request.permissions).bits(),
        });
    }
    for (container, all) in &answer.env {
        let is_kubelets = request.kubelet_env.contains(container);
        files.push(File {
            path: variables_file(container)?,
            bytes: if is_kubelets { env_file::write(all)? } else { variables::write(all)? },
            permissions: request.permissions.bits(),
        });
    }
    Ok(files)
}

/// A container's name is no path: what it could lead out of is checked as a file's name is.
fn variables_file(container: &str) -> Result<PathBuf, DirectoryError> {
    safe(container)?;
    Ok(layout::variables(container).into())
}

/// The broker checks names, too; this is the last one that can.
fn safe(name: &str) -> Result<PathBuf, DirectoryError> {
    let path = Path::new(name);
    let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_reserved = name.starts_with("..") || name.starts_with(layout::RESERVED);
    if name.is_empty() || !is_plain || is_reserved || name.contains('\0') {
        return Err(DirectoryError::Name(name.to_owned()));
    }
    Ok(path.to_owned())
}

/// The names at the top, each once.
pub(super) fn tops(files: &[File]) -> BTreeSet<&Path> {
    let parts = files.iter().filter_map(|file| file.path.components().next());
    parts.map(|part| Path::new(part.as_os_str())).collect()
}
