//! Compares how Keyhatch reads, writes, extracts and decodes documents, and how it matches and replaces, with Go's
//! recorded answers; and how it takes documents and paths that are made to hurt.

use std::thread;
use std::time::{Duration, Instant};

use keyhatch::go::gjson::{self, GjsonError};
use proptest::prelude::*;
use serde_json::Value;

use crate::go_parity::vectors;
use crate::support::go;

/// Compares all vectors of a kind, and gives how many there are and how many are refused that Go takes.
fn compare(kind: &str) -> (usize, usize) {
    let vectors = vectors(kind);
    let mut refused = 0;
    for (parts, expected) in &vectors {
        match go::ours(kind, parts) {
            Ok(our) => assert_eq!(our, *expected, "{kind} {parts}"),
            Err(_) if expected["ok"] == false => {}
            Err(error) => {
                assert!(
                    error.contains("not supported") || error.contains("makes the property a query"),
                    "{kind} {parts}: {error}"
                );
                refused += 1;
            }
        }
    }
    (vectors.len(), refused)
}

#[test]
fn properties_read_as_in_go() {
    let (count, refused) = compare("read");
    assert!(count >= 400 && refused * 100 <= count * 3, "{refused} of {count} are refused");
}

#[test]
fn properties_are_written_and_deleted_as_in_go() {
    let ((set, queries), (deleted, _)) = (compare("set"), compare("delete"));
    assert!(set + deleted >= 150 && queries * 100 <= set * 10, "{queries} of {set}, {deleted}");
}

#[test]
fn objects_extract_and_base64_decodes_as_in_go() {
    assert_eq!((compare("extract").1, compare("decode").1), (0, 0));
}

#[test]
fn texts_match_and_are_replaced_as_in_go() {
    let (count, refused) = compare("replace");
    assert!(count >= 100 && refused * 100 <= count * 3, "{refused} of {count} are refused");
}

/// Runs on a stack as threads of a server have it.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

/// Documents that are made to hurt.
fn hostile_documents() -> Vec<Vec<u8>> {
    let mut objects = "{\"a\":".repeat(10_000);
    objects.push_str(&"}".repeat(10_000));
    vec![
        Vec::new(),
        b"\0".to_vec(),
        vec![0xff; 1 << 16],
        "[".repeat(1 << 16).into_bytes(),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes(),
        objects.into_bytes(),
        format!("{{\"{}\":1}}", "a".repeat(1 << 16)).into_bytes(),
        format!("[{}\"{}\"]", "1,".repeat(20_000), "a".repeat(1 << 14)).into_bytes(),
        format!("[{}{{\"a\":1}}]", "{\"a\":\"b\"},".repeat(6_000)).into_bytes(),
        format!("[\"{}\"]", "\\\"".repeat(1 << 15)).into_bytes(),
        format!("{{\"a\":\"{}", "\\".repeat(1 << 16)).into_bytes(),
    ]
}

#[test]
fn hostile_documents_and_paths_are_answered_or_refused_in_time() {
    let paths: Vec<String> = vec![
        "a".into(),
        "a.".repeat(63),
        "0.".repeat(63),
        "#.".repeat(63),
        format!("{}*b", "*a".repeat(500)),
        format!("{}?", "?".repeat(1000)),
        format!("#(%\"{}*b\")#", "*a".repeat(480)),
        "#(#(#(#(#(#(a=1)#)#)#)#)#)#".into(),
        "{".repeat(63),
        format!("{}a{}", "[".repeat(63), "]".repeat(63)),
        "@tostr|".repeat(31) + "@tostr",
        "[@this,@this]|".repeat(15) + "#",
        "@dig:".repeat(60) + "a",
        "@flatten:{\"deep\":true}".into(),
        "@pretty|@ugly|@reverse|@keys".into(),
        "@pretty:{\"indent\":\"                                                  \"}".into(),
        "@valid|@join|@group".into(),
        "!".repeat(1000),
        "..#".into(),
    ];
    on_a_small_stack(move || {
        for (number, document) in hostile_documents().iter().enumerate() {
            for path in &paths {
                let started = Instant::now();
                let _ = gjson::get(document, path);
                let _ = (gjson::set(document, path, b"v"), gjson::delete(document, path));
                let (took, shown) = (started.elapsed(), path.get(..20).unwrap_or(path));
                assert!(took < Duration::from_secs(20), "document {number}, {shown}: {took:?}");
            }
        }
    });
}

#[test]
fn what_multiplies_is_too_much_work_and_what_is_too_deep_says_so() {
    on_a_small_stack(|| {
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let quotes = "\"".repeat(1000);
        for (document, path, error) in [
            (quotes.as_bytes(), "@tostr|".repeat(30) + "@tostr", GjsonError::TooMuchWork),
            (b"[1]", "[@this,@this,@this,@this,@this]|".repeat(9) + "#", GjsonError::TooMuchWork),
            (nested.as_bytes(), "@flatten:{\"deep\":true}".into(), GjsonError::TooDeep),
            (nested.as_bytes(), "@pretty".into(), GjsonError::TooDeep),
            (b"{}", "a".repeat(1025), GjsonError::TooLong(1025)),
            (b"{}", "a.".repeat(64), GjsonError::TooManySegments(65)),
        ] {
            assert_eq!(gjson::get(document, &path).unwrap_err(), error, "{path}");
        }
        // The text is passed over, however deep.
        let inside = format!("{{\"x\":{nested},\"a\":1}}");
        assert_eq!(gjson::get(inside.as_bytes(), "a").unwrap().unwrap().raw(), b"1");
        assert_eq!(gjson::get(inside.as_bytes(), "x.0.0.0").unwrap().unwrap().raw().len(), 19_994);
    });
}

/// Whether the judgement about a path and what evaluating it finds agree, on a document that has the literal key beside
/// keys that only a query finds.
fn judged_as_it_reads(path: &str) -> Result<(), TestCaseError> {
    let mut document = Value::from("hit");
    let mut decoy = Value::from("decoy");
    for key in split(path).iter().rev() {
        let similar = key.replace(['*', '?'], "x");
        let mut object = serde_json::Map::new();
        if similar != *key {
            object.insert(similar, decoy.clone());
        }
        object.insert(key.clone(), document);
        document = object.into();
        decoy = serde_json::json!({ key: decoy });
    }
    let document = document.to_string();
    let found = gjson::get(document.as_bytes(), path).unwrap();
    let is_literal = found.is_some_and(|value| value.raw() == b"\"hit\"");
    match gjson::doubtful(path) {
        Some(gjson::Doubt::ChangesMeaning { .. }) => prop_assert!(!is_literal, "{path} is literal"),
        Some(gjson::Doubt::Literal { .. }) => prop_assert!(is_literal, "{path} is not literal"),
        None if path.contains(['|', '#', '*', '?', '@', '!', '{', '[']) => {}
        None => prop_assert!(is_literal, "{path} is not literal"),
    }
    Ok(())
}

/// The keys of a path, as somebody means it who knows of dots and backslashes.
fn split(path: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut characters = path.chars();
    while let Some(c) = characters.next() {
        match c {
            '.' => keys.push(String::new()),
            '\\' => keys.last_mut().unwrap().extend(characters.next()),
            _ => keys.last_mut().unwrap().push(c),
        }
    }
    keys
}

proptest! {
    #[test]
    fn evaluating_never_panics(document in prop::collection::vec(any::<u8>(), 0..200), path in r#"([ab0#*?@!|.{}\[\]()\\",:=<>~%]|@flatten|@pretty|@dig:|#\(|\PC){0,20}"#) {
        let _ = gjson::get(&document, &path);
        let _ = (gjson::set(&document, &path, b"v"), gjson::delete(&document, &path));
    }

    #[test]
    fn what_is_set_is_got(document in "(\\{\"a\":(1|\\{\"b\":2\\}|\\[1,2\\]|null)\\})?", path in "[ab]{1,2}(\\.([ab]{1,2}|[0-2]|:[0-9]{1,3})){0,3}", value in "\\PC{0,12}") {
        if let Ok(written) = gjson::set(document.as_bytes(), &path, value.as_bytes()) {
            let read = path.replace(':', "");
            let found = gjson::get(&written, &read).unwrap().unwrap();
            prop_assert_eq!(&*found.text().unwrap(), value.as_bytes());
            let without = gjson::delete(&written, &path).unwrap().unwrap();
            prop_assert!(gjson::get(&without, &read).unwrap().is_none_or(|left| left.raw() != found.raw() || path.contains(char::is_numeric)));
            prop_assert!(serde_json::from_slice::<Value>(&written).is_ok() && serde_json::from_slice::<Value>(&without).is_ok());
        }
    }

    #[test]
    fn paths_are_judged_as_they_read(path in r"[ab#*?@!{\[\\]{0,3}[ab][ab*?!{|\[]{0,3}(\.[ab#*?@!{\[\\]{0,3}[ab][ab*?!{|\[]{0,3}){0,3}") {
        judged_as_it_reads(&path)?;
    }
}
