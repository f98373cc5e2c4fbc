//! Labels of an object, and what a selector selects.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::Deserialize;

/// Labels of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "std::collections::BTreeMap<Box<str>, Box<str>>")]
pub struct Labels(Box<[(Box<str>, Box<str>)]>);

impl From<std::collections::BTreeMap<Box<str>, Box<str>>> for Labels {
    fn from(labels: std::collections::BTreeMap<Box<str>, Box<str>>) -> Self {
        Self(labels.into_iter().collect())
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(labels: I) -> Self {
        Self(labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl Labels {
    /// The value of a label.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| &**name == key).map(|(_, value)| &**value)
    }
}

/// Whether a selector selects an object with these labels. An operator that does not exist selects nothing.
pub fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    let equal = selector.match_labels.iter().flatten();
    let fits = |requirement: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelectorRequirement| {
        let value = labels.get(&requirement.key);
        let listed =
            || value.is_some_and(|value| requirement.values.iter().flatten().any(|listed| listed == value));
        match requirement.operator.as_str() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    };
    equal.into_iter().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().flatten().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_selects_what_the_api_server_would() {
        let labels: Labels = serde_json::from_str(r#"{"team": "a", "tier": "web"}"#).unwrap();
        for (selector, expected) in [
            ("{}", true),
            (r#"{"matchLabels": {"team": "a"}}"#, true),
            (r#"{"matchLabels": {"team": "a", "tier": "db"}}"#, false),
            (r#"{"matchExpressions": [{"key": "team", "operator": "In", "values": ["a", "b"]}]}"#, true),
            (r#"{"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["a"]}]}"#, false),
            (r#"{"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}"#, true),
            (r#"{"matchExpressions": [{"key": "team", "operator": "Exists"}]}"#, true),
            (r#"{"matchExpressions": [{"key": "zone", "operator": "Exists"}]}"#, false),
            (r#"{"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}"#, true),
            (r#"{"matchExpressions": [{"key": "team", "operator": "Equals", "values": ["a"]}]}"#, false),
        ] {
            let parsed: LabelSelector = serde_json::from_str(selector).unwrap();
            assert_eq!(selects(&parsed, &labels), expected, "{selector}");
        }
    }
}
