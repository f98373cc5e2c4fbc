//! A text in, and no more of it out than there is room for: what somebody wrote must not outgrow the answer that quotes it.

use std::borrow::Cow;

/// What stands where a text was cut.
const CUT: &str = "…";

/// A text of at most `most` bytes, its mark included; cut between two characters.
pub fn bounded(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(most.saturating_sub(CUT.len()));
    let kept = text.get(..end).unwrap_or_default();
    Cow::Owned([kept, CUT].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_marked() {
        assert_eq!(bounded("abcde", 5), "abcde");
        assert_eq!(bounded("abcdef", 5), "ab…");
        assert_eq!(bounded("äääf", 6), "ä…"); // three bytes are left: one and a half of them
    }

    proptest! {
        #[test]
        fn it_is_never_longer_and_always_a_beginning(text in ".{0,40}", most in 3..80_usize) {
            let cut = bounded(&text, most);
            prop_assert!(cut.len() <= most);
            prop_assert!(text.starts_with(cut.strip_suffix(CUT).unwrap_or(&cut)));
        }
    }
}
