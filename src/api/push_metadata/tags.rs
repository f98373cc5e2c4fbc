//! Tags of a remote secret as metadata names them.
//!
//! A sorted list: the API server sends keys in order, and a map of a few tags takes several times as long to build.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// Keys and values, sorted by key, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(Vec<(SmolStr, SmolStr)>);

impl Tags {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Of a key that is there twice, the last value counts, as in any map of JSON.
impl FromIterator<(SmolStr, SmolStr)> for Tags {
    fn from_iter<I: IntoIterator<Item = (SmolStr, SmolStr)>>(tags: I) -> Self {
        let mut tags: Vec<_> = tags.into_iter().collect();
        if !tags.is_sorted_by(|(one, _), (next, _)| one < next) {
            tags.sort_by(|(one, _), (other, _)| one.cmp(other));
            tags.dedup_by(|later, kept| {
                let is_same = later.0 == kept.0;
                if is_same {
                    std::mem::swap(later, kept);
                }
                is_same
            });
        }
        Self(tags)
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a (SmolStr, SmolStr);
    type IntoIter = std::slice::Iter<'a, (SmolStr, SmolStr)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Pairs)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Tags;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of tags")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tags, A::Error> {
        let mut tags = Vec::new();
        while let Some(tag) = members.next_entry()? {
            tags.push(tag);
        }
        Ok(tags.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_a_map_would_be(pairs in prop::collection::vec(("[a-c]{0,2}", "[a-c]"), 0..8)) {
            let members = pairs.iter().map(|(key, value)| format!("{key:?}:{value:?}")).collect::<Vec<_>>();
            let text = format!("{{{}}}", members.join(","));
            let map: BTreeMap<SmolStr, SmolStr> = serde_json::from_str(&text).unwrap();
            let tags: Tags = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(tags.len(), map.len());
            prop_assert_eq!(serde_json::to_string(&tags).unwrap(), serde_json::to_string(&map).unwrap());
        }
    }
}
