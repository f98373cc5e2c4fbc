//! Where the pod is in an object that makes pods.

use std::fmt;

use serde_json::Value;

/// A kind with a pod in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is called what it is")]
pub enum Workload {
    Pod,
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Pod, Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::Job, Self::CronJob];

    /// The kind of this group and name.
    pub fn named(group: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.group() == group && workload.as_str() == kind)
    }

    /// `Deployment`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }

    /// `deployments`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Pod => "pods",
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
            Self::Job => "jobs",
            Self::CronJob => "cronjobs",
        }
    }

    /// The API group of the kind, `""` for the core.
    pub fn group(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::Job | Self::CronJob => "batch",
        }
    }

    /// Where the pod is, as Kubernetes prints it; `""` is the object itself.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Job => "spec.template",
            Self::CronJob => "spec.jobTemplate.spec.template",
        }
    }

    /// The pod in an object of this kind.
    pub fn pod(self, object: &Value) -> Option<&Value> {
        object.pointer(self.pointer())
    }

    /// The same, to be changed.
    pub fn pod_mut(self, object: &mut Value) -> Option<&mut Value> {
        object.pointer_mut(self.pointer())
    }

    fn pointer(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Job => "/spec/template",
            Self::CronJob => "/spec/jobTemplate/spec/template",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
