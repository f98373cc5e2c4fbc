//! What happens to the values of an `extract` or `find` before they become keys of a Secret, in the operator's order.

use super::error::Cause;
use super::{Values, decode, keys, rewrite};
use crate::api::data_from::{Find, Rewrite};
use crate::api::remote_ref::{ConversionStrategy, NullBytePolicy, RemoteRef};
use crate::reference::Decoding;
use crate::secret_value::SecretValue;

/// The steps that an entry asks for.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline<'a> {
    rewrites: &'a [Rewrite],
    conversion: ConversionStrategy,
    decoding: Decoding,
    null_bytes: NullBytePolicy,
}

impl<'a> Pipeline<'a> {
    /// The steps of an `extract`.
    pub fn of_extract(extract: &RemoteRef, rewrites: &'a [Rewrite]) -> Self {
        Self {
            rewrites,
            conversion: extract.conversion_strategy.unwrap_or(ConversionStrategy::Default),
            decoding: extract.decoding_strategy.into(),
            null_bytes: extract.null_byte_policy.unwrap_or(NullBytePolicy::Ignore),
        }
    }

    /// The steps of a `find`.
    pub fn of_find(find: &Find, rewrites: &'a [Rewrite]) -> Self {
        Self {
            rewrites,
            conversion: find.conversion_strategy.unwrap_or(ConversionStrategy::Default),
            decoding: find.decoding_strategy.into(),
            null_bytes: find.null_byte_policy.unwrap_or(NullBytePolicy::Ignore),
        }
    }

    /// Rewrites keys, or converts them if nothing rewrites them; checks them; decodes the values.
    ///
    /// # Errors
    /// The first step that fails, and the key that it fails for.
    pub fn run(&self, values: Values) -> Result<Values, Cause> {
        let keyed = if self.rewrites.is_empty() {
            keys::convert(self.conversion, values)?
        } else {
            rewrite::apply(self.rewrites, values)?
        };
        let mut finished = Values::new();
        for (key, value) in keys::check(keyed)? {
            let decoded = decode::decode(self.decoding, value).map_err(|cause| match cause {
                Cause::Decoding(encoding) => Cause::DecodingOf { key: key.clone(), encoding },
                other => other,
            })?;
            finished.insert(key, decoded);
        }
        // Last of all: a value that does not decode is named before one with null bytes.
        for (key, value) in &finished {
            check_null_bytes(self.null_bytes, key, value)?;
        }
        Ok(finished)
    }
}

/// Checks a decoded value for null bytes.
///
/// # Errors
/// Null bytes where the policy forbids them.
pub fn check_null_bytes(policy: NullBytePolicy, key: &str, value: &SecretValue) -> Result<(), Cause> {
    match policy {
        NullBytePolicy::Fail if value.expose().contains(&0) => Err(Cause::NullBytes(key.to_owned())),
        NullBytePolicy::Fail | NullBytePolicy::Ignore => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::remote_ref::DecodingStrategy;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::from((*value).to_owned()))).collect()
    }

    fn run(
        extract: &RemoteRef,
        rewrites: &str,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<(String, String)>, String> {
        let rewrites: Vec<Rewrite> = serde_json::from_str(rewrites).unwrap();
        let finished =
            Pipeline::of_extract(extract, &rewrites).run(values(pairs)).map_err(|cause| cause.to_string())?;
        let text = |value: SecretValue| String::from_utf8(value.expose().to_vec()).unwrap();
        Ok(finished.into_iter().map(|(key, value)| (key, text(value))).collect())
    }

    fn pairs(expected: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn keys_are_converted_unless_they_are_rewritten() {
        let plain = RemoteRef::default();
        let unicode =
            RemoteRef { conversion_strategy: Some(ConversionStrategy::Unicode), ..RemoteRef::default() };
        assert_eq!(
            run(&plain, "[]", &[("a/b c", "1"), ("é½", "2"), ("", "3")]),
            pairs(&[("a_b_c", "1"), ("é½", "2")])
        );
        assert_eq!(run(&unicode, "[]", &[("a/b😀", "1")]), pairs(&[("a_U002f_b_U1f600_", "1")]));
        assert_eq!(
            run(&plain, "[]", &[("a/b", "1"), ("a_b", "2")]),
            Err("keys that become \"a_b\" by conversion collide; rewrite them".to_owned())
        );
        let rewrite =
            r#"[{"regexp":{"source":"^x-(.*)$","target":"$1"}},{"regexp":{"source":"/","target":"."}}]"#;
        assert_eq!(run(&plain, rewrite, &[("x-a/b", "1")]), pairs(&[("a.b", "1")]));
        assert_eq!(
            run(&plain, rewrite, &[("x-a b", "1")]),
            Err("\"a b\" is no key of a Secret: only letters, digits, - . and _ are allowed; use rewrite or conversionStrategy".to_owned())
        );
        let long = "k".repeat(254);
        assert!(run(&plain, "[]", &[(&long, "1")]).unwrap_err().contains("253 bytes"));
    }

    #[test]
    fn templates_make_names_of_keys() {
        let rewrite = r#"[{"regexp":{"source":"^x-","target":""}},{"transform":{"template":"DB_{{ .value | upper | replace \"/\" \"_\" }}"}}]"#;
        assert_eq!(
            run(&RemoteRef::default(), rewrite, &[("x-a/b", "1"), ("c", "2")]),
            pairs(&[("DB_A_B", "1"), ("DB_C", "2")])
        );
    }

    #[test]
    fn values_are_decoded_and_then_checked_for_null_bytes() {
        let strict = |decoding_strategy| RemoteRef {
            decoding_strategy: Some(decoding_strategy),
            null_byte_policy: Some(NullBytePolicy::Fail),
            ..RemoteRef::default()
        };
        let base64 = strict(DecodingStrategy::Base64);
        assert_eq!(
            run(&base64, "[]", &[("a", "Zm9v\r\nYg==\n"), ("b", "Zh==")]),
            pairs(&[("a", "foob"), ("b", "f")])
        );
        assert_eq!(
            run(&base64, "[]", &[("a", "AA=="), ("b", "x")]),
            Err("the value of key \"b\" is not base64".to_owned())
        );
        assert_eq!(
            run(&base64, "[]", &[("a", "AA==")]),
            Err("the value of key \"a\" contains null bytes; encode it, or leave nullBytePolicy out if it is binary".to_owned())
        );
        let auto = strict(DecodingStrategy::Auto);
        assert_eq!(
            run(&auto, "[]", &[("a", "Pz8_"), ("b", "Pz8/"), ("c", "no!")]),
            pairs(&[("a", "???"), ("b", "???"), ("c", "no!")])
        );
    }

    #[test]
    fn merged_values_replace_the_keys_or_become_one() {
        let plain = RemoteRef::default();
        let secrets = [
            ("a", r#"{"x":1.0,"s":"t","big":9007199254740993}"#),
            ("b", r#"{"x":{"z":1,"y":[true,null,"<"]},"n":null}"#),
        ];
        let extract = r#"[{"merge":{"conflictPolicy":"Ignore"}}]"#;
        let merged = [
            ("big", "9007199254740992"),
            ("n", ""),
            ("s", "t"),
            ("x", r#"{"y":[true,null,"\u003c"],"z":1}"#),
        ];
        assert_eq!(run(&plain, extract, &secrets), pairs(&merged));
        let first = r#"[{"merge":{"conflictPolicy":"Ignore","priority":["a"]}}]"#;
        assert_eq!(run(&plain, first, &secrets).unwrap()[3], ("x".to_owned(), "1".to_owned()));
        let json = r#"[{"merge":{"strategy":"JSON","into":"all","priority":["a","q"],"priorityPolicy":"IgnoreNotFound","conflictPolicy":"Ignore"}}]"#;
        let all = run(&plain, json, &secrets).unwrap();
        assert_eq!(
            all[1],
            ("all".to_owned(), r#"{"big":9007199254740992,"n":null,"s":"t","x":1}"#.to_owned())
        );
        for (rewrite, message) in [
            (r#"[{"merge":{}}]"#, "rewrite[0]: the merged values share keys: x"),
            (r#"[{"merge":{"priority":["q"]}}]"#, "rewrite[0]: there is no key \"q\" to give priority to"),
            (
                r#"[{"merge":{"strategy":"JSON","conflictPolicy":"Ignore"}}]"#,
                "rewrite[0]: strategy JSON needs the key for the document: into",
            ),
            (
                r#"[{},{"transform":{"template":"{{ .value | initials }}"}}]"#,
                "rewrite[1]: transform: initials is not supported by Keyhatch in a template of keys; use another function, or a regexp",
            ),
            (
                r#"[{"transform":{"template":"{{ .value | trunc -1 | atoi | div 1 }}"}}]"#,
                "rewrite[0]: transform of key \"a\": div: division by zero",
            ),
        ] {
            assert_eq!(run(&plain, rewrite, &secrets), Err(message.to_owned()));
        }
        let bad = run(&plain, r#"[{"merge":{}}]"#, &[("a", "hunter2")]);
        assert_eq!(bad, Err("rewrite[0]: the value of key \"a\" cannot be merged: not JSON".to_owned()));
    }
}
