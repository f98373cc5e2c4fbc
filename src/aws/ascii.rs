//! Which ASCII characters a name may have: one look for each byte.

/// A set of ASCII characters.
pub(super) struct Characters([bool; 256]);

impl Characters {
    /// Letters, digits, and these.
    pub(super) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut members = [false; 256];
        let (mut byte, mut left) = (0_u8, members.as_mut_slice());
        while let Some((is_member, rest)) = left.split_first_mut() {
            *is_member = byte.is_ascii_alphanumeric() || contains(others, byte);
            (byte, left) = (byte.wrapping_add(1), rest);
        }
        Self(members)
    }

    /// Whether the text has no others.
    pub(super) fn are_all_of(&self, text: &str) -> bool {
        text.bytes().all(|byte| self.has(byte))
    }

    /// Whether the character is one of them.
    pub(super) fn contain(&self, c: char) -> bool {
        u8::try_from(c).is_ok_and(|byte| self.has(byte))
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).is_some_and(|is_member| *is_member)
    }
}

const fn contains(mut bytes: &[u8], wanted: u8) -> bool {
    while let Some((byte, rest)) = bytes.split_first() {
        if *byte == wanted {
            return true;
        }
        bytes = rest;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_are_contained() {
        static NAMES: Characters = Characters::alphanumeric_and(b"-@");
        for c in ('\0'..='\u{17f}').chain(['\u{2d30}', '😀']) {
            let expected = c.is_ascii_alphanumeric() || c == '-' || c == '@';
            assert_eq!(NAMES.contain(c), expected, "{c:?}");
            assert_eq!(NAMES.are_all_of(&format!("a{c}")), expected, "{c:?}");
        }
        assert!(NAMES.are_all_of(""));
    }
}
