//! Metrics under the names of External Secrets Operator, for dashboards that were made for it: objects by name, as it has
//! them. Off unless they are asked for: beside the operator both would tell of the same objects.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::watched::ObjectKey;
use crate::api::Kind;
use crate::api::common::Condition;

/// What is told; clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct OperatorMetrics(Option<Arc<Told>>);

#[derive(Debug)]
struct Told {
    kinds: HashMap<Kind, OfKind>,
    /// Whether this replica leads. Held while something is told: a look that ends after that adds nothing.
    is_ours: RwLock<bool>,
}

/// What is told of the objects of a kind.
#[derive(Debug, Default)]
struct OfKind {
    conditions: Family<InCondition, Gauge>,
    /// In nanoseconds.
    durations: Family<Object, Gauge>,
    syncs: Family<Object, Counter>,
    /// A gauge, since a counter's name would end in `_total`, and the operator's does not.
    sync_errors: Family<Object, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Object {
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InCondition {
    name: String,
    namespace: String,
    condition: String,
    status: &'static str,
}

const STATUSES: [&str; 3] = ["True", "False", "Unknown"];
/// The types of conditions that the operator has.
const CONDITIONS: [&str; 2] = ["Ready", "Deleted"];

impl OperatorMetrics {
    /// Makes them known to a registry whose names have no prefix.
    pub fn register(registry: &mut Registry) -> Self {
        let kinds = Kind::ALL.into_iter().map(|kind| (kind, OfKind::register(kind, registry)));
        Self(Some(Arc::new(Told { kinds: kinds.collect(), is_ours: RwLock::new(false) })))
    }

    /// From now on this replica tells of everything.
    pub fn begin(&self) {
        if let Some(told) = &self.0 {
            *told.is_ours.write().unwrap_or_else(PoisonError::into_inner) = true;
        }
    }

    /// From now on another does.
    pub fn end(&self) {
        let Some(told) = &self.0 else { return };
        let mut is_ours = told.is_ours.write().unwrap_or_else(PoisonError::into_inner);
        *is_ours = false;
        for of_kind in told.kinds.values() {
            of_kind.conditions.clear();
            of_kind.durations.clear();
            of_kind.syncs.clear();
            of_kind.sync_errors.clear();
        }
    }

    /// An object was looked at, which took so long, and has these conditions.
    pub fn looked_at(&self, kind: Kind, key: &ObjectKey, took: Duration, conditions: &[Condition]) {
        self.tell(kind, |of_kind| of_kind.looked_at(key, took, conditions));
    }

    /// The Secret of an ExternalSecret was to be brought into step.
    pub fn synced(&self, kind: Kind, key: &ObjectKey, is_good: bool) {
        self.tell(kind, |of_kind| {
            of_kind.syncs.get_or_create(&object(key)).inc();
            of_kind.sync_errors.get_or_create(&object(key)).inc_by(i64::from(!is_good));
        });
    }

    /// An object is gone, or another's.
    pub fn gone(&self, kind: Kind, key: &ObjectKey) {
        self.tell(kind, |of_kind| of_kind.gone(key));
    }

    /// Tells something of a kind, while it is ours to tell.
    fn tell(&self, kind: Kind, tell: impl FnOnce(&OfKind)) {
        let Some(told) = &self.0 else { return };
        let is_ours = told.is_ours.read().unwrap_or_else(PoisonError::into_inner);
        if *is_ours && let Some(of_kind) = told.kinds.get(&kind) {
            tell(of_kind);
        }
    }
}

impl OfKind {
    fn register(kind: Kind, registry: &mut Registry) -> Self {
        let of_kind = Self::default();
        let name = |what: &str| format!("{}_{what}", kind.as_str().to_ascii_lowercase());
        registry.register(
            name("status_condition"),
            format!("Whether a {kind} has a condition with a status"),
            of_kind.conditions.clone(),
        );
        registry.register(
            name("reconcile_duration"),
            format!("Nanoseconds of the last look at a {kind}"),
            of_kind.durations.clone(),
        );
        if kind == Kind::ExternalSecret {
            registry.register(
                name("sync_calls"),
                "How often an ExternalSecret was synchronized",
                of_kind.syncs.clone(),
            );
            registry.register(name("sync_calls_error"), "How often that failed", of_kind.sync_errors.clone());
        }
        of_kind
    }

    fn looked_at(&self, key: &ObjectKey, took: Duration, conditions: &[Condition]) {
        let nanoseconds = i64::try_from(took.as_nanos()).unwrap_or(i64::MAX);
        self.durations.get_or_create(&object(key)).set(nanoseconds);
        for condition in conditions.iter().filter(|one| CONDITIONS.contains(&one.type_.as_str())) {
            for status in STATUSES {
                let labels = in_condition(key, &condition.type_, status);
                match condition.status == status {
                    // Unknown is only told while it is so.
                    false if status == "Unknown" => {
                        self.conditions.remove(&labels);
                    }
                    is_so => {
                        self.conditions.get_or_create(&labels).set(i64::from(is_so));
                    }
                }
            }
        }
    }

    fn gone(&self, key: &ObjectKey) {
        self.durations.remove(&object(key));
        self.syncs.remove(&object(key));
        self.sync_errors.remove(&object(key));
        for condition in CONDITIONS {
            for status in STATUSES {
                self.conditions.remove(&in_condition(key, condition, status));
            }
        }
    }
}

fn object(key: &ObjectKey) -> Object {
    Object { name: key.name.clone(), namespace: key.namespace.clone() }
}

fn in_condition(key: &ObjectKey, condition: &str, status: &'static str) -> InCondition {
    let Object { name, namespace } = object(key);
    InCondition { name, namespace, condition: condition.to_owned(), status }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    fn told(registry: &Registry) -> String {
        let mut text = String::new();
        encode(&mut text, registry).unwrap();
        text
    }

    #[test]
    fn objects_are_told_by_the_operators_names_while_they_are_there() {
        let mut registry = Registry::default();
        let metrics = OperatorMetrics::register(&mut registry);
        metrics.begin();
        let key = ObjectKey { namespace: "a".into(), name: "db".into() };
        let ready =
            |status: &str| Condition { type_: "Ready".into(), status: status.into(), ..Default::default() };
        metrics.looked_at(Kind::ExternalSecret, &key, Duration::from_micros(2), &[ready("Unknown")]);
        assert!(told(&registry).contains(r#"condition="Ready",status="Unknown"} 1"#));
        metrics.looked_at(Kind::ExternalSecret, &key, Duration::from_micros(2), &[ready("False")]);
        metrics.synced(Kind::ExternalSecret, &key, false);
        metrics.synced(Kind::ExternalSecret, &key, true);
        let text = told(&registry);
        for line in [
            r#"externalsecret_status_condition{name="db",namespace="a",condition="Ready",status="False"} 1"#,
            r#"externalsecret_status_condition{name="db",namespace="a",condition="Ready",status="True"} 0"#,
            r#"externalsecret_reconcile_duration{name="db",namespace="a"} 2000"#,
            r#"externalsecret_sync_calls_total{name="db",namespace="a"} 2"#,
            r#"externalsecret_sync_calls_error{name="db",namespace="a"} 1"#,
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("Unknown"), "{text}");
        metrics.gone(Kind::ExternalSecret, &key);
        assert!(!told(&registry).contains("db"), "{}", told(&registry));
        metrics.looked_at(Kind::ExternalSecret, &key, Duration::ZERO, &[ready("True")]);
        metrics.end();
        metrics.looked_at(Kind::ExternalSecret, &key, Duration::ZERO, &[ready("True")]);
        assert!(!told(&registry).contains("db"), "{}", told(&registry));
        let off = OperatorMetrics::default();
        off.looked_at(Kind::ExternalSecret, &key, Duration::ZERO, &[ready("True")]);
    }
}
