//! What is remembered of a remote secret while this process leads: which version holds what we want, also where its
//! id does not tell, because somebody else wrote it or because it has more than our properties.

use super::document::Edit;
use super::remote::Described;
use super::token::Tokens;

/// A version, and what of ours it was seen to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    version_id: String,
    digest: [u8; 16],
}

impl Known {
    /// That a version holds what an edit would make.
    pub fn new(version_id: &str, edit: &Edit, tokens: &Tokens) -> Self {
        Self { version_id: version_id.to_owned(), digest: edit.digest(tokens) }
    }

    /// Whether the version is still the current one, and the edit still the same.
    pub fn proves(&self, described: &Described, edit: &Edit, tokens: &Tokens) -> bool {
        !edit.removes() && described.current() == Some(&self.version_id) && self.digest == edit.digest(tokens)
    }
}
