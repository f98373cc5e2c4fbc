//! The file from which the kubelet sets variables (`fileKeyRef`): `NAME='VALUE'` and a line feed each.
//!
//! The kubelet reads it line by line and knows no escapes, so that some values have no form that it would read as they
//! are. They are refused: a variable is never another than what it stands for.

use std::collections::BTreeMap;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::Content;

/// The longest line that the kubelet reads, in bytes, without its line feed.
const LONGEST_LINE: usize = 65_535;

/// Why a value cannot be set by the kubelet. `Display` names the variable, never the value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum EnvFileError {
    /// To the kubelet an empty value is a missing one.
    #[error("the value for {0} is empty, which the kubelet takes for missing; {REMEDY}")]
    Empty(String),
    /// Containers take text only.
    #[error("the value for {0} is no UTF-8 text, which the kubelet cannot set; {REMEDY}")]
    NotText(String),
    /// The end of a value, to the kubelet.
    #[error("the value for {0} has a single quote, which the kubelet cannot read; {REMEDY}")]
    Quote(String),
    /// The kubelet drops it.
    #[error(
        "the value for {0} has a carriage return at the end of a line, which the kubelet drops; {REMEDY}"
    )]
    CarriageReturn(String),
    /// The kubelet reads no further.
    #[error("the value for {0} has a line of {1} bytes, more than the kubelet reads; {REMEDY}")]
    Long(String, usize),
}

const REMEDY: &str = "use a file, or give the container a command";

/// Checks one value.
///
/// # Errors
/// What the kubelet would not read as it is.
pub fn check(name: &str, value: &[u8]) -> Result<(), EnvFileError> {
    let name = || name.to_owned();
    let text = std::str::from_utf8(value).map_err(|_| EnvFileError::NotText(name()))?;
    if text.is_empty() {
        return Err(EnvFileError::Empty(name()));
    }
    if text.contains('\'') {
        return Err(EnvFileError::Quote(name()));
    }
    if text.contains("\r\n") {
        return Err(EnvFileError::CarriageReturn(name()));
    }
    let longest = text.split('\n').map(str::len).max().unwrap_or_default();
    if longest + name().len() + "=''".len() > LONGEST_LINE {
        return Err(EnvFileError::Long(name(), longest));
    }
    Ok(())
}

/// The bytes of the file.
///
/// # Errors
/// The first value that the kubelet would not read as it is.
pub fn write(variables: &BTreeMap<String, Content>) -> Result<Zeroizing<Vec<u8>>, EnvFileError> {
    let length = |(name, value): (&String, &Content)| name.len() + value.expose().len() + "=''\n".len();
    let mut bytes = Zeroizing::new(Vec::with_capacity(variables.iter().map(length).sum()));
    for (name, value) in variables {
        let value = value.expose();
        check(name, value)?;
        for part in [name.as_bytes(), b"='", value, b"'\n"] {
            bytes.extend_from_slice(part);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the kubelet of 1.36 reads for a key, by its rules: lines, without their carriage return; a name, `=`, and
    /// what stands in single quotes, over as many lines as it takes; behind it spaces or a comment.
    fn read(bytes: &[u8], key: &str) -> Option<String> {
        let text = std::str::from_utf8(bytes).unwrap();
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
        while let Some(line) = lines.next() {
            assert!(line.len() <= LONGEST_LINE, "too long");
            let (name, rest) = line.split_once('=').expect("no =");
            let mut rest = rest.strip_prefix('\'').expect("no quote");
            let mut value = String::new();
            loop {
                if let Some((end, after)) = rest.split_once('\'') {
                    value.push_str(end);
                    assert_eq!(after, "", "more behind the quote");
                    break;
                }
                value.push_str(rest);
                value.push('\n');
                rest = lines.next().expect("no end");
            }
            if name == key {
                return Some(value);
            }
        }
        None
    }

    fn one(value: &[u8]) -> BTreeMap<String, Content> {
        [("A".to_owned(), Content::new(value.to_vec()))].into()
    }

    #[test]
    fn what_the_kubelet_would_read_as_something_else_is_refused() {
        let name = || "A".to_owned();
        let line = |length: usize| "x".repeat(length).into_bytes();
        for (value, error) in [
            (b"".to_vec(), EnvFileError::Empty(name())),
            (b"\xff".to_vec(), EnvFileError::NotText(name())),
            (b"it's".to_vec(), EnvFileError::Quote(name())),
            (b"a\r\nb".to_vec(), EnvFileError::CarriageReturn(name())),
            (line(65_532), EnvFileError::Long(name(), 65_532)),
        ] {
            assert_eq!(write(&one(&value)).unwrap_err(), error);
        }
        assert!(write(&one(&line(65_531))).is_ok());
    }

    proptest! {
        #[test]
        fn the_kubelet_reads_what_was_written(
            all in prop::collection::btree_map("[A-Z_]{1,4}", "[ -~\n\r\té]{0,30}|# x=\"\\$\\(A\\)\\\\\n", 1..6),
        ) {
            let contents = all.iter().map(|(name, value)| (name.clone(), Content::new(value.clone().into_bytes()))).collect();
            let fits = all.iter().all(|(name, value)| check(name, value.as_bytes()).is_ok());
            match write(&contents) {
                Ok(bytes) => {
                    for (name, value) in &all {
                        let found = read(&bytes, name);
                        prop_assert_eq!(found.as_ref(), Some(value));
                    }
                }
                Err(_) => prop_assert!(!fits),
            }
        }
    }
}
