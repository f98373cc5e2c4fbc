//! External Secrets Operator's hash of objects: SHA3-224 of what Go's `%+v` prints, in lower-case hex. Statuses and
//! Secrets that either of the two wrote are understood by the other.

use std::fmt::Write;

use sha3::{Digest, Sha3_224};

/// The hash of what was printed.
pub fn object_hash(printed: &[u8]) -> String {
    let mut text = String::with_capacity(56);
    for byte in Sha3_224::digest(printed) {
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
}
