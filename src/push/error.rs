//! Why an entry cannot be pushed: in words for a condition, never with a value.

use std::fmt;

use thiserror::Error;

use crate::aws::secret_name::NameError;
use crate::go::gjson::SjsonError;
use crate::go::regexp::RegexpError;
use crate::go::template::TransformError;

/// An entry that is not pushed; the others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// The field, `data[2]`, or the remote key where several entries are one secret.
    pub at: String,
    /// Why.
    pub cause: Cause,
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.cause)
    }
}

/// What is wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Cause {
    #[error("{} no key {key:?}; add it, or name another", secrets_have(secrets))]
    NoKey { secrets: Vec<String>, key: String },
    #[error("Secrets {first} and {second} both have key {key:?}; select one of them")]
    TwoSources { first: String, second: String, key: String },
    #[error("metadata is not usable: {0}")]
    Metadata(String),
    #[error("remote key {key:?}: {error}")]
    RemoteKey { key: String, error: NameError },
    #[error("{first} and {second} are both written to {place}; give each its own place")]
    Duplicate { first: String, second: String, place: String },
    #[error("written both whole and by property; choose one")]
    WholeAndProperty,
    #[error("{first} and {second} give the secret different metadata; write the same in both")]
    MetadataDiffers { first: String, second: String },
    #[error("match.regexp: {0}")]
    Match(RegexpError),
    #[error("rewrite[{index}].regexp.source: {error}")]
    Rewrite { index: usize, error: RegexpError },
    #[error("rewrite[{index}] makes a name of more than {most} bytes of a key; keep it short")]
    LongName { index: usize, most: usize },
    #[error("rewrite[{index}].transform.template: {error}")]
    Template { index: usize, error: TransformError },
    #[error("rewrite[{index}].transform.template, of key {key:?}: {error}")]
    Transform { index: usize, key: String, error: Box<TransformError> },
    #[error(
        "key {key:?} has bytes that are no UTF-8, which neither JSON nor a SecretString can hold; push it as a secret of its own with secretPushFormat: binary"
    )]
    NotText { key: String },
    #[error("{bytes} bytes; AWS takes at most {most} in a secret")]
    TooLarge { bytes: usize, most: usize },
    #[error(
        "the secret's value is no JSON, so property {property:?} cannot be written; push to another secret, or make its value an object"
    )]
    NotJson { property: String },
    #[error("property {property:?}: {error}")]
    Property { property: String, error: SjsonError },
    #[error(
        "the secret exists, and its tags do not say managed-by: external-secrets, so it is somebody else's; choose another name, or tag it"
    )]
    NotManaged,
    #[error(
        "somebody deleted the secret; restore it (aws secretsmanager restore-secret), or change this PushSecret to have it restored"
    )]
    Deleted,
    #[error("a policy is wanted, and resourcePolicy.policySourceRef says nothing of where it is")]
    NoPolicySource,
    #[error("the policy in {place} is not JSON")]
    PolicyNotJson { place: String },
}

fn secrets_have(secrets: &[String]) -> String {
    match secrets {
        [one] => format!("Secret {one} has"),
        _ => "none of the Secrets has".to_owned(),
    }
}
