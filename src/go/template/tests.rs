//! What is accepted, what is noted, and what is told.

use super::*;
use proptest::prelude::*;

fn keys(text: &str) -> Vec<&str> {
    parse(text).unwrap().keys().collect()
}

#[test]
fn keys_that_every_run_reads_are_found() {
    for (text, expected) in [
        ("no action", &[][..]),
        ("{{ .b }}:{{ .a.x }}{{ $.c }}{{ .a }}", &["a", "b", "c"]),
        (r#"{{ printf "%s:%s" .user (.pass | b64enc) | b64enc }}"#, &["pass", "user"]),
        ("{{ if .a }}{{ .b }}{{ else if .c }}{{ .d }}{{ else }}{{ .e }}{{ end }}{{ .f }}", &["a", "f"]),
        (
            "{{ range .a }}{{ .b }}{{ $.c }}{{ end }}{{ with .d }}{{ .e }}{{ else }}{{ .f }}{{ end }}",
            &["a", "d"],
        ),
        (r#"{{ define "t" }}{{ .a }}{{ $.b }}{{ end }}{{ template "t" .c }}"#, &["c"]),
        (r#"{{ block "t" .a }}{{ .b }}{{ end }}{{ .c }}"#, &["a", "c"]),
        ("{{ and .a .b .c }}{{ or (not .d) .e }}{{ .f | and .g .h }}{{ .i }}", &["a", "d", "f", "g", "i"]),
        ("{{ if and (or .a .b) .c }}{{ end }}", &["a"]),
        ("{{ $x := .a }}{{ $x.b }}{{ (.c).d }}{{ . }}", &["a", "c"]),
        ("{{ $.a }}{{ $ = .b }}{{ $.c }}{{ .d }}", &["a", "b", "d"]),
        ("{{ if true }}{{ $ = .a }}{{ end }}{{ $.b }}", &[]),
        (r#"{{ index . "a" }}"#, &[]),
    ] {
        assert_eq!(keys(text), expected, "{text}");
    }
}

#[test]
fn keys_that_some_runs_read_are_found() {
    for (text, sometimes, sought) in [
        ("{{ .a }}", &[][..], &[][..]),
        (
            "{{ if .a }}{{ .b }}{{ $.c }}{{ else if .d }}{{ .a }}{{ else }}{{ .e }}{{ end }}",
            &["b", "c", "d", "e"],
            &[],
        ),
        ("{{ with .a }}{{ .b }}{{ $.c }}{{ else }}{{ .d }}{{ end }}", &["c", "d"], &[]),
        ("{{ range .a }}{{ if .b }}{{ .c }}{{ end }}{{ $.d }}{{ else }}{{ .e }}{{ end }}", &["d", "e"], &[]),
        ("{{ or .a .b }}{{ .c | and .d .e }}", &["b", "e"], &[]),
        (r#"{{ define "t" }}{{ if .a }}{{ .b }}{{ $.c }}{{ index . "d" }}{{ end }}{{ end }}"#, &[], &[]),
        (r#"{{ index . "a-b" }}{{ index $ `c` | upper }}{{ (index . "d" 0) }}"#, &[], &["a-b", "c", "d"]),
        (r#"{{ index .a "b" }}{{ index . .c }}{{ index (fromJson .d) "e" }}{{ index . "f\n" }}"#, &[], &[]),
        (r#"{{ $ = .a }}{{ index $ "b" }}{{ $.c }}"#, &[], &[]),
        (r#"{{ range .a }}{{ index . "b" }}{{ index $ "c" }}{{ end }}"#, &[], &["c"]),
        (r#"{{ if index . "a" }}{{ .a }}{{ index . "a" }}{{ .b }}{{ end }}"#, &["b"], &[]),
        (r#"{{ .a }}{{ if .a }}{{ index . "a" }}{{ end }}"#, &[], &[]),
    ] {
        let parsed = parse(text).unwrap();
        let found = (parsed.sometimes().collect::<Vec<_>>(), parsed.sought().collect::<Vec<_>>());
        assert_eq!((found.0.as_slice(), found.1.as_slice()), (sometimes, sought), "{text}");
    }
}

#[test]
fn texts_that_every_run_writes_are_found() {
    for (text, texts) in [
        ("a b/{{ .c }}\n", &["a b/", "\n"][..]),
        ("a {{- .c -}} b", &["a", "b"]),
        (r#"{{ "}} x" }}{{/* y */}}z"#, &["z"]),
        ("a{{ if .b }}c{{ else }}d{{ end }}e", &["a", "e"]),
        (r#"{{ define "t" }}a{{ end }}{{ block "u" . }}b{{ end }}"#, &[]),
    ] {
        assert_eq!(parse(text).unwrap().texts().collect::<Vec<_>>(), texts, "{text}");
    }
}

#[test]
fn what_fails_in_every_run_is_found() {
    for (text, fields, undefined) in [
        ("{{ .a }}{{ $.b }}{{ template \"x\" }}{{ define \"x\" }}{{ end }}", &[][..], None),
        ("{{ .a.b }}{{ $.c.d.e }}{{ .a.b | upper }}", &[("a", "b"), ("c", "d")], None),
        (
            "{{ if .a }}{{ .a.b }}{{ template \"x\" }}{{ end }}{{ (fromJson .a).b }}{{ $x := .a }}{{ $x.b }}",
            &[],
            None,
        ),
        ("{{ template \"x\" . }}", &[], Some("`x`")),
        ("{{ define \"y\" }}{{ .a.b }}{{ template \"x\" }}{{ end }}", &[], None),
    ] {
        let parsed = parse(text).unwrap();
        assert_eq!(
            (parsed.fields().collect::<Vec<_>>().as_slice(), parsed.undefined()),
            (fields, undefined),
            "{text}"
        );
    }
}

#[test]
fn messages_name_the_line_the_cause_and_the_fix() {
    for (text, message) in [
        (
            "{{ .tls-crt }}",
            "line 1: unexpected character `-` in an action; a key with such characters is read \
          with {{ index . \"key\" }}",
        ),
        ("a\n{{ .a | toyaml }}", "line 2: function `toyaml` not defined; did you mean `toYaml`?"),
        ("{{ $x }}", "line 1: undefined variable `$x`; declare it before, as in {{ $x := .key }}"),
        ("\n{{ .a\n\n", "line 4: unclosed action that starts on line 2; it ends with }}"),
        ("{{ if .a }}b", "line 1: unexpected end of the template; a block is not closed with {{ end }}"),
        ("{{ end }}", "line 1: unexpected {{end}}: no block is open"),
        ("{{ break }}", "line 1: {{break}} outside of {{range}}"),
        ("{{ }}", "line 1: missing value for command"),
        ("{{ {{ .a }} }}", "line 1: unexpected `{` in command"),
        (
            "{{ .a == 1 }}",
            "line 1: unexpected `=` in operand; templates have functions instead of operators, such as eq, not, and, \
             ternary and add",
        ),
        ("{{-.a-}}", "line 1: invalid number `-.a-`; a trim marker has a space, as in {{- .key -}}"),
        ("{{ 'a b' }}", "line 1: invalid character constant `'a b'`; strings are written in double quotes"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn hostile_templates_are_done_in_time() {
    let started = std::time::Instant::now();
    for unit in [
        "{{",
        "{{if .a}}",
        "{{(",
        "(",
        "{{.a}}",
        "{{$a := 1}}",
        "{{/*",
        "{{/**/}}",
        "{{define \"a\"}}{{end}}",
        "{{ ",
        "{{- ",
        "\"",
        "{{\"",
        "{{1",
        "{{else if .x}}",
        "{{$x.a.a.a}}",
        "{{block \"a\" .}}",
    ] {
        let text = unit.repeat((256 << 10) / unit.len());
        for text in [text.clone(), format!("{{{{ {text}"), format!("{{{{if .a}}}}{text}")] {
            let message = parse(&text).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
            assert!(message.len() < 300, "{message}");
        }
    }
    let many: String = (0..20_000).map(|n| format!("{{{{$v{n} := 1}}}}")).collect();
    parse(&many).unwrap();
    assert!(parse(&format!("{{{{ {} }}}}", "x".repeat(1 << 20))).is_err());
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "{{if .a}}".repeat(depth), "{{end}}".repeat(depth));
    assert!(parse(&nested(200)).is_ok());
    assert_eq!(parse(&nested(201)).unwrap_err().problem, Problem::TooDeep(200));
    // A chain is not nested.
    assert!(parse(&format!("{{{{if .a}}}}{}{{{{end}}}}", "{{else if .b}}".repeat(1000))).is_ok());
}

proptest! {
    #[test]
    fn never_panics(text in r#"(\{\{-? ?|\{\{(if|range|with|else|end|define "a"|block "b" \.|template "a"|break)|\.a|\$x|:=|=|,|\||\(|\)| ?-?\}\}|"a"|`|'|/\*|\*/|print|[-+0-9a-z.{}\\"' \n]|\PC){0,30}"#) {
        let _ = parse(&text);
    }
}
