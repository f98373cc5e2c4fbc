//! Whose the object of a namespace is: by the stores that it names there. Pure.

use std::collections::HashMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::api::common::StoreKind;
use crate::facts::{Labels, selects};

/// A store that is named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    /// Its kind.
    pub(super) kind: StoreKind,
    /// How.
    pub(super) by: By,
}

/// How a store is named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum By {
    /// By its name.
    Name(String),
    /// All that have these labels.
    Labels(LabelSelector),
}

/// Whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// All its stores are ours.
    Ours,
    /// One is not.
    Foreign,
    /// One is not there: this.
    Unknown(String),
}

/// All stores, by namespace; those of the cluster are in `""`.
#[derive(Debug, Default)]
pub(super) struct Stores(HashMap<String, Vec<Store>>);

#[derive(Debug)]
struct Store {
    name: String,
    labels: Labels,
    is_ours: bool,
}

impl Stores {
    /// Adds one.
    pub(super) fn add(&mut self, namespace: &str, name: &str, labels: Labels, is_ours: bool) {
        let store = Store { name: name.to_owned(), labels, is_ours };
        self.0.entry(namespace.to_owned()).or_default().push(store);
    }

    /// Whose an object of a namespace is that names these stores.
    pub(super) fn whose(&self, named: &[Named], namespace: &str) -> Whose {
        let mut whose = Whose::Ours;
        for one in named {
            let found = self.found(one, namespace);
            if found.iter().any(|store| !store.is_ours) {
                return Whose::Foreign;
            }
            if found.is_empty() {
                whose = Whose::Unknown(one.to_string());
            }
        }
        whose
    }

    fn found(&self, named: &Named, namespace: &str) -> Vec<&Store> {
        let place = match named.kind {
            StoreKind::SecretStore => namespace,
            StoreKind::ClusterSecretStore => "",
        };
        let is_meant = |store: &&Store| match &named.by {
            By::Name(name) => store.name == *name,
            By::Labels(labels) => selects(labels, &store.labels),
        };
        self.0.get(place).into_iter().flatten().filter(is_meant).collect()
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.by {
            By::Name(name) => write!(f, "{} {name}", self.kind.as_str()),
            By::Labels(_) => write!(f, "{} with the labels of its labelSelector", self.kind.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_ours_if_all_its_stores_are() {
        let mut stores = Stores::default();
        let labels = |team: &str| [("team".to_owned(), team.to_owned())].into_iter().collect();
        stores.add("a", "aws", labels("x"), true);
        stores.add("b", "aws", labels("x"), false);
        stores.add("", "shared", labels("x"), true);
        stores.add("", "vault", labels("y"), false);
        let name = |kind, name: &str| Named { kind, by: By::Name(name.into()) };
        let (own, shared, vault) = (
            name(StoreKind::SecretStore, "aws"),
            name(StoreKind::ClusterSecretStore, "shared"),
            name(StoreKind::ClusterSecretStore, "vault"),
        );
        let selected = |team: &str| {
            let labels = [("team".to_owned(), team.to_owned())].into();
            let selector = LabelSelector { match_labels: Some(labels), match_expressions: None };
            Named { kind: StoreKind::ClusterSecretStore, by: By::Labels(selector) }
        };
        let unknown = |text: &str| Whose::Unknown(text.to_owned());
        for (named, namespace, expected) in [
            (vec![own.clone()], "a", Whose::Ours),
            (vec![own.clone()], "b", Whose::Foreign),
            (vec![own.clone()], "c", unknown("SecretStore aws")),
            (vec![own.clone(), shared.clone()], "a", Whose::Ours),
            (vec![own.clone(), vault.clone()], "a", Whose::Foreign),
            (vec![own, vault], "c", Whose::Foreign),
            (vec![shared], "c", Whose::Ours),
            (vec![selected("x")], "c", Whose::Ours),
            (vec![selected("y")], "c", Whose::Foreign),
            (vec![selected("z")], "c", unknown("ClusterSecretStore with the labels of its labelSelector")),
        ] {
            assert_eq!(stores.whose(&named, namespace), expected, "{named:?} {namespace}");
        }
    }
}
