//! The variables of one container in one file: `NAME=VALUE` and a NUL each, as `/proc/PID/environ` has them, because
//! a value may hold anything else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use keyhatch_agent::Content;
use thiserror::Error;
use zeroize::Zeroizing;

/// What the kernel takes for one variable: name, `=`, value and NUL (MAX_ARG_STRLEN of execve(2)).
const LONGEST: usize = 131_072;

/// Why variables cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum VariableError {
    /// The kernel would cut it.
    #[error("the value for {0} has a NUL byte, which no environment variable can have; use a file")]
    Nul(String),
    /// The kernel would refuse it, and say only that the list is too long.
    #[error(
        "the value for {0} has {1} bytes; an environment variable has less than {LONGEST} with its name: use a file"
    )]
    Long(String, usize),
    /// Not what the agent writes.
    #[error("the file is none of variables")]
    Broken,
}

/// The bytes of the file.
pub(crate) fn write(variables: &BTreeMap<String, Content>) -> Result<Zeroizing<Vec<u8>>, VariableError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        variables.iter().map(|(name, value)| name.len() + value.expose().len() + 2).sum(),
    ));
    for (name, value) in variables {
        let value = value.expose();
        if value.contains(&0) {
            return Err(VariableError::Nul(name.clone()));
        }
        if name.len() + value.len() + 2 > LONGEST {
            return Err(VariableError::Long(name.clone(), value.len()));
        }
        for part in [name.as_bytes(), b"=", value, b"\0"] {
            bytes.extend_from_slice(part);
        }
    }
    Ok(bytes)
}

/// Names and values of a file.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<(OsString, OsString)>, VariableError> {
    let records = bytes.strip_suffix(b"\0").map(|all| all.split(|byte| *byte == 0));
    if records.is_none() && !bytes.is_empty() {
        return Err(VariableError::Broken);
    }
    records.into_iter().flatten().map(variable).collect()
}

fn variable(record: &[u8]) -> Result<(OsString, OsString), VariableError> {
    let mut parts = record.splitn(2, |byte| *byte == b'=');
    match (parts.next(), parts.next()) {
        (Some(name), Some(value)) if !name.is_empty() => {
            Ok((OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())))
        }
        _ => Err(VariableError::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(name: &str, value: &[u8]) -> BTreeMap<String, Content> {
        BTreeMap::from([(name.to_owned(), Content::new(value.to_vec()))])
    }

    #[test]
    fn what_no_variable_can_be_is_named_without_its_value() {
        assert_eq!(write(&one("A", b"x\0y")), Err(VariableError::Nul("A".into())));
        assert_eq!(write(&one("A", &[b'x'; 131_070])), Err(VariableError::Long("A".into(), 131_070)));
        assert!(write(&one("A", &[b'x'; 131_069])).is_ok());
        for broken in [b"A=1".as_slice(), b"A\0", b"=1\0", b"\0"] {
            assert_eq!(read(broken), Err(VariableError::Broken), "{broken:?}");
        }
        assert_eq!(read(b""), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn variables_are_read_as_they_were_written(all in proptest::collection::btree_map("[A-Z_]{1,9}", proptest::collection::vec(1u8.., 0..99), 0..9)) {
            let contents = all.iter().map(|(name, value)| (name.clone(), Content::new(value.clone()))).collect();
            let expected: Vec<_> = all.into_iter().map(|(n, v)| (OsString::from(n), OsString::from_vec(v))).collect();
            prop_assert_eq!(read(&write(&contents).unwrap()).unwrap(), expected);
        }
    }
}
