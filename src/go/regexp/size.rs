//! About how large an expression is, compiled: what it costs to run it grows with that.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::GoRegexp;

impl GoRegexp {
    /// About the number of its states; one for an expression that cannot be read again.
    pub fn states(&self) -> usize {
        regex_syntax::parse(self.translated()).map_or(1, |hir| states(&hir))
    }
}

fn states(hir: &Hir) -> usize {
    let sum = |parts: &[Hir]| parts.iter().map(states).fold(1, usize::saturating_add);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        // Each range of characters is one or more of bytes.
        HirKind::Class(Class::Unicode(class)) => 1 + 3 * class.ranges().len(),
        HirKind::Class(Class::Bytes(class)) => 1 + class.ranges().len(),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            states(&repetition.sub).saturating_mul(usize::try_from(times).unwrap_or(usize::MAX))
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => sum(parts),
    }
}

#[cfg(test)]
mod tests {
    use crate::go::regexp::parse;

    #[test]
    fn what_is_repeated_counts_as_often() {
        let states = |pattern: &str| parse(pattern).unwrap().states();
        assert!(states("abc") < 10);
        assert!((1000..1100).contains(&states("a{1000}")));
        assert!(states("(a{100}b){10}") > 1000);
        assert!(states(r"\pL") > 500);
    }
}
