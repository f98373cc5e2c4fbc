//! The volume that all containers of the pod see: files that change together, or not at all.
//!
//! As the kubelet writes Secrets: everything goes into a new folder, `..data` is pointed at it in one step, and each
//! name at the top is a link into `..data`. Who watches `..data` learns of a change; who reads gets the old files or
//! the new ones.

mod files;
#[cfg(test)]
mod tests;

use std::env;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process;

use keyhatch_agent::env_file::EnvFileError;
use keyhatch_agent::{Answer, Request, layout};
use thiserror::Error;

use crate::variables::VariableError;
use files::{File, files, tops};

const DATA: &str = "..data";
const NEW_DATA: &str = "..data_tmp";
/// What each new folder is called, before its number.
const FOLDER: &str = "..keyhatch_";
const STATE: &str = ".keyhatch-state";
/// Of a folder: what is made in it has its group.
const SETGID: u32 = 0o2000;

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
        if let Err(error) = self.fill(&folder, &files).and_then(|()| self.show(&folder)) {
            // Half a folder only takes room, and so does a link into it; nobody has seen a file of it.
            let _ = fs::remove_dir_all(&folder);
            let _ = self.remove_stale_links();
            return Err(error);
        }
        // Everybody sees the new folder by now: whatever fails from here on, it stays.
        self.remove_stale_links()?;
        if let Some(old) = old {
            let old = self.path.join(old);
            fs::remove_dir_all(&old).map_err(at(&old))?;
        }
        Ok(true)
    }

    /// Writes the files and the links to them. A link whose file is not shown yet is as good as none, and whoever finds
    /// the folder shown finds all of its names.
    fn fill(&self, folder: &Path, files: &[File]) -> Result<(), DirectoryError> {
        for File { path, bytes, permissions } in files {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                DirBuilder::new().recursive(true).mode(0o755).create(parent).map_err(at(parent))?;
            }
            write_file(&path, bytes, *permissions)?;
        }
        for top in tops(files).into_iter().filter(|top| !self.is_linked(top)) {
            let link = self.path.join(top);
            symlink(Path::new(DATA).join(top), &link).map_err(at(&link))?;
        }
        Ok(())
    }

    /// Points everybody at the folder: one rename, the last thing that can fail.
    fn show(&self, folder: &Path) -> Result<(), DirectoryError> {
        let (data, new) = (self.path.join(DATA), self.path.join(NEW_DATA));
        let _ = fs::remove_file(&new);
        let name = folder.file_name().map(PathBuf::from).unwrap_or_default();
        symlink(name, &new).map_err(at(&new))?;
        fs::rename(&new, &data).map_err(at(&data))
    }

    /// Links to what is no longer there, or never came.
    fn remove_stale_links(&self) -> Result<(), DirectoryError> {
        for entry in fs::read_dir(&self.path).map_err(at(&self.path))? {
            let path = entry.map_err(at(&self.path))?.path();
            let is_ours = fs::read_link(&path).is_ok_and(|target| target.starts_with(DATA));
            if is_ours && !path.exists() {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// Whether a name at the top leads to what is shown.
    fn is_linked(&self, top: &Path) -> bool {
        fs::read_link(self.path.join(top)).is_ok_and(|target| target == Path::new(DATA).join(top))
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
        // Not less than asked for, whatever the umask; and the volume's setgid bit is inherited, by which files belong
        // to the pod's fsGroup.
        let inherited = fs::metadata(&folder).map_err(at(&folder))?.mode() & SETGID;
        fs::set_permissions(&folder, Permissions::from_mode(0o755 | inherited)).map_err(at(&folder))?;
        Ok(folder)
    }

    /// Whether exactly these files are shown, with these bytes, each under its name.
    fn holds(&self, files: &[File]) -> bool {
        let data = self.path.join(DATA);
        let same = |file: &File| {
            let path = data.join(&file.path);
            fs::read(&path).is_ok_and(|bytes| zeroize::Zeroizing::new(bytes) == file.bytes)
        };
        let is_linked = || tops(files).into_iter().all(|top| self.is_linked(top));
        data.exists() && count(&data) == files.len() && files.iter().all(same) && is_linked()
    }
}

/// Writes this program to a path, for everybody to run.
pub(crate) fn copy_program(to: &Path) -> Result<(), DirectoryError> {
    let new = to.with_extension(format!("new{}", process::id()));
    fs::copy("/proc/self/exe", &new).map_err(at(&new))?;
    fs::set_permissions(&new, Permissions::from_mode(0o555)).map_err(at(&new))?;
    fs::rename(&new, to).map_err(at(to))
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
