//! What an agent that is started again has to know: whom to trust by now, and which answer it has.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::directory::{Directory, DirectoryError};

/// Kept in the pod's memory beside the files.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Certificates of the authorities that may sign for the broker, as PEM.
    pub(crate) roots: String,
    /// The version of the answer that was written.
    pub(crate) etag: Option<String>,
}

impl State {
    /// What a new pod knows.
    pub(crate) fn new(roots: &str) -> Self {
        Self { roots: roots.to_owned(), etag: None }
    }

    /// None: nothing was kept, or nothing that can be read; the args say enough then.
    pub(crate) fn kept_in(directory: &Directory) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.state_file()).ok()?).ok()
    }

    pub(crate) fn keep_in(&self, directory: &Directory) -> Result<(), DirectoryError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        directory.replace(&directory.state_file(), &text, 0o600)
    }
}
