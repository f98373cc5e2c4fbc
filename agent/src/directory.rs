//! The volume that all containers of the pod see: files that change together, or not at all.
//!
//! As the kubelet writes Secrets: everything goes into a new folder, `..data` is pointed at it in one step, and each
//! name at the top is a link into `..data`. Who watches `..data` learns of a change; who reads gets the old files or
//! the new ones.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process;

use keyhatch_agent::env_file::{self, EnvFileError};
use keyhatch_agent::{Answer, Request, layout};
use thiserror::Error;

use crate::variables::{self, VariableError};

const DATA: &str = "..data";
const NEW_DATA: &str = "..data_tmp";
/// What each new folder is called, before its number.
const FOLDER: &str = "..keyhatch_";
const STATE: &str = ".keyhatch-state";

/// The volume.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

/// Why something is not written.
#[derive(Debug, Error)]
pub(crate) enum DirectoryError {
    /// The system refuses; mostly the volume is full.
    #[error("{}: {source}", path.display())]
    Write {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A name that would end up somewhere else.
    #[error("{0:?} is no name of a file below the mount path")]
    Name(String),
    /// A value that no variable can have.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A value that the kubelet cannot read.
    #[error(transparent)]
    EnvFile(#[from] EnvFileError),
}

/// One file of the new folder.
struct File {
    path: PathBuf,
    bytes: zeroize::Zeroizing<Vec<u8>>,
    permissions: u32,
}

impl Directory {
    /// Where the webhook mounts it.
    pub(crate) fn from_environment() -> Self {
        let path = env::var_os("KEYHATCH_DIRECTORY").unwrap_or_else(|| layout::SECRETS.into());
        Self { path: path.into() }
    }

    /// Whether the files were written once.
    pub(crate) fn is_filled(&self) -> bool {
        self.path.join(DATA).exists()
    }

    /// What the agent remembers.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// Puts this program there, for containers that start with it.
    pub(crate) fn add_program(&self) -> Result<(), DirectoryError> {
        let path = self.path.join(layout::PROGRAM);
        // It is this one: another would be in another pod.
        if path.exists() { Ok(()) } else { copy_program(&path) }
    }

    /// Replaces one file of the agent's own.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8], permissions: u32) -> Result<(), DirectoryError> {
        let new = path.with_extension("new");
        write_file(&new, bytes, permissions)?;
        fs::rename(&new, path).map_err(at(path))
    }

    /// Writes everything anew, unless all of it is there already; answers whether it did.
    pub(crate) fn write(&self, request: &Request, answer: &Answer) -> Result<bool, DirectoryError> {
        let files = files(request, answer)?;
        if self.holds(&files) {
            return Ok(false);
        }
        let old = fs::read_link(self.path.join(DATA)).ok();
        let folder = self.new_folder(old.as_deref())?;
        if let Err(error) = self.fill(&folder, &files) {
            // Half a folder only takes room; nobody has seen it.
            let _ = fs::remove_dir_all(&folder);
            return Err(error);
        }
        if let Some(old) = old {
            let old = self.path.join(old);
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        Ok(true)
    }

    fn fill(&self, folder: &Path, files: &[File]) -> Result<(), DirectoryError> {
        for File { path, bytes, permissions } in files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(at(parent))?;
            }
            write_file(&path, bytes, *permissions)?;
        }
        self.show(folder, files)
    }

    /// Points everybody at the folder: one rename.
    fn show(&self, folder: &Path, files: &[File]) -> Result<(), DirectoryError> {
        let (data, new) = (self.path.join(DATA), self.path.join(NEW_DATA));
        let _ = fs::remove_file(&new);
        let name = folder.file_name().map(PathBuf::from).unwrap_or_default();
        symlink(name, &new).map_err(at(&new))?;
        fs::rename(&new, &data).map_err(at(&data))?;
        let tops: BTreeSet<&Path> = files.iter().filter_map(|file| top(&file.path)).collect();
        for top in &tops {
            let link = self.path.join(top);
            if link.symlink_metadata().is_err() {
                symlink(Path::new(DATA).join(top), &link).map_err(at(&link))?;
            }
        }
        self.remove_stale_links(&tops)
    }

    /// Links to what is no longer there.
    fn remove_stale_links(&self, tops: &BTreeSet<&Path>) -> Result<(), DirectoryError> {
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let path = entry.map_err(at(&self.path))?.path();
            let is_ours = fs::read_link(&path).is_ok_and(|target| target.starts_with(DATA));
            if is_ours && path.file_name().is_some_and(|name| !tops.contains(Path::new(name))) {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// A folder beside the one that is shown; what an earlier process left is removed.
    fn new_folder(&self, shown: Option<&Path>) -> Result<PathBuf, DirectoryError> {
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let entry = entry.map_err(at(&self.path))?;
            let name = entry.file_name();
            let is_left = name.to_string_lossy().starts_with(FOLDER) && Some(Path::new(&name)) != shown;
            if is_left {
                fs::remove_dir_all(entry.path()).map_err(at(&entry.path()))?;
            }
        }
        let number = |path: &Path| path.to_string_lossy().strip_prefix(FOLDER)?.parse::<u64>().ok();
        let next = shown.and_then(number).map_or(1, |number| number.wrapping_add(1));
        let folder = self.path.join(format!("{FOLDER}{next}"));
        DirBuilder::new().mode(0o755).create(&folder).map_err(at(&folder))?;
        // Not less than asked for, whatever the umask.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).map_err(at(&folder))?;
        Ok(folder)
    }

    /// Whether exactly these files are shown, with these bytes.
    fn holds(&self, files: &[File]) -> bool {
        let data = self.path.join(DATA);
        let same = |file: &File| {
            let path = data.join(&file.path);
            fs::read(&path).is_ok_and(|bytes| zeroize::Zeroizing::new(bytes) == file.bytes)
        };
        data.exists() && count(&data) == files.len() && files.iter().all(same)
    }
}

/// Writes this program to a path, for everybody to run.
pub(crate) fn copy_program(to: &Path) -> Result<(), DirectoryError> {
    let new = to.with_extension(format!("new{}", process::id()));
    fs::copy("/proc/self/exe", &new).map_err(at(&new))?;
    fs::set_permissions(&new, Permissions::from_mode(0o555)).map_err(at(&new))?;
    fs::rename(&new, to).map_err(at(to))
}

/// All files of an answer, in one order, variables among them.
fn files(request: &Request, answer: &Answer) -> Result<Vec<File>, DirectoryError> {
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

fn top(path: &Path) -> Option<&Path> {
    path.components().next().map(|part| Path::new(part.as_os_str()))
}

/// The file is the agent's alone until it is whole: other containers see the volume, too.
fn write_file(path: &Path, bytes: &[u8], permissions: u32) -> Result<(), DirectoryError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(bytes)).map_err(at(path))?;
    fs::set_permissions(path, Permissions::from_mode(permissions)).map_err(at(path))
}

/// Files below a folder.
fn count(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |source| DirectoryError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    use keyhatch_agent::Content;

    fn answer(files: &[(&str, &str)]) -> Answer {
        let file = |(name, text): &(&str, &str)| ((*name).to_owned(), Content::new(text.as_bytes().to_vec()));
        let env = [("app".to_owned(), [("A".to_owned(), Content::new(b"1".to_vec()))].into())].into();
        Answer { files: files.iter().map(file).collect(), env, roots: String::new() }
    }

    fn directory() -> (tempfile::TempDir, Directory) {
        let kept = tempfile::tempdir().unwrap();
        let path = kept.path().to_owned();
        (kept, Directory { path })
    }

    fn names(directory: &Directory) -> Vec<String> {
        let entries = fs::read_dir(&directory.path).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_change_together_and_stale_names_go() {
        let (_kept, directory) = directory();
        let request = Request::default();
        assert!(!directory.is_filled());
        assert!(
            directory.write(&request, &answer(&[("a", "1"), ("tls/key", "2"), ("tls/crt", "3")])).unwrap()
        );
        assert!(directory.is_filled());
        assert_eq!(names(&directory), ["..data", "..keyhatch_1", ".keyhatch", "a", "tls"]);
        assert_eq!(fs::read(directory.path.join("tls/key")).unwrap(), b"2");
        assert_eq!(fs::read(directory.path.join(".keyhatch/app.env")).unwrap(), b"A=1\0");

        assert!(directory.write(&request, &answer(&[("b", "4")])).unwrap());
        assert_eq!(names(&directory), ["..data", "..keyhatch_2", ".keyhatch", "b"]);
        assert_eq!(fs::read(directory.path.join("b")).unwrap(), b"4");
    }

    #[test]
    fn what_is_there_already_is_not_written_again() {
        let (_kept, directory) = directory();
        let request = Request::default();
        directory.write(&request, &answer(&[("a", "1")])).unwrap();
        assert!(!directory.write(&request, &answer(&[("a", "1")])).unwrap());
        assert!(directory.write(&request, &answer(&[("a", "2")])).unwrap());
        assert!(directory.write(&request, &answer(&[])).unwrap());
    }

    #[test]
    fn permissions_are_as_asked_whatever_the_umask() {
        let (_kept, directory) = directory();
        let request: Request = serde_json::from_str(
            r#"{"files":{"a":{"from":"s::a","permissions":"0444"},"b":{"from":"s::b"}},"permissions":"0440"}"#,
        )
        .unwrap();
        directory.write(&request, &answer(&[("a", "1"), ("b", "1")])).unwrap();
        let mode = |name: &str| fs::metadata(directory.path.join(name)).unwrap().mode() & 0o7777;
        assert_eq!([mode("a"), mode("b"), mode(".keyhatch/app.env")], [0o444, 0o440, 0o440]);
    }

    #[test]
    fn the_kubelet_gets_variables_as_it_reads_them() {
        let (_kept, directory) = directory();
        let request = Request { kubelet_env: ["app".to_owned()].into(), ..Request::default() };
        directory.write(&request, &answer(&[])).unwrap();
        assert_eq!(fs::read(directory.path.join(".keyhatch/app.env")).unwrap(), b"A='1'\n");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused_and_nothing_changes() {
        let (_kept, directory) = directory();
        directory.write(&Request::default(), &answer(&[("a", "1")])).unwrap();
        for name in
            ["", "/etc/passwd", "../x", "a/../../x", "..data", ".keyhatch/app.env", ".keyhatch-agent", "./x"]
        {
            let refused = directory.write(&Request::default(), &answer(&[("a", "2"), (name, "x")]));
            assert!(matches!(refused, Err(DirectoryError::Name(_))), "{name}: {refused:?}");
        }
        assert_eq!(fs::read(directory.path.join("a")).unwrap(), b"1");
    }

    #[test]
    fn half_a_folder_is_not_shown_and_goes_with_the_next_one() {
        let (_kept, directory) = directory();
        directory.write(&Request::default(), &answer(&[("a", "1")])).unwrap();
        // A file cannot be a folder, too.
        assert!(directory.write(&Request::default(), &answer(&[("x", "1"), ("x/y", "2")])).is_err());
        assert_eq!(names(&directory), ["..data", "..keyhatch_1", ".keyhatch", "a"]);
        fs::create_dir(directory.path.join("..keyhatch_7")).unwrap();
        directory.write(&Request::default(), &answer(&[("a", "2")])).unwrap();
        assert_eq!(names(&directory), ["..data", "..keyhatch_2", ".keyhatch", "a"]);
    }
}
