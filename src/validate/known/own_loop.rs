//! What our own loop does not do, of an object that it is to push: the operator would, so it is refused before anybody
//! waits for it.

use super::super::{Context, Subject};
use super::push_stores::selected;
use crate::api::Kind;
use crate::api::push_secret::{PushDataTo, PushSecretSpec};
use crate::api::secret_store::OWN_CLASS;
use crate::facts::Store;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};

/// Checks a PushSecret that names a store of ours.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let transforms = |rule: &PushDataTo| rule.rewrite.iter().any(|step| step.transform.is_some());
    let is_simple = spec.template.is_none()
        && spec.selector.generator_ref.is_none()
        && !spec.data_to.iter().any(transforms);
    if is_simple {
        return;
    }
    let Some(store) = our_store(subject, spec, context) else { return };
    let because = if &*store.controller == OWN_CLASS { "controller: keyhatch" } else { "--adopt=all" };
    let cause = format!(
        "not supported by Keyhatch, which a store of this PushSecret belongs to ({because}); leave it out, or push through a \
         store of the operator"
    );
    let cause = cause.as_str();
    if spec.template.is_some() {
        report.forbidden(&PUSH_UNSUPPORTED, &at.key("template"), cause);
    }
    if spec.selector.generator_ref.is_some() {
        report.forbidden(&PUSH_UNSUPPORTED, &at.key("selector").key("generatorRef"), cause);
    }
    for (index, rule) in spec.data_to.iter().enumerate() {
        if transforms(rule) {
            report.forbidden(&PUSH_UNSUPPORTED, &at.key("dataTo").index(index).key("rewrite"), cause);
        }
    }
}

fn our_store<'a>(subject: &Subject<'_>, spec: &PushSecretSpec, context: &Context<'a>) -> Option<&'a Store> {
    let stores = spec.secret_store_refs.iter().filter_map(|store| selected(subject, store, context));
    stores.flatten().find(|store| store.is_aws && context.settings.adopt.adopts(&store.controller))
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PUSH_UNSUPPORTED];

/// What only the operator does.
pub(in crate::validate) static PUSH_UNSUPPORTED: Rule = Rule {
    id: "push-unsupported",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::PushSecret),
    why: "Keyhatch pushes what Secrets hold, and has neither templates nor generators: nothing would be pushed.",
    fix: "Leave the field out, or name a store that the operator serves.",
    example: "secretStoreRefs: [{name: ours}]\ntemplate: {data: {a: b}}",
};
