//! Classes of characters as Go 1.26 has them, with Unicode 15.

use crate::go::{contains, ranges};
use std::sync::LazyLock;

type Ranges = LazyLock<Vec<(char, char)>>;

/// What a quoted text shows as it is.
pub(super) fn is_printable(c: char) -> bool {
    c == ' ' || contains(&PRINTABLE, c)
}

pub(super) fn is_letter(c: char) -> bool {
    contains(&LETTERS, c)
}

pub(super) fn is_number(c: char) -> bool {
    contains(&NUMBERS, c)
}

pub(super) fn is_punctuation(c: char) -> bool {
    contains(&PUNCTUATION, c)
}

pub(super) fn is_upper(c: char) -> bool {
    contains(&UPPER, c)
}

static PRINTABLE: Ranges = LazyLock::new(|| ranges(r"[[\p{L}\p{M}\p{N}\p{P}\p{S}]&&\p{age=15.0}]"));
static LETTERS: Ranges = LazyLock::new(|| ranges(r"[\p{L}&&\p{age=15.0}]"));
static NUMBERS: Ranges = LazyLock::new(|| ranges(r"[\p{N}&&\p{age=15.0}]"));
static PUNCTUATION: Ranges = LazyLock::new(|| ranges(r"[\p{P}&&\p{age=15.0}]"));
static UPPER: Ranges = LazyLock::new(|| ranges(r"[\p{Lu}&&\p{age=15.0}]"));
