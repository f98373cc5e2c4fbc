//! PushSecretMetadata: what a PushSecret says of a remote secret beside its value.

mod tags;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use smol_str::SmolStr;

pub use tags::Tags;

/// `apiVersion` of the envelope.
pub const API_VERSION: &str = "kubernetes.external-secrets.io/v1alpha1";
/// `kind` of the envelope.
pub const KIND: &str = "PushSecretMetadata";

/// What stands under `metadata` of a PushSecret's entry.
#[derive(Clone, Debug)]
pub enum Metadata {
    /// As it was written, which can be anything.
    Text(Box<RawValue>),
    /// Read, because it is written as it should be.
    Read(Box<PushSecretMetadata>),
}

/// By this name a deserializer knows [`Metadata`]. Those that know it may give a map, which has to be as it should
/// be; from all others the text is taken, so that everything can be told that is wrong with it.
pub const AS_WRITTEN: &str = "keyhatch::Metadata";

/// Tags, encryption key, policy, replicas and format of a remote secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushSecretMetadata {
    /// Whether the value is kept as SecretBinary (the default) or SecretString.
    pub secret_push_format: Option<PushFormat>,
    /// Description of the secret, up to 2048 characters.
    pub description: Option<SmolStr>,
    /// KMS key id, ARN or alias. `kmsKeyID` is understood, too.
    pub kms_key_id: Option<SmolStr>,
    /// Tags of the secret. `managed-by` is added.
    pub tags: Option<Tags>,
    /// Resource policy of the secret.
    #[serde(default, deserialize_with = "optional_map")]
    pub resource_policy: Option<ResourcePolicy>,
    /// Regions of replicas. Absent: not managed; empty: none.
    pub replication_locations: Option<Vec<SmolStr>>,
}

/// How the value is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PushFormat {
    /// As SecretBinary.
    #[default]
    Binary,
    /// As SecretString.
    String,
}

/// A resource policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcePolicy {
    /// Refuse policies that open the secret to everybody.
    pub block_public_policy: Option<bool>,
    /// Where the policy's text is.
    #[serde(default, deserialize_with = "optional_map")]
    pub policy_source_ref: Option<PolicySource>,
}

/// A key of a ConfigMap or Secret in the PushSecret's namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySource {
    /// ConfigMap or Secret.
    #[serde(default)]
    pub kind: SmolStr,
    /// Name of the object.
    #[serde(default)]
    pub name: SmolStr,
    /// Key in its data.
    #[serde(default)]
    pub key: SmolStr,
}

/// As it should be written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope<'a, T> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(deserialize_with = "map", bound(deserialize = "T: Deserialize<'de>"))]
    spec: T,
}

impl PushSecretMetadata {
    /// Reads metadata that is written as it should be.
    ///
    /// # Errors
    /// If it is odd in any way.
    pub fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Self>, D::Error> {
        let Envelope { api_version, kind, spec } = map(deserializer)?;
        for (text, wanted) in [(api_version, API_VERSION), (kind, KIND)] {
            if text != wanted {
                return Err(D::Error::invalid_value(Unexpected::Str(&text), &wanted));
            }
        }
        Ok(spec)
    }
}

/// A map: serde would also read a list of the fields' values, which nobody else understands.
fn map<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(AsMap(PhantomData))
}

fn optional_map<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    struct Map<T>(T);
    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            map(deserializer).map(Self)
        }
    }
    Ok(Option::<Map<T>>::deserialize(deserializer)?.map(|Map(read)| read))
}

struct AsMap<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AsMap<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(AS_WRITTEN, Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a PushSecretMetadata")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Metadata, D::Error> {
        Box::deserialize(deserializer).map(Metadata::Text)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Metadata, A::Error> {
        PushSecretMetadata::read(MapAccessDeserializer::new(members)).map(Metadata::Read)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Read(spec) => {
                Envelope { api_version: API_VERSION.into(), kind: KIND.into(), spec }.serialize(serializer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_place_of_objects_are_odd() {
        let envelope =
            |spec: &str| format!(r#"{{"apiVersion":"{API_VERSION}","kind":"{KIND}","spec":{spec}}}"#);
        let list = format!(r#"["{API_VERSION}","{KIND}",{{}}]"#);
        let good = r#"{"resourcePolicy":{"policySourceRef":{"kind":"Secret","name":"n","key":"k"}}}"#;
        for (text, is_read) in [
            (envelope("{}"), true),
            (envelope(good), true),
            (envelope(r#"{"resourcePolicy":null}"#), true),
            (list, false),
            (envelope("[]"), false),
            (envelope(r#"["string",null,null,null,null,null]"#), false),
            (envelope(r#"{"resourcePolicy":[true,null]}"#), false),
            (envelope(r#"{"resourcePolicy":{"policySourceRef":["Secret","n","k"]}}"#), false),
        ] {
            let read = PushSecretMetadata::read(&mut serde_json::Deserializer::from_str(&text));
            assert_eq!(read.is_ok(), is_read, "{text}: {:?}", read.err());
        }
    }
}
