//! What the broker answers: everything that was asked for and the authorities to trust from now on, or why not.

use std::collections::BTreeMap;
use std::fmt;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Where a pod asks, by GET, with its token as bearer and the ETag that it has in `If-None-Match`. The number is the
/// protocol's: a broker serves agents a year old.
pub const ANSWER_PATH: &str = "/v1/secrets";

/// All files and variables of one pod.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// By path below the mount path.
    #[serde(default)]
    pub files: BTreeMap<String, Content>,
    /// By container, then by variable.
    #[serde(default)]
    pub env: BTreeMap<String, BTreeMap<String, Content>>,
    /// Certificates of the authorities that may sign for the broker from now on, as PEM.
    pub roots: String,
}

/// Why a pod gets nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// A word for programs: `StoreUseDenied`.
    pub reason: String,
    /// A sentence for people; never with a value.
    pub message: String,
    /// Whether somebody decided so. Otherwise something is away, and what the pod has stays good.
    pub denied: bool,
}

/// The bytes of a file or a variable: wiped when dropped, never printed.
pub struct Content(Zeroizing<Vec<u8>>);

impl Content {
    /// Takes the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes. Whoever calls this answers for where they go.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(BASE64_STANDARD.encode(&*self.0)))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        // The decoder's own message quotes a byte.
        let bytes = BASE64_STANDARD.decode(&*text).map_err(|_| serde::de::Error::custom("not base64"))?;
        Ok(Self::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_and_are_not_printed() {
        let content = Content::new(vec![0, 159, 146, 150]);
        let text = serde_json::to_string(&content).unwrap();
        assert_eq!(text, r#""AJ+Slg==""#);
        assert_eq!(serde_json::from_str::<Content>(&text).unwrap().expose(), content.expose());
        assert_eq!(format!("{content:?}"), "[secret]");
        let error = serde_json::from_str::<Content>(r#""hunter2!""#).unwrap_err().to_string();
        assert!(error.starts_with("not base64"), "{error}");
    }
}
