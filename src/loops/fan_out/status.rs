//! What came of each namespace, for the status. Pure.

use std::collections::BTreeMap;

use crate::api::Kind;
use crate::api::cluster_external_secret::FailedNamespace;
use crate::aws::failure::one_line;
use crate::loops::write::WriteError;

/// What came of a look, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// With the object; or without it, and why.
    pub(super) namespaces: BTreeMap<String, Result<(), String>>,
}

/// Why a namespace has no object, or has one still.
pub(super) enum Failed {
    /// Only a change helps.
    Known(String),
    /// The watch will say so, too: then it is known.
    Unseen(String),
    /// It is tried again; what it would have made.
    Write { doing: Option<Kind>, error: WriteError },
}

/// Namespaces that are told in one message; all of them are in the status.
const TOLD: usize = 4;

impl Outcome {
    /// What is told of all namespaces, and whether none has to be tried again.
    ///
    /// # Errors
    /// What is only passing, since it is nothing to tell: whoever comes next, we or another leader, makes what is missing.
    pub(super) fn of(done: Vec<(String, Result<(), Failed>)>) -> Result<(Self, bool), WriteError> {
        let (mut outcome, mut is_done) = (Self::default(), true);
        for (namespace, result) in done {
            let result = match result {
                Ok(()) => Ok(()),
                Err(Failed::Known(cause)) => Err(cause),
                Err(Failed::Unseen(cause)) => {
                    is_done = false;
                    Err(cause)
                }
                Err(Failed::Write { error, .. }) if error.is_passing() => return Err(error),
                Err(Failed::Write { doing, error }) => {
                    is_done = false;
                    let doing =
                        doing.map(|made| format!("could not create or update {made}: ")).unwrap_or_default();
                    Err(format!("{doing}{}", one_line(&error.to_string())))
                }
            };
            outcome.namespaces.insert(namespace, result);
        }
        Ok((outcome, is_done))
    }

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
    use crate::cluster::Trouble;
    use crate::leader::NotLeader;

    fn done(failed: Failed) -> Vec<(String, Result<(), Failed>)> {
        vec![("a".to_owned(), Ok(())), ("b".to_owned(), Err(failed)), ("c".to_owned(), Ok(()))]
    }

    #[test]
    fn what_is_only_passing_is_told_of_no_namespace() {
        let conflict = WriteError::Conflict { what: "ExternalSecret b/app".into(), cause: "changed".into() };
        for error in [WriteError::NotLeader(NotLeader), conflict] {
            let failed = Failed::Write { doing: Some(Kind::ExternalSecret), error };
            assert!(Outcome::of(done(failed)).is_err_and(|error| error.is_passing()));
        }
    }

    #[test]
    fn what_failed_is_told_and_tried_again_unless_only_a_change_helps() {
        let write = |doing| {
            let error = WriteError::Api { what: "ExternalSecret b/app".into(), trouble: Trouble::silence() };
            Failed::Write { doing, error }
        };
        let cases = [
            (Failed::Known("taken".into()), true),
            (Failed::Unseen("taken".into()), false),
            (write(Some(Kind::ExternalSecret)), false),
            (write(None), false),
        ];
        let told = cases.map(|(failed, is_done)| {
            let (outcome, all) = Outcome::of(done(failed)).unwrap();
            assert_eq!((all, outcome.provisioned()), (is_done, vec!["a".to_owned(), "c".to_owned()]));
            outcome.namespaces["b"].clone().unwrap_err()
        });
        assert_eq!(told[..2], ["taken", "taken"]);
        assert!(
            told[2].starts_with("could not create or update ExternalSecret: ExternalSecret b/app: "),
            "{told:?}"
        );
        assert!(told[3].starts_with("ExternalSecret b/app: "), "{told:?}");
    }

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
