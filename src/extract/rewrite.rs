//! Changes the keys of values, one rewrite after the other.

use super::error::{Cause, RewriteCause};
use super::{Values, merge};
use crate::api::data_from::{Rewrite, RewriteRegexp};
use crate::go::regexp::Matcher;
use crate::go::template::{Budget, LENGTH, Transform};

pub(super) fn apply(rewrites: &[Rewrite], values: Values) -> Result<Values, Cause> {
    let mut budget = Budget::default();
    rewrites.iter().enumerate().try_fold(values, |values, (index, rewrite)| {
        one(rewrite, values, &mut budget).map_err(|cause| Cause::Rewrite { index, cause })
    })
}

fn one(rewrite: &Rewrite, values: Values, budget: &mut Budget) -> Result<Values, RewriteCause> {
    match rewrite {
        Rewrite { merge: Some(merge), .. } => merge::merge(merge, values),
        Rewrite { regexp: Some(regexp), .. } => replace(regexp, values),
        Rewrite { transform: Some(transform), .. } => run(&transform.template, values, budget),
        Rewrite { merge: None, regexp: None, transform: None } => Ok(values),
    }
}

/// Of keys that become one, the last wins.
fn replace(rewrite: &RewriteRegexp, values: Values) -> Result<Values, RewriteCause> {
    let RewriteRegexp { source, target } = rewrite;
    let matcher = Matcher::new(source)?;
    let mut renamed = Values::new();
    for (key, value) in values {
        let name = matcher.replace_all(&key, target, LENGTH).ok_or(RewriteCause::LongKey(LENGTH))?;
        renamed.insert(name, value);
    }
    Ok(renamed)
}

/// Of keys that become one, the last wins.
fn run(template: &str, values: Values, budget: &mut Budget) -> Result<Values, RewriteCause> {
    let mut transform = Transform::new(template).map_err(RewriteCause::Template)?;
    let mut renamed = Values::new();
    for (key, value) in values {
        let name = transform.apply(&key, budget);
        let name =
            name.map_err(|error| RewriteCause::Transform { key: key.clone(), error: Box::new(error) })?;
        renamed.insert(name, value);
    }
    Ok(renamed)
}
