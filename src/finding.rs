//! What a validator says: findings, each of one rule at one field, collected in a [`Report`].

use std::collections::HashSet;
use std::fmt;

use crate::field::Field;
use crate::policy::Policy;
use crate::rule::{Level, Reason, Rule};

/// The longest piece of a user's value that a message repeats, in bytes.
const SHOWN_VALUE: usize = 120;

/// One mistake (or doubt) in one field of one object.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that was broken.
    pub rule: &'static Rule,
    /// How grave it is here: the rule's own level, unless the operator gave it another.
    pub level: Level,
    /// The cause in Kubernetes' vocabulary: the rule's own, unless there is no value that it could be about.
    pub reason: Reason,
    /// The field, as [`Field`] prints it.
    pub field: String,
    /// The offending value, quoted and cut; empty when the field is missing.
    pub value: String,
    /// What is wrong with it and what to write instead.
    pub cause: String,
}

/// Cause and fix without the field: kubectl prints `* field: message` itself. Mistakes begin with the words
/// that the API server uses for its own.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, level, reason, field: _, value, cause } = self;
        if *level == Level::Deny {
            write!(f, "{}: ", reason.label())?;
        }
        if !value.is_empty() {
            write!(f, "{value}: ")?;
        }
        write!(f, "{cause} [{}]", rule.id)
    }
}

/// So many findings of one object are kept: nobody reads more of an object that is made of mistakes. Mistakes have
/// as much room again, or doubts in front of them would have the object admitted.
pub const MOST: usize = 1000;

/// The findings of one object, in the order of its fields.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding about a text value.
    pub fn text(&mut self, rule: &'static Rule, field: &Field<'_>, value: &str, cause: impl Into<String>) {
        self.push(rule, rule.reason, field, quote(value), cause.into());
    }

    /// Adds a finding about a number or another value that prints itself.
    pub fn value(
        &mut self,
        rule: &'static Rule,
        field: &Field<'_>,
        value: impl fmt::Display,
        cause: impl Into<String>,
    ) {
        self.push(rule, rule.reason, field, value.to_string(), cause.into());
    }

    /// Adds a finding about a field that is absent or empty.
    pub fn missing(&mut self, rule: &'static Rule, field: &Field<'_>, cause: impl Into<String>) {
        self.push(rule, without_value(rule, Reason::Required), field, String::new(), cause.into());
    }

    /// Adds a finding about something that must not be there, and is no value that could be shown.
    pub fn forbidden(&mut self, rule: &'static Rule, field: &Field<'_>, cause: impl Into<String>) {
        self.push(rule, without_value(rule, Reason::Forbidden), field, String::new(), cause.into());
    }

    fn push(&mut self, rule: &'static Rule, reason: Reason, field: &Field<'_>, value: String, cause: String) {
        let level = rule.level;
        let most = if level == Level::Deny { 2 * MOST } else { MOST };
        if self.findings.len() >= most {
            return;
        }
        self.findings.push(Finding { rule, level, reason, field: field.to_string(), value, cause });
    }

    /// Whether no more is kept, so that there is no need to find it.
    pub fn is_full(&self) -> bool {
        self.findings.len() >= 2 * MOST
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings at the levels that their rules have here; those of rules that are off are left out.
    #[must_use]
    pub fn leveled(self, policy: &Policy) -> Self {
        let level = |finding: Finding| policy.level(finding.rule).map(|level| Finding { level, ..finding });
        Self { findings: self.findings.into_iter().filter_map(level).collect() }
    }

    /// Whether one of these is not among the findings.
    pub fn lacks_any(&self, findings: &[Finding]) -> bool {
        fn same(finding: &Finding) -> (&str, &str, &str) {
            (finding.rule.id, &finding.field, &finding.value)
        }
        let own: HashSet<_> = self.findings.iter().map(same).collect();
        findings.iter().any(|finding| !own.contains(&same(finding)))
    }

    /// All findings, mistakes and doubts.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Whether a finding of this level is among them.
    pub fn has(&self, level: Level) -> bool {
        self.findings.iter().any(|finding| finding.level == level)
    }
}

/// `Invalid value:` needs a value that it is said of.
fn without_value(rule: &Rule, otherwise: Reason) -> Reason {
    match rule.reason {
        Reason::Invalid | Reason::NotSupported => otherwise,
        Reason::Required | Reason::Duplicate | Reason::Forbidden | Reason::Unknown => rule.reason,
    }
}

impl From<Vec<Finding>> for Report {
    fn from(findings: Vec<Finding>) -> Self {
        Self { findings }
    }
}

/// A value in quotes, on one line, cut at a character boundary.
pub fn quote(value: &str) -> String {
    if value.len() <= SHOWN_VALUE {
        return format!("{value:?}");
    }
    let cut = (0..=SHOWN_VALUE).rev().find(|&at| value.is_char_boundary(at)).unwrap_or(0);
    format!("{:?}… ({} bytes)", value.get(..cut).unwrap_or_default(), value.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_have_room_behind_any_number_of_doubts() {
        let mut report = Report::default();
        for _ in 0..3 * MOST {
            report.missing(&crate::object::UNKNOWN_FIELD, &Field::Root, "a doubt");
        }
        assert!(!report.has(Level::Deny));
        for _ in 0..3 * MOST {
            report.missing(&crate::object::REQUIRED_FIELD, &Field::Root, "a mistake");
        }
        assert!(report.has(Level::Deny));
        assert_eq!(report.into_findings().len(), 2 * MOST);
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let long = "é".repeat(200);
        assert!(quote(&long).ends_with("… (400 bytes)"));
        assert!(quote(&long).len() < 160);
        assert_eq!(quote("a\nb"), "\"a\\nb\"");
    }
}
