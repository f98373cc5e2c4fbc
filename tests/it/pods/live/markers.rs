//! No value is anywhere but in the pod's answer: a marker that only AWS has is looked for, in every form, in all that was
//! stored, logged, told and counted while pods were admitted, warned about, refused, served and denied.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::LIMIT;
use crate::support::aws::Aws;
use crate::support::broker::{pod_token, send};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::marker::{escaped, files_with, forms};
use crate::support::process::free_address;
use crate::support::webhook::{Pods, Webhook};

const MARKER: &str = "s3cr3t-marker-91d4e7-of-aws";
/// What each pod asks for, as a file, a variable, or both.
const ASKED: [(&str, &str); 9] = [
    ("plain", "keyhatch.dev/secret-a: marks/plain, keyhatch.dev/env-A: marks/plain"),
    (
        "json",
        "keyhatch.dev/secret-a: 'marks/json#password', keyhatch.dev/secret-b: 'marks/escaped#password', keyhatch.dev/secret-c: 'marks/broken#password'",
    ),
    ("base64", "keyhatch.dev/secret-a: 'marks/base64?decode=base64', keyhatch.dev/secret-b: marks/broken"),
    ("kubelet", "keyhatch.dev/env-A: marks/quoted, keyhatch.dev/env-via: kubelet"),
    ("external", "keyhatch.dev/external-secret: all"),
    // These are told why they get nothing.
    ("broken", "keyhatch.dev/secret-a: 'marks/broken#pasword'"),
    ("no-property", "keyhatch.dev/secret-a: 'marks/json#pasword', keyhatch.dev/secret-b: 'marks/plain#x'"),
    ("no-base64", "keyhatch.dev/secret-a: 'marks/plain?decode=base64'"),
    ("no-variables", "keyhatch.dev/external-secret-env: all"),
];

struct Site {
    plane: ControlPlane,
    webhook: Webhook,
    broker: String,
    namespace: String,
    _aws: Aws,
}

impl Site {
    fn start() -> Self {
        let plane = ControlPlane::start(&Options { audit_bodies: true, ..Options::default() }).unwrap();
        let aws = Aws::start();
        let broker = free_address().unwrap();
        let pods = Pods { image: "agent", broker, aws: aws.url(), flags: &["--log-level=debug"] };
        let webhook = Webhook::serve_pods(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &plane, &pods).unwrap();
        webhook.register(&plane).unwrap();
        let namespace = plane.namespace("marks");
        let account = aws.account("313131313131");
        let keys = account.keys();
        for (name, value) in [
            ("plain", MARKER.to_owned()),
            ("json", format!(r#"{{"password": "{MARKER}", "1x": "{MARKER}"}}"#)),
            ("escaped", format!(r#"{{"password": "{}"}}"#, escaped(MARKER))),
            ("base64", crate::broker::encoded(MARKER)),
            ("broken", format!(r#"{{"password": "{MARKER}", "#)),
            ("quoted", format!("it's {MARKER}")),
        ] {
            account.secret(&format!("marks/{name}"), &value);
        }
        let key = |key: &str| json!({"name": "keys", "key": key});
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
                "stringData": {"id": keys.id, "secret": keys.secret}},
            {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "aws"},
                "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1", "auth": {"secretRef": {
                    "accessKeyIDSecretRef": key("id"), "secretAccessKeySecretRef": key("secret")}}}}}},
            {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "all"},
                "spec": {"secretStoreRef": {"name": "aws"}, "dataFrom": [{"extract": {"key": "marks/json"}}]}}]});
        plane.kubectl_in(&objects.to_string(), &["create", "-n", &namespace, "-f", "-"]).success().unwrap();
        plane.kubectl(&["apply", "-f", "manifests/components/pods/store-users.yaml"]).success().unwrap();
        wait_until(LIMIT, "the ServiceAccount and the store", || {
            plane.kubectl(&["get", "serviceaccount", "default", "-n", &namespace]).success()?;
            let allowed = ["auth", "can-i", "use", "secretstores.external-secrets.io/aws", "-n", &namespace];
            let user = format!("--as=system:serviceaccount:{namespace}:default");
            plane.kubectl(&[&allowed[..], &[&user, "--as-group=system:serviceaccounts"]].concat()).success()
        });
        Self { plane, webhook, broker: broker.to_string(), namespace, _aws: aws }
    }

    /// Makes a pod, and asks for what it was admitted to; both answers.
    fn run(&self, name: &str, annotations: &str) -> (String, http::Response) {
        let pod = format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, annotations: {{keyhatch.dev/inject: 'true', \
             keyhatch.dev/store: aws, {annotations}}}}}, spec: {{containers: [{{name: app, image: app{}}}]}}}}",
            if name == "kubelet" { "" } else { ", command: [/app]" },
        );
        let made = self.plane.kubectl_in(&pod, &["create", "-n", &self.namespace, "-f", "-"]);
        assert!(made.is_success(), "{name}: {}", made.stderr);
        let token = pod_token(&self.plane, &self.namespace, "default", name);
        let head = format!("authorization: Bearer {token}\r\n");
        let answer = send(&self.broker, &self.webhook.certificates.ca_file, &head).unwrap();
        (made.stderr, answer)
    }
}

#[track_caller]
fn assert_has_none(what: &str, text: &str) {
    for form in forms(MARKER) {
        assert!(!text.contains(&form), "{form:?} in {what}: {text}");
    }
}

#[test]
fn no_value_is_stored_logged_told_or_counted() {
    let site = Site::start();
    let Site { plane, webhook, namespace, .. } = &site;
    for (index, (name, annotations)) in ASKED.into_iter().enumerate() {
        let (told, answer) = site.run(name, annotations);
        assert_has_none(&format!("what is told of {name}"), &told);
        // The kubelet could not read this value.
        let is_served = index < 5 && name != "kubelet";
        assert_eq!(answer.status == 200, is_served, "{name}: {} {}", answer.status, answer.body);
        if is_served {
            assert!(forms(MARKER).iter().any(|form| answer.body.contains(form)), "{name} gets no marker");
        } else {
            assert_has_none(&format!("the denial of {name}"), &answer.body);
        }
    }
    let events = wait_until(LIMIT, "Events of all denials", || {
        let events =
            plane.kubectl(&["get", "events.events.k8s.io", "-n", namespace, "-o", "json"]).success()?;
        let parsed: Value = serde_json::from_str(&events).map_err(|error| error.to_string())?;
        let denials = parsed["items"].as_array().into_iter().flatten();
        let denials = denials.filter(|event| event["action"] == "DeliverSecrets").count();
        if denials >= 5 { Ok(events) } else { Err(format!("{denials} denials: {events}")) }
    });
    assert_has_none("Events", &events);
    let metrics = http::get(&format!("{}/metrics", webhook.health)).unwrap().body;
    assert!(metrics.contains("keyhatch_broker_denials_total"), "{metrics}");
    assert_has_none("the metrics", &metrics);

    // etcd, the API server's log and audit with all bodies, and ours: what is not secret is there, or nothing would be found.
    let root = plane.root();
    let known = files_with(root, &["marks/json".to_owned()]);
    for part in ["etcd", "audit.jsonl", "keyhatch"] {
        let is_part = |path: &&PathBuf| path.strip_prefix(root).unwrap().to_string_lossy().starts_with(part);
        assert!(known.iter().any(|path| is_part(&path)), "nothing in {part}: {known:?}");
    }
    assert_eq!(files_with(root, &forms(MARKER)), Vec::<PathBuf>::new());
}
