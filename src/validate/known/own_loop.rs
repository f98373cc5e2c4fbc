//! What our own loops do not do, of an object that is to be pushed or kept: the operator would, so it is refused before
//! anybody waits for it.

use super::super::{Context, Subject};
use super::push_stores::selected;
use crate::api::Kind;
use crate::api::common::StoreKind;
use crate::api::data_from::{DataFrom, RewriteTransform};
use crate::api::external_secret::ExternalSecretSpec;
use crate::api::push_secret::{PushDataTo, PushSecretSpec, PushStoreRef};
use crate::api::remote_ref::SourceRef;
use crate::api::secret_store::{Adopt, OWN_CLASS};
use crate::facts::Store;
use crate::field::Field;
use crate::finding::Report;
use crate::go::template;
use crate::rule::{Level, Reason, Rule};

/// Checks a PushSecret that names a store of ours.
pub(super) fn check_push(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let templates =
        |rule: &PushDataTo| rule.rewrite.iter().any(|step| is_unsupported(step.transform.as_ref()));
    let is_simple = spec.template.is_none()
        && spec.selector.generator_ref.is_none()
        && !spec.data_to.iter().any(templates);
    if is_simple {
        return;
    }
    let Some(store) = our_store(subject, spec, context) else { return };
    let because = if &*store.controller == OWN_CLASS { "controller: keyhatch" } else { "--adopt=all" };
    let belongs =
        format!("not supported by Keyhatch, which a store of this PushSecret belongs to ({because})");
    let cause = format!("{belongs}; leave it out, or push through a store of the operator");
    if spec.template.is_some() {
        report.forbidden(&PUSH_UNSUPPORTED, &at.key("template"), cause.as_str());
    }
    if spec.selector.generator_ref.is_some() {
        report.forbidden(&PUSH_UNSUPPORTED, &at.key("selector").key("generatorRef"), cause.as_str());
    }
    for (index, rule) in spec.data_to.iter().enumerate() {
        let list = at.key("dataTo");
        let at = list.index(index);
        let steps = rule.rewrite.iter().map(|step| step.transform.as_ref());
        check_transforms(&PUSH_UNSUPPORTED, steps, &at.key("rewrite"), &belongs, report);
    }
}

fn is_unsupported(transform: Option<&RewriteTransform>) -> bool {
    transform.is_some_and(|transform| template::unsupported(&transform.template).is_some())
}

/// Templates of keys are run by our loops themselves, without some of their functions.
fn check_transforms<'s>(
    rule: &'static Rule,
    steps: impl Iterator<Item = Option<&'s RewriteTransform>>,
    at: &Field<'_>,
    belongs: &str,
    report: &mut Report,
) {
    for (index, transform) in steps.enumerate() {
        let Some(transform) = transform else { continue };
        if let Some(name) = template::unsupported(&transform.template) {
            let cause = format!(
                "{name} in a template of keys is {belongs}; use another function or a regexp, or a store of the operator"
            );
            let at = at.index(index);
            report.forbidden(rule, &at.key("transform").key("template"), cause.as_str());
        }
    }
}

/// Whether every store that a PushSecret writes to is known, and ours: what the operator does wrong is nothing to it then.
pub(in crate::validate) fn is_all_ours(
    subject: &Subject<'_>,
    spec: &PushSecretSpec,
    context: &Context<'_>,
) -> bool {
    let are_ours = |store: &PushStoreRef| {
        let known = selected(subject, store, context).filter(|stores| !stores.is_empty());
        known.is_some_and(|stores| stores.iter().all(|store| is_ours(store, context)))
    };
    !spec.secret_store_refs.is_empty() && spec.secret_store_refs.iter().all(are_ours)
}

/// Whether our loops take care of a store's objects.
pub(super) fn is_ours(store: &Store, context: &Context<'_>) -> bool {
    store.is_aws && context.settings.adopt.adopts(&store.controller)
}

/// Checks an ExternalSecret that reads through a store of ours.
pub(super) fn check_external(
    subject: &Subject<'_>,
    spec: &ExternalSecretSpec,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let templates =
        |whole: &DataFrom| whole.rewrite.iter().any(|step| is_unsupported(step.transform.as_ref()));
    let generates =
        |source: &Option<SourceRef>| source.as_ref().is_some_and(|one| one.generator_ref.is_some());
    let is_simple = spec.target.template.is_none()
        && spec.target.manifest.is_none()
        && !spec.data_from.iter().any(|whole| templates(whole) || generates(&whole.source_ref));
    if is_simple || !reads_ours(subject, spec, context) {
        return;
    }
    const BELONGS: &str =
        "not supported by Keyhatch, which a store of this ExternalSecret belongs to (controller: keyhatch)";
    let cause = format!("{BELONGS}; leave it out, or read through a store of the operator");
    let cause = cause.as_str();
    let target = at.key("target");
    if spec.target.template.is_some() {
        report.forbidden(&EXTERNAL_UNSUPPORTED, &target.key("template"), cause);
    }
    if spec.target.manifest.is_some() {
        report.forbidden(&EXTERNAL_UNSUPPORTED, &target.key("manifest"), cause);
    }
    for (index, whole) in spec.data_from.iter().enumerate() {
        let list = at.key("dataFrom");
        let at = list.index(index);
        let steps = whole.rewrite.iter().map(|step| step.transform.as_ref());
        check_transforms(&EXTERNAL_UNSUPPORTED, steps, &at.key("rewrite"), BELONGS, report);
        if generates(&whole.source_ref) {
            report.forbidden(&EXTERNAL_UNSUPPORTED, &at.key("sourceRef").key("generatorRef"), cause);
        }
    }
}

fn reads_ours(subject: &Subject<'_>, spec: &ExternalSecretSpec, context: &Context<'_>) -> bool {
    let Some(namespace) = subject.namespace else { return false };
    // What only generates names no store, and nobody but us is there to read it.
    let names_none = spec.stores().next().is_none();
    (names_none && context.settings.adopt == Adopt::All)
        || spec.stores().any(|store| {
            let kind = store.kind.unwrap_or_default();
            let namespace = match kind {
                StoreKind::SecretStore => namespace,
                StoreKind::ClusterSecretStore => "",
            };
            let known = context.facts.stores(kind).get(namespace, &store.name).found();
            known.is_some_and(|store| is_ours(store, context))
        })
}

fn our_store<'a>(subject: &Subject<'_>, spec: &PushSecretSpec, context: &Context<'a>) -> Option<&'a Store> {
    let stores = spec.secret_store_refs.iter().filter_map(|store| selected(subject, store, context));
    stores.flatten().find(|store| is_ours(store, context))
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&PUSH_UNSUPPORTED, &EXTERNAL_UNSUPPORTED];

/// What only the operator does.
pub(in crate::validate) static PUSH_UNSUPPORTED: Rule = Rule {
    id: "push-unsupported",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::PushSecret),
    why: "Keyhatch pushes what Secrets hold, and has neither templates of values nor generators, nor every function for templates of keys: nothing would be pushed.",
    fix: "Leave the field out, or name a store that the operator serves.",
    example: "secretStoreRefs: [{name: ours}]\ntemplate: {data: {a: b}}",
};

/// The same of ExternalSecrets.
pub(in crate::validate) static EXTERNAL_UNSUPPORTED: Rule = Rule {
    id: "external-unsupported",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::ExternalSecret),
    why: "Keyhatch keeps what AWS holds, and has neither templates of values nor generators nor other kinds of target, nor every function for templates of keys: no Secret would be made.",
    fix: "Leave the field out, or name a store that the operator serves.",
    example: "secretStoreRef: {name: ours, kind: SecretStore}\ntarget: {template: {data: {a: b}}}",
};
