//! Takes a regular expression in Go's syntax and gives it in that of the `regex` crate, with Go's answers, or says
//! why Go refuses it. The rule is Go 1.26's `regexp/syntax`; where the two languages differ, Go's meaning is
//! written out. [`Matcher`] finds and replaces with it.

mod class;
mod escape;
mod group;
mod matcher;
mod names;
mod parser;
mod reach;
mod replacement;
mod shape;
mod size;

pub use matcher::Matcher;

use super::excerpt;
use regex_syntax::ast;
pub use replacement::{literals, references};
use shape::Shape;
use thiserror::Error;

/// The longest regular expression that is looked at, in bytes.
const LENGTH: usize = 64 << 10;

/// A regular expression that Go accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoRegexp {
    translated: String,
    shape: Shape,
    groups: usize,
    names: Vec<(String, usize)>,
}

impl GoRegexp {
    /// The same expression for the `regex` crate. Its groups have Go's numbers; names that start with a digit or
    /// that are used a second time are left out, because the crate does not have them.
    pub fn translated(&self) -> &str {
        &self.translated
    }

    /// Whether every match is the whole text.
    pub fn is_anchored(&self) -> bool {
        self.shape.is_anchored()
    }

    /// Whether it says of a text without line breaks what may stand at either end: by an anchor, or by a part that takes
    /// whatever is there, as in `^team-.*`. Errs towards false.
    pub fn reaches_both_ends(&self) -> bool {
        self.shape.reaches_both_ends()
    }

    /// Whether a match is found in every text that is not empty and has no line breaks. Errs towards false.
    pub fn matches_everything(&self) -> bool {
        self.shape.matches_everything()
    }

    /// The number of groups that capture.
    pub fn group_count(&self) -> usize {
        self.groups
    }

    /// Whether a group has this name.
    pub fn has_group(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }
}

/// Why Go refuses a regular expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum RegexpError {
    #[error("regular expression of {0} bytes; the limit is 65536")]
    TooLong(usize),
    #[error("{0} looks around, which Go's regular expressions cannot; match the surrounding text too")]
    Lookaround(String),
    #[error("backreference {0}; Go's regular expressions have none")]
    Backreference(String),
    #[error("invalid escape sequence {escape}{advice}")]
    InvalidEscape { escape: String, advice: &'static str },
    #[error("backslash at the end; write \\\\ for a literal one")]
    TrailingBackslash,
    #[error("unknown group {0}; Go has (?:…), (?P<name>…), (?<name>…) and the flags i, m, s and U")]
    InvalidGroup(String),
    #[error(
        "invalid group name in {0}; it is made of ASCII letters, digits and underscores, and ends with >"
    )]
    GroupName(String),
    #[error("missing closing ); a literal parenthesis is written \\(")]
    UnclosedGroup,
    #[error("unexpected ); a literal parenthesis is written \\)")]
    UnexpectedParen,
    #[error("missing closing ] of {0}; a literal bracket is written \\[")]
    UnclosedClass(String),
    #[error("range {0} runs backwards")]
    ClassRange(String),
    #[error("unknown character class {0}")]
    UnknownClass(String),
    #[error("{0} repeats a repetition; Go has no possessive operators, and others need a group: (?:a*)*")]
    RepeatedRepeat(String),
    #[error("nothing to repeat in front of {0}; a wildcard for any text is .*")]
    NothingToRepeat(String),
    #[error("repeat count of {0} is out of range; it goes up to 1000, nested counts multiplied")]
    RepeatSize(String),
    #[error("bounds of the repetition {0} are the wrong way round")]
    RepeatBounds(String),
    #[error("regular expression is too large once its repetitions are multiplied out")]
    TooLarge,
    /// Go accepts it.
    #[error("regular expression has {0}, which is not supported")]
    Unsupported(&'static str),
}

impl RegexpError {
    /// Whether Go refuses the expression, too.
    pub const fn is_of_go(&self) -> bool {
        !matches!(self, Self::Unsupported(_) | Self::TooLong(_))
    }
}

/// Parses a regular expression as Go's `regexp.Compile` does.
pub fn parse(pattern: &str) -> Result<GoRegexp, RegexpError> {
    if pattern.len() > LENGTH {
        return Err(RegexpError::TooLong(pattern.len()));
    }
    let parser::Parsed { translated, shape, groups, names } = parser::parse(pattern)?;
    match ast::parse::Parser::new().parse(&translated) {
        Ok(_) => Ok(GoRegexp { translated, shape, groups, names }),
        Err(e) if matches!(e.kind(), ast::ErrorKind::NestLimitExceeded(_)) => {
            Err(RegexpError::Unsupported("more than 250 levels of nesting"))
        }
        Err(_) => Err(RegexpError::Unsupported("syntax of Go's own")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn differences_of_the_two_languages_are_written_out() {
        for (go, rust) in [
            (r"\d+\w\s", r"[0-9]+[0-9A-Za-z_][\t\n\f\r ]"),
            (r"[\D]", r"[[^0-9]]"),
            (r"\bfoo\b", r"(?-u:\b)foo(?-u:\b)"),
            (r"\<b\>", "<b>"),
            ("[a&&b~~+--d[e]", r"[a\&\&b\~\~\+-\-d\[e]"),
            ("a{,5}", r"a\{,5\}"),
            ("a{01}", r"a\{01\}"),
            (r"\Qa.b*\E+", r"a\.b\*+"),
            (r"\012\x41\x{10FFFF}", "\nA\u{10FFFF}"),
            ("(?i)a(?-i)b", "(?i)a(?-i)b"),
            ("(?i:a)b", "(?:(?i)a)b"),
            ("(?U)a*b+?", "a*?b+"),
            ("(?s).(?-s).", "(?s:.)."),
            ("(?m)^a$", "(?m:^)a(?m:$)"),
            ("a*(?i)*", "(?:a*)*"),
            ("(?<n>a)(?P<n>b)(?<1>c)", "(?P<n>a)(b)(c)"),
            (r"[[:word:]][[:^alpha:]]", r"[0-9A-Za-z_][[^A-Za-z]]"),
            (r"\pL\P{^Greek}", r"\p{gc=L}\p{sc=Greek}"),
            ("# x", r"\# x"),
        ] {
            assert_eq!(parse(go).unwrap().translated(), rust, "{go}");
        }
    }

    #[test]
    fn messages_name_the_cause() {
        for (pattern, message) in [
            (
                "a(?=b)",
                "`(?=` looks around, which Go's regular expressions cannot; match the surrounding text too",
            ),
            (r"(a)\1", r"backreference `\1`; Go's regular expressions have none"),
            (r"a\Z", r"invalid escape sequence `\Z`; the end of the text is \z"),
            ("*.prod", "nothing to repeat in front of `*`; a wildcard for any text is .*"),
            (
                "a{1001}",
                "repeat count of `{1001}` is out of range; it goes up to 1000, nested counts multiplied",
            ),
            ("[z-a]", "range `z-a` runs backwards"),
            ("[[:foo:]]", "unknown character class `[:foo:]`"),
            ("(a", r"missing closing ); a literal parenthesis is written \("),
        ] {
            assert_eq!(parse(pattern).unwrap_err().to_string(), message, "{pattern}");
        }
    }

    #[test]
    fn anchors_and_catch_alls_are_recognised() {
        for pattern in ["^a$", r"\Aa\z", "^(a|b)$", "^a$|^b$", "(^a$)", "(?i)^a.*$"] {
            assert!(parse(pattern).unwrap().is_anchored(), "{pattern}");
        }
        for pattern in ["", "a", "^a", "a$", "^a|b$", "(?m)^a$", "^a$|b", "(^a)?$"] {
            assert!(!parse(pattern).unwrap().is_anchored(), "{pattern}");
        }
        for pattern in [
            "^a$",
            "^a.*",
            "^a.+",
            "^a.{2,}",
            ".*a$",
            ".*a.*",
            "(^a.*)",
            "^a(.*)",
            "^(a.*|b)$",
            "^a.*|^b$",
            r"^a[\s\S]*",
            "(?s)^a.*",
            "^a.*?",
            "()^a.*()",
        ] {
            assert!(parse(pattern).unwrap().reaches_both_ends(), "{pattern}");
        }
        for pattern in [
            "", "a", "^a", "a$", "^a.", "^a.?", "^a(-.*)?", "^a.*|b", "^a.*|^b", "^a.*b", "^a[^b]*",
            r"^a.*\b", r"\b.*a$",
        ] {
            assert!(!parse(pattern).unwrap().reaches_both_ends(), "{pattern}");
        }
        for pattern in
            ["", ".*", ".+", ".", "^.*$", "^", "$", "(.*)", "^(.+)$", "a*", "a|", r"[\s\S]*", "[^\n]+"]
        {
            assert!(parse(pattern).unwrap().matches_everything(), "{pattern}");
        }
        for pattern in ["a", "^a*$", "^.$", "..", "^$", r"\b", r"\S"] {
            assert!(!parse(pattern).unwrap().matches_everything(), "{pattern}");
        }
    }

    #[test]
    fn groups_are_counted_and_named() {
        let regexp = parse("(a)(?:b)(?P<x>c(?<y>d))").unwrap();
        assert_eq!(regexp.group_count(), 3);
        assert!(regexp.has_group("x") && regexp.has_group("y") && !regexp.has_group("z"));
    }

    #[test]
    fn hostile_patterns_are_refused_in_time() {
        assert_eq!(parse(&"a".repeat(1 << 20)).unwrap_err(), RegexpError::TooLong(1 << 20));
        for unit in
            ["(", "(?:", "[", "[[:", "(?i)*", "a(?i)*", "a*(?i)*", r"\pL", "(?<a>", "|", "{", "a{999}", "^*"]
        {
            let pattern = unit.repeat(LENGTH / unit.len());
            let message = parse(&pattern).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
            assert!(message.len() < 300);
        }
    }

    proptest! {
        #[test]
        fn translations_parse(pattern in r"(\PC|[-a-zA-Z0-9(){}\[\]*+?|^$.\\:,&~<>=!_]|\(\?[imsU]|\[:alpha:\]|\\[dDwWsSbBQEpPxz]){0,40}") {
            match parse(&pattern) {
                Ok(regexp) => prop_assert!(regex_syntax::Parser::new().parse(regexp.translated()).is_ok(), "{}", regexp.translated()),
                Err(error) => prop_assert!(!matches!(error, RegexpError::Unsupported("syntax of Go's own")), "{pattern}"),
            }
        }
    }
}
