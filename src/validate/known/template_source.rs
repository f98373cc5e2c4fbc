//! Rules about the Secrets and ConfigMaps that a template reads.

use super::super::Context;
use crate::api::Kind;
use crate::api::template::{SecretTemplate, TemplateSource};
use crate::facts::{Keys, Known, Lookup};
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks every `templateFrom`.
pub(super) fn check(
    namespace: &str,
    template: &SecretTemplate,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let list = at.key("templateFrom");
    for (index, from) in template.template_from.iter().enumerate() {
        let at = list.index(index);
        for (kind, field, source, known) in [
            ("Secret", "secret", &from.secret, &context.facts.secrets),
            ("ConfigMap", "configMap", &from.config_map, &context.facts.config_maps),
        ] {
            if let Some(source) = source {
                check_source(namespace, kind, source, known, &at.key(field), report);
            }
        }
    }
}

fn check_source(
    namespace: &str,
    kind: &str,
    source: &TemplateSource,
    known: &Known<Keys>,
    at: &Field<'_>,
    report: &mut Report,
) {
    let TemplateSource { name, items } = source;
    match known.get(namespace, name) {
        Lookup::Absent => {
            report.text(&TEMPLATE_SOURCE, &at.key("name"), name, format!("there is no {kind} of this name"));
        }
        Lookup::Found(keys) => {
            let list = at.key("items");
            for (index, item) in items.iter().enumerate().filter(|(_, item)| keys.get(&item.key).is_none()) {
                let cause = format!("{kind} {name:?} has no such key");
                report.text(&TEMPLATE_SOURCE, &list.index(index).key("key"), &item.key, cause);
            }
        }
        Lookup::Unknown => {}
    }
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&TEMPLATE_SOURCE];

/// A template that is not there.
pub(in crate::validate) static TEMPLATE_SOURCE: Rule = Rule {
    id: "template-source",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The operator fails on every refresh: `error fetching templateFrom data`.",
    fix: "Create the Secret or ConfigMap, or correct name and key.",
    example: "target: {template: {templateFrom: [{configMap: {name: texts, items: [{key: gone}]}}]}}",
};
