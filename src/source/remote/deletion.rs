//! DeleteSecret and RestoreSecret.

use super::{Operation, Remote};
use crate::aws::failure::Class;
use crate::source::error::SourceError;
use crate::source::quota::Limited;

/// How a secret is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deletion {
    /// After so many days, 7 to 30, in which it can be restored.
    Window(u8),
    /// After AWS's own number of days.
    #[default]
    DefaultWindow,
    /// At once, for ever.
    Force,
}

const DELETE: Operation = Operation::repeatable("DeleteSecret", Limited::Delete);
const RESTORE: Operation = Operation::repeatable("RestoreSecret", Limited::Restore);

impl Remote {
    /// Deletes a secret, which must have no copies any more. One that is gone, or waits for its deletion already, is as it
    /// should be.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn delete(&self, id: &str, deletion: Deletion) -> Result<(), SourceError> {
        let (window, force) = match deletion {
            Deletion::Window(days) => (Some(i64::from(days)), None),
            Deletion::DefaultWindow => (None, None),
            Deletion::Force => (None, Some(true)),
        };
        let answer = self.change(DELETE, id, |client| {
            let request = client.delete_secret().secret_id(id).set_recovery_window_in_days(window);
            request.set_force_delete_without_recovery(force).send()
        });
        let deleted = match answer.await {
            Err(failure) if matches!(failure.class, Class::NotFound | Class::MarkedForDeletion) => Ok(()),
            other => other.map(drop),
        };
        self.source.heeded(&self.access, deleted)
    }

    /// Takes a secret's mark for deletion away; it need have none.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn restore(&self, id: &str) -> Result<(), SourceError> {
        let answer = self.change(RESTORE, id, |client| client.restore_secret().secret_id(id).send());
        self.source.heeded(&self.access, answer.await.map(drop))
    }
}
