//! An entry of an ExternalSecret: what it reads in, the keys that it comes to and AWS's answers that they were taken from
//! out. Pods and Secrets get the same.

use std::sync::Arc;
use std::time::Duration;

use super::error::SourceError;
use super::external::Wanted;
use super::{Access, Source, document};
use crate::cache::Answer;
use crate::extract::{ExtractError, Pipeline, Values, check_null_bytes};

/// What an entry came to.
#[derive(Debug)]
pub struct Entered {
    /// Its keys.
    pub values: Values,
    /// What AWS said of each secret.
    pub answers: Vec<Answer>,
}

impl Source {
    /// Reads an entry. `max_age` is the oldest answer that is accepted.
    ///
    /// # Errors
    /// AWS's, classified; what is not there or cannot be read, rewritten or converted.
    pub async fn entry(
        &self,
        access: &Arc<Access>,
        wanted: &Wanted,
        max_age: Option<Duration>,
    ) -> Result<Entered, SourceError> {
        match wanted {
            Wanted::Value { key, reference, null_bytes } => {
                let resolved = self.resolve(access, reference, max_age).await?;
                let checked = check_null_bytes(*null_bytes, key, &resolved.value);
                checked.map_err(|cause| ExtractError::new(reference, cause))?;
                Ok(Entered { values: [(key.clone(), resolved.value)].into(), answers: vec![resolved.answer] })
            }
            Wanted::Extract { reference, remote, rewrites } => {
                let (values, answer) = self.members(access, reference, max_age).await?;
                let finished = Pipeline::of_extract(remote, rewrites).run(values);
                let values = finished.map_err(|cause| ExtractError::new(reference, cause))?;
                Ok(Entered { values, answers: vec![answer] })
            }
            Wanted::Find { query, find, rewrites } => {
                let found = self.find(access, query, max_age).await?;
                let values = found.iter().map(|(name, answer)| (name.clone(), document(&answer.payload)));
                let finished = Pipeline::of_find(find, rewrites).run(values.collect());
                let values =
                    finished.map_err(|cause| ExtractError { reference: "find".to_owned(), cause })?;
                Ok(Entered { values, answers: found.into_values().collect() })
            }
        }
    }
}
