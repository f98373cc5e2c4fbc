//! Names of secrets, and what else the API says of a secret in words.
//!
//! Source: Secrets Manager API Reference, `CreateSecret` (Name, Description) and `GetSecretValue`
//! (VersionId, VersionStage).

use thiserror::Error;

use super::ascii::Characters;

/// The most characters that a description has.
pub const MAX_DESCRIPTION: usize = 2048;

/// Why a text cannot be the name of a secret.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Nothing there.
    #[error("name the secret")]
    Empty,
    /// More than 512 characters.
    #[error("a secret's name has at most 512 characters, this has {0}")]
    TooLong(usize),
    /// A character that AWS does not allow.
    #[error("{0:?} cannot be in a secret's name; allowed are A-Z a-z 0-9 / _ + = . @ -")]
    Character(char),
}

/// Checks the name of a secret.
///
/// # Errors
/// Says what AWS would refuse.
pub fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    check_part(name)
}

/// Checks a piece of a name, a store's prefix say.
///
/// # Errors
/// Says what AWS would refuse in a whole name, too.
pub fn check_part(part: &str) -> Result<(), NameError> {
    // All that are allowed are single bytes, and those are looked at faster.
    if !ALLOWED.are_all_of(part)
        && let Some(bad) = part.chars().find(|&c| !ALLOWED.contain(c))
    {
        return Err(NameError::Character(bad));
    }
    if part.len() > 512 { Err(NameError::TooLong(part.len())) } else { Ok(()) }
}

/// What a name is made of.
static ALLOWED: Characters = Characters::alphanumeric_and(b"/_+=.@-");

/// Which version of a secret is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version<'a> {
    /// A staging label; by default `AWSCURRENT`.
    Stage(&'a str),
    /// A VersionId.
    Id(&'a str),
}

/// Why a text names no version.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VersionError {
    /// AWS wants 32 to 64 characters.
    #[error("a version id has 32 to 64 characters, the one after uuid/ has {0}")]
    IdLength(usize),
    /// Longer than a staging label can be.
    #[error("a staging label has at most 256 characters, this has {0}")]
    StageLength(usize),
    /// A bare VersionId.
    #[error("this looks like a version id: write uuid/{0}")]
    BareId(String),
    /// `UUID/…`, `uuid:…`.
    #[error("a version id is written with uuid/ before it, in lower case")]
    Prefix,
    /// Almost one of AWS's own labels.
    #[error("staging labels are case-sensitive and exact: did you mean {0}?")]
    AlmostAwsLabel(&'static str),
}

/// Reads a version as references write it: a staging label, or `uuid/` and a VersionId.
///
/// # Errors
/// Says what AWS would refuse, or what can only be a slip.
pub fn version(text: &str) -> Result<Version<'_>, VersionError> {
    if text.is_empty() {
        return Ok(Version::Stage("AWSCURRENT"));
    }
    if let Some(id) = text.strip_prefix("uuid/") {
        return match id.chars().count() {
            32..=64 => Ok(Version::Id(id)),
            length => Err(VersionError::IdLength(length)),
        };
    }
    if text
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("uuid/") || start.eq_ignore_ascii_case("uuid:"))
    {
        return Err(VersionError::Prefix);
    }
    match text.chars().count() {
        length @ 257.. => return Err(VersionError::StageLength(length)),
        36 if is_uuid(text) => return Err(VersionError::BareId(text.to_owned())),
        _ => {}
    }
    match almost_aws_label(text) {
        Some(label) => Err(VersionError::AlmostAwsLabel(label)),
        None => Ok(Version::Stage(text)),
    }
}

/// `awscurrent` is a label that nobody made: AWS matches exactly.
fn almost_aws_label(text: &str) -> Option<&'static str> {
    const LABELS: [&str; 3] = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"];
    if text.len() > 16 || LABELS.contains(&text) {
        return None;
    }
    let upper = text.to_ascii_uppercase();
    LABELS.into_iter().find(|&label| label != text && strsim::osa_distance(&upper, label) <= 2)
}

/// 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_aws_allows() {
        assert_eq!(check("prod/db_1+a=b.c@d-e"), Ok(()));
        assert_eq!(check(""), Err(NameError::Empty));
        assert_eq!(check("a b"), Err(NameError::Character(' ')));
        assert_eq!(check(&"a".repeat(512)), Ok(()));
        assert_eq!(check(&"a".repeat(513)), Err(NameError::TooLong(513)));
    }

    #[test]
    fn versions_are_labels_or_ids() {
        let id = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(version(""), Ok(Version::Stage("AWSCURRENT")));
        assert_eq!(version("blue"), Ok(Version::Stage("blue")));
        assert_eq!(version("AWSPREVIOUS"), Ok(Version::Stage("AWSPREVIOUS")));
        assert_eq!(version(&format!("uuid/{id}")), Ok(Version::Id(id)));
        assert_eq!(version("uuid/1"), Err(VersionError::IdLength(1)));
        assert_eq!(version(id), Err(VersionError::BareId(id.into())));
        assert_eq!(version("awscurrent"), Err(VersionError::AlmostAwsLabel("AWSCURRENT")));
        assert_eq!(version("AWSPREVIUOS"), Err(VersionError::AlmostAwsLabel("AWSPREVIOUS")));
        assert_eq!(version(&"x".repeat(257)), Err(VersionError::StageLength(257)));
    }
}
