//! The outcome of a check as text, JSON or SARIF.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::IsTerminal;

use serde_json::{Value, json};

use super::{Located, Outcome, Place, Problem};
use crate::inject;
use crate::rule::Level;
use crate::validate::rules;

/// Colours for a terminal, or none.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    red: &'static str,
    yellow: &'static str,
    bold: &'static str,
    plain: &'static str,
}

impl Palette {
    /// Colours if standard output is a terminal.
    pub fn for_stdout() -> Self {
        if std::io::stdout().is_terminal() {
            Self { red: "\x1b[31;1m", yellow: "\x1b[33;1m", bold: "\x1b[1m", plain: "\x1b[0m" }
        } else {
            Self { red: "", yellow: "", bold: "", plain: "" }
        }
    }
}

/// One line a finding, `file:line: error: …` as editors and CI systems read it, then what was counted. Findings
/// in a cluster stand below their namespace.
pub fn text(outcome: &Outcome<'_>, palette: Palette) -> String {
    let Palette { red, bold, plain, .. } = palette;
    let mut out = String::new();
    for Problem { file, line, message } in &outcome.input.unreadable {
        let _ = writeln!(out, "{bold}{}:{line}:{plain} {red}unreadable:{plain} {message}", file.display());
    }
    if outcome.input.place != Place::Files {
        by_namespace(outcome, palette, &mut out);
    } else {
        for located in &outcome.findings {
            let Located { manifest, line, .. } = located;
            let _ = write!(out, "{bold}{}:{line}:{plain} ", manifest.file.display());
            finding(located, palette, &mut out);
        }
    }
    let _ = writeln!(out, "{}", summary(outcome));
    out
}

fn by_namespace(outcome: &Outcome<'_>, palette: Palette, out: &mut String) {
    let Palette { bold, plain, .. } = palette;
    let mut groups: BTreeMap<Option<&str>, Vec<&Located<'_>>> = BTreeMap::new();
    for located in &outcome.findings {
        groups.entry(located.manifest.namespace()).or_default().push(located);
    }
    for (namespace, group) in groups {
        let errors = group.iter().filter(|located| located.finding.level == Level::Deny).count();
        let title =
            namespace.map_or_else(|| "the whole cluster".to_owned(), |name| format!("namespace {name}"));
        let _ = writeln!(out, "{bold}{title}{plain}: {}", levels(errors, group.len() - errors));
        for located in group {
            out.push_str("  ");
            finding(located, palette, out);
        }
    }
}

fn finding(Located { manifest, finding, .. }: &Located<'_>, palette: Palette, out: &mut String) {
    let Palette { red, yellow, plain, .. } = palette;
    let level = match finding.level {
        Level::Deny => format!("{red}error:{plain}"),
        Level::Warn => format!("{yellow}warning:{plain}"),
    };
    let line = visible(&format!("{}: {}: {finding}", manifest.title(), finding.field));
    let _ = writeln!(out, "{level} {line}");
}

/// Names come from files that anybody wrote: what would move the cursor or turn the text around is escaped.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if is_hidden(c) { c.escape_default().to_string() } else { c.to_string() }).collect()
}

fn levels(errors: usize, warnings: usize) -> String {
    format!("{}, {}", count(errors, "error"), count(warnings, "warning"))
}

fn count(n: usize, one: &str) -> String {
    match n {
        0 => format!("no {one}s"),
        1 => format!("1 {one}"),
        n => format!("{n} {one}s"),
    }
}

/// `3 files, 5 objects (2 of other kinds skipped): 1 error, no warnings`.
fn summary(outcome: &Outcome<'_>) -> String {
    let input = outcome.input;
    let mut out = String::new();
    if input.place == Place::Files {
        let _ = write!(out, "{}, ", count(input.files, "file"));
    }
    let _ = write!(out, "{}", count(input.manifests.len(), "object"));
    if input.skipped > 0 {
        let _ = write!(out, " ({} of other kinds skipped)", input.skipped);
    }
    let _ = write!(out, ": {}", levels(outcome.count(Level::Deny), outcome.count(Level::Warn)));
    if !input.unreadable.is_empty() {
        let _ = write!(out, ", {} unreadable", input.unreadable.len());
    }
    out
}

/// Everything, for programs.
pub fn json(outcome: &Outcome<'_>) -> Value {
    let finding = |Located { manifest, line, finding }: &Located<'_>| {
        json!({
            "file": manifest.file,
            "line": line,
            "kind": manifest.kind_name,
            "namespace": manifest.namespace(),
            "name": manifest.name(),
            "field": finding.field,
            "rule": finding.rule.id,
            "level": finding.level,
            "value": finding.value,
            "message": finding.to_string(),
        })
    };
    json!({
        "findings": outcome.findings.iter().map(finding).collect::<Vec<_>>(),
        "unreadable": outcome.input.unreadable,
        "summary": {
            "files": outcome.input.files,
            "objects": outcome.input.manifests.len(),
            "skipped": outcome.input.skipped,
            "errors": outcome.count(Level::Deny),
            "warnings": outcome.count(Level::Warn),
        },
    })
}

/// SARIF 2.1.0, for code scanning.
pub fn sarif(outcome: &Outcome<'_>) -> Value {
    let level = |level| match level {
        Level::Deny => "error",
        Level::Warn => "warning",
    };
    let location = |file: &std::path::Path, line: usize| json!({"physicalLocation": {"artifactLocation": {"uri": file}, "region": {"startLine": line}}});
    let rule = |rule: &&crate::rule::Rule| {
        json!({
            "id": rule.id,
            "shortDescription": {"text": rule.why},
            "help": {"text": rule.fix},
            "defaultConfiguration": {"level": level(rule.level)},
        })
    };
    let result = |Located { manifest, line, finding }: &Located<'_>| {
        json!({
            "ruleId": finding.rule.id,
            "level": level(finding.level),
            "message": {"text": format!("{}: {}: {finding}", manifest.title(), finding.field)},
            "locations": [location(&manifest.file, *line)],
        })
    };
    let notification = |problem: &Problem| {
        json!({
            "level": "error",
            "message": {"text": problem.message},
            "locations": [location(&problem.file, problem.line)],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "keyhatch",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules().iter().chain(&inject::rules()).map(rule).collect::<Vec<_>>(),
            }},
            "results": outcome.findings.iter().map(result).collect::<Vec<_>>(),
            "invocations": [{
                "executionSuccessful": outcome.input.unreadable.is_empty(),
                "toolExecutionNotifications": outcome.input.unreadable.iter().map(notification).collect::<Vec<_>>(),
            }],
        }],
    })
}
