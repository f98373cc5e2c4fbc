//! Condition operators, policy variables and wildcards.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Variables and tags".

use super::Context;
use super::policy::Scalar;

/// How one value is compared with one wanted value.
#[derive(Clone, Copy)]
enum Comparison {
    Equals,
    EqualsIgnoreCase,
    Like,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    One,
    ForAnyValue,
    ForAllValues,
}

struct Operator {
    set: Set,
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
}

/// # Errors
/// Names an operator that is not known here, rather than ignoring it.
pub(super) fn check(operator: &str) -> Result<(), String> {
    if operator == "Null" || parse(operator).is_some() {
        Ok(())
    } else {
        Err(format!("the condition operator {operator} is not known"))
    }
}

/// Whether a condition holds.
pub(super) fn holds(operator: &str, key: &str, wanted: &[Scalar], context: &Context) -> bool {
    let actual = context.get(key);
    if operator == "Null" {
        return wanted.iter().any(|one| one.text() == actual.is_none().to_string());
    }
    let Some(Operator { set, comparison, negated, if_exists }) = parse(operator) else { return false };
    let Some(actual) = actual.filter(|values| !values.is_empty()) else {
        return if_exists || negated || set == Set::ForAllValues;
    };
    let wanted: Vec<String> = wanted.iter().filter_map(|one| fill_in(&one.text(), context)).collect();
    let matches = |value: &String| wanted.iter().any(|one| compare(comparison, one, value)) != negated;
    match set {
        Set::One | Set::ForAllValues => actual.iter().all(matches),
        Set::ForAnyValue => actual.iter().any(matches),
    }
}

fn parse(operator: &str) -> Option<Operator> {
    let (set, name) = match operator.split_once(':') {
        Some(("ForAnyValue", name)) => (Set::ForAnyValue, name),
        Some(("ForAllValues", name)) => (Set::ForAllValues, name),
        Some(_) => return None,
        None => (Set::One, operator),
    };
    let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
    let (comparison, negated) = match name {
        "StringEquals" => (Comparison::Equals, false),
        "StringNotEquals" => (Comparison::Equals, true),
        "StringEqualsIgnoreCase" | "Bool" => (Comparison::EqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Comparison::EqualsIgnoreCase, true),
        "StringLike" | "ArnLike" | "ArnEquals" => (Comparison::Like, false),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (Comparison::Like, true),
        "NumericEquals" => (Comparison::Equals, false),
        _ => return None,
    };
    Some(Operator { set, comparison, negated, if_exists })
}

fn compare(comparison: Comparison, wanted: &str, actual: &str) -> bool {
    match comparison {
        Comparison::Equals => wanted == actual,
        Comparison::EqualsIgnoreCase => wanted.to_lowercase() == actual.to_lowercase(),
        Comparison::Like => matches_glob(wanted, actual),
    }
}

/// Replaces `${aws:PrincipalTag/team}` and the like; a variable without a value matches nothing.
pub(super) fn fill_in(text: &str, context: &Context) -> Option<String> {
    let Some((before, rest)) = text.split_once("${") else { return Some(text.to_owned()) };
    let (variable, after) = rest.split_once('}')?;
    let value = match variable {
        "*" | "?" | "$" => variable,
        key => context.get(key).and_then(<[String]>::first)?,
    };
    Some(format!("{before}{value}{}", fill_in(after, context)?))
}

/// `*` is any number of characters, `?` is one.
pub(super) fn matches_glob(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut at, mut star, mut here) = (0, None, 0);
    while here < text.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(&one) if one == '?' || text.get(here) == Some(&one) => {
                at += 1;
                here += 1;
            }
            _ => match star {
                Some((back, from)) => {
                    star = Some((back, from + 1));
                    at = back + 1;
                    here = from + 1;
                }
                None => return false,
            },
        }
    }
    glob.get(at..).is_some_and(|rest| rest.iter().all(|&one| one == '*'))
}
