//! What came of each namespace, for the status. Pure.

use std::collections::BTreeMap;

use crate::api::cluster_external_secret::FailedNamespace;

/// What came of a look, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// With the object; or without it, and why.
    pub(super) namespaces: BTreeMap<String, Result<(), String>>,
}

/// Namespaces that are told in one message; all of them are in the status.
const TOLD: usize = 4;

impl Outcome {
    /// Namespaces with the object, in order.
    pub(super) fn provisioned(&self) -> Vec<String> {
        let with = self.namespaces.iter().filter(|(_, result)| result.is_ok());
        with.map(|(namespace, _)| namespace.clone()).collect()
    }

    /// Namespaces without it, in order, and why.
    pub(super) fn failed(&self) -> Vec<FailedNamespace> {
        let failed = |(namespace, cause): (&str, &str)| FailedNamespace {
            namespace: namespace.to_owned(),
            reason: Some(cause.to_owned()),
        };
        self.causes().map(failed).collect()
    }

    /// Whether it is Ready, and the words about it: the operator's, and then the causes.
    pub(super) fn condition(&self) -> (bool, Option<String>) {
        let failed = self.causes().count();
        if failed == 0 {
            return (true, None);
        }
        let told = self.causes().take(TOLD).map(|(namespace, cause)| format!("{namespace}: {cause}"));
        let mut message = format!("one or more namespaces failed: {}", told.collect::<Vec<_>>().join("; "));
        if let Some(more) = failed.checked_sub(TOLD).filter(|more| *more > 0) {
            message.push_str(&format!("; and {more} more"));
        }
        (false, Some(message))
    }

    fn causes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.namespaces.iter().filter_map(|(namespace, result)| {
            result.as_ref().err().map(|cause| (namespace.as_str(), cause.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_has_the_causes_and_stays_short() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.condition(), (true, None));
        outcome.namespaces.insert("good".into(), Ok(()));
        assert_eq!((outcome.condition(), outcome.provisioned()), ((true, None), vec!["good".to_owned()]));
        for name in ["a", "b", "c", "d", "e"] {
            outcome.namespaces.insert(name.into(), Err(format!("no {name}")));
        }
        let words = "one or more namespaces failed: a: no a; b: no b; c: no c; d: no d; and 1 more";
        assert_eq!(outcome.condition(), (false, Some(words.to_owned())));
        let failed: Vec<_> = outcome.failed().into_iter().map(|one| one.namespace).collect();
        assert_eq!(
            (failed, outcome.provisioned().len()),
            (["a", "b", "c", "d", "e"].map(str::to_owned).into(), 1)
        );
    }
}
