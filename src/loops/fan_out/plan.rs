//! What is to be done in each namespace: what is wanted and what is there in, steps out. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::selects;
use crate::loops::watched::ObjectKey;

use super::object::Wanted;
use super::seen::{Child, Maker, Place};
use super::whose::Whose;

/// All that is known.
pub(super) struct Seen<'a> {
    /// Who makes them.
    pub(super) maker: &'a Maker,
    /// Every namespace.
    pub(super) namespaces: &'a BTreeMap<String, Arc<Place>>,
    /// What this one made, and what else has its name.
    pub(super) children: &'a BTreeMap<ObjectKey, Child>,
    /// Whose the object of a namespace is.
    pub(super) whose: &'a dyn Fn(&str) -> Whose,
    /// Whether the object of a namespace is as it was made last.
    pub(super) is_as_made: &'a dyn Fn(&str, &Child) -> bool,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// In each namespace that is meant.
    pub(super) steps: BTreeMap<String, Step>,
    /// Objects that are wanted no more, and their UIDs.
    pub(super) removals: BTreeMap<ObjectKey, String>,
}

/// What is to be done in a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The object is not there yet.
    Create,
    /// It may be another than it should be.
    Apply {
        /// Its UID.
        uid: String,
    },
    /// It is as it should be, or somebody else's to change.
    Keep,
    /// It cannot be made.
    Fail(Cause),
}

/// Why it cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Something else has its name.
    Taken,
    /// One that an object of this name made, which was deleted.
    Orphan,
    /// It is being deleted.
    Leaving,
    /// A store is not there.
    NoStore(String),
}

/// Decides. None: it is somebody else's, in every namespace.
pub(super) fn plan(wanted: &Wanted, seen: &Seen<'_>) -> Option<Plan> {
    let mut plan = Plan::default();
    let meant =
        seen.namespaces.iter().filter(|(name, place)| !place.is_leaving && means(wanted, name, place));
    let (mut is_any_meant, mut is_any_ours) = (false, false);
    for (namespace, _) in meant {
        is_any_meant = true;
        let key = ObjectKey { namespace: namespace.clone(), name: wanted.name.clone() };
        let child = seen.children.get(&key);
        let step = match (seen.whose)(namespace) {
            Whose::Foreign => match child {
                Some(child) if child.maker.as_ref() == Some(seen.maker) => Some(Step::Keep),
                Some(_) | None => None,
            },
            Whose::Unknown(store) => {
                is_any_ours = true;
                Some(Step::Fail(Cause::NoStore(store)))
            }
            Whose::Ours => {
                is_any_ours = true;
                Some(step(namespace, child, seen))
            }
        };
        plan.steps.extend(step.map(|step| (namespace.clone(), step)));
    }
    if is_any_meant && !is_any_ours {
        return None;
    }
    for (key, child) in seen.children {
        let is_wanted = key.name == wanted.name
            && seen.namespaces.get(&key.namespace).is_some_and(|place| means(wanted, &key.namespace, place));
        let is_going = child.is_leaving || seen.namespaces.get(&key.namespace).is_none_or(|it| it.is_leaving);
        if !is_wanted && !is_going && child.maker.as_ref() == Some(seen.maker) {
            plan.removals.insert(key.clone(), child.uid.clone());
        }
    }
    Some(plan)
}

fn means(wanted: &Wanted, name: &str, place: &Place) -> bool {
    wanted.namespaces.iter().any(|listed| listed == name)
        || wanted.selectors.iter().any(|selector| selects(selector, &place.labels))
}

fn step(namespace: &str, child: Option<&Child>, seen: &Seen<'_>) -> Step {
    let Some(child) = child else { return Step::Create };
    match &child.maker {
        Some(maker) if maker == seen.maker && child.is_leaving => Step::Fail(Cause::Leaving),
        Some(maker) if maker == seen.maker && (seen.is_as_made)(namespace, child) => Step::Keep,
        Some(maker) if maker == seen.maker => Step::Apply { uid: child.uid.clone() },
        Some(maker) if (&maker.kind, &maker.name) == (&seen.maker.kind, &seen.maker.name) => {
            Step::Fail(Cause::Orphan)
        }
        Some(_) | None => Step::Fail(Cause::Taken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maker(uid: &str) -> Maker {
        Maker { kind: "ClusterExternalSecret".into(), name: "app".into(), uid: uid.into() }
    }

    fn child(maker: Option<Maker>, is_leaving: bool) -> Child {
        Child {
            uid: "u".into(),
            generation: Some(1),
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            maker,
            is_leaving,
        }
    }

    fn key(namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { namespace: namespace.into(), name: name.into() }
    }

    /// Namespaces a, b, … with label `team: x`, of which those in capitals are going.
    fn namespaces(names: &str) -> BTreeMap<String, Arc<Place>> {
        let place = |name: char| Place {
            labels: [("team".to_owned(), if name.is_ascii_digit() { "y" } else { "x" }.to_owned())]
                .into_iter()
                .collect(),
            is_leaving: name.is_ascii_uppercase(),
            ..Place::default()
        };
        names.chars().map(|name| (name.to_ascii_lowercase().to_string(), Arc::new(place(name)))).collect()
    }

    fn wanted() -> Wanted {
        let selector = serde_json::from_str(r#"{"matchLabels":{"team":"x"}}"#).unwrap();
        Wanted {
            name: "app".into(),
            selectors: vec![selector],
            namespaces: vec!["1".into(), "nowhere".into()],
            ..Wanted::default()
        }
    }

    fn planned(names: &str, children: &[(ObjectKey, Child)], whose: impl Fn(&str) -> Whose) -> Option<Plan> {
        let children: BTreeMap<_, _> = children.iter().cloned().collect();
        let seen = Seen {
            maker: &maker("1"),
            namespaces: &namespaces(names),
            children: &children,
            whose: &whose,
            is_as_made: &|namespace, _| namespace == "b",
        };
        plan(&wanted(), &seen)
    }

    #[test]
    fn the_union_of_names_and_selectors_gets_the_object_and_no_namespace_that_goes() {
        let plan = planned("abC12", &[], |_| Whose::Ours).unwrap();
        let steps: Vec<_> = plan.steps.iter().map(|(name, step)| (name.as_str(), step.clone())).collect();
        assert_eq!(steps, [("1", Step::Create), ("a", Step::Create), ("b", Step::Create)]);
        assert_eq!(planned("2", &[], |_| Whose::Ours), Some(Plan::default()), "nobody is meant");
    }

    #[test]
    fn what_is_there_is_changed_kept_or_left_to_whom_it_belongs() {
        let own = || Some(maker("1"));
        let children = [
            (key("a", "app"), child(own(), false)),
            (key("b", "app"), child(own(), false)),
            (key("c", "app"), child(None, false)),
            (key("d", "app"), child(Some(maker("old")), false)),
            (key("e", "app"), child(own(), true)),
            (key("f", "app"), child(Some(Maker { name: "other".into(), ..maker("1") }), false)),
        ];
        let plan = planned("abcdef", &children, |_| Whose::Ours).unwrap();
        let steps: Vec<_> = plan.steps.into_values().collect();
        let expected = [
            Step::Apply { uid: "u".into() },
            Step::Keep,
            Step::Fail(Cause::Taken),
            Step::Fail(Cause::Orphan),
            Step::Fail(Cause::Leaving),
            Step::Fail(Cause::Taken),
        ];
        assert_eq!((steps, plan.removals.len()), (expected.into(), 0));
    }

    #[test]
    fn what_was_made_goes_where_it_is_wanted_no_more() {
        let own = || Some(maker("1"));
        let children = [
            (key("2", "app"), child(own(), false)),
            (key("a", "old-name"), child(own(), false)),
            (key("a", "other"), child(None, false)),
            (key("3", "app"), child(own(), true)),
            (key("c", "old-name"), child(own(), false)),
        ];
        let plan = planned("aC23", &children, |_| Whose::Ours).unwrap();
        let removed: Vec<_> = plan.removals.keys().map(ToString::to_string).collect();
        assert_eq!(removed, ["2/app", "a/old-name"]);
    }

    #[test]
    fn where_the_store_is_anothers_nothing_is_touched() {
        let children = [(key("a", "app"), child(Some(maker("1")), false))];
        let whose = |namespace: &str| match namespace {
            "c" => Whose::Ours,
            "d" => Whose::Unknown("SecretStore aws".into()),
            _ => Whose::Foreign,
        };
        let plan = planned("abcd", &children, whose).unwrap();
        let steps: Vec<_> = plan.steps.into_iter().collect();
        let fail = Step::Fail(Cause::NoStore("SecretStore aws".into()));
        let expected = [("a", Step::Keep), ("c", Step::Create), ("d", fail)];
        assert_eq!(steps, expected.map(|(name, step)| (name.to_owned(), step)));
        assert_eq!(planned("ab", &children, whose), None);
    }
}
