//! `data` and `dataTo` as one list of entries, each with the value that it pushes or the cause why it has none.

use crate::api::push_secret::{
    PushConversion, PushData, PushDataTo, PushMatch, PushRemoteRef, PushSecretSpec,
};
use crate::extract::Values;
use crate::facts::selects;
use crate::go::json;
use crate::go::regexp::Matcher;
use crate::secret_value::SecretValue;

use super::error::{Cause, EntryError};
use super::rename::renamed;
use super::wanted::{Destination, Source};

/// One key and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where it is written, `data[2]`.
    pub(super) at: String,
    /// As the status keeps it.
    pub(super) data: PushData,
    /// What is pushed.
    pub(super) value: Result<SecretValue, Cause>,
}

impl Entry {
    pub(super) fn property(&self) -> &str {
        &self.data.match_.remote_ref.property
    }

    /// For people.
    pub(super) fn title(&self) -> String {
        match self.data.match_.secret_key.as_str() {
            "" => format!("the whole Secret ({})", self.at),
            key => format!("key {key:?} ({})", self.at),
        }
    }
}

/// All entries for a store; a key that `data` names is `data`'s.
pub(super) fn entries(
    spec: &PushSecretSpec,
    sources: &[Source],
    destination: &Destination,
) -> (Vec<Entry>, Vec<EntryError>) {
    let mut refused = Vec::new();
    let mut entries: Vec<Entry> = Vec::new();
    for (index, rule) in spec.data_to.iter().enumerate().filter(|(_, rule)| is_for(rule, destination)) {
        let at = format!("dataTo[{index}]");
        match expand(&at, rule, spec, sources) {
            Ok(expanded) => entries.extend(expanded),
            Err(cause) => refused.push(EntryError { at, cause }),
        }
    }
    for (index, data) in spec.data.iter().enumerate() {
        let value = single(data, sources);
        entries.push(Entry { at: format!("data[{index}]"), data: data.clone(), value });
    }
    (entries, refused)
}

fn is_for(rule: &PushDataTo, destination: &Destination) -> bool {
    let Some(store) = rule.store_ref.as_ref().filter(|store| store.kind == destination.store.kind) else {
        return false;
    };
    match &store.label_selector {
        // Here a name counts before labels, as it does for the operator.
        Some(labels) if store.name.is_empty() => selects(labels, &destination.labels),
        _ => store.name == destination.store.name,
    }
}

/// The value of an entry of `data`.
fn single(data: &PushData, sources: &[Source]) -> Result<SecretValue, Cause> {
    let key = data.match_.secret_key.as_str();
    if key.is_empty() {
        return match sources {
            [one] => document(&converted(data.conversion_strategy, &one.data)),
            [first, second, ..] => Err(Cause::TwoSources {
                first: first.name.clone(),
                second: second.name.clone(),
                key: String::new(),
            }),
            [] => Err(Cause::NoKey { secrets: Vec::new(), key: String::new() }),
        };
    }
    let mut found: Option<(&Source, SecretValue)> = None;
    for source in sources {
        let Some(value) = converted(data.conversion_strategy, &source.data).remove(key) else { continue };
        if let Some((first, _)) = &found {
            let (first, second) = (first.name.clone(), source.name.clone());
            return Err(Cause::TwoSources { first, second, key: key.to_owned() });
        }
        found = Some((source, value));
    }
    found.map(|(_, value)| value).ok_or_else(|| Cause::NoKey {
        secrets: sources.iter().map(|source| source.name.clone()).collect(),
        key: key.to_owned(),
    })
}

/// The entries of a rule: one for each key that matches, or one that bundles them.
fn expand(
    at: &str,
    rule: &PushDataTo,
    spec: &PushSecretSpec,
    sources: &[Source],
) -> Result<Vec<Entry>, Cause> {
    let pattern = rule.match_.as_ref().map(|keys| keys.regexp.as_str()).unwrap_or_default();
    let matcher = Matcher::new(pattern).map_err(Cause::Match)?;
    let is_named = |key: &str| spec.data.iter().any(|data| data.match_.secret_key == key);
    let mut keys = Vec::new();
    for source in sources {
        let data = converted(rule.conversion_strategy, &source.data);
        keys.extend(data.into_iter().filter(|(key, _)| matcher.is_match(key) && !is_named(key)));
    }
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(remote_key) = rule.remote_key.as_deref().filter(|key| !key.is_empty()) {
        let bundle: Values = keys.into_iter().collect();
        return Ok(vec![entry(at, rule, "", remote_key, document(&bundle))]);
    }
    let known: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    let names = renamed(&rule.rewrite, &known)?;
    let entries = keys.into_iter().zip(names);
    Ok(entries.map(|((key, value), name)| entry(at, rule, &key, &name, Ok(value))).collect())
}

fn entry(
    at: &str,
    rule: &PushDataTo,
    key: &str,
    remote_key: &str,
    value: Result<SecretValue, Cause>,
) -> Entry {
    let remote_ref = PushRemoteRef { remote_key: remote_key.to_owned(), property: String::new() };
    let data = PushData {
        match_: PushMatch { secret_key: key.to_owned(), remote_ref },
        metadata: rule.metadata.clone(),
        conversion_strategy: rule.conversion_strategy,
    };
    Entry { at: at.to_owned(), data, value }
}

/// A whole Secret as JSON: keys in order, values as strings.
fn document(data: &Values) -> Result<SecretValue, Cause> {
    let mut document = vec![b'{'];
    for (key, value) in data {
        if std::str::from_utf8(value.expose()).is_err() {
            return Err(Cause::NotText { key: key.clone() });
        }
        if document.len() > 1 {
            document.push(b',');
        }
        document.extend(json::quote(key.as_bytes(), false));
        document.push(b':');
        document.extend(json::quote(value.expose(), false));
    }
    document.push(b'}');
    Ok(SecretValue::new(document))
}

fn converted(strategy: PushConversion, data: &Values) -> Values {
    match strategy {
        PushConversion::None => data.clone(),
        PushConversion::ReverseUnicode => {
            data.iter().map(|(key, value)| (reverse(key), value.clone())).collect()
        }
    }
}

/// `_U002f_` as the character that it stands for: what `conversionStrategy: Unicode` did, undone.
fn reverse(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut rest = key;
    while let Some((before, behind)) = rest.split_once("_U") {
        out.push_str(before);
        let found = behind.split_once('_').and_then(|(digits, after)| {
            let is_code = matches!(digits.len(), 4 | 5) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let code = is_code.then(|| u32::from_str_radix(digits, 16).ok()).flatten()?;
            Some((char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), after))
        });
        match found {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push_str("_U");
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converted_keys_are_turned_back() {
        for (key, reversed) in [
            ("a_U002f_b", "a/b"),
            ("_U0041__U0042_", "AB"),
            ("_U1f600_", "😀"),
            ("_U123_", "_U123_"),
            ("_U_U002f_", "_U/"),
            ("_Uxyzw_U002F_", "_Uxyzw/"),
            ("plain", "plain"),
        ] {
            assert_eq!(reverse(key), reversed, "{key}");
        }
    }
}
