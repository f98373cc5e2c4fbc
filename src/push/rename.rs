//! Takes the `rewrite` of a `dataTo` and gives the names that keys get.

use super::error::Cause;
use crate::api::push_secret::PushRewrite;
use crate::go::regexp::Matcher;
use crate::go::template::Transform;

/// All changes of a rule, compiled, each with its index.
pub(super) struct Renamer<'a>(Vec<(usize, Step<'a>)>);

enum Step<'a> {
    Regexp(Matcher, &'a str),
    Transform(Transform<'a>),
}

impl<'a> Renamer<'a> {
    /// Compiles the changes.
    pub(super) fn new(rewrites: &'a [PushRewrite]) -> Result<Self, Cause> {
        let mut steps = Vec::new();
        for (index, PushRewrite { regexp, transform }) in rewrites.iter().enumerate() {
            if let Some(regexp) = regexp {
                let matcher =
                    Matcher::new(&regexp.source).map_err(|error| Cause::Rewrite { index, error })?;
                steps.push((index, Step::Regexp(matcher, &regexp.target)));
            }
            if let Some(transform) = transform {
                let transform =
                    Transform::new(&transform.template).map_err(|error| Cause::Template { index, error })?;
                steps.push((index, Step::Transform(transform)));
            }
        }
        Ok(Self(steps))
    }

    /// What becomes of a key by all changes, in order.
    pub(super) fn name(&mut self, key: &str) -> Result<String, Cause> {
        self.0.iter_mut().try_fold(key.to_owned(), |name, (index, step)| match step {
            Step::Regexp(matcher, target) => Ok(matcher.replace_all(&name, target)),
            Step::Transform(transform) => transform.apply(&name).map_err(|error| Cause::Transform {
                index: *index,
                key: key.to_owned(),
                error: Box::new(error),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::data_from::{RewriteRegexp, RewriteTransform};

    #[test]
    fn names_are_rewritten_step_by_step() {
        let transform = |template: &str| PushRewrite {
            regexp: None,
            transform: Some(RewriteTransform { template: template.to_owned() }),
        };
        let regexp = RewriteRegexp { source: "_".to_owned(), target: "-".to_owned() };
        let regexp = PushRewrite { regexp: Some(regexp), transform: None };
        let rename = |rewrites: &[PushRewrite]| {
            Renamer::new(rewrites)
                .and_then(|mut renamer| renamer.name("DB_HOST"))
                .map_err(|cause| cause.to_string())
        };
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
