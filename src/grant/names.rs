//! What files, variables, containers and objects may be called. Pure.

use keyhatch_agent::layout;
use thiserror::Error;

/// Why something cannot be called so.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum NameError {
    #[error("give it a name")]
    Empty,
    #[error("a name has at most {most} bytes, this has {found}")]
    TooLong { most: usize, found: usize },
    #[error(
        "a file is named by a path below the mount path, without /, . or .. at its beginning, end or between"
    )]
    Path,
    #[error("names that begin with .keyhatch or .. are reserved")]
    Reserved,
    #[error("a name has no control characters")]
    Control,
    #[error("a variable's name has letters, digits and _, and does not begin with a digit")]
    Variable,
    #[error("a name of small letters, digits and - is meant")]
    Label,
    #[error("a name of small letters, digits, - and . is meant")]
    Subdomain,
    #[error("a variable has no null bytes: make a file of it")]
    NullBytes,
    #[error("a variable with its name has less than {most} bytes, this has {found}: make a file of it")]
    TooLarge { most: usize, found: usize },
}

/// The longest path of a file, in bytes.
const MAX_PATH: usize = 253;
/// What Linux takes as one variable, name, `=` and the null at its end included.
const MAX_VARIABLE: usize = 131_072;

/// The path of a file below the mount path.
///
/// # Errors
/// Says which rule it breaks.
pub fn file(path: &str) -> Result<(), NameError> {
    check_length(path, MAX_PATH)?;
    if path.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    // The volume's own parts lie at its top.
    if path.starts_with("..") || path.starts_with(layout::RESERVED) {
        return Err(NameError::Reserved);
    }
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(NameError::Path);
    }
    Ok(())
}

/// The name of an environment variable.
///
/// # Errors
/// What is none.
pub fn variable(name: &str) -> Result<(), NameError> {
    check_length(name, MAX_PATH)?;
    let is_word = name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    let is_number = name.starts_with(|c: char| c.is_ascii_digit());
    if is_word && !is_number { Ok(()) } else { Err(NameError::Variable) }
}

/// The value of an environment variable; the message says nothing of it but its size.
///
/// # Errors
/// What Linux does not take.
pub fn variable_value(name: &str, value: &[u8]) -> Result<(), NameError> {
    if value.contains(&0) {
        return Err(NameError::NullBytes);
    }
    match name.len() + value.len() + 2 {
        found if found > MAX_VARIABLE => Err(NameError::TooLarge { most: MAX_VARIABLE, found }),
        _ => Ok(()),
    }
}

/// The name of a container, a DNS-1123 label.
///
/// # Errors
/// What is none.
pub fn container(name: &str) -> Result<(), NameError> {
    check_length(name, 63)?;
    if is_label(name) { Ok(()) } else { Err(NameError::Label) }
}

/// The name of an object, a DNS-1123 subdomain.
///
/// # Errors
/// What is none.
pub fn object(name: &str) -> Result<(), NameError> {
    check_length(name, 253)?;
    if name.split('.').all(is_label) { Ok(()) } else { Err(NameError::Subdomain) }
}

fn is_label(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn check_length(name: &str, most: usize) -> Result<(), NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        found if found > most => Err(NameError::TooLong { most, found }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn files_lie_below_the_mount_path_and_leave_its_own_parts_alone() {
        for (path, expected) in [
            ("db.json", Ok(())),
            ("tls/private key/é", Ok(())),
            (".pgpass", Ok(())),
            ("a/..data", Ok(())),
            ("a/.keyhatch", Ok(())),
            ("", Err(NameError::Empty)),
            ("/a", Err(NameError::Path)),
            ("a/", Err(NameError::Path)),
            ("a//b", Err(NameError::Path)),
            ("a/./b", Err(NameError::Path)),
            ("a/../b", Err(NameError::Path)),
            (".", Err(NameError::Path)),
            ("..", Err(NameError::Reserved)),
            ("..data", Err(NameError::Reserved)),
            (".keyhatch", Err(NameError::Reserved)),
            (".keyhatch-state", Err(NameError::Reserved)),
            ("a\0b", Err(NameError::Control)),
            ("a\nb", Err(NameError::Control)),
        ] {
            assert_eq!(file(path), expected, "{path:?}");
        }
        assert_eq!(file(&"a".repeat(254)), Err(NameError::TooLong { most: 253, found: 254 }));
    }

    #[test]
    fn variables_are_what_linux_takes() {
        for (name, is_one) in [("PATH", true), ("_a1", true), ("1a", false), ("a-b", false), ("a=b", false)] {
            assert_eq!(variable(name).is_ok(), is_one, "{name}");
        }
        assert_eq!(variable_value("A", b"a\0"), Err(NameError::NullBytes));
        assert_eq!(variable_value("A", &[b'x'; 131_069]), Ok(()));
        assert!(variable_value("A", &[b'x'; 131_070]).is_err());
    }

    #[test]
    fn names_of_objects_are_those_of_kubernetes() {
        assert!(container("app-1").is_ok() && object("a.b-c.d").is_ok());
        for name in ["", "-a", "a-", "A", "a_b", "a/b", "..", "a..b"] {
            assert!(container(name).is_err() && object(name).is_err(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_file_leaves_its_folder(path in r"[./a\-]{0,12}|\PC{0,20}") {
            if file(&path).is_ok() {
                let joined = std::path::Path::new("/secrets").join(&path);
                let is_plain = |part| matches!(part, std::path::Component::Normal(_) | std::path::Component::RootDir);
                prop_assert!(joined.components().all(is_plain) && joined.starts_with("/secrets"));
            }
        }
    }
}
