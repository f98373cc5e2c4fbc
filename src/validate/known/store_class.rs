//! The rule about the class of controllers that a store is for: does anybody run it?

use std::collections::BTreeSet;

use super::super::{Context, Subject};
use crate::api::Kind;
use crate::api::common::StoreKind;
use crate::api::secret_store::OWN_CLASS;
use crate::field::Field;
use crate::finding::Report;
use crate::rule::{Level, Reason, Rule};
use crate::suggest;

/// Checks the class of controllers that a store is for.
pub(super) fn check_controller(
    subject: &Subject<'_>,
    controller: &str,
    at: &Field<'_>,
    context: &Context<'_>,
    report: &mut Report,
) {
    let kind = if subject.kind == Kind::ClusterSecretStore {
        StoreKind::ClusterSecretStore
    } else {
        StoreKind::SecretStore
    };
    let own = subject
        .name
        .and_then(|name| context.facts.stores(kind).get(subject.namespace.unwrap_or_default(), name).found());
    if own.is_some_and(|own| &*own.controller == controller && own.is_ready.is_some()) {
        return; // somebody has looked at it
    }
    if let Some(cause) = nobody_runs(controller, context) {
        report.text(&STORE_CONTROLLER, at, controller, cause);
    }
}

/// Controllers write a status into their stores. A class whose stores have none, where those of others do, is nobody's.
pub(super) fn nobody_runs(controller: &str, context: &Context<'_>) -> Option<String> {
    let facts = context.facts;
    if controller.is_empty()
        || controller == OWN_CLASS
        || !(facts.secret_stores.is_complete() && facts.cluster_secret_stores.is_complete())
    {
        return None;
    }
    let stores = facts.secret_stores.all().chain(facts.cluster_secret_stores.all());
    let running: BTreeSet<&str> = stores
        .filter(|(_, _, store)| store.is_ready.is_some())
        .map(|(_, _, store)| &*store.controller)
        .collect();
    if running.is_empty() || running.contains(controller) {
        return None;
    }
    Some(match suggest::nearest(controller, running.iter().copied().filter(|class| !class.is_empty())) {
        Some(near) => {
            format!("controller class {controller:?} is run by nobody, it seems; did you mean {near}?")
        }
        None => {
            format!("controller class {controller:?} is run by nobody, it seems: no store of it has a status")
        }
    })
}

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&STORE_CONTROLLER];

/// A store that no controller looks at.
pub(in crate::validate) static STORE_CONTROLLER: Rule = Rule {
    id: "store-controller",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "Every controller skips a store of another class, and all that uses it, without a status or an event.",
    fix: "Leave controller out, or name a class that a controller runs with (`--controller-class`).",
    example: "controller: nobody",
};
