//! Takes a Go template and says whether Go would parse it with the functions of External Secrets Operator, and
//! which keys of its data it reads in every run. The rule is Go 1.26's `text/template/parse`.

mod functions;
mod lexer;
mod lookahead;
mod number;
mod parser;
mod pipeline;
mod quoted;
mod token;

use thiserror::Error;

/// A template that Go accepts. It borrows from the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'t> {
    keys: Vec<&'t str>,
    fields: Vec<(&'t str, &'t str)>,
    undefined: Option<String>,
}

impl<'t> Template<'t> {
    /// The keys that the template reads in every run, sorted, each once: with `missingkey=error` they must exist.
    /// What stands in a branch, a loop or a definition, or behind a short-circuiting `and` or `or`, is left out.
    pub fn keys(&self) -> impl Iterator<Item = &'t str> {
        self.keys.iter().copied()
    }

    /// The keys of whose values every run takes a field, with that field, sorted, each pair once: Go finds none in
    /// a text.
    pub fn fields(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        self.fields.iter().copied()
    }

    /// A template that every run calls and none defines: Go says so when it runs.
    pub fn undefined(&self) -> Option<&str> {
        self.undefined.as_deref()
    }
}

/// Why Go refuses a template, and the line it says so for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    /// The line in the template, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // the messages say it
pub enum Problem {
    #[error("function {name} not defined{advice}")]
    UndefinedFunction { name: String, advice: String },
    #[error("undefined variable {0}; declare it before, as in {{{{ $x := .key }}}}")]
    UndefinedVariable(String),
    #[error("unclosed action that starts on line {0}; it ends with }}}}")]
    UnclosedAction(u32),
    #[error("unclosed comment; it ends with */}}}}")]
    UnclosedComment,
    #[error("comment with something between */ and }}}}")]
    CommentNotClosed,
    #[error("missing closing ) before }}}}")]
    UnclosedParen,
    #[error("unexpected )")]
    UnexpectedParen,
    #[error("expected := after the name of the variable")]
    ExpectedDeclaration,
    #[error(
        "unexpected character {0} in an action; a key with such characters is read with {{{{ index . \"key\" }}}}"
    )]
    BadCharacter(String),
    #[error("invalid number {0}{advice}", advice = number_advice(.0))]
    BadNumber(String),
    #[error(
        "invalid escape sequence in string {0}; backslashes are written \\\\, or in a string in backquotes"
    )]
    BadString(String),
    #[error("invalid character constant {0}; strings are written in double quotes")]
    BadCharConstant(String),
    #[error("unclosed {0} {1}")]
    UnclosedLiteral(&'static str, String),
    #[error("unexpected end of the template; a block is not closed with {{{{ end }}}}")]
    UnexpectedEnd,
    #[error("unexpected {token} in {context}{advice}", advice = operator_advice(.token))]
    Unexpected { token: String, context: &'static str },
    #[error("unexpected {0}: no block is open")]
    UnexpectedAction(&'static str),
    #[error("unexpected {{{{else}}}} in a definition of a template")]
    ElseInDefinition,
    #[error("second {{{{else}}}} in one block; write {{{{ else if … }}}} for another condition")]
    SecondElse,
    #[error("{0} outside of {{{{range}}}}")]
    OutsideRange(&'static str),
    #[error("template {0} is defined twice")]
    DefinedTwice(String),
    #[error("missing value for {0}")]
    MissingValue(&'static str),
    #[error("command without an operand")]
    EmptyCommand,
    #[error("stage {0} of the pipeline is a constant; only functions, methods and fields can follow a |")]
    NotExecutable(usize),
    #[error("too many variables in {0}; only range takes two")]
    TooManyDeclarations(&'static str),
    #[error("expected a variable after the comma in range")]
    RangeDeclaration,
    #[error("field of the constant {0}")]
    FieldOfConstant(String),
    /// Go goes further.
    #[error("template nests more than {0} blocks and parentheses, which is not supported")]
    TooDeep(u32),
}

/// What an excerpt that is no number was probably meant to be.
fn number_advice(excerpt: &str) -> &'static str {
    match excerpt.trim_matches('`') {
        "+" | "-" => OPERATORS,
        number if number.starts_with('-') || number.ends_with('-') => {
            "; a trim marker has a space, as in {{- .key -}}"
        }
        _ => "",
    }
}

fn operator_advice(excerpt: &str) -> &'static str {
    match excerpt.trim_matches('`') {
        "=" | "!" | "&" | "?" | "<" | ">" | "*" | "/" | "%" => OPERATORS,
        _ => "",
    }
}

const OPERATORS: &str =
    "; templates have functions instead of operators, such as eq, not, and, ternary and add";

/// Parses a template as Go's `template.New("").Funcs(…).Parse` does.
pub fn parse(text: &str) -> Result<Template<'_>, TemplateError> {
    parser::parse(text)
}

#[cfg(test)]
mod tests {
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
            (
                "{{ and .a .b .c }}{{ or (not .d) .e }}{{ .f | and .g .h }}{{ .i }}",
                &["a", "d", "f", "g", "i"],
            ),
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
            (
                "{{ 'a b' }}",
                "line 1: invalid character constant `'a b'`; strings are written in double quotes",
            ),
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
}
