//! What a ClusterExternalSecret and a ClusterPushSecret have in common: words, no decisions.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::jiff::Timestamp;
use kube::Resource;
use kube::core::{ClusterResourceScope, NamespaceResourceScope};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::Kind;
use crate::api::common::Condition;
use crate::go::duration;
use crate::loops::view::View;
use crate::loops::watched::Watched;

use super::status::Outcome;
use super::whose::Named;

/// A kind of which others are made.
pub(super) trait FanOut:
    Resource<DynamicType = (), Scope = ClusterResourceScope>
    + Clone
    + DeserializeOwned
    + Debug
    + Send
    + Sync
    + 'static
{
    /// What is made.
    type Child: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + Sync
        + 'static;
    /// Its status.
    type Status: Serialize + Clone + Send + Sync;
    /// Its kind, and that of what is made.
    const KINDS: (Kind, Kind);
    /// The name of its queue.
    const QUEUE: &'static str;
    /// The field of its spec that is the spec of what is made.
    const TEMPLATE: &'static str;
    /// The operator's words for a name that something else has.
    const TAKEN: &'static str;
    /// What the operator puts on the object while it looks after it.
    const FINALIZER: Option<&'static str>;
    /// What the operator puts on each namespace; the object's name follows.
    const NAMESPACE_FINALIZER: Option<&'static str>;

    /// Everything of the kind that is made.
    fn children(view: &View) -> &Watched<Self::Child>;

    /// What it wants.
    fn wanted(&self) -> Wanted;

    /// What is known of it.
    fn status(&self) -> Option<&Self::Status>;

    /// The conditions of a status.
    fn conditions(status: &Self::Status) -> &[Condition];

    /// The status after a look.
    fn next(&self, name: &str, outcome: &Outcome, now: Timestamp) -> Self::Status;
}

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// The name of each object that is made.
    pub(super) name: String,
    /// Its labels.
    pub(super) labels: BTreeMap<String, String>,
    /// Its annotations.
    pub(super) annotations: BTreeMap<String, String>,
    /// Namespaces that one of these selects,
    pub(super) selectors: Vec<LabelSelector>,
    /// and those of these names.
    pub(super) namespaces: Vec<String>,
    /// The stores that it names.
    pub(super) stores: Vec<Named>,
    /// How often it is looked at, though nothing changed.
    pub(super) interval: Option<Duration>,
}

/// Between two looks, where the object does not say.
const INTERVAL: Duration = Duration::from_secs(3600);

/// A `refreshTime`. Zero is never; what is no duration is the default.
pub(super) fn interval(said: Option<&str>) -> Option<Duration> {
    duration::interval(said, INTERVAL)
}

/// A name, or another if it is empty.
pub(super) fn name_or(name: &str, other: Option<&String>) -> String {
    if name.is_empty() { other.cloned().unwrap_or_default() } else { name.to_owned() }
}
