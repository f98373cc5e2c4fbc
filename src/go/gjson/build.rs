//! Takes pieces of a text and builds an array or object of them; and takes several paths and builds one of what they
//! find.

use super::path::Selector;
use super::{Evaluator, GjsonError};
use crate::go::json;
use std::borrow::Cow;

impl Evaluator {
    /// `[a,b]` or `{a,"n":b}`: what is not found is left out.
    pub(super) fn select(
        &mut self,
        json: &[u8],
        kind: u8,
        selectors: &[Selector<'_>],
    ) -> Result<Vec<u8>, GjsonError> {
        let mut list = List::new();
        for selector in selectors {
            let Some(value) = self.get(json, selector.path)? else { continue };
            self.charge(value.raw.len())?;
            if kind == b'{' {
                let mut member = name(selector).into_owned();
                member.push(b':');
                member.extend_from_slice(&value.raw);
                list.push(&member);
            } else {
                list.push(&value.raw);
            }
        }
        Ok(list.finish(kind))
    }
}

/// The key of a selector's result, in quotes.
fn name<'p>(selector: &Selector<'p>) -> Cow<'p, [u8]> {
    let name = selector.name;
    if name.starts_with(b"\"") && json::is_valid(name) {
        return Cow::Borrowed(name);
    }
    if !name.is_empty() {
        return Cow::Owned(json::quote(name, true));
    }
    let last = last_part(selector.path);
    let is_simple = last.iter().all(|b| *b >= b' ' && !b"[]{}()#|!".contains(b));
    Cow::Owned(json::quote(if is_simple { last } else { b"_" }, true))
}

/// What is behind the last dot or pipe that is not escaped.
fn last_part(path: &[u8]) -> &[u8] {
    let separates = |at: usize| at.checked_sub(1).and_then(|before| path.get(before)) != Some(&b'\\');
    let last = (0..path.len()).rev().find(|at| matches!(path.get(*at), Some(b'.' | b'|')) && separates(*at));
    last.map_or(path, |at| path.get(at + 1..).unwrap_or_default())
}

/// A list in the making.
pub(super) struct List(Vec<u8>);

impl List {
    pub(super) fn new() -> Self {
        Self(vec![b'['])
    }

    pub(super) fn push(&mut self, raw: &[u8]) {
        self.push_at(self.0.len() - 1, raw);
    }

    /// Behind a comma unless it is the first; what came before it may have been empty.
    pub(super) fn push_at(&mut self, index: usize, raw: &[u8]) {
        if index > 0 {
            self.0.push(b',');
        }
        self.0.extend(raw);
    }

    /// The list as an array, or, with a brace for `kind`, as an object.
    pub(super) fn finish(mut self, kind: u8) -> Vec<u8> {
        if kind == b'{' {
            self.0.splice(..1, [b'{']);
        }
        self.0.push(if kind == b'{' { b'}' } else { b']' });
        self.0
    }
}
