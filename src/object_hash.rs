//! External Secrets Operator's hash of objects: SHA3-224 of what Go's `%+v` prints, in lower-case hex. Statuses and
//! Secrets that either of the two wrote are understood by the other.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::ByteString;
use kube::api::ObjectMeta;
use sha3::{Digest, Sha3_224};

/// The hash of what was printed.
pub fn object_hash(printed: &[u8]) -> String {
    hex(&Sha3_224::digest(printed))
}

/// The hash of a Secret's data, `map[key:[98 97 114] …]`; the text, which tells the values, is nowhere as a whole.
pub fn data_hash(data: &BTreeMap<String, ByteString>) -> String {
    let (mut hash, mut decimal) = (Sha3_224::new(), String::with_capacity(3));
    hash.update("map[");
    for (index, (key, value)) in data.iter().enumerate() {
        hash.update(if index == 0 { "" } else { " " });
        hash.update(key);
        hash.update(":[");
        for (index, byte) in value.0.iter().enumerate() {
            hash.update(if index == 0 { "" } else { " " });
            decimal.clear();
            // Writing to a string cannot fail.
            let _ = write!(decimal, "{byte}");
            hash.update(&decimal);
        }
        hash.update("]");
    }
    hash.update("]");
    hex(&hash.finalize())
}

/// Its generation, and a hash of its labels and annotations.
fn version(
    generation: i64,
    annotations: Option<&BTreeMap<String, String>>,
    labels: Option<&BTreeMap<String, String>>,
) -> String {
    let printed = |map: Option<&BTreeMap<String, String>>| {
        let members: Vec<String> =
            map.into_iter().flatten().map(|(key, value)| format!("{key}:{value}")).collect();
        members.join(" ")
    };
    let text = format!("{{annotations:map[{}] labels:map[{}]}}", printed(annotations), printed(labels));
    format!("{generation}-{}", object_hash(text.as_bytes()))
}

/// The version of an object, as `status.syncedResourceVersion` keeps it.
pub fn version_of(metadata: &ObjectMeta) -> String {
    let generation = metadata.generation.unwrap_or_default();
    version(generation, metadata.annotations.as_ref(), metadata.labels.as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(56);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_operators() {
        for (printed, hash) in [
            ("<nil>", "c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc"),
            ("hello there", "f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999"),
            (
                "map[bar:[118 97 108 117 101 50] foo:[118 97 108 117 101 49]]",
                "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64",
            ),
        ] {
            assert_eq!(object_hash(printed.as_bytes()), hash, "{printed}");
        }
    }

    #[test]
    fn a_version_is_the_operators() {
        assert_eq!(version(3, None, None), format!("3-{}", object_hash(b"{annotations:map[] labels:map[]}")));
        let labels = [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())].into();
        let expected = object_hash(b"{annotations:map[] labels:map[a:1 b:2]}");
        assert_eq!(version(1, None, Some(&labels)), format!("1-{expected}"));
    }

    #[test]
    fn data_is_hashed_as_go_prints_it() {
        let data = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().to_vec())))
                .collect()
        };
        let known = "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64";
        assert_eq!(data_hash(&data(&[("foo", "value1"), ("bar", "value2")])), known);
        assert_eq!(data_hash(&data(&[])), object_hash(b"map[]"));
        assert_eq!(data_hash(&data(&[("a", ""), ("b", "\0")])), object_hash(b"map[a:[] b:[0]]"));
    }
}
