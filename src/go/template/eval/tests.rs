//! What templates make of keys, compared with what Go made of them, and what is refused.

use super::*;
use proptest::prelude::*;

fn apply(template: &str, key: &str) -> Result<String, String> {
    Transform::new(template)
        .and_then(|mut transform| transform.apply(key, &mut Budget::default()))
        .map_err(|error| error.to_string())
}

/// The inputs and Go's answers; `tests/go` makes the answers.
fn recorded() -> Vec<(String, String, Option<String>)> {
    let inputs = include_str!("../../../../tests/go/vectors/transform.txt").lines();
    let answers = include_str!("../../../../tests/go/vectors/transform.golden.jsonl").lines();
    let pairs = inputs.zip(answers).map(|(input, answer)| {
        let (template, key): (String, String) = serde_json::from_str(input).unwrap();
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let value = answer["value"].as_str().unwrap_or_default().to_owned();
        (template, key, (answer["ok"] == true).then_some(value))
    });
    pairs.collect()
}

#[test]
fn keys_become_what_go_makes_of_them() {
    let (mut same, mut unsupported) = (0, 0);
    for (template, key, go) in recorded() {
        match (apply(&template, &key), go) {
            (Ok(ours), go) => {
                assert_eq!(Some(ours), go, "{template} of {key:?}");
                same += 1;
            }
            (Err(_), None) => same += 1,
            (Err(error), Some(_)) => {
                let is_known = [
                    "is not supported",
                    "is not base64",
                    "inside of a character",
                    "no verb",
                    "cannot be compared",
                ];
                assert!(is_known.iter().any(|words| error.contains(words)), "{template} of {key:?}: {error}");
                unsupported += 1;
            }
        }
    }
    assert!(same > 300 && unsupported < 40, "{same} the same, {unsupported} are not supported");
}

#[test]
fn the_first_thing_that_is_not_supported_is_named() {
    for (template, expected) in [
        ("{{ .value | upper | trunc 3 }}", None),
        ("{{ .value | upper | abbrev 5 | initials }}", Some("abbrev")),
        ("{{ .value | nosuch }}", None),
        (r#"{{ define "a" }}{{ end }}"#, Some("define")),
        (r#"{{ block "a" . }}{{ end }}"#, Some("block")),
        ("{{ 1.5 }}", Some("1.5")),
        ("{{ 1+2i }}", Some("1+2i")),
        ("{{ 'a' }}", Some("'a'")),
        (r#"{{ "\xff" }}"#, Some(r#""\xff""#)),
        (r#"{{ printf "%s-%08.3f" .value 1 }}"#, Some(r#""%s-%08.3f""#)),
        (r#"{{ printf "%s" "%f" }}"#, None),
        ("abbrev {{/* abbrev */}}", None),
        ("{{", None),
    ] {
        assert_eq!(unsupported(template), expected, "{template}");
        if let Some(name) = expected {
            assert!(apply(template, "a").unwrap_err().starts_with(&format!("{name} is not supported")));
        }
    }
}

#[test]
fn messages_name_the_function_the_cause_and_the_fix_and_no_value() {
    for (template, message) in [
        ("{{ .value", "line 1: unclosed action that starts on line 1; it ends with }}"),
        (
            "{{ trunc (len .value | add 1) .value }}",
            "trunc: an argument is of type int64, and int is wanted; put it through int",
        ),
        ("{{ upper 1 }}", "upper: an argument is of type int, and text is wanted; put it through toString"),
        (
            "{{ substr 0 100 .value | trunc }}",
            "trunc: an argument is of type text, and int is wanted; put it through atoi",
        ),
        ("{{ upper }}", "upper: an argument is missing"),
        ("{{ upper .value .value }}", "upper: there are too many arguments"),
        (
            r#"{{ index (splitList "-" .value) 1 }}"#,
            "index: position 1 is out of range; ask for the length first: if gt (len …) 1",
        ),
        (
            r#"{{ regexFind "(" .value }}"#,
            r"regexFind: missing closing ); a literal parenthesis is written \(",
        ),
        ("{{ .value.x }}", "field x of a value of type text; only .value and the parts of split have names"),
        ("{{ range .value }}{{ end }}", "range over a value of type text; use a list, as of splitList"),
        ("{{ fail .value }}", "fail: the template says so"),
    ] {
        assert_eq!(apply(template, "hunter2"), Err(message.to_owned()), "{template}");
    }
}

#[test]
fn runs_are_bounded() {
    let started = std::time::Instant::now();
    let doubled = "{{ $x := .value }}".to_owned() + &"{{ $x = print $x $x }}".repeat(40);
    let nested = "{{ range until 8000 }}".repeat(5) + "x" + &"{{ end }}".repeat(5);
    let compiled = r#"{{ range until 500 }}{{ regexMatch (print "a{" . "}") $.value }}{{ end }}"#;
    let declared = "{{ $x := 1 }}".repeat(2000);
    for template in [
        doubled.as_str(),
        &declared,
        &nested,
        compiled,
        r#"{{ range 9223372036854775807 }}{{ end }}"#,
        r#"{{ repeat 9223372036854775807 "ab" }}"#,
        r#"{{ range until 100 }}{{ repeat 1000 "a" }}{{ end }}"#,
        r#"{{ $x := repeat 4000 "a" }}{{ replace "a" $x $x }}"#,
        r#"{{ $x := repeat 4000 "a" }}{{ regexReplaceAll "a" $x $x }}"#,
        r#"{{ $x := repeat 4000 "a" }}{{ regexReplaceAll ".*" $x (repeat 1000 "$0") }}"#,
        r#"{{ $x := splitList "" (repeat 4000 "a") }}{{ join (repeat 4000 "b") $x }}"#,
        r#"{{ $x := list }}{{ range until 8000 }}{{ $x = list $x $x }}{{ end }}"#,
        r#"{{ untilStep 0 9223372036854775807 1 }}"#,
        r#"{{ untilStep -9223372036854775808 9223372036854775807 9223372036854775807 }}{{ fail "" }}"#,
        r#"{{ regexReplaceAll "a*b|a" (repeat 4000 "a") "" }}"#,
        r#"{{ regexMatch "[ab]*a[ab]{1000}[ab]{1000}c|a" (repeat 4000 "ab") }}"#,
        r#"{{ regexMatch "\\pL{1000}" "a" }}"#,
        r#"{{ if eq (regexFindAll "x" .value -1) nil }}none{{ end }}"#,
        r#"{{ and "" ($y := 1) }}{{ $y }}"#,
        r#"{{ printf "%05c" 65 }}"#,
        r#"{{ printf "%1001d" 1 }}"#,
        r#"{{ indent 9223372036854775807 "a" }}"#,
        r#"{{ div -9223372036854775808 -1 }}{{ mod -9223372036854775808 -1 }}{{ fail "" }}"#,
    ] {
        assert!(apply(template, "aaaa").is_err(), "{template}");
    }
    let mut costly = Transform::new(r#"{{ range until 500 }}{{ upper $.value }}{{ end }}"#).unwrap();
    let mut budget = Budget::default();
    let refused = (0..100_000).find_map(|_| costly.apply("a", &mut budget).err());
    assert_eq!(refused, Some(TransformError::TooMuchInAll));
    // Whoever writes much for each of many keys pays for that, too.
    let long = format!("{}{{{{ .value }}}}", "a".repeat(4000));
    let (mut long, mut budget) = (Transform::new(&long).unwrap(), Budget::default());
    let refused = (0..100_000).find_map(|_| long.apply("a", &mut budget).err());
    assert_eq!(refused, Some(TransformError::TooMuchInAll));
    let many = format!("{{{{ printf {:?} }}}}", "%d".repeat(1 << 20));
    assert_eq!(unsupported(&many), Some("a text of more than 16 KiB"));
    let deep = format!("{{{{ {}.value{} }}}}", "(".repeat(190), ")".repeat(190));
    assert_eq!(apply(&deep, "a"), Ok("a".to_owned()));
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn what_go_accepts_is_run_or_named(
        template in r#"(\{\{-? ?| ?-?\}\}|\{\{ (if|range|with|else|else if|end|break|continue)| \.value| \$x| :=| =|,| \|| \(|\)|\.a| \.| \$| nil| true| "a-b"| -?[0-9]| (upper|print|list)|x){0,16}"#,
    ) {
        let is_syntax = matches!(Transform::new(&template), Err(TransformError::Unsupported(what)) if what == "syntax");
        prop_assert!(!is_syntax, "{template}");
    }

    #[test]
    fn never_panics(
        template in r#"(\{\{-? ?| ?-?\}\}|\{\{ (if|range|with|else|end|break)| \.value| \$x| :=| =| \|| \(|\)| "a-b"| -?[0-9]| (upper|title|camelcase|snakecase|trunc|substr|splitList|split|splitn|slice|index|printf|join|replace|regexSplit|regexFindAll|untilStep|repeat|nospace|indent|trimAll|quote|list|default|add)|\PC){0,20}"#,
        key in ".{0,12}",
    ) {
        let _ = apply(&template, &key);
    }

    #[test]
    fn functions_of_two_arguments_never_panic(
        name in "(trunc|repeat|splitList|split|trimAll|regexFind|join|index|slice|printf|indent|add|default)",
        first in r#"(-?[0-9]{1,19}|"%?[-.0-9a-z%]{0,4}"|\.value|nil|\(list 1 "a" nil\))"#,
        key in ".{0,12}",
    ) {
        let _ = apply(&format!("{{{{ {name} {first} .value }}}}"), &key);
    }
}
