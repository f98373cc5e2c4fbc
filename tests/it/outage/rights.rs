//! Every right that is used, missing by itself: named in `/readyz?verbose`, and enough when it is given.

use std::fmt::Write;
use std::time::Duration;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::replica::Replica;

/// Group, resource, verbs: in our own namespace.
const IN_NAMESPACE: [Right; 2] = [
    ("coordination.k8s.io", "leases", &["get", "create", "update"]),
    ("", "secrets", &["get", "list", "watch", "create", "update"]),
];
/// The same in the cluster, without `--cluster-checks`.
const IN_CLUSTER: [Right; 7] = [
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", &["get", "list", "watch", "patch"]),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", &["get", "list", "watch", "patch"]),
    ("external-secrets.io", "secretstores", &["list", "watch"]),
    ("external-secrets.io", "clustersecretstores", &["list", "watch"]),
    ("external-secrets.io", "externalsecrets", &["list", "watch"]),
    ("external-secrets.io", "pushsecrets", &["list", "watch"]),
    ("", "namespaces", &["list", "watch"]),
];
/// What `--cluster-checks` needs more.
const CHECKS: [Right; 3] = [
    ("", "secrets", &["list", "watch"]),
    ("", "configmaps", &["list", "watch"]),
    ("", "serviceaccounts", &["list", "watch"]),
];
const FLAGS: [&str; 2] = ["--lease-duration=3s", "--leaf-lifetime=4s"];
const LIMIT: Duration = Duration::from_secs(90);
/// Replicas at the same time.
const AT_ONCE: usize = 6;

/// Group, resource and verbs.
type Right = (&'static str, &'static str, &'static [&'static str]);

/// One missing right, and the namespace in which somebody misses it.
struct Case {
    name: String,
    resource: &'static str,
    verb: &'static str,
    /// Whether it is one of [`CHECKS`].
    is_check: bool,
}

fn cases() -> Vec<Case> {
    let always = IN_NAMESPACE.iter().chain(&IN_CLUSTER).map(|right| (right, false));
    let all = always.chain(CHECKS.iter().map(|right| (right, true)));
    let all = all.flat_map(|((_, resource, verbs), is_check)| {
        verbs.iter().map(move |verb| (*resource, *verb, is_check))
    });
    let case = |(number, (resource, verb, is_check))| Case {
        name: format!("case-{number}"),
        resource,
        verb,
        is_check,
    };
    all.enumerate().map(case).collect()
}

/// Roles of a case, with or without the right that it is about. Nobody has more rights than the flags need: who may
/// list all Secrets may list ours.
fn roles(case: &Case, is_whole: bool) -> String {
    let rules = |rights: &[Right], is_check: bool| {
        let mut text = String::new();
        for (group, resource, verbs) in rights {
            let is_meant =
                |verb: &str| (case.resource, case.verb, case.is_check) == (*resource, verb, is_check);
            let verbs: Vec<_> = verbs.iter().filter(|verb| is_whole || !is_meant(verb)).copied().collect();
            let verbs = verbs.join(", ");
            writeln!(text, "- {{apiGroups: ['{group}'], resources: [{resource}], verbs: [{verbs}]}}")
                .unwrap();
        }
        text
    };
    let name = &case.name;
    let checks = if case.is_check { rules(&CHECKS, true) } else { String::new() };
    format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: keyhatch, namespace: {name}}}\nrules:\n{}\
         ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}}}\nrules:\n{}{checks}",
        rules(&IN_NAMESPACE, false),
        rules(&IN_CLUSTER, false),
    )
}

/// Everything else that a case needs. Its webhook configurations are about a group that does not exist.
fn surroundings(case: &Case) -> String {
    let name = &case.name;
    let configuration = |kind: &str| {
        format!(
            "---\n{{apiVersion: admissionregistration.k8s.io/v1, kind: {kind}, metadata: {{name: {name}}},\
             webhooks: [{{name: {name}.keyhatch.dev, admissionReviewVersions: [v1], sideEffects: None,\
             clientConfig: {{url: 'https://127.0.0.1:1'}},\
             rules: [{{apiGroups: [none.keyhatch.dev], apiVersions: [v1], operations: [CREATE], resources: [none]}}]}}]}}\n"
        )
    };
    let configurations =
        ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].map(configuration).concat();
    format!(
        "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}\n\
         ---\n{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: keyhatch, namespace: {name}}}}}\n\
         ---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: keyhatch, namespace: {name}}},\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: keyhatch}},\
         subjects: [{{kind: ServiceAccount, name: keyhatch, namespace: {name}}}]}}\n\
         ---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: {name}}},\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}},\
         subjects: [{{kind: ServiceAccount, name: keyhatch, namespace: {name}}}]}}\n\
         {configurations}"
    )
}

fn run(plane: &ControlPlane, case: &Case) {
    let namespace = format!("--namespace={}", case.name);
    let kubeconfig = plane.kubeconfig_in(&case.name, "keyhatch", plane.url()).unwrap();
    let configurations = ["", "pod-"].map(|pods| format!("--{pods}webhook-configuration={}", case.name));
    let [all, of_pods] = &configurations;
    let mut flags = [FLAGS.as_slice(), &[all, of_pods, &namespace]].concat();
    if case.is_check {
        flags.push("--cluster-checks");
    }
    let mut replica = Replica::start(env!("CARGO_BIN_EXE_keyhatch"), plane, &case.name, &kubeconfig, &flags);
    let told = format!("cannot {} resource \"{}\"", case.verb, case.resource);
    wait_until(LIMIT, &told, || match replica.state()? {
        answer if answer.body.contains(&told) => Ok(()),
        answer => Err(format!("{}\n{}", answer.body, replica.process.log())),
    });
    plane.kubectl_in(&roles(case, true), &["apply", "-f", "-"]).success().unwrap();
    wait_until(LIMIT, &format!("{told}: well again"), || match replica.state()? {
        answer if answer.status == 200 && !answer.body.contains("[!]") => Ok(()),
        answer => Err(format!("{}\n{}", answer.body, replica.process.log())),
    });
    assert!(replica.process.ended().is_none());
    assert!(!replica.process.log().contains("panicked"), "{}", replica.process.log());
}

#[test]
fn each_missing_right_is_named_and_enough_when_it_is_given() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    crate::command::install_crds(&plane);
    let cases = cases();
    let all: String = cases.iter().map(|case| surroundings(case) + &roles(case, false)).collect();
    plane.kubectl_in(&all, &["apply", "--server-side", "-f", "-"]).success().unwrap();
    for cases in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            for case in cases {
                scope.spawn(|| run(&plane, case));
            }
        });
    }
}
