//! Takes the parts of a regular expression in the order in which they are parsed and sums up what is asked of the
//! whole: its size by Go's measure, whether it is anchored, what it says of a text's ends, and whether it matches every
//! string.

/// What is known of a part of a regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Instructions by Go's estimate.
    pub(super) size: u64,
    /// The largest product of nested repetition counts; 0 below `{0}`, where Go does not look.
    pub(super) copies: u32,
    facts: u16,
}

/// It matches only from the start of the text.
const BEGINS: u16 = 1;
/// It matches only up to the end of the text.
const ENDS: u16 = 1 << 1;
/// It consumes nothing.
const ZERO: u16 = 1 << 2;
/// It matches the empty string anywhere.
const EMPTY: u16 = 1 << 3;
/// It matches the empty string at the start of the text.
const EMPTY_FIRST: u16 = 1 << 4;
/// It matches the empty string at the end of the text.
const EMPTY_LAST: u16 = 1 << 5;
/// It matches any one character but a newline.
const ANY: u16 = 1 << 6;
/// It matches the whole of any line that is not empty.
const LINE: u16 = 1 << 7;
/// It says what stands at the start of a line: an anchor is there, or a part that takes whatever there is.
const FROM_START: u16 = 1 << 8;
/// The same of the end.
const TO_END: u16 = 1 << 9;

impl Shape {
    /// Nothing at all: `()`.
    pub(super) const NOTHING: Self =
        Self { size: 0, copies: 1, facts: ZERO | EMPTY | EMPTY_FIRST | EMPTY_LAST };
    /// One character out of some.
    pub(super) const CHARACTER: Self = Self { size: 1, copies: 1, facts: 0 };
    /// One character, at least any but a newline.
    pub(super) const ANY_CHARACTER: Self = Self { size: 1, copies: 1, facts: ANY };
    /// `\A`, and `^` without the flag m.
    pub(super) const TEXT_START: Self =
        Self { size: 1, copies: 1, facts: ZERO | BEGINS | FROM_START | EMPTY_FIRST };
    /// `\z`, and `$` without the flag m.
    pub(super) const TEXT_END: Self = Self { size: 1, copies: 1, facts: ZERO | ENDS | TO_END | EMPTY_LAST };
    /// `^` with the flag m.
    pub(super) const LINE_START: Self = Self { size: 1, copies: 1, facts: ZERO | EMPTY_FIRST };
    /// `$` with the flag m.
    pub(super) const LINE_END: Self = Self { size: 1, copies: 1, facts: ZERO | EMPTY_LAST };
    /// `\b` and `\B`.
    pub(super) const WORD_BOUNDARY: Self = Self { size: 1, copies: 1, facts: ZERO };

    const fn has(self, fact: u16) -> bool {
        self.facts & fact == fact
    }

    /// This part followed by another.
    pub(super) fn then(self, next: Self) -> Self {
        let mut facts = self.facts & next.facts & (ZERO | EMPTY | EMPTY_FIRST | EMPTY_LAST);
        let mut learn = |condition: bool, fact: u16| facts |= if condition { fact } else { 0 };
        learn(self.has(BEGINS) || self.has(ZERO) && next.has(BEGINS), BEGINS);
        learn(next.has(ENDS) || next.has(ZERO) && self.has(ENDS), ENDS);
        learn(self.has(FROM_START) || self.has(ZERO) && next.has(BEGINS), FROM_START);
        learn(self.has(ZERO | EMPTY) && next.has(FROM_START), FROM_START);
        learn(next.has(TO_END) || next.has(ZERO) && self.has(ENDS), TO_END);
        learn(next.has(ZERO | EMPTY) && self.has(TO_END), TO_END);
        learn(self.has(ANY) && next.has(EMPTY) || self.has(EMPTY) && next.has(ANY), ANY);
        learn(self.has(LINE) && next.has(EMPTY_LAST) || self.has(EMPTY_FIRST) && next.has(LINE), LINE);
        Self { size: self.size.saturating_add(next.size), copies: self.copies.max(next.copies), facts }
    }

    /// Either this part or another.
    pub(super) fn or(self, other: Self) -> Self {
        let both = BEGINS | ENDS | FROM_START | TO_END | ZERO;
        Self {
            size: self.size.saturating_add(other.size).saturating_add(1),
            copies: self.copies.max(other.copies),
            facts: self.facts & other.facts & both | (self.facts | other.facts) & !both,
        }
    }

    /// This part in parentheses that capture.
    pub(super) fn captured(self) -> Self {
        Self { size: self.size.saturating_add(2), ..self }
    }

    /// This part repeated from `min` to `max` times.
    pub(super) fn repeated(self, min: u32, max: Option<u32>) -> Self {
        if max == Some(0) {
            return Self { size: 1, copies: 0, facts: Self::NOTHING.facts };
        }
        let mut facts = self.facts;
        if min == 0 {
            facts = facts & !(BEGINS | ENDS | FROM_START | TO_END) | EMPTY | EMPTY_FIRST | EMPTY_LAST;
        }
        if max.is_none() && self.has(ANY) {
            facts |= FROM_START | TO_END;
        }
        if min > 1 {
            facts &= !(ANY | LINE);
        } else if max.is_none() && self.has(ANY) {
            facts |= LINE;
        }
        let (inner, least) = (self.size.max(1), u64::from(min));
        let size = match max {
            Some(max) => inner.saturating_mul(u64::from(max)).saturating_add(u64::from(max) - least),
            None if min == 0 => inner.saturating_add(2),
            None => inner.saturating_mul(least).saturating_add(1),
        };
        let copies = max.unwrap_or(min).max(1).saturating_mul(self.copies.max(1));
        Self { size, copies, facts }
    }

    /// Whether a match is always the whole text.
    pub(super) const fn is_anchored(self) -> bool {
        self.has(BEGINS | ENDS)
    }

    /// Whether both ends of a line are spoken of.
    pub(super) const fn reaches_both_ends(self) -> bool {
        self.has(FROM_START | TO_END)
    }

    /// Whether a match is found in every text that is neither empty nor has newlines.
    pub(super) const fn matches_everything(self) -> bool {
        self.facts & (EMPTY | EMPTY_FIRST | EMPTY_LAST | ANY | LINE) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_follow_from_the_parts() {
        let any = Shape::ANY_CHARACTER;
        let all = any.repeated(0, None);
        let (start, end) = (Shape::TEXT_START, Shape::TEXT_END);
        assert!(all.matches_everything() && !all.is_anchored());
        assert!(start.then(all).then(end).matches_everything());
        assert!(start.then(all).then(end).is_anchored());
        assert!(!start.then(any).then(end).matches_everything());
        assert!(!start.then(end).matches_everything());
        assert!(!any.repeated(2, None).matches_everything());
        assert!(Shape::CHARACTER.repeated(0, None).matches_everything());
        assert!(!Shape::CHARACTER.repeated(1, None).matches_everything());
        assert!(!start.repeated(0, Some(1)).then(end).is_anchored());
        assert!(!start.then(Shape::CHARACTER).or(Shape::CHARACTER.then(end)).is_anchored());
    }

    #[test]
    fn counts_multiply_inwards_and_stop_below_zero() {
        let hundred = Shape::CHARACTER.repeated(100, Some(100));
        assert_eq!(hundred.repeated(10, Some(10)).copies, 1000);
        assert_eq!(hundred.repeated(0, Some(0)).repeated(100, None).copies, 100);
        assert_eq!(hundred.repeated(0, None).repeated(3, Some(3)).copies, 300);
    }
}
