//! A field's name in, the places of its kind's schema that have a field of this name out: the nearest ones.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::schema;
use crate::api::Kind;

/// The names on the way from the object to a field, lists as `data[]`; the last is the field's own parent.
type Parents = Vec<String>;

/// Of every kind, the parents of all fields of its spec, by name: objects may have thousands of unknown fields.
static PLACES: LazyLock<HashMap<Kind, HashMap<String, Vec<Parents>>>> = LazyLock::new(|| {
    let places = |kind| {
        let mut places = HashMap::new();
        if let Some(spec) = schema::of(kind).pointer("/properties/spec") {
            collect(spec, &mut vec!["spec".to_owned()], &mut places);
        }
        (kind, places)
    };
    Kind::ALL.into_iter().map(places).collect()
});

fn collect(node: &Value, parents: &mut Parents, places: &mut HashMap<String, Vec<Parents>>) {
    let properties = node.get("properties").and_then(Value::as_object);
    for (name, child) in properties.into_iter().flatten() {
        places.entry(name.clone()).or_default().push(parents.clone());
        let (segment, child) = match child.get("items") {
            Some(items) => (format!("{name}[]"), items),
            None => (name.clone(), child),
        };
        parents.push(segment);
        collect(child, parents, places);
        parents.pop();
    }
}

/// The nearest places of a field that is not known below `parent`; several, if they are equally near.
pub(super) fn nearest(kind: Kind, parent: &str, name: &str) -> Vec<String> {
    let here: Vec<&str> = parent.split('.').filter(|segment| !segment.is_empty()).collect();
    let known = PLACES.get(&kind).and_then(|places| places.get(name));
    let steps = |there: &Parents| here.len() + there.len() - 2 * shared(&here, there);
    let places: Vec<_> = known.into_iter().flatten().map(|place| (steps(place), place)).collect();
    let Some(least) = places.iter().map(|(steps, _)| *steps).min() else { return Vec::new() };
    places
        .into_iter()
        .filter(|(steps, _)| *steps == least)
        .map(|(_, there)| {
            // What both have in common is written as it is here, with the indices of lists.
            let common = shared(&here, there);
            let ours = here.iter().take(common).copied();
            let theirs = there.iter().skip(common).map(String::as_str);
            ours.chain(theirs).chain([name]).collect::<Vec<_>>().join(".")
        })
        .collect()
}

/// How many segments two paths have in common at their beginning.
fn shared(here: &[&str], there: &Parents) -> usize {
    let plain = |segment: &str| segment.split('[').next().map(str::to_owned);
    here.iter().zip(there).take_while(|(here, there)| plain(here) == plain(there)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_at_another_level_is_found() {
        use Kind::{ClusterExternalSecret, ExternalSecret, PushSecret, SecretStore};
        for (kind, parent, name, expected) in [
            (ExternalSecret, "spec", "creationPolicy", &["spec.target.creationPolicy"][..]),
            (ExternalSecret, "spec", "template", &["spec.target.template"]),
            (ExternalSecret, "spec.data[3]", "key", &["spec.data[3].remoteRef.key"]),
            (ExternalSecret, "spec.data[0]", "property", &["spec.data[0].remoteRef.property"]),
            (ExternalSecret, "spec.dataFrom[1]", "key", &["spec.dataFrom[1].extract.key"]),
            (ExternalSecret, "spec.target", "refreshInterval", &["spec.refreshInterval"]),
            (ExternalSecret, "", "data", &["spec.data"]),
            (ExternalSecret, "spec", "comment", &[]),
            (
                SecretStore,
                "spec.provider.aws.auth",
                "serviceAccountRef",
                &["spec.provider.aws.auth.jwt.serviceAccountRef"],
            ),
            (SecretStore, "spec", "region", &["spec.provider.aws.region"]),
            (ClusterExternalSecret, "spec", "refreshInterval", &["spec.externalSecretSpec.refreshInterval"]),
            (ClusterExternalSecret, "spec", "data", &["spec.externalSecretSpec.data"]),
            (PushSecret, "spec.data[0]", "remoteRef", &["spec.data[0].match.remoteRef"]),
        ] {
            assert_eq!(nearest(kind, parent, name), expected, "{kind} {parent} {name}");
        }
        assert!(nearest(ExternalSecret, "spec", "name").len() > 1);
    }
}
