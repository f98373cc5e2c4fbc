//! Takes an array and a path that asks for more than one element: `#.path` and `#(query)`.

use super::{Place, Search, Step};
use crate::go::gjson::build::List;
use crate::go::gjson::path::{self, Next, Query};
use crate::go::gjson::scan;
use crate::go::gjson::value::Value;

impl Search<'_, '_> {
    /// `#.path`: the path in every element that has it.
    pub(super) fn each(&mut self, start: usize, path: &[u8]) -> Step {
        let mut at = start;
        let mut places = Vec::new();
        let end = loop {
            places.push(at);
            match self.element(at) {
                Place::Value(token) if token.is_closed => at = token.end,
                Place::Value(token) => return Ok((token.end, false)),
                Place::Beyond => return Ok((at, false)),
                Place::End(behind) => break behind,
            }
        };
        let path = match path::pipe(path) {
            Some((path, pipe)) => {
                self.pipe = Some(pipe.to_vec());
                path
            }
            None => path,
        };
        let mut list = List::new();
        for place in places {
            let rest = self.json.get(place..).unwrap_or_default();
            let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
            let Some(first) = rest.iter().position(|b| !is_space(b)) else { continue };
            if rest.get(first) == Some(&b']') {
                continue;
            }
            let Some(token) = scan::next(self.json, place + first).filter(|token| token.is_closed) else {
                continue;
            };
            if let Some(value) = self.evaluator.get(token.raw(self.json), path)? {
                self.evaluator.charge(value.raw.len())?;
                list.push(&value.raw);
            }
        }
        self.value = Some(Value::json(list.finish(b'[')));
        Ok((end, true))
    }

    /// `#(query)`: the first element that matches, or all of them.
    pub(super) fn matching(&mut self, start: usize, query: &Query<'_>, all: bool, next: Next<'_>) -> Step {
        let mut at = start;
        let mut list = List::new();
        loop {
            let token = match self.element(at) {
                Place::Value(token) if token.is_closed => token,
                Place::Value(token) => return Ok((token.end, false)),
                Place::Beyond => return Ok((at, false)),
                Place::End(behind) => {
                    if all && self.value.is_none() {
                        self.value = Some(Value::json(list.finish(b'[')));
                    }
                    return Ok((behind, false));
                }
            };
            at = token.end;
            let element = Value::of(&token, self.json);
            if !query.takes(self.evaluator, &element)? {
                continue;
            }
            let result = match next {
                Next::More(path) => {
                    let (path, pipe) =
                        path::pipe(path).map_or((path, None), |(path, pipe)| (path, Some(pipe)));
                    if let Some(pipe) = pipe {
                        self.pipe = Some(pipe.to_vec());
                    }
                    self.evaluator.get(token.raw(self.json), path)?
                }
                Next::End | Next::Pipe(_) => Some(element),
            };
            if !all {
                self.value = result;
                return Ok((at, true));
            }
            if let Some(result) = result {
                self.evaluator.charge(result.raw.len())?;
                list.push(&result.raw);
            }
        }
    }
}
