//! JSON objects one behind the other, as programs print them into a pipe: no YAML, and kubectl takes it.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::{Document, YamlError, stream};

/// Reads all objects; none if the text is something else.
pub(super) fn documents(text: &str) -> Option<Result<Vec<Document>, YamlError>> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut pieces = Vec::new();
    let mut start = 0;
    while let Some(value) = values.next() {
        value.ok()?;
        let end = values.byte_offset();
        pieces.push((start, text.get(start..end)?));
        start = end;
    }
    (pieces.len() > 1).then(|| read(text, &pieces))
}

/// Each piece by itself, with the lines of the whole.
fn read(text: &str, pieces: &[(usize, &str)]) -> Result<Vec<Document>, YamlError> {
    let mut documents = Vec::new();
    let (mut before, mut from) = (0, 0);
    for (start, piece) in pieces {
        before += text.get(from..*start).unwrap_or_default().matches('\n').count();
        from = *start;
        let read =
            stream(piece).map_err(|error| YamlError { line: error.line + before, message: error.message })?;
        documents.extend(read.into_iter().map(|mut document| {
            document.lines.values_mut().for_each(|line| *line += before);
            document
        }));
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use crate::yaml::documents;

    #[test]
    fn objects_that_follow_each_other_are_read_with_their_lines() {
        for text in ["{\"a\": 1}\n{\n  \"b\": 2}\n", "\n{\"a\": 1} {\n \"b\": 2\n}{}"] {
            let documents = documents(text).unwrap();
            assert_eq!(documents[0].lines["a"], if text.starts_with('\n') { 2 } else { 1 }, "{text}");
            assert_eq!(documents[1].value["b"], 2);
            assert_eq!(documents[1].lines["b"], 3, "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_told_as_yaml() {
        for text in ["{\"a\": 1}\n{\"b\": }", "{a: 1}\n{b: 2}", "{\"a\": 1}\nb", "{\"a\": 1}}"] {
            assert!(documents(text).unwrap_err().message.starts_with("not YAML"), "{text}");
        }
        let twice = documents("{\"a\": 1}\n{\"b\": 1, \"b\": 2}").unwrap_err();
        assert_eq!((twice.line, twice.message.as_str()), (2, "key \"b\" is set twice"));
    }
}
