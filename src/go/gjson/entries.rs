//! Takes an object or array and gives what is inside: `Result.ForEach`.

use super::scan;
use super::value::Value;
use std::borrow::Cow;

/// What is inside of an object or array, with the keys of an object. Other values are inside of
/// themselves.
pub(super) fn entries<'v>(value: &'v Value<'_>) -> Vec<(Option<Value<'v>>, Value<'v>)> {
    if value.is_object() || value.is_array() {
        return contents(&value.raw);
    }
    let same =
        Value { kind: value.kind, raw: Cow::Borrowed(&value.raw), string: Cow::Borrowed(&value.string) };
    vec![(None, same)]
}

/// What is inside of the object or array at the start of the text. It does not stop at the closing bracket, but at the
/// end of the text.
pub(super) fn contents(json: &[u8]) -> Vec<(Option<Value<'_>>, Value<'_>)> {
    let mut entries = Vec::new();
    let mut at = 1;
    while at < json.len() {
        let mut key = None;
        if json.starts_with(b"{") {
            let quote = json.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'"'));
            let Some(token) = quote.and_then(|offset| scan::token(json, at + offset)) else { break };
            if !token.is_closed {
                break;
            }
            at = token.end;
            key = Some(Value::of(&token, json));
        }
        let Some(token) = scan::next(json, at).filter(|token| token.is_closed) else { break };
        entries.push((key, Value::of(&token, json)));
        // The byte behind a value is taken for a comma.
        at = token.end + 1;
    }
    entries
}
