//! Takes the `rewrite` of a `dataTo` and gives the names that keys get.

use super::error::Cause;
use crate::api::data_from::{RewriteRegexp, RewriteTransform};
use crate::api::push_secret::PushRewrite;
use crate::go::regexp::Matcher;
use crate::go::template::{Budget, LENGTH, Transform};

/// What becomes of keys by all changes, in order; each is compiled for itself, for that can be large.
pub(super) fn renamed(rewrites: &[PushRewrite], keys: &[&str]) -> Result<Vec<String>, Cause> {
    let mut budget = Budget::default();
    let mut names: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    for (index, PushRewrite { regexp, transform }) in rewrites.iter().enumerate() {
        if let Some(RewriteRegexp { source, target }) = regexp {
            let matcher = Matcher::new(source).map_err(|error| Cause::Rewrite { index, error })?;
            for name in &mut names {
                let replaced = matcher.replace_all(name, target, LENGTH);
                *name = replaced.ok_or(Cause::LongName { index, most: LENGTH })?;
            }
        }
        if let Some(RewriteTransform { template }) = transform {
            let mut transform = Transform::new(template).map_err(|error| Cause::Template { index, error })?;
            for (name, key) in names.iter_mut().zip(keys) {
                let failed =
                    |error| Cause::Transform { index, key: (*key).to_owned(), error: Box::new(error) };
                *name = transform.apply(name, &mut budget).map_err(failed)?;
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rewritten_step_by_step() {
        let transform = |template: &str| PushRewrite {
            regexp: None,
            transform: Some(RewriteTransform { template: template.to_owned() }),
        };
        let regexp = RewriteRegexp { source: "_".to_owned(), target: "-".to_owned() };
        let regexp = PushRewrite { regexp: Some(regexp), transform: None };
        let rename = |rewrites: &[PushRewrite]| {
            renamed(rewrites, &["DB_HOST"]).map(|names| names.concat()).map_err(|cause| cause.to_string())
        };
        let doubled = RewriteRegexp { source: ".+".to_owned(), target: "$0$0".to_owned() };
        let doubled = PushRewrite { regexp: Some(doubled), transform: None };
        assert_eq!(
            rename(&vec![doubled; 40]),
            Err("rewrite[9] makes a name of more than 4096 bytes of a key; keep it short".to_owned())
        );
        let lower = transform("prod/{{ .value | lower }}");
        assert_eq!(rename(&[lower, regexp.clone()]), Ok("prod/db-host".to_owned()));
        assert_eq!(
            rename(&[regexp.clone(), transform("{{ .value | abbrev 5 }}")]),
            Err("rewrite[1].transform.template: abbrev is not supported by Keyhatch in a template of keys; use another function, or a regexp".to_owned())
        );
        assert_eq!(
            rename(&[regexp, transform("{{ div 1 (len .other) }}")]),
            Err("rewrite[1].transform.template, of key \"DB_HOST\": len: an argument is of type nil, and text or list is wanted".to_owned())
        );
    }
}
