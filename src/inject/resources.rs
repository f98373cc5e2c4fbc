//! What the agent asks of the node: requests and limits of everything that a quota or a LimitRange can ask for.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::containers;
use crate::quantity::{self, QuantityError};

const CPU: &str = "cpu";
const MEMORY: &str = "memory";
const STORAGE: &str = "ephemeral-storage";

/// The agent computes for some 25 ms before the pod's containers may start, and at 50m that took half a second.
const REQUESTS: [(&str, &str); 3] = [(CPU, "10m"), (MEMORY, "16Mi"), (STORAGE, "16Mi")];
/// Memory: the agent's own, and the volume's: what it writes there counts as its own.
const LIMITS: [(&str, &str); 3] = [(CPU, "200m"), (MEMORY, "48Mi"), (STORAGE, "16Mi")];
/// Of a Guaranteed pod, which keeps it for as long as it lives: between the two.
const GUARANTEED_CPU: &str = "50m";
/// With less memory the agent is ended before it has written anything.
const LEAST_MEMORY: &str = "16Mi";

/// Amounts of some resources, as flags write them: `cpu=50m,memory=32Mi`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amounts(BTreeMap<&'static str, String>);

/// Why a text is none of amounts.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AmountsError {
    #[error("{0:?}: write NAME=AMOUNT, with commas, such as cpu=50m,memory=32Mi")]
    Form(String),
    #[error("{0:?} is no resource of the agent; those are cpu, memory and ephemeral-storage")]
    Name(String),
    #[error("{0} is given twice")]
    Twice(&'static str),
    #[error("{0}: {1}")]
    Amount(&'static str, #[source] QuantityError),
}

/// Why the agent cannot be given these.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ResourcesError {
    #[error(
        "--agent-requests: {name}={request} is more than the limit of {limit}: ask for less, or raise it by --agent-limits"
    )]
    Above { name: &'static str, request: String, limit: String },
    #[error(
        "--agent-limits: memory={0} is less than {LEAST_MEMORY}, and the agent could not start: give it more; what pods are \
         given counts, too"
    )]
    Memory(String),
}

/// Requests and limits of the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    requests: BTreeMap<&'static str, String>,
    limits: BTreeMap<&'static str, String>,
}

/// What can be compared: thousandths of a cpu, or bytes.
fn size(name: &str, amount: &str) -> Result<u64, QuantityError> {
    if name == CPU { quantity::millis(amount) } else { quantity::bytes(amount) }
}

impl FromStr for Amounts {
    type Err = AmountsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut amounts = BTreeMap::new();
        for part in text.split(',') {
            let (name, amount) =
                part.split_once('=').ok_or_else(|| AmountsError::Form(part.chars().take(100).collect()))?;
            let known = [CPU, MEMORY, STORAGE].into_iter().find(|known| *known == name);
            let name = known.ok_or_else(|| AmountsError::Name(name.to_owned()))?;
            size(name, amount).map_err(|error| AmountsError::Amount(name, error))?;
            if amounts.insert(name, amount.to_owned()).is_some() {
                return Err(AmountsError::Twice(name));
            }
        }
        Ok(Self(amounts))
    }
}

impl Default for Resources {
    fn default() -> Self {
        let of = |all: [(&'static str, &str); 3]| all.map(|(name, amount)| (name, amount.to_owned())).into();
        Self { requests: of(REQUESTS), limits: of(LIMITS) }
    }
}

impl Resources {
    /// What is said, and of all else what is usual.
    ///
    /// # Errors
    /// What no container can have, and what the agent could not live with.
    pub fn new(requests: Amounts, limits: Amounts) -> Result<Self, ResourcesError> {
        let mut resources = Self::default();
        resources.requests.extend(requests.0);
        resources.limits.extend(limits.0);
        for (&name, request) in &resources.requests {
            let limit = resources.limits.get(name).cloned().unwrap_or_default();
            if size(name, request).ok() > size(name, &limit).ok() {
                return Err(ResourcesError::Above { name, request: request.clone(), limit });
            }
        }
        match resources.limits.get(MEMORY) {
            Some(memory) if size(MEMORY, memory).ok() < size(MEMORY, LEAST_MEMORY).ok() => {
                Err(ResourcesError::Memory(memory.clone()))
            }
            _ => Ok(resources),
        }
    }

    /// Those in a pod; equal if it would be Guaranteed without us. A pod with resources of its own shares those.
    pub(super) fn within(&self, pod: &Value) -> Value {
        if pod.pointer("/spec/resources").is_some() {
            return json!({});
        }
        if is_guaranteed(pod) {
            let mut both = self.limits.clone();
            both.insert(CPU, self.guaranteed_cpu().to_owned());
            return json!({"limits": in_order(&both), "requests": in_order(&both)});
        }
        json!({"limits": in_order(&self.limits), "requests": in_order(&self.requests)})
    }

    /// As near to what is usual as requests and limits let it be.
    fn guaranteed_cpu(&self) -> &str {
        let of = |amount: &str| size(CPU, amount).unwrap_or_default();
        let (request, limit) = (self.requests.get(CPU), self.limits.get(CPU));
        let above = request.filter(|request| of(request) > of(GUARANTEED_CPU));
        let below = limit.filter(|limit| of(limit) < of(GUARANTEED_CPU));
        above.or(below).map_or(GUARANTEED_CPU, String::as_str)
    }
}

fn in_order(amounts: &BTreeMap<&'static str, String>) -> Map<String, Value> {
    let amount = |name: &str| Some((name.to_owned(), amounts.get(name)?.clone().into()));
    [CPU, MEMORY, STORAGE].into_iter().filter_map(amount).collect()
}

/// Whether every container has limits of cpu and memory, and requests the same.
fn is_guaranteed(pod: &Value) -> bool {
    let is_fixed = |container: &Value| {
        let resource = |kind: &str, name: &str| {
            container.get("resources").and_then(|all| all.get(kind)).and_then(|all| all.get(name))
        };
        [CPU, MEMORY].iter().all(|name| {
            let limit = resource("limits", name);
            limit.is_some() && resource("requests", name).is_none_or(|request| Some(request) == limit)
        })
    };
    containers::of(pod).iter().all(|container| is_fixed(container.whole()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests, limits, and both in a Guaranteed pod; or why not.
    fn told(requests: &str, limits: &str) -> String {
        let amounts = |text: &str| -> Result<Amounts, AmountsError> {
            if text.is_empty() { Ok(Amounts::default()) } else { text.parse() }
        };
        let (requests, limits) = match (amounts(requests), amounts(limits)) {
            (Ok(requests), Ok(limits)) => (requests, limits),
            (Err(error), _) | (_, Err(error)) => return error.to_string(),
        };
        match Resources::new(requests, limits) {
            Ok(resources) => {
                let fixed = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
                let pod = |resources: Value| json!({"spec": {"containers": [{"name": "a", "resources": resources}]}});
                let text = |amounts: &Value| {
                    let values = amounts.as_object().unwrap().values();
                    values.map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(" ")
                };
                let (usual, guaranteed) = (resources.within(&pod(json!({}))), resources.within(&pod(fixed)));
                assert_eq!(guaranteed["requests"], guaranteed["limits"]);
                [&usual["requests"], &usual["limits"], &guaranteed["limits"]].map(text).join(" | ")
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn amounts_are_those_that_a_container_can_have() {
        let told = [
            ("", ""),
            ("cpu=50m,memory=32Mi", ""),
            ("cpu=0.1", "cpu=1,memory=64Mi,ephemeral-storage=1Gi"),
            ("", "cpu=40m"),
            ("cpu=1", ""),
            ("memory=0.1Gi", "memory=64Mi"),
            ("memory=1Mi", "memory=8Mi"),
            ("cpu", ""),
            ("", "gpu=1"),
            ("cpu=10m,cpu=20m", ""),
            ("cpu=1Mi", ""),
            ("", "memory=much"),
            ("cpu=10m,", ""),
        ]
        .map(|(requests, limits)| told(requests, limits));
        insta::assert_snapshot!(told.join("\n"), @r#"
        10m 16Mi 16Mi | 200m 48Mi 16Mi | 50m 48Mi 16Mi
        50m 32Mi 16Mi | 200m 48Mi 16Mi | 50m 48Mi 16Mi
        0.1 16Mi 16Mi | 1 64Mi 1Gi | 0.1 64Mi 1Gi
        10m 16Mi 16Mi | 40m 48Mi 16Mi | 40m 48Mi 16Mi
        --agent-requests: cpu=1 is more than the limit of 200m: ask for less, or raise it by --agent-limits
        --agent-requests: memory=0.1Gi is more than the limit of 64Mi: ask for less, or raise it by --agent-limits
        --agent-limits: memory=8Mi is less than 16Mi, and the agent could not start: give it more; what pods are given counts, too
        "cpu": write NAME=AMOUNT, with commas, such as cpu=50m,memory=32Mi
        "gpu" is no resource of the agent; those are cpu, memory and ephemeral-storage
        cpu is given twice
        cpu: "1Mi" is no amount of cpu: write 50m or 0.5
        memory: "much" is no number of bytes: write 16777216, 16Mi or 16M
        "": write NAME=AMOUNT, with commas, such as cpu=50m,memory=32Mi
        "#);
    }
}
