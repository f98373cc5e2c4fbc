//! An object's members: its metadata and spec, and the names of members that no object of ours has.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::finding::MOST;

/// An object; `S` is what its spec is read as.
#[derive(Debug)]
pub struct Envelope<'a, S> {
    pub(super) metadata: Metadata<'a>,
    pub(super) spec: Option<S>,
    pub(super) unknown: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) generate_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) namespace: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) deletion_timestamp: Option<IgnoredAny>,
}

/// A member of an object, by name.
enum Member {
    Metadata,
    Spec,
    /// Of every object, and not ours to judge.
    Common,
    Unknown(String),
}

/// By hand, because the names of unknown members are wanted and what they hold is not.
impl<'de: 'a, 'a, S: Deserialize<'de>> Deserialize<'de> for Envelope<'a, S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<'a, S>(PhantomData<(&'a (), S)>);

impl<'de: 'a, 'a, S: Deserialize<'de>> Visitor<'de> for Members<'a, S> {
    type Value = Envelope<'a, S>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut metadata, mut spec, mut unknown) = (None, None, Vec::new());
        while let Some(member) = members.next_key()? {
            match member {
                // Two of one name could be read differently by others: refused.
                Member::Metadata if metadata.is_some() => return Err(A::Error::duplicate_field("metadata")),
                Member::Spec if spec.is_some() => return Err(A::Error::duplicate_field("spec")),
                Member::Metadata => metadata = Some(members.next_value::<Option<_>>()?),
                Member::Spec => spec = Some(members.next_value::<Option<_>>()?),
                Member::Common => drop(members.next_value::<IgnoredAny>()?),
                Member::Unknown(name) => {
                    members.next_value::<IgnoredAny>()?;
                    if unknown.len() < MOST {
                        unknown.push(name);
                    }
                }
            }
        }
        Ok(Envelope { metadata: metadata.flatten().unwrap_or_default(), spec: spec.flatten(), unknown })
    }
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(Name)
    }
}

struct Name;

impl Visitor<'_> for Name {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            "metadata" => Member::Metadata,
            "spec" => Member::Spec,
            "apiVersion" | "kind" | "status" => Member::Common,
            _ => Member::Unknown(name.to_owned()),
        })
    }
}
