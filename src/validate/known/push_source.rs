//! Rules about what a PushSecret reads: its Secrets, their keys, and the policies that it names.

use std::collections::BTreeSet;

use regex::Regex;

use super::super::{Context, push_secret};
use crate::api::Kind;
use crate::api::push_secret::{PushConversion, PushData, PushDataTo, PushSecretSpec};
use crate::api::template::SecretTemplate;
use crate::facts::{Keys, Lookup, selects};
use crate::field::Field;
use crate::finding::Report;
use crate::go::{regexp, template};
use crate::rule::{Level, Reason, Rule};

/// Checks the source, then what is taken from it.
pub(super) fn check(
    namespace: &str,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    check_policies(namespace, spec, at, context, report);
    let Some(source) = &spec.selector.secret else { return };
    let at_source = at.key("selector");
    let at_source = at_source.key("secret");
    let known = &context.facts.secrets;
    if source.name.is_empty() {
        let Some(labels) = &source.selector else { return };
        if known.is_complete_in(namespace)
            && !known.within(namespace).any(|(_, secret)| selects(labels, &secret.labels))
        {
            let cause = "selects no Secret of the namespace, so nothing is pushed";
            report.missing(&PUSH_SOURCE_MISSING, &at_source.key("selector"), cause);
        }
        return;
    }
    match known.get(namespace, &source.name) {
        Lookup::Absent => {
            let cause = "there is no Secret of this name";
            report.text(&PUSH_SOURCE_MISSING, &at_source.key("name"), &source.name, cause);
        }
        Lookup::Found(secret) => check_keys(spec, &source.name, secret, at, report),
        Lookup::Unknown => {}
    }
}

/// Checks entries against the Secret's keys and those that the template adds to them.
fn check_keys(spec: &PushSecretSpec, name: &str, secret: &Keys, at: &Field<'_>, report: &mut Report) {
    let mut keys: BTreeSet<&str> = secret.names().collect();
    if let Some(template) = &spec.template {
        check_template(template, &keys, &at.key("template"), report);
        if template.template_from.iter().any(|from| from.config_map.is_some() || from.secret.is_some()) {
            return; // adds keys that are not known
        }
        keys.extend(template.data.keys().map(String::as_str));
    }
    let list = at.key("data");
    for (index, entry) in spec.data.iter().enumerate() {
        check_entry(entry, name, secret, &keys, &list.index(index), report);
    }
    let list = at.key("dataTo");
    for (index, entry) in spec.data_to.iter().enumerate() {
        check_many(entry, name, &keys, &list.index(index), report);
    }
}

fn check_entry(
    entry: &PushData,
    name: &str,
    secret: &Keys,
    keys: &BTreeSet<&str>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let key = entry.match_.secret_key.as_str();
    let at = at.key("match");
    if key.is_empty() {
        if let Some(binary) = secret.first_binary() {
            let cause = format!(
                "the whole Secret becomes one JSON document, and the bytes of key {binary:?} are no text: they are \
                 replaced by U+FFFD; push that key by itself"
            );
            report.missing(&PUSH_NOT_TEXT, &at.key("secretKey"), cause);
        }
    } else if entry.conversion_strategy == PushConversion::None && !keys.contains(key) {
        let cause = format!("Secret {name:?} has no such key; there are: {}", in_short(keys));
        report.text(&PUSH_KEY_MISSING, &at.key("secretKey"), key, cause);
    }
}

fn check_many(entry: &PushDataTo, name: &str, keys: &BTreeSet<&str>, at: &Field<'_>, report: &mut Report) {
    let Some(wanted) = &entry.match_ else { return };
    let Ok(parsed) = regexp::parse(&wanted.regexp) else { return };
    let Ok(regex) = Regex::new(parsed.translated()) else { return };
    if entry.conversion_strategy == PushConversion::None && !keys.iter().any(|key| regex.is_match(key)) {
        let cause = format!("matches no key of Secret {name:?}; there are: {}", in_short(keys));
        let at = at.key("match");
        report.text(&PUSH_KEY_MISSING, &at.key("regexp"), &wanted.regexp, cause);
    }
}

/// A few names are help, hundreds are not.
fn in_short(keys: &BTreeSet<&str>) -> String {
    let mut text = keys.iter().copied().take(8).collect::<Vec<_>>().join(", ");
    if keys.len() > 8 {
        text.push_str(", …");
    }
    text
}

fn check_template(template: &SecretTemplate, keys: &BTreeSet<&str>, at: &Field<'_>, report: &mut Report) {
    let data = at.key("data");
    for (key, text) in template.data.iter().filter(|(_, text)| text.contains("{{")) {
        let Ok(parsed) = template::parse(text) else { continue };
        for read in parsed.keys().filter(|read| !keys.contains(read)).collect::<BTreeSet<_>>() {
            let cause =
                format!("reads .{read}, which the Secret does not have; there are: {}", in_short(keys));
            report.text(&PUSH_TEMPLATE_KEY, &data.key(key), text, cause);
        }
    }
}

/// Checks the ConfigMaps and Secrets that hold resource policies.
fn check_policies(
    namespace: &str,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    if context.facts.config_maps.is_unknown() && context.facts.secrets.is_unknown() {
        return; // metadata takes time to read
    }
    let (data, data_to) = (at.key("data"), at.key("dataTo"));
    let entries = spec.data.iter().enumerate().map(|(index, entry)| (data.index(index), &entry.metadata));
    let many = spec.data_to.iter().enumerate().map(|(index, entry)| (data_to.index(index), &entry.metadata));
    for (at, written) in entries.chain(many) {
        let Some(written) = written else { continue };
        let metadata = push_secret::metadata::meaning(written);
        let policy = metadata.resource_policy.as_ref();
        let Some(source) = policy.and_then(|policy| policy.policy_source_ref.as_ref()) else { continue };
        let known = match source.kind.as_str() {
            "ConfigMap" => &context.facts.config_maps,
            "Secret" => &context.facts.secrets,
            _ => continue,
        };
        let at = at.key("metadata");
        let (kind, name, key) = (source.kind.as_str(), source.name.as_str(), source.key.as_str());
        match known.get(namespace, name) {
            Lookup::Absent => {
                report.text(&POLICY_SOURCE_MISSING, &at, name, format!("there is no {kind} of this name"));
            }
            Lookup::Found(keys) => match keys.get(key) {
                None => {
                    report.text(&POLICY_SOURCE_MISSING, &at, key, format!("{kind} {name:?} has no such key"));
                }
                Some(form) if !form.is_json => {
                    report.text(&POLICY_JSON, &at, key, format!("this key of {kind} {name:?} is not JSON"));
                }
                Some(_) => {}
            },
            Lookup::Unknown => {}
        }
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &PUSH_SOURCE_MISSING,
    &PUSH_KEY_MISSING,
    &PUSH_NOT_TEXT,
    &PUSH_TEMPLATE_KEY,
    &POLICY_SOURCE_MISSING,
    &POLICY_JSON,
];

/// A Secret that is not there.
pub(super) static PUSH_SOURCE_MISSING: Rule = Rule {
    id: "push-source-missing",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "Nothing is pushed; with labels that select nothing the status says Ready, and what was pushed is forgotten.",
    fix: "Create the Secret, or correct its name or labels.",
    example: "selector: {secret: {name: gone}}",
};

/// A key that is not there.
pub(super) static PUSH_KEY_MISSING: Rule = Rule {
    id: "push-key-missing",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "One key that is missing stops the whole PushSecret; a dataTo that matches none says Ready and pushes nothing.",
    fix: "Name a key that the Secret has.",
    example: "data: [{match: {secretKey: gone, remoteRef: {remoteKey: a}}}]",
};

/// Bytes that a JSON document cannot hold.
pub(super) static PUSH_NOT_TEXT: Rule = Rule {
    id: "push-not-text",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The bytes are silently replaced, and whoever reads the secret gets something else.",
    fix: "Push such a key by itself, without a property.",
    example: "selector: {secret: {name: keystore}}\ndata: [{match: {remoteRef: {remoteKey: a}}}]",
};

/// A template that reads what is not there.
pub(super) static PUSH_TEMPLATE_KEY: Rule = Rule {
    id: "push-template-key",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The template fails, and neither a condition nor an event says so.",
    fix: "Read a key that the Secret has.",
    example: "template: {data: {url: 'https://{{ .gone }}/'}}",
};

/// A policy that is not there.
pub(super) static POLICY_SOURCE_MISSING: Rule = Rule {
    id: "policy-source-missing",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The secret is made first; then every refresh fails, and no value is pushed any more.",
    fix: "Create the ConfigMap or Secret with the policy, or correct name and key.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {resourcePolicy: {policySourceRef: {kind: ConfigMap, name: gone, key: policy}}}}}]",
};

/// A policy that is none.
pub(super) static POLICY_JSON: Rule = Rule {
    id: "policy-json",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses it, and no value is pushed because of that.",
    fix: "A policy document in JSON.",
    example: "data: [{match: {secretKey: password, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {resourcePolicy: {policySourceRef: {kind: ConfigMap, name: texts, key: text}}}}}]",
};
