//! Tags of secrets and of STS sessions.
//!
//! Source: Secrets Manager API Reference, `TagResource` and `Tag`; STS API Reference, `Tag`; IAM User Guide, "Passing
//! session tags": 50 tags, keys of 1 to 128 and values of at most 256 characters, none that begin with `aws:`. STS has a
//! pattern for the characters; Secrets Manager has none, and says only that other services may have one.

use thiserror::Error;

use super::ascii::Characters;

/// The most tags that a secret or a session has.
pub const MAX_TAGS: usize = 50;
/// The tag by which secrets that were pushed from a cluster are known.
pub const MANAGED_BY: &str = "managed-by";

/// Why AWS refuses a tag.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TagError {
    /// A key of no characters.
    #[error("a tag's key has at least one character")]
    EmptyKey,
    /// A key over 128 characters.
    #[error("a tag's key has at most 128 characters, this has {0}")]
    LongKey(usize),
    /// A value over 256 characters.
    #[error("a tag's value has at most 256 characters, this has {0}")]
    LongValue(usize),
    /// A key that AWS keeps for itself.
    #[error("keys that begin with aws: are AWS's own and cannot be set")]
    Reserved,
    /// A character that STS does not allow.
    #[error("{0:?} cannot be in a tag of a session; allowed are letters, digits, spaces and _ . : / = + - @")]
    Character(char),
}

/// Checks one tag of a secret.
///
/// # Errors
/// Says what Secrets Manager would refuse.
pub fn check(key: &str, value: &str) -> Result<(), TagError> {
    if key.is_empty() {
        return Err(TagError::EmptyKey);
    }
    if key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
        return Err(TagError::Reserved);
    }
    // The common case is no look at the characters; each has at least one byte.
    if key.len() <= 128 && value.len() <= 256 {
        return Ok(());
    }
    match (key.chars().count(), value.chars().count()) {
        (length @ 129.., _) => Err(TagError::LongKey(length)),
        (_, length @ 257..) => Err(TagError::LongValue(length)),
        _ => Ok(()),
    }
}

/// Checks one tag of a session.
///
/// # Errors
/// Says what STS would refuse.
pub fn check_of_session(key: &str, value: &str) -> Result<(), TagError> {
    check(key, value)?;
    if ASCII.are_all_of(key) && ASCII.are_all_of(value) {
        return Ok(());
    }
    match key.chars().chain(value.chars()).find(|&c| !is_allowed(c)) {
        Some(bad) => Err(TagError::Character(bad)),
        None => Ok(()),
    }
}

/// What is allowed of ASCII.
static ASCII: Characters = Characters::alphanumeric_and(b" _.:/=+-@");

fn is_allowed(c: char) -> bool {
    let is_foreign = || !c.is_ascii() && (c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()));
    ASCII.contain(c) || is_foreign()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_those_that_aws_allows() {
        for check in [check, check_of_session] {
            assert_eq!(check("cost centre", "a/b=c+d-e@f_g.h:i"), Ok(()));
            assert_eq!(check("équipe", ""), Ok(()));
            assert_eq!(check(&"é".repeat(128), &"é".repeat(256)), Ok(()));
            assert_eq!(check("", "x"), Err(TagError::EmptyKey));
            assert_eq!(check("AWS:x", "y"), Err(TagError::Reserved));
            assert_eq!(check(&"k".repeat(129), ""), Err(TagError::LongKey(129)));
            assert_eq!(check("k", &"v".repeat(257)), Err(TagError::LongValue(257)));
        }
    }

    #[test]
    fn only_sessions_have_a_pattern_for_characters() {
        for (key, value, bad) in
            [("k", "a#b", '#'), ("owner", "Payments (EMEA), on call", '('), ("a*b", "", '*')]
        {
            assert_eq!(check(key, value), Ok(()));
            assert_eq!(check_of_session(key, value), Err(TagError::Character(bad)));
        }
    }
}
