//! What a pod asks for, as it was admitted: one line of JSON in the args of the injected container, which nobody can
//! change once the pod exists. Names that end in `Default` values are left out, so that equal requests are equal text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Files and environment variables, and where each comes from.
///
/// References are text as annotations write it, always with their store: defaults were filled in at admission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// By path below the mount path: one value each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, File>,
    /// Names of ExternalSecrets of the pod's namespace: each key of each is a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_secrets: Vec<String>,
    /// By container, then by variable: one reference each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, BTreeMap<String, String>>,
    /// ExternalSecrets of the pod's namespace of which each key is a variable of some containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_secret_env: Vec<ExternalSecret>,
    /// Containers whose variables the kubelet sets, because nobody knows here what their image starts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kubelet_env: BTreeSet<String>,
    /// Of every file that says none of its own, and of what holds variables.
    #[serde(default)]
    pub permissions: Permissions,
    /// What happens when a secret or a property is not there.
    #[serde(default, skip_serializing_if = "OnMissing::is_default")]
    pub on_missing: OnMissing,
    /// Seconds after which a new value is in the file at the latest; None: one question, before the pod starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<u64>,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct File {
    /// The reference.
    pub from: String,
    /// None: those of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
}

/// An ExternalSecret whose keys are variables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExternalSecret {
    /// Its name.
    pub name: String,
    /// The containers that get them.
    pub containers: Vec<String>,
}

/// What happens when a secret or a property is not there. A denied one always fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnMissing {
    /// Nothing is written, and the pod waits.
    #[default]
    Fail,
    /// That file or variable is left out.
    Skip,
}

impl OnMissing {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Of a file, without type, setuid, setgid and sticky bits; written as octal digits: `"0440"`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u16);

impl Permissions {
    /// As `chmod` takes them.
    pub fn bits(self) -> u32 {
        self.0.into()
    }
}

/// Only the owner reads.
impl Default for Permissions {
    fn default() -> Self {
        Self(0o400)
    }
}

impl FromStr for Permissions {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "permissions are three or four octal digits of at most 0777: 0400, 0440, 0444";
        let is_octal = text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let bits = u16::from_str_radix(text, 8).map_err(|_| RULE)?;
        let is_short = matches!(text.len(), 3 | 4);
        if is_octal && is_short && bits <= 0o777 { Ok(Self(bits)) } else { Err(RULE) }
    }
}

impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal_and_without_setuid() {
        for (text, bits) in [("0400", Some(0o400)), ("444", Some(0o444)), ("0777", Some(0o777))] {
            assert_eq!(text.parse::<Permissions>().ok().map(Permissions::bits), bits, "{text}");
        }
        for text in ["", "4", "04000", "1777", "0o400", "+400", "0800", "rw"] {
            assert!(text.parse::<Permissions>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let text = r#"{"files":{"db.json":{"from":"aws::prod/db"},"tls/key":{"from":"aws::tls#key","permissions":"0444"}},"env":{"app":{"PASSWORD":"aws::prod/db#password"}},"kubeletEnv":["app"],"permissions":"0440","onMissing":"skip","refresh":300}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert!(serde_json::from_str::<Request>(r#"{"fils":{}}"#).is_err());
    }
}
