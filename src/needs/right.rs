//! One right: what one flow asks of the API server, and how it reads.

use std::fmt;

/// What a right is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// Our own certificates, and who may write them.
    Certificates,
    /// Judging objects by what is known of others.
    Admission,
    /// The same by Secrets, ConfigMaps and ServiceAccounts, where the operator asks for it.
    ClusterChecks,
    /// Giving pods their secrets.
    Pods,
    /// Noticing changed credentials at once, where the operator asks for it.
    WatchCredentials,
    /// Keeping what objects say.
    Loops,
}

/// One thing that one flow does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// Which flow.
    pub flow: Flow,
    /// The verb of the request.
    pub verb: &'static str,
    /// API group of the resource; empty for the core.
    pub group: &'static str,
    /// The resource's plural; a subresource behind `/`.
    pub resource: &'static str,
    /// In this namespace; `None` for objects of the cluster, and for those of all namespaces.
    pub namespace: Option<String>,
    /// For the object of this name only.
    pub name: Option<String>,
}

impl Right {
    /// The right in this namespace only.
    pub(super) fn within(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// The right for the object of this name only.
    pub(super) fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }
}

impl Flow {
    /// The right of this flow to do something with all objects of a resource.
    pub(super) fn right(self, verb: &'static str, group: &'static str, resource: &'static str) -> Right {
        Right { flow: self, verb, group, resource, namespace: None, name: None }
    }

    /// The same for several verbs.
    pub(super) fn rights<const N: usize>(
        self,
        verbs: [&'static str; N],
        group: &'static str,
        resource: &'static str,
    ) -> [Right; N] {
        verbs.map(|verb| self.right(verb, group, resource))
    }
}

/// `patch validatingwebhookconfigurations.admissionregistration.k8s.io/keyhatch`.
impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { flow: _, verb, group, resource, namespace, name } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        if let Some(name) = name {
            write!(f, "/{name}")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}
