//! Takes a parenthesis from the cursor: the start of a group, with its name or its flags, or its end.

use super::parser::{DEPTH, Flags, Group, Parser, Part};
use super::{RegexpError, excerpt};

impl Parser<'_> {
    pub(super) fn open(&mut self) -> Result<(), RegexpError> {
        if self.outer.len() >= DEPTH {
            return Err(RegexpError::Unsupported("more than 250 nested groups"));
        }
        if self.rest.starts_with("(?P<") || self.rest.starts_with("(?<") {
            return self.open_named();
        }
        if self.rest.starts_with("(?") {
            return self.open_with_flags();
        }
        self.skip(1);
        self.enter(true, self.flags);
        self.out.push('(');
        Ok(())
    }

    fn enter(&mut self, captures: bool, flags: Flags) {
        let inner = Group::new(self.out.len(), self.groups, captures, self.flags, self.folds);
        self.outer.push(std::mem::replace(&mut self.group, inner));
        self.groups += usize::from(captures);
        self.flags = flags;
    }

    /// `(?P<name>` or `(?<name>`.
    fn open_named(&mut self) -> Result<(), RegexpError> {
        let group = self.rest;
        if group.starts_with("(?<=") || group.starts_with("(?<!") {
            return Err(RegexpError::Lookaround(excerpt(group.get(..4).unwrap_or(group))));
        }
        let (prefix, rest) = group.split_once('>').ok_or_else(|| RegexpError::GroupName(excerpt(group)))?;
        self.rest = rest;
        let name = prefix.split_once('<').map_or("", |(_, name)| name);
        if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
            return Err(RegexpError::GroupName(self.since(group)));
        }
        self.enter(true, self.flags);
        // The regex crate wants unique names that start with a letter. Other names are not translated: the group
        // keeps its number.
        let first = self.names.iter().all(|(known, _)| known != name);
        self.names.push((name.to_owned(), self.groups));
        self.out.push('(');
        if first && !name.starts_with(|c: char| c.is_ascii_digit()) {
            self.out.push_str("?P<");
            self.out.push_str(name);
            self.out.push('>');
        }
        Ok(())
    }

    /// `(?flags)` or `(?flags:`.
    fn open_with_flags(&mut self) -> Result<(), RegexpError> {
        let group = self.rest;
        self.skip(2);
        let mut flags = self.flags;
        let (mut value, mut dangling) = (true, false);
        while let Some(c) = self.rest.chars().next() {
            self.skip(c.len_utf8());
            match c {
                'i' => flags.ignore_case = value,
                'm' => flags.multi_line = value,
                's' => flags.dot_all = value,
                'U' => flags.lazy = value,
                '-' if value => value = false,
                ')' if !dangling => {
                    self.flags = flags;
                    return Ok(());
                }
                ':' if !dangling => {
                    self.enter(false, flags);
                    self.out.push_str("(?:");
                    return Ok(());
                }
                _ => break,
            }
            dangling = c == '-';
        }
        let shown = self.since(group);
        Err(match group.get(2..3) {
            Some("=" | "!") => RegexpError::Lookaround(shown),
            _ if group.starts_with("(?P=") => RegexpError::Backreference(excerpt("(?P=")),
            _ => RegexpError::InvalidGroup(shown),
        })
    }

    pub(super) fn close(&mut self) -> Result<(), RegexpError> {
        self.skip(1);
        let outer = self.outer.pop().ok_or(RegexpError::UnexpectedParen)?;
        let mut inner = std::mem::replace(&mut self.group, outer);
        let shape = inner.join();
        (self.flags, self.folds) = (inner.flags, inner.folds);
        self.out.push(')');
        let shape = if inner.captures { shape.captured() } else { shape };
        self.push(Part { start: inner.start, groups_before: inner.groups_before, shape, repetitions: 0 });
        Ok(())
    }
}
