//! The reading of a spec about which nothing is told: what is odd is only noticed, or an error.
//!
//! To tell where unknown fields stand, all keys on the way to them have to be kept, which costs more than reading
//! the values. Most objects have none, so those that may pass without a word are read here first.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use crate::api::push_metadata;

/// A spec, and whether it has fields that its type does not know.
#[derive(Debug, Default)]
pub struct Once<T> {
    /// Boxed, because it is handed on from part to part of what it stands in, and some specs have hundreds of bytes.
    pub(super) spec: Box<T>,
    pub(super) has_unknown: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Once<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let has_unknown = Cell::new(false);
        let spec = Box::deserialize(Watched { inner: deserializer, has_unknown: &has_unknown })?;
        Ok(Self { spec, has_unknown: has_unknown.get() })
    }
}

/// Any part of a deserialization: hands everything on, and notices when a value is thrown away.
struct Watched<'a, X> {
    inner: X,
    has_unknown: &'a Cell<bool>,
}

impl<'a, X> Watched<'a, X> {
    fn with<Y>(&self, inner: Y) -> Watched<'a, Y> {
        Watched { inner, has_unknown: self.has_unknown }
    }
}

/// Methods that differ in their names and arguments alone.
macro_rules! hand_on {
    ($($method:ident($($name:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let visitor = self.with(visitor);
            self.inner.$method($($name,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Watched<'_, D> {
    type Error = D::Error;

    hand_on! {
        deserialize_any() deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_bytes() deserialize_byte_buf() deserialize_option()
        deserialize_unit() deserialize_seq() deserialize_map() deserialize_identifier()
        deserialize_tuple(len: usize)
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    /// What a type ignores it does not know.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.has_unknown.set(true);
        self.inner.deserialize_ignored_any(visitor)
    }

    /// Metadata that is odd is an error here, and taken as text elsewhere.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name == push_metadata::AS_WRITTEN {
            return self.inner.deserialize_map(visitor);
        }
        let visitor = self.with(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Scalars are handed on as they are.
macro_rules! visit {
    ($($method:ident($($value:ident: $type:ty)?))*) => {$(
        fn $method<E: Error>(self, $($value: $type)?) -> Result<V::Value, E> {
            self.inner.$method($($value)?)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit! {
        visit_none() visit_unit() visit_bool(it: bool) visit_i64(it: i64) visit_u64(it: u64) visit_f64(it: f64)
        visit_str(it: &str) visit_borrowed_str(it: &'de str) visit_string(it: String)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.inner.visit_some(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.inner.visit_newtype_struct(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        let items = self.with(items);
        self.inner.visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        let members = self.with(members);
        self.inner.visit_map(members)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        let variant = self.with(variant);
        self.inner.visit_enum(variant)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let seed = self.with(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// Keys are not watched: nothing is thrown away in them.
impl<'de, A: MapAccess<'de>> MapAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'a, 'de, A: EnumAccess<'de>> EnumAccess<'de> for Watched<'a, A> {
    type Error = A::Error;
    type Variant = Watched<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) = self.inner.variant_seed(seed)?;
        Ok((name, Watched { inner: variant, has_unknown: self.has_unknown }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Watched<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }

    hand_on! {
        tuple_variant(len: usize)
        struct_variant(fields: &'static [&'static str])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::push_metadata::Metadata;
    use crate::api::push_secret::PushSecretSpec;
    use crate::api::secret_store::SecretStoreSpec;

    fn has_unknown<T: for<'a> Deserialize<'a>>(text: &str) -> bool {
        serde_json::from_str::<Once<T>>(text).unwrap().has_unknown
    }

    #[test]
    fn unknown_fields_are_noticed_wherever_they_stand() {
        for (text, expected) in [
            (r#"{"selector":{"secret":{"name":"a"}},"template":{"data":{"any":"key"}}}"#, false),
            (r#"{"selector":{},"data":[],"odd":null}"#, true),
            (r#"{"data":[{"match":{"remoteRef":{"remoteKey":"a"}}},{"match":{"odd":{"a":[1]}}}]}"#, true),
            (r#"{"template":{"metadata":{"labels":{"a":"b"},"odd":1}}}"#, true),
        ] {
            assert_eq!(has_unknown::<PushSecretSpec>(text), expected, "{text}");
        }
        assert!(!has_unknown::<SecretStoreSpec>(r#"{"provider":{"aws":{"service":"SecretsManager"}}}"#));
        assert!(has_unknown::<SecretStoreSpec>(r#"{"provider":{"vault":{"server":"https://vault"}}}"#));
    }

    #[test]
    fn metadata_is_read_or_is_an_error() {
        let good = r#"{"apiVersion":"kubernetes.external-secrets.io/v1alpha1","kind":"PushSecretMetadata",
            "spec":{"tags":{"any":"key"}}}"#;
        for (metadata, is_read) in [
            (good, true),
            ("null", true),
            (r#"{"tags":{}}"#, false),
            ("[]", false),
            (&good.replace("v1alpha1", "v1"), false),
            (&good.replace("tags", "tag"), false),
        ] {
            let text = format!(r#"{{"data":[{{"metadata":{metadata}}}]}}"#);
            let once = serde_json::from_str::<Once<PushSecretSpec>>(&text);
            assert_eq!(once.is_ok(), is_read, "{metadata}");
            let of_once = once.ok().and_then(|once| once.spec.data[0].metadata.clone());
            assert!(matches!(of_once, None | Some(Metadata::Read(_))), "{metadata}");
            let spec: PushSecretSpec = serde_json::from_str(&text).unwrap();
            assert!(matches!(&spec.data[0].metadata, None | Some(Metadata::Text(_))), "{metadata}");
        }
    }

    #[test]
    fn metadata_that_was_read_is_written_whole() {
        let text = r#"{"data":[{"metadata":{"apiVersion":"kubernetes.external-secrets.io/v1alpha1",
            "kind":"PushSecretMetadata","spec":{"description":"a"}}}]}"#;
        let once: Once<PushSecretSpec> = serde_json::from_str(text).unwrap();
        let again: PushSecretSpec =
            serde_json::from_value(serde_json::to_value(&once.spec).unwrap()).unwrap();
        let Some(Metadata::Text(text)) = &again.data[0].metadata else { panic!("{again:?}") };
        assert!(
            text.get().contains(r#""kind":"PushSecretMetadata""#)
                && text.get().contains(r#""description":"a""#)
        );
    }
}
