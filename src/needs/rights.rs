//! The rights that Keyhatch uses, each by the flow that uses it. The manifests grant these and no other;
//! `docs/permissions.md` lists them.

use std::collections::HashSet;

pub use super::right::{Flow, Right};
use crate::api::GROUP;
use crate::facts::FactKind;
use crate::loops::PUSH_SECRET;
use crate::trust::Names;

const CORE: &str = "";
const COORDINATION: &str = "coordination.k8s.io";
const REGISTRATION: &str = "admissionregistration.k8s.io";

/// What keeping our own certificates takes. A create cannot be limited to a name.
pub fn certificates(names: &Names, lease: &str) -> Vec<Right> {
    let flow = Flow::Certificates;
    let ours = |right: Right| right.within(&names.namespace);
    let mut rights = vec![ours(flow.right("create", CORE, "secrets"))];
    let secret = flow.rights(["get", "list", "watch", "update"], CORE, "secrets");
    rights.extend(secret.map(|right| ours(right).named(&names.secret)));
    rights.extend(held(flow, &names.namespace, lease));
    for (resource, name) in [
        ("validatingwebhookconfigurations", &names.webhook),
        ("mutatingwebhookconfigurations", &names.pod_webhook),
    ] {
        let configuration = flow.rights(["get", "list", "watch", "patch"], REGISTRATION, resource);
        rights.extend(configuration.map(|right| right.named(name)));
    }
    rights
}

/// What serving certificates takes that other replicas keep.
pub fn followed_certificates(names: &Names) -> Vec<Right> {
    let secret = Flow::Certificates.rights(["list", "watch"], CORE, "secrets");
    secret.map(|right| right.within(&names.namespace).named(&names.secret)).into()
}

/// What knowing other objects takes.
pub fn admission(cluster_checks: bool) -> Vec<Right> {
    let kinds = FactKind::ALL.into_iter().filter(|kind| cluster_checks || !kind.is_optional());
    let rights = kinds.flat_map(|kind| {
        let flow = if kind.is_optional() { Flow::ClusterChecks } else { Flow::Admission };
        flow.rights(["list", "watch"], group(kind), kind.plural())
    });
    rights.collect()
}

/// What giving pods their secrets takes: who asks, what he may use, and the credentials that stores name. A Secret is
/// read by the name that a store gives; to list them is to read all, and only asked for to watch them.
pub fn pods(watch_credentials: bool) -> Vec<Right> {
    let flow = Flow::Pods;
    let mut rights = vec![
        flow.right("create", "authentication.k8s.io", "tokenreviews"),
        flow.right("create", "authorization.k8s.io", "subjectaccessreviews"),
        flow.right("get", CORE, "pods"),
        flow.right("create", "events.k8s.io", "events"),
        flow.right("get", GROUP, "externalsecrets"),
    ];
    rights.extend(flow.rights(["get", "list", "watch"], GROUP, "secretstores"));
    rights.extend(flow.rights(["get", "list", "watch"], GROUP, "clustersecretstores"));
    rights.extend(flow.rights(["get", "list", "watch"], CORE, "namespaces"));
    rights.push(flow.right("get", CORE, "secrets"));
    rights.extend(service_accounts(flow));
    if watch_credentials {
        rights.extend(Flow::WatchCredentials.rights(["list", "watch"], CORE, "secrets"));
        rights.extend(Flow::WatchCredentials.rights(["list", "watch"], CORE, "serviceaccounts"));
    }
    rights
}

/// What keeping what objects say takes: the objects, which are followed and written to; what they are made of; and who may
/// write. A create cannot be limited to a name.
pub fn loops(namespace: &str, lease: &str, watch_credentials: bool) -> Vec<Right> {
    let flow = Flow::Loops;
    let mut rights = Vec::new();
    for resource in ["pushsecrets", "externalsecrets", "secretstores", "clustersecretstores"] {
        // Patches are of finalizers.
        rights.extend(flow.rights(["get", "list", "watch", "patch"], GROUP, resource));
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
        rights.push(flow.right("patch", GROUP, resource));
    }
    // Whoever makes something its owner, so that the owner cannot go before it: some clusters ask for this right.
    rights.push(flow.right("update", GROUP, "externalsecrets/finalizers"));
    rights.extend(flow.rights(["create", "update", "delete"], CORE, "secrets"));
    for resource in ["namespaces", "secrets", "configmaps"] {
        rights.extend(flow.rights(["get", "list", "watch"], CORE, resource));
    }
    rights.extend(service_accounts(flow));
    rights.push(flow.right("create", "events.k8s.io", "events"));
    rights.push(flow.right("create", CORE, "secrets").within(namespace));
    rights.push(flow.right("update", CORE, "secrets").within(namespace).named(PUSH_SECRET));
    rights.extend(held(flow, namespace, lease));
    if watch_credentials {
        rights.extend(Flow::WatchCredentials.rights(["list", "watch"], CORE, "serviceaccounts"));
    }
    rights
}

/// What making objects of cluster-wide ones takes.
fn fan_out() -> Vec<Right> {
    let flow = Flow::Loops;
    let mut rights = Vec::new();
    for resource in ["clusterexternalsecrets", "clusterpushsecrets"] {
        rights.extend(flow.rights(["get", "list", "watch"], GROUP, resource));
    }
    rights.push(flow.right("get", GROUP, "externalsecrets"));
    // Finalizers; and what is made.
    rights.push(flow.right("patch", GROUP, "clusterexternalsecrets"));
    for resource in ["externalsecrets", "pushsecrets"] {
        rights.extend(flow.rights(["create", "delete"], GROUP, resource));
    }
    // Owner references that hold the owner back until what it made is gone, where that is checked.
    for resource in ["clusterexternalsecrets/finalizers", "clusterpushsecrets/finalizers"] {
        rights.push(flow.right("update", GROUP, resource));
    }
    rights.push(flow.right("patch", CORE, "namespaces")); // finalizers that the operator left
    rights
}

/// A Lease that is made, and held.
fn held(flow: Flow, namespace: &str, lease: &str) -> Vec<Right> {
    let mut rights = vec![flow.right("create", COORDINATION, "leases").within(namespace)];
    let named = flow.rights(["get", "update"], COORDINATION, "leases");
    rights.extend(named.map(|right| right.within(namespace).named(lease)));
    rights
}

/// Stores that have AWS's role from a ServiceAccount.
fn service_accounts(flow: Flow) -> [Right; 2] {
    [flow.right("get", CORE, "serviceaccounts"), flow.right("create", CORE, "serviceaccounts/token")]
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
