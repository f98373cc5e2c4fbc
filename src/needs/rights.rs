//! The rights that Keyhatch uses, each by the flow that uses it. The manifests grant these and no other;
//! `docs/permissions.md` lists them.

use std::collections::HashSet;
use std::fmt;

use crate::api::GROUP;
use crate::facts::FactKind;
use crate::loops::PUSH_SECRET;
use crate::trust::Names;

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

/// What keeping our own certificates takes. A create cannot be limited to a name.
pub fn certificates(names: &Names, lease: &str) -> Vec<Right> {
    let right = |verb, group, resource, namespace: Option<&str>, name: Option<&str>| Right {
        flow: Flow::Certificates,
        verb,
        group,
        resource,
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    let ours = Some(names.namespace.as_str());
    let (secret, webhook) = (Some(names.secret.as_str()), Some(names.webhook.as_str()));
    let mut rights = vec![right("create", "", "secrets", ours, None)];
    rights.extend(["get", "list", "watch", "update"].map(|verb| right(verb, "", "secrets", ours, secret)));
    rights.push(right("create", "coordination.k8s.io", "leases", ours, None));
    rights.extend(
        ["get", "update"].map(|verb| right(verb, "coordination.k8s.io", "leases", ours, Some(lease))),
    );
    let group = "admissionregistration.k8s.io";
    for (resource, name) in [
        ("validatingwebhookconfigurations", webhook),
        ("mutatingwebhookconfigurations", Some(names.pod_webhook.as_str())),
    ] {
        rights.extend(["get", "list", "watch", "patch"].map(|verb| right(verb, group, resource, None, name)));
    }
    rights
}

/// What serving certificates takes that other replicas keep.
pub fn followed_certificates(names: &Names) -> Vec<Right> {
    let right = |verb| Right {
        flow: Flow::Certificates,
        verb,
        group: "",
        resource: "secrets",
        namespace: Some(names.namespace.clone()),
        name: Some(names.secret.clone()),
    };
    ["list", "watch"].map(right).into()
}

/// What knowing other objects takes.
pub fn admission(cluster_checks: bool) -> Vec<Right> {
    let kinds = FactKind::ALL.into_iter().filter(|kind| cluster_checks || !kind.is_optional());
    let rights = kinds.flat_map(|kind| {
        ["list", "watch"].map(|verb| Right {
            flow: if kind.is_optional() { Flow::ClusterChecks } else { Flow::Admission },
            verb,
            group: group(kind),
            resource: kind.plural(),
            namespace: None,
            name: None,
        })
    });
    rights.collect()
}

/// What giving pods their secrets takes: who asks, what he may use, and the credentials that stores name. A Secret is
/// read by the name that a store gives; to list them is to read all, and only asked for to watch them.
pub fn pods(watch_credentials: bool) -> Vec<Right> {
    let right =
        |flow, verb, group, resource| Right { flow, verb, group, resource, namespace: None, name: None };
    let always = [
        ("create", "authentication.k8s.io", "tokenreviews"),
        ("create", "authorization.k8s.io", "subjectaccessreviews"),
        ("get", "", "pods"),
        ("create", "events.k8s.io", "events"),
        ("get", GROUP, "externalsecrets"),
        ("get", GROUP, "secretstores"),
        ("list", GROUP, "secretstores"),
        ("watch", GROUP, "secretstores"),
        ("get", GROUP, "clustersecretstores"),
        ("list", GROUP, "clustersecretstores"),
        ("watch", GROUP, "clustersecretstores"),
        ("get", "", "namespaces"),
        ("list", "", "namespaces"),
        ("watch", "", "namespaces"),
        ("get", "", "secrets"),
        ("get", "", "serviceaccounts"),
        ("create", "", "serviceaccounts/token"),
    ];
    let watched = [
        ("list", "", "secrets"),
        ("watch", "", "secrets"),
        ("list", "", "serviceaccounts"),
        ("watch", "", "serviceaccounts"),
    ];
    let watched = watched.into_iter().filter(|_| watch_credentials).map(|it| (Flow::WatchCredentials, it));
    let all = always.into_iter().map(|it| (Flow::Pods, it)).chain(watched);
    all.map(|(flow, (verb, group, resource))| right(flow, verb, group, resource)).collect()
}

/// What keeping what objects say takes: the objects, which are followed and written to; what they are made of; and who may
/// write. A create cannot be limited to a name.
pub fn loops(namespace: &str, lease: &str, watch_credentials: bool) -> Vec<Right> {
    let right = |verb, group, resource| Right {
        flow: Flow::Loops,
        verb,
        group,
        resource,
        namespace: None,
        name: None,
    };
    let ours = |verb, group, resource, name: Option<&str>| {
        let (namespace, name) = (Some(namespace.to_owned()), name.map(str::to_owned));
        Right { namespace, name, ..right(verb, group, resource) }
    };
    let follow = ["get", "list", "watch"];
    let mut rights = Vec::new();
    for resource in ["pushsecrets", "externalsecrets", "secretstores", "clustersecretstores"] {
        rights.extend(follow.map(|verb| right(verb, GROUP, resource)));
        rights.push(right("patch", GROUP, resource)); // finalizers
    }
    rights.extend(fan_out());
    for resource in [
        "pushsecrets/status",
        "externalsecrets/status",
        "secretstores/status",
        "clustersecretstores/status",
        "clusterexternalsecrets/status",
        "clusterpushsecrets/status",
    ] {
        rights.push(right("patch", GROUP, resource));
    }
    // Whoever makes something its owner, so that the owner cannot go before it: some clusters ask for this right.
    rights.push(right("update", GROUP, "externalsecrets/finalizers"));
    rights.extend(["create", "update", "delete"].map(|verb| right(verb, "", "secrets")));
    for resource in ["namespaces", "secrets", "configmaps"] {
        rights.extend(follow.map(|verb| right(verb, "", resource)));
    }
    rights.push(right("get", "", "serviceaccounts"));
    rights.push(right("create", "", "serviceaccounts/token"));
    rights.push(right("create", "events.k8s.io", "events"));
    rights.push(ours("create", "", "secrets", None));
    rights.push(ours("update", "", "secrets", Some(PUSH_SECRET)));
    let group = "coordination.k8s.io";
    rights.push(ours("create", group, "leases", None));
    rights.extend(["get", "update"].map(|verb| ours(verb, group, "leases", Some(lease))));
    let watched = ["list", "watch"]
        .map(|verb| Right { flow: Flow::WatchCredentials, ..right(verb, "", "serviceaccounts") });
    rights.extend(watched.into_iter().filter(|_| watch_credentials));
    rights
}

/// What making objects of cluster-wide ones takes.
fn fan_out() -> Vec<Right> {
    let right = |verb, group, resource| Right {
        flow: Flow::Loops,
        verb,
        group,
        resource,
        namespace: None,
        name: None,
    };
    let mut rights = Vec::new();
    for resource in ["clusterexternalsecrets", "clusterpushsecrets"] {
        rights.extend(["get", "list", "watch"].map(|verb| right(verb, GROUP, resource)));
    }
    rights.push(right("get", GROUP, "externalsecrets"));
    // Finalizers; and what is made.
    rights.push(right("patch", GROUP, "clusterexternalsecrets"));
    for resource in ["externalsecrets", "pushsecrets"] {
        rights.extend(["create", "delete"].map(|verb| right(verb, GROUP, resource)));
    }
    // Owner references that hold the owner back until what it made is gone, where that is checked.
    for resource in ["clusterexternalsecrets/finalizers", "clusterpushsecrets/finalizers"] {
        rights.push(right("update", GROUP, resource));
    }
    rights.push(right("patch", "", "namespaces")); // finalizers that the operator left
    rights
}

/// Rights that several flows use, once.
pub fn each_once(mut rights: Vec<Right>) -> Vec<Right> {
    let mut seen = HashSet::new();
    rights.retain(|right| seen.insert(right.to_string()));
    rights
}

fn group(kind: FactKind) -> &'static str {
    match kind {
        FactKind::SecretStores
        | FactKind::ClusterSecretStores
        | FactKind::ExternalSecrets
        | FactKind::PushSecrets => GROUP,
        FactKind::Namespaces | FactKind::Secrets | FactKind::ConfigMaps | FactKind::ServiceAccounts => "",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_reads_like_a_request() {
        let name = |text: &str| text.to_owned();
        let names = Names {
            namespace: name("n"),
            secret: name("s"),
            webhook: name("w"),
            pod_webhook: name("p"),
            hosts: Vec::new(),
        };
        let rights: Vec<_> =
            certificates(&names, "l").iter().chain(&admission(true)).map(Right::to_string).collect();
        insta::assert_snapshot!(rights.join("\n"), @"
        create secrets in namespace n
        get secrets/s in namespace n
        list secrets/s in namespace n
        watch secrets/s in namespace n
        update secrets/s in namespace n
        create leases.coordination.k8s.io in namespace n
        get leases.coordination.k8s.io/l in namespace n
        update leases.coordination.k8s.io/l in namespace n
        get validatingwebhookconfigurations.admissionregistration.k8s.io/w
        list validatingwebhookconfigurations.admissionregistration.k8s.io/w
        watch validatingwebhookconfigurations.admissionregistration.k8s.io/w
        patch validatingwebhookconfigurations.admissionregistration.k8s.io/w
        get mutatingwebhookconfigurations.admissionregistration.k8s.io/p
        list mutatingwebhookconfigurations.admissionregistration.k8s.io/p
        watch mutatingwebhookconfigurations.admissionregistration.k8s.io/p
        patch mutatingwebhookconfigurations.admissionregistration.k8s.io/p
        list secretstores.external-secrets.io
        watch secretstores.external-secrets.io
        list clustersecretstores.external-secrets.io
        watch clustersecretstores.external-secrets.io
        list externalsecrets.external-secrets.io
        watch externalsecrets.external-secrets.io
        list pushsecrets.external-secrets.io
        watch pushsecrets.external-secrets.io
        list namespaces
        watch namespaces
        list secrets
        watch secrets
        list configmaps
        watch configmaps
        list serviceaccounts
        watch serviceaccounts
        ");
    }

    #[test]
    fn credentials_are_listed_only_to_watch_them() {
        let texts = |watch| pods(watch).iter().map(Right::to_string).collect::<Vec<_>>();
        insta::assert_snapshot!(texts(false).join("\n"), @"
        create tokenreviews.authentication.k8s.io
        create subjectaccessreviews.authorization.k8s.io
        get pods
        create events.events.k8s.io
        get externalsecrets.external-secrets.io
        get secretstores.external-secrets.io
        list secretstores.external-secrets.io
        watch secretstores.external-secrets.io
        get clustersecretstores.external-secrets.io
        list clustersecretstores.external-secrets.io
        watch clustersecretstores.external-secrets.io
        get namespaces
        list namespaces
        watch namespaces
        get secrets
        get serviceaccounts
        create serviceaccounts/token
        ");
        let more: Vec<_> = texts(true).into_iter().filter(|right| !texts(false).contains(right)).collect();
        assert_eq!(more, ["list secrets", "watch secrets", "list serviceaccounts", "watch serviceaccounts"]);
    }
}
