//! Takes the property of a secret, which External Secrets Operator reads with gjson, and says where gjson would take a
//! character for part of its query language that was probably meant literally. The rules are `parseObjectPath` and
//! `Get` of gjson v1.18.0.

use super::modifier::Modifier;
use crate::go::excerpt;
use std::fmt;

/// A metacharacter that was probably meant literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// gjson takes the character for an operator, so that another property or none is read.
    ChangesMeaning {
        /// The first such character.
        character: char,
        /// The path with every such character escaped.
        literal: String,
    },
    /// gjson takes the character literally where it stands, but elsewhere it would be an operator.
    Literal {
        /// The first such character.
        character: char,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChangesMeaning { character, literal } => {
                write!(
                    f,
                    "`{character}` is an operator in gjson paths; to mean it literally, write {}",
                    excerpt(literal)
                )
            }
            Self::Literal { character } => {
                write!(
                    f,
                    "`{character}` is read as it stands here, though elsewhere in gjson paths it is an operator; write `\\{character}` to be sure"
                )
            }
        }
    }
}

/// The first metacharacter that probably was meant literally, those that change the answer before those that do
/// not. Queries that can only be meant as such are none: `#`, `#(…)`, `*`, `@keys`, `|0`, `{a,b}`.
pub fn doubtful(path: &str) -> Option<Doubt> {
    let queries = path.len() <= LONGEST_QUERY;
    let mut scan = Scan { rest: path, literal: String::new(), queries, changing: None, harmless: None };
    let mut separator = None;
    loop {
        scan.segment(separator);
        let Some(next) = scan.rest.chars().next() else { break };
        separator = Some(next);
        scan.copy(next);
    }
    match (scan.changing, scan.harmless) {
        (Some(character), _) => Some(Doubt::ChangesMeaning { character, literal: scan.literal }),
        (None, Some(character)) => Some(Doubt::Literal { character }),
        (None, None) => None,
    }
}

/// The longest path in which queries are told from keys, in bytes: to find closing brackets takes quadratic time.
const LONGEST_QUERY: usize = 4096;

struct Scan<'t> {
    rest: &'t str,
    /// The path up to here, with what changes its meaning escaped.
    literal: String,
    queries: bool,
    changing: Option<char>,
    harmless: Option<char>,
}

impl Scan<'_> {
    fn copy(&mut self, c: char) {
        self.literal.push(c);
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or_default();
    }

    fn copy_bytes(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.literal.push_str(copied);
        self.rest = rest;
    }

    fn escape(&mut self, c: char) {
        self.changing = self.changing.or(Some(c));
        self.literal.push('\\');
        self.copy(c);
    }

    /// One segment, up to a dot or to a pipe that is meant as one.
    fn segment(&mut self, separator: Option<char>) {
        let query = if self.queries { query_length(self.rest) } else { 0 };
        let index = if separator == Some('|') { leading_digits(self.rest) } else { 0 };
        self.copy_bytes(query.max(index));
        // Whoever writes a query knows what a pipe is.
        if query.max(index) > 0 && self.rest.starts_with('|') {
            return;
        }
        // A static value such as `!true`; behind a dot it is a key.
        if separator != Some('.') && is_static(self.rest) {
            self.escape('!');
        }
        // In front of more, a brace that starts no query still swallows the path.
        if let Some(c @ ('{' | '[')) =
            self.rest.chars().next().filter(|_| self.is_at_start() && self.rest.len() > 1)
        {
            self.escape(c);
        }
        while let Some(c) = self.rest.chars().next() {
            match c {
                '.' => return,
                '|' if self.queries && is_deliberate_pipe(self.rest) => return,
                '|' | '*' | '?' => self.escape(c),
                '\\' => {
                    self.copy(c);
                    let escaped = self.rest.chars().next();
                    escaped.into_iter().for_each(|c| self.copy(c));
                }
                '@' | '#' | '!' | '{' | '[' => {
                    self.harmless = self.harmless.or(Some(c));
                    self.copy(c);
                }
                _ => self.copy(c),
            }
        }
    }

    /// Whether nothing of the segment is copied yet.
    fn is_at_start(&self) -> bool {
        self.literal.is_empty() || self.literal.ends_with(['.', '|'])
    }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The length of the query that a segment starts with and that is meant as one; 0 for a key.
fn query_length(segment: &str) -> usize {
    let length = match segment.chars().next() {
        Some('#') if segment.starts_with("#(") => {
            closed_length(segment.get(1..).unwrap_or_default()).map_or(0, |closed| {
                let all = segment.get(1 + closed..).is_some_and(|rest| rest.starts_with('#'));
                1 + closed + usize::from(all)
            })
        }
        Some('#' | '*') => 1,
        Some('{' | '[') => closed_length(segment).unwrap_or(0),
        Some('@') => return modifier_length(segment),
        _ => 0,
    };
    let ends = segment.get(length..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '|']));
    if ends { length } else { 0 }
}

/// The length of a known modifier with its argument; 0 for anything else.
fn modifier_length(segment: &str) -> usize {
    let name =
        segment.strip_prefix('@').and_then(|rest| rest.split(['.', '|', ':']).next()).unwrap_or_default();
    if Modifier::named(name.as_bytes()).is_none() {
        return 0;
    }
    let rest = segment.get(1 + name.len()..).unwrap_or_default();
    let argument = match rest.strip_prefix(':') {
        Some(json) if json.starts_with(['{', '[']) => closed_length(json).map(|length| length + 1),
        Some(plain) => plain.find('|').map(|length| length + 1),
        None => Some(0),
    };
    argument.map_or(segment.len(), |length| 1 + name.len() + length)
}

/// The length of the text from its opening bracket to the one that closes it. Strings and escapes are passed over.
fn closed_length(text: &str) -> Option<usize> {
    let closing = if text.starts_with('{') {
        '}'
    } else if text.starts_with('[') {
        ']'
    } else {
        ')'
    };
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return (c == closing).then_some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether what follows a pipe can only be meant to be piped to: an index, `#` or a known modifier.
fn is_deliberate_pipe(pipe: &str) -> bool {
    let rest = pipe.strip_prefix('|').unwrap_or_default();
    let target = rest.split(['.', '|']).next().unwrap_or_default();
    let is_index = !target.is_empty() && target.bytes().all(|b| b.is_ascii_digit());
    is_index || rest.starts_with(['#', '@']) && query_length(rest) > 0
}

/// Whether the text is one of gjson's static values.
fn is_static(text: &str) -> bool {
    let Some(value) = text.strip_prefix('!') else { return false };
    let word = value.split(['.', '|']).next().unwrap_or_default();
    value.starts_with(['{', '[', '"', '+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        || ["true", "false", "null", "nan", "inf"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn deliberate_queries_are_not_doubtful() {
        for path in [
            "",
            "a",
            "a.b.c",
            "a-b_c d",
            "a.#",
            "#",
            "a.#.b",
            "a.#(b==\"c\").d",
            "a.#(b==\"c|d\")#.e",
            "*",
            "a.*.b",
            "@this",
            "a.@keys",
            "a|@keys",
            "a.@flatten:{\"deep\":true}.b",
            "a|0",
            "a|12.b",
            "a|#",
            "a|#(b=1)",
            "{a,b}",
            "[a,b.c]",
            "{a,b}.c",
            "[a]|0",
            r"a\|b",
            r"a\.b",
            r"\*",
            r"\@this",
            r"a\\b",
            "a|@pretty:{\"x\":1}",
        ] {
            assert_eq!(doubtful(path), None, "{path}");
        }
    }

    #[test]
    fn operators_that_change_the_answer_are_escaped() {
        for (path, character, literal) in [
            ("a|b", '|', r"a\|b"),
            ("pa*s?", '*', r"pa\*s\?"),
            ("a.?.b", '?', r"a.\?.b"),
            ("**", '*', r"\*\*"),
            ("{abc", '{', r"\{abc"),
            ("[0]x", '[', r"\[0]x"),
            ("a.{b", '{', r"a.\{b"),
            ("a.b*.#.c", '*', r"a.b\*.#.c"),
            ("!true", '!', r"\!true"),
            ("a#|b@", '|', r"a#\|b@"),
            (r"a\|b|c", '|', r"a\|b\|c"),
            ("a|", '|', r"a\|"),
        ] {
            assert_eq!(
                doubtful(path),
                Some(Doubt::ChangesMeaning { character, literal: literal.to_owned() }),
                "{path}"
            );
        }
    }

    #[test]
    fn characters_that_are_literal_where_they_stand_are_told_apart() {
        for (path, character) in [
            ("user@host", '@'),
            ("pass#1", '#'),
            ("@unknown", '@'),
            ("a!b", '!'),
            ("!b", '!'),
            ("a{b}", '{'),
            ("items[0]", '['),
            ("#1", '#'),
            ("#(a", '#'),
            ("@", '@'),
            ("a.!true", '!'),
        ] {
            assert_eq!(doubtful(path), Some(Doubt::Literal { character }), "{path}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_escapes_once_and_for_all(path in r#"[ab.|#*?@!{}\[\]()\\",:0-9=]{0,30}|(a\.)?[@!](this|keys|true|x)[.|:]?[a{\[]{0,3}"#) {
            if let Some(Doubt::ChangesMeaning { literal, .. }) = doubtful(&path) {
                prop_assert!(!matches!(doubtful(&literal), Some(Doubt::ChangesMeaning { .. })), "{} {}", path, literal);
            }
        }
    }
}
