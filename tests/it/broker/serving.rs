//! The flow pods beside admission, with certificates of our own and the rights of the manifests: everything that is
//! granted is used, nothing else is asked for, and a running pod is told of a new authority before it signs.

use std::collections::BTreeSet;
use std::fs;

use keyhatch::needs::rights::{self, Right};

use super::*;
use crate::command::keyhatch;
use crate::support::broker::send;
use crate::support::process::free_address;
use crate::support::replica::Replica;

const MANIFESTS: [&str; 6] = [
    "base/namespace.yaml",
    "base/service-account.yaml",
    "base/rbac-admission.yaml",
    "base/rbac-certificates.yaml",
    "components/pods/rbac.yaml",
    "components/pods/store-users.yaml",
];

#[test]
fn a_flow_that_cannot_be_served_is_an_error_of_the_start() {
    let site = site();
    let tls = &site.broker.certificates;
    let cert = [
        "--tls-cert-file",
        tls.cert_file.to_str().unwrap(),
        "--tls-key-file",
        tls.key_file.to_str().unwrap(),
    ];
    let (listen, health) = (free_address().unwrap().to_string(), free_address().unwrap().to_string());
    let serve = ["serve", "--flows=pods", "--broker-listen", &listen, "--health-listen", &health];
    let ca = ["--tls-ca-file", tls.ca_file.to_str().unwrap()];
    for (flags, message) in [
        (
            &[][..],
            "keyhatch: the flow pods needs --tls-ca-file beside --tls-cert-file: pods are told whom to trust\n",
        ),
        (&ca, "keyhatch: the flow pods needs a cluster; give --kubeconfig\n"),
    ] {
        let ended = keyhatch(&[&serve, &cert[..], flags].concat());
        let last = ended.stderr.lines().last().unwrap_or_default().to_owned() + "\n";
        assert_eq!((ended.code, last.as_str()), (Some(1), message), "{}", ended.stderr);
    }
}

/// A cluster of its own with everything that is installed, and what one team has there.
struct Installed {
    plane: ControlPlane,
    /// Of a pod that may have what it asks for, and of one that may not.
    tokens: [String; 2],
    address: String,
    replica: Replica,
    _aws: Aws,
}

impl Installed {
    fn start() -> Self {
        let options = Options { controller_manager: false, audit: true, ..Options::default() };
        let plane = ControlPlane::start(&options).unwrap();
        let apply = ["apply", "--server-side", "-f", "-"];
        plane.kubectl_in(&keyhatch(&["crds"]).stdout, &apply).success().unwrap();
        for file in MANIFESTS {
            plane.kubectl(&["apply", "--server-side", "-f", &format!("manifests/{file}")]).success().unwrap();
        }
        let aws = Aws::start();
        furnish(&plane, &aws);
        let tokens = tokens(&plane);
        // What is there by now was written when nobody reviewed: the address of the webhook is nobody's.
        let hook = keyhatch(&["webhook-config", "--url", "https://127.0.0.1:1"]).stdout;
        plane.kubectl_in(&hook, &apply).success().unwrap();
        let address = free_address().unwrap().to_string();
        let kubeconfig = plane.kubeconfig_of("keyhatch", plane.url()).unwrap();
        let url = aws.url();
        let flags = [
            "--flows=admission,pods",
            "--broker-listen",
            &address,
            "--secretsmanager-endpoint",
            &url,
            "--sts-endpoint",
            &url,
            "--lease-duration=3s",
            "--leaf-lifetime=6s",
            "--ca-lifetime=18s",
            "--ca-settle=2s",
            "--rights-check-interval=1s",
        ];
        let replica = Replica::start(env!("CARGO_BIN_EXE_keyhatch"), &plane, "keyhatch", &kubeconfig, &flags);
        replica.wait_ready();
        Self { plane, tokens, address, replica, _aws: aws }
    }

    /// What an agent does: trusts whom it was told to trust last.
    fn ask(&self, token: &str, roots: &str) -> Result<Response, String> {
        let file = self.plane.root().join("agent-roots.pem");
        fs::write(&file, roots).unwrap();
        send(&self.address, &file, &format!("authorization: Bearer {token}\r\n"))
    }

    fn secret(&self, key: &str) -> String {
        let path = format!("jsonpath={{.data.{}}}", key.replace('.', "\\."));
        let args = ["get", "secret", "keyhatch-tls", "-n", "keyhatch", "-o", &path];
        text(&STANDARD.decode(self.plane.kubectl(&args).success().unwrap().trim()).unwrap())
    }
}

/// A namespace `team` with stores by keys, by ServiceAccount and of the cluster, and an ExternalSecret.
pub(crate) fn furnish(plane: &ControlPlane, aws: &Aws) {
    let account = aws.account("777788889999");
    account.secret("db", "hunter2");
    let keys = account.keys();
    plane.create_namespace("team");
    plane.kubectl(&["label", "namespace", "team", "team=a"]).success().unwrap();
    let role = json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::777788889999:role/reader"});
    let by_account = json!({"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1",
        "auth": {"jwt": {"serviceAccountRef": {"name": "reader"}}}}}});
    let group = "external-secrets.io/v1";
    let objects = json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws"},
            "stringData": {"id": keys.id, "secret": keys.secret}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "annotations": role}},
        {"apiVersion": group, "kind": "SecretStore", "metadata": {"name": "aws"}, "spec": spec("team", &json!([]))},
        {"apiVersion": group, "kind": "SecretStore", "metadata": {"name": "irsa"}, "spec": by_account},
        {"apiVersion": group, "kind": "ClusterSecretStore", "metadata": {"name": "shared"},
            "spec": spec("team", &json!([{"namespaceSelector": {"matchLabels": {"team": "a"}}}]))},
        {"apiVersion": group, "kind": "ExternalSecret", "metadata": {"name": "db"},
            "spec": {"secretStoreRef": {"name": "aws"}, "data": [{"secretKey": "x", "remoteRef": {"key": "db"}}]}},
    ]);
    for object in objects.as_array().unwrap() {
        let args = ["apply", "--server-side", "-n", "team", "-f", "-"];
        plane.kubectl_in(&object.to_string(), &args).success().unwrap();
    }
}

pub(crate) fn tokens(plane: &ControlPlane) -> [String; 2] {
    let token = |name: &str, request: Json| {
        let request: Request = serde_json::from_value(request).unwrap();
        let pod = pod("team", name, "default", &request);
        plane.kubectl_in(&pod.to_string(), &["apply", "--server-side", "-f", "-"]).success().unwrap();
        pod_token(plane, "team", "default", name)
    };
    [
        token(
            "app",
            json!({"files": {"db": {"from": "aws::db"}, "shared": {"from": "cluster/shared::db"}},
                "externalSecrets": ["db"], "permissions": "0400"}),
        ),
        token("denied", json!({"files": {"db": {"from": "irsa::db"}}, "permissions": "0400"})),
    ]
}

#[test]
fn running_pods_follow_a_new_authority_and_every_right_is_used() {
    let site = Installed::start();
    let [token, denied] = &site.tokens;
    let first = site.secret("ca.crt");
    let refusal = site.ask(denied, &first).unwrap();
    assert_eq!(refused(&refusal), (403, "AwsIdentityRefused".to_owned()), "{}", refusal.body);

    let mut roots = first.clone();
    wait_until(Duration::from_secs(90), "another authority alone", || {
        // A leaf that was served a moment ago may have expired on a busy machine; whom we trust never lags behind.
        let response = site.ask(token, &roots)?;
        if response.status == 429 {
            return Err("asked too often".to_owned());
        }
        let answer = answer(response);
        assert_eq!(answer.files.keys().collect::<Vec<_>>(), ["db", "shared", "x"]);
        roots = answer.roots;
        if roots.contains(&first) { Err("still the first".to_owned()) } else { Ok(()) }
    });

    let all: BTreeSet<_> = rights::pods(false).iter().map(Right::to_string).collect();
    wait_until(PATIENCE, "every right to be used", || {
        let (used, forbidden) = used(&site.plane);
        assert_eq!(forbidden, Vec::<String>::new());
        let missing: Vec<_> = all.difference(&used).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    });
    let state = site.replica.state().unwrap().body;
    assert!(state.contains("[+] rights ok"), "{state}");
    let metrics =
        crate::support::http::get(&format!("{}/metrics", site.replica.backend.health)).unwrap().body;
    for name in ["keyhatch_broker_answers_total", "keyhatch_cache_entries", "keyhatch_aws_calls_total"] {
        assert!(metrics.contains(name), "{metrics}");
    }
}

/// What our ServiceAccount did in the cluster, and what of it was forbidden.
fn used(plane: &ControlPlane) -> (BTreeSet<String>, Vec<String>) {
    let (mut used, mut forbidden) = (BTreeSet::new(), Vec::new());
    for event in plane.audited() {
        let reference = &event["objectRef"];
        let is_ours = event["user"]["username"] == "system:serviceaccount:keyhatch:keyhatch";
        if !is_ours || reference.is_null() || reference["resource"] == "selfsubjectaccessreviews" {
            continue;
        }
        let with = |before: &str, key: &str| {
            reference[key].as_str().map(|text| format!("{before}{text}")).unwrap_or_default()
        };
        let request = format!(
            "{} {}{}{}",
            event["verb"].as_str().unwrap(),
            with("", "resource"),
            with("/", "subresource"),
            with(".", "apiGroup")
        );
        if event["responseStatus"]["code"] == 403 {
            forbidden.push(request.clone());
        }
        used.insert(request);
    }
    (used, forbidden)
}
