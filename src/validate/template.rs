//! Templates of Secrets, in ExternalSecrets and PushSecrets: do they parse, and do they have what they need?

use std::cell::LazyCell;
use std::collections::BTreeSet;

use crate::api::Kind;
use crate::api::template::{MergePolicy, SecretTemplate, TemplateFrom};
use crate::field::Field;
use crate::finding::Report;
use crate::go::template::{self, Template};
use crate::rule::{Level, Reason, Rule};

use super::TEMPLATE;

const ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const BOOTSTRAP_TOKEN: &str = "bootstrap.kubernetes.io/token";

/// Checks a template. `fetched` are the keys that its data has, if they are known; `is_secret` says whether
/// a Secret is made of it.
pub(super) fn check(
    secret: &SecretTemplate,
    fetched: Option<&BTreeSet<&str>>,
    is_secret: bool,
    at: &Field<'_>,
    report: &mut Report,
) {
    check_texts(secret, fetched, at, report);
    check_privileged(secret, at, report);
    if is_secret {
        check_targets(&secret.template_from, &at.key("templateFrom"), report);
    }
}

fn check_texts(
    secret: &SecretTemplate,
    fetched: Option<&BTreeSet<&str>>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let data = at.key("data");
    for (key, text) in &secret.data {
        check_text(text, fetched, &data.key(key), report);
    }
    if let Some(metadata) = &secret.metadata {
        let at = at.key("metadata");
        for (name, map) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
            let at = at.key(name);
            for (key, text) in map {
                check_text(text, fetched, &at.key(key), report);
            }
        }
    }
    let list = at.key("templateFrom");
    for (index, from) in secret.template_from.iter().enumerate() {
        if let Some(text) = &from.literal {
            check_text(text, fetched, &list.index(index).key("literal"), report);
        }
    }
}

fn check_text(text: &str, fetched: Option<&BTreeSet<&str>>, at: &Field<'_>, report: &mut Report) {
    if !text.contains("{{") {
        return;
    }
    let parsed = match template::parse(text) {
        Err(error) => return report.text(&TEMPLATE, at, text, error.to_string()),
        Ok(parsed) => parsed,
    };
    if let Some(name) = parsed.undefined() {
        let cause = format!("calls template {name}, which is not defined here; every text stands for itself");
        report.text(&TEMPLATE, at, text, cause);
    }
    let Some(fetched) = fetched else { return };
    for key in parsed.keys().filter(|key| !fetched.contains(key)) {
        report.text(&TEMPLATE_KEY, at, text, unknown_key(key, fetched));
    }
    check_doubtful(&parsed, text, fetched, at, report);
    for (key, field) in parsed.fields().filter(|(key, _)| fetched.contains(key)) {
        let cause = match format!("{key}.{field}") {
            whole if fetched.contains(whole.as_str()) => {
                format!("the value of {key} is a text without fields; write {{{{ index . \"{whole}\" }}}}")
            }
            _ => format!(
                "the value of {key} is a text without fields; of a JSON document write {{{{ (fromJson .{key}).{field} }}}}"
            ),
        };
        report.text(&TEMPLATE_KEY, at, text, cause);
    }
}

/// Keys that are missing only in some runs, or silently. A text that looks whether there is one knows that.
fn check_doubtful(
    parsed: &Template<'_>,
    text: &str,
    fetched: &BTreeSet<&str>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let known = LazyCell::new(|| fetched.iter().copied().collect::<Vec<_>>().join(", "));
    let asks = |functions: &[&str]| functions.iter().any(|function| text.contains(function));
    for key in parsed.sometimes().filter(|key| !fetched.contains(key) && !asks(&["hasKey"])) {
        let cause = format!(
            "reads .{key} in a branch, and no entry provides it, so the branch fails when it is taken; there are: {}",
            *known
        );
        report.text(&TEMPLATE_KEY_DOUBTFUL, at, text, cause);
    }
    let is_asked = asks(&["hasKey", "default", "coalesce", "empty"]);
    for key in parsed.sought().filter(|key| !fetched.contains(key) && !is_asked) {
        let cause = format!("no entry provides {key:?}, so index finds an empty text; there are: {}", *known);
        report.text(&TEMPLATE_KEY_DOUBTFUL, at, text, cause);
    }
}

fn unknown_key(key: &str, fetched: &BTreeSet<&str>) -> String {
    let dotted = fetched.iter().find(|known| known.split(['.', '-', '/']).next() == Some(key));
    match dotted {
        Some(known) => {
            format!("reads .{key}, which no entry provides; for {known} write {{{{ index . \"{known}\" }}}}")
        }
        None => {
            let known = fetched.iter().copied().collect::<Vec<_>>().join(", ");
            format!("reads .{key}, which no entry provides; there are: {known}")
        }
    }
}

/// Token Secrets are credentials of the cluster: nobody may have them made by a template.
fn check_privileged(secret: &SecretTemplate, at: &Field<'_>, report: &mut Report) {
    let kind = secret.type_.as_str();
    let at_type = at.key("type");
    let annotated = secret.metadata.as_ref().is_some_and(|m| m.annotations.contains_key(ACCOUNT_NAME));
    let from_annotations =
        secret.template_from.iter().any(|from| from.target.eq_ignore_ascii_case("annotations"));
    let cause = match kind {
        BOOTSTRAP_TOKEN => "a template may not make bootstrap tokens",
        ACCOUNT_TOKEN if annotated => {
            "with the annotation kubernetes.io/service-account.name the cluster would put a ServiceAccount's token into it"
        }
        ACCOUNT_TOKEN if from_annotations => {
            "a templateFrom with target Annotations could name a ServiceAccount"
        }
        _ => return,
    };
    report.text(&TEMPLATE_PRIVILEGED, &at_type, kind, cause);
}

fn check_targets(sources: &[TemplateFrom], at: &Field<'_>, report: &mut Report) {
    let known = ["", "data", "annotations", "labels"];
    for (index, from) in sources.iter().enumerate() {
        if !known.iter().any(|name| from.target.eq_ignore_ascii_case(name)) {
            let cause = "of a Secret only Data, Annotations and Labels can be filled";
            report.text(&TEMPLATE_TARGET, &at.index(index).key("target"), &from.target, cause);
        }
    }
}

/// The API server refuses Secrets of its own types without their keys. Only told where all keys are known: those of
/// `data` replace what is fetched, unless they are merged.
pub(super) fn check_type(
    secret: &SecretTemplate,
    fetched: Option<&BTreeSet<&str>>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let keeps_fetched = secret.data.is_empty() || secret.merge_policy == MergePolicy::Merge;
    if !secret.template_from.is_empty() || (keeps_fetched && fetched.is_none()) {
        return;
    }
    let is_fetched = |key: &str| keeps_fetched && fetched.is_some_and(|fetched| fetched.contains(key));
    let has = |key: &str| secret.data.contains_key(key) || is_fetched(key);
    let (needed, all): (&[&str], bool) = match secret.type_.as_str() {
        "kubernetes.io/tls" => (&["tls.crt", "tls.key"], true),
        "kubernetes.io/dockerconfigjson" => (&[".dockerconfigjson"], true),
        "kubernetes.io/dockercfg" => (&[".dockercfg"], true),
        "kubernetes.io/ssh-auth" => (&["ssh-privatekey"], true),
        "kubernetes.io/basic-auth" => (&["username", "password"], false),
        _ => return,
    };
    let is_complete = if all { needed.iter().all(|key| has(key)) } else { needed.iter().any(|key| has(key)) };
    if !is_complete {
        let joined = needed.join(if all { " and " } else { " or " });
        let cause = format!("a Secret of this type must have {joined}, and nothing here makes it");
        report.text(&TEMPLATE_TYPE, &at.key("type"), &secret.type_, cause);
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] =
    &[&TEMPLATE_KEY, &TEMPLATE_KEY_DOUBTFUL, &TEMPLATE_PRIVILEGED, &TEMPLATE_TARGET, &TEMPLATE_TYPE];

/// Those that PushSecrets can break, too.
pub(super) static SHARED_RULES: &[&Rule] = &[&TEMPLATE_PRIVILEGED, &TEMPLATE_TARGET];

/// A key that the template's data never has.
pub(crate) static TEMPLATE_KEY: Rule = Rule {
    id: "template-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "Templates fail on keys that are not there, and the status says only `could not apply template`.",
    fix: "Read what an entry of data provides under its secretKey.",
    example: "target: {template: {data: {url: 'https://{{ .host }}/'}}}",
};

/// A key whose absence shows late, or never.
pub(crate) static TEMPLATE_KEY_DOUBTFUL: Rule = Rule {
    id: "template-key-doubtful",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "A branch fails only when it is taken, and `index` gives an empty text for a key that is not there: the Secret looks right.",
    fix: "Read what an entry of data provides under its secretKey, or ask with hasKey.",
    example: r#"target: {template: {data: {url: '{{ index . "hots" }}'}}}"#,
};

/// A Secret that a template may not make.
pub(crate) static TEMPLATE_PRIVILEGED: Rule = Rule {
    id: "template-privileged",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "Such a Secret is a credential of the cluster: whoever may write ExternalSecrets could take any ServiceAccount's place.",
    fix: "Use another type.",
    example: "target: {template: {type: bootstrap.kubernetes.io/token}}",
};

/// A part of a Secret that does not exist.
pub(crate) static TEMPLATE_TARGET: Rule = Rule {
    id: "template-target",
    level: Level::Deny,
    reason: Reason::NotSupported,
    kind: Some(Kind::ExternalSecret),
    why: "The operator refuses it when it writes the Secret.",
    fix: "Data, Annotations or Labels.",
    example: "target: {template: {templateFrom: [{target: spec, literal: 'a: b'}]}}",
};

/// A typed Secret without its keys.
pub(crate) static TEMPLATE_TYPE: Rule = Rule {
    id: "template-type",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The API server refuses the Secret, and the status says only `could not update secret`.",
    fix: "Make the keys of the type: tls.crt and tls.key, .dockerconfigjson, ssh-privatekey, …",
    example: "target: {template: {type: kubernetes.io/tls}}",
};
