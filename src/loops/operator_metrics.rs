//! Metrics under the names of External Secrets Operator, for dashboards that were made for it: objects by name, as it has
//! them. Off unless they are asked for: beside the operator both would tell of the same objects.

use std::collections::HashMap;
use std::sync::Arc;
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
pub struct OperatorMetrics(Option<Arc<HashMap<Kind, OfKind>>>);

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
        Self(Some(Arc::new(kinds.collect())))
    }

    /// An object was looked at, which took so long, and has these conditions.
    pub fn looked_at(&self, kind: Kind, key: &ObjectKey, took: Duration, conditions: &[Condition]) {
        let Some(of_kind) = self.of_kind(kind) else { return };
        let nanoseconds = i64::try_from(took.as_nanos()).unwrap_or(i64::MAX);
        of_kind.durations.get_or_create(&object(key)).set(nanoseconds);
        for condition in conditions.iter().filter(|one| CONDITIONS.contains(&one.type_.as_str())) {
            for status in STATUSES {
                let labels = in_condition(key, &condition.type_, status);
                match condition.status == status {
                    // Unknown is only told while it is so.
                    false if status == "Unknown" => {
                        of_kind.conditions.remove(&labels);
                    }
                    is_so => {
                        of_kind.conditions.get_or_create(&labels).set(i64::from(is_so));
                    }
                }
            }
        }
    }

    /// The Secret of an ExternalSecret was to be brought into step.
    pub fn synced(&self, kind: Kind, key: &ObjectKey, is_good: bool) {
        let Some(of_kind) = self.of_kind(kind) else { return };
        of_kind.syncs.get_or_create(&object(key)).inc();
        let errors = of_kind.sync_errors.get_or_create(&object(key));
        errors.inc_by(i64::from(!is_good));
    }

    /// An object is gone, or another's.
    pub fn gone(&self, kind: Kind, key: &ObjectKey) {
        let Some(of_kind) = self.of_kind(kind) else { return };
        of_kind.durations.remove(&object(key));
        of_kind.syncs.remove(&object(key));
        of_kind.sync_errors.remove(&object(key));
        for condition in CONDITIONS {
            for status in STATUSES {
                of_kind.conditions.remove(&in_condition(key, condition, status));
            }
        }
    }

    /// Another tells of everything from now on.
    pub fn clear(&self) {
        for of_kind in self.0.iter().flat_map(|kinds| kinds.values()) {
            of_kind.conditions.clear();
            of_kind.durations.clear();
            of_kind.syncs.clear();
            of_kind.sync_errors.clear();
        }
    }

    fn of_kind(&self, kind: Kind) -> Option<&OfKind> {
        self.0.as_ref()?.get(&kind)
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
        metrics.clear();
        assert!(!told(&registry).contains("db"), "{}", told(&registry));
        let off = OperatorMetrics::default();
        off.looked_at(Kind::ExternalSecret, &key, Duration::ZERO, &[ready("True")]);
    }
}
