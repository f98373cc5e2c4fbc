//! A search: which secrets of an account an ExternalSecret's `find` means.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::api::data_from::Find;
use crate::go::regexp::{Matcher, RegexpError};

/// Every secret that matches the name and has all the tags.
#[derive(Clone, Debug)]
pub struct SecretQuery {
    /// Only names that start with this.
    pub path: Option<String>,
    /// Only names that have a match.
    pub name: Option<Matcher>,
    /// Only secrets with these tags.
    pub tags: BTreeMap<String, String>,
}

/// Why a search finds nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum QueryError {
    /// A path at most.
    #[error("searches by name or tags; a path alone is none")]
    Nothing,
    /// A name that does not compile.
    #[error("name.regexp: {0}")]
    Name(#[from] RegexpError),
}

impl TryFrom<&Find> for SecretQuery {
    type Error = QueryError;

    fn try_from(find: &Find) -> Result<Self, QueryError> {
        let Find { path, name, tags, .. } = find;
        if name.is_none() && tags.is_empty() {
            return Err(QueryError::Nothing);
        }
        let name = name.as_ref().map(|name| Matcher::new(&name.regexp)).transpose()?;
        Ok(Self { path: path.clone().filter(|path| !path.is_empty()), name, tags: tags.clone() })
    }
}
