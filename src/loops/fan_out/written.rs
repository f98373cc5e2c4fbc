//! An object as its type, and the part of it that is handed on as it was written: fields that this release does not know
//! are handed on, too.

use std::borrow::Cow;

use kube::Resource;
use kube::api::ObjectMeta;
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

use super::object::FanOut;

/// An object, and the spec of what is made of it.
#[derive(Clone, Debug)]
pub(super) struct Written<K> {
    /// The object.
    pub(super) object: K,
    /// The spec, as it was written.
    pub(super) template: Value,
}

impl<'de, K: FanOut> Deserialize<'de> for Written<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let object = K::deserialize(&value).map_err(D::Error::custom)?;
        let template = value.get("spec").and_then(|spec| spec.get(K::TEMPLATE));
        let template = template.cloned().ok_or_else(|| D::Error::missing_field(K::TEMPLATE))?;
        Ok(Self { object, template })
    }
}

impl<K: FanOut> Resource for Written<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(_: &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group(_: &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version(_: &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural(_: &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        self.object.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.object.meta_mut()
    }
}
