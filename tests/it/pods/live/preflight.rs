//! Preflight, before a real API server and an AWS that counts: who is told of what AWS does not give, and who is refused.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::LIMIT;
use crate::support::aws::Aws;
use crate::support::aws::account::Account;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::{Output, wait_until};
use crate::support::process::{free_address, next_number};
use crate::support::webhook::{Pods, Webhook};

/// A cluster whose pods are refused for what AWS does not give, if somebody makes them by hand.
struct Site {
    plane: ControlPlane,
    aws: Aws,
    _webhook: Webhook,
}

fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| Site::start(&["--preflight=deny"]))
}

impl Site {
    fn start(flags: &'static [&'static str]) -> Self {
        let plane = ControlPlane::start(&Options::default()).unwrap();
        let aws = Aws::start();
        let broker = free_address().unwrap();
        let pods = Pods { image: "keyhatch-agent:1", broker, aws: aws.url(), flags };
        let webhook = Webhook::serve_pods(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &plane, &pods).unwrap();
        webhook.register(&plane).unwrap();
        Self { plane, aws, _webhook: webhook }
    }
}

/// A namespace with a store, which its ServiceAccount `app` may use.
struct Team<'a> {
    site: &'a Site,
    namespace: String,
    account: Account,
}

impl Team<'static> {
    fn new() -> Self {
        Self::at(site())
    }
}

impl<'a> Team<'a> {
    fn at(site: &'a Site) -> Self {
        let plane = &site.plane;
        let namespace = plane.namespace("ahead");
        let account = site.aws.account(&format!("{:012}", 700_000 + next_number()));
        let keys = account.keys();
        let team = Self { site, namespace, account };
        let key = |key: &str| json!({"name": "keys", "key": key});
        let role =
            json!({"apiGroups": ["external-secrets.io"], "resources": ["secretstores"], "verbs": ["use"]});
        let group = "rbac.authorization.k8s.io";
        for object in [
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
                "stringData": {"id": keys.id, "secret": keys.secret}}),
            json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "aws"},
                "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1", "auth": {"secretRef": {
                    "accessKeyIDSecretRef": key("id"), "secretAccessKeySecretRef": key("secret")}}}}}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app"}}),
            json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "user"}, "rules": [role]}),
            json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": "user"},
                "roleRef": {"apiGroup": group, "kind": "Role", "name": "user"},
                "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": team.namespace}]}),
        ] {
            team.apply(&object, &[]).success().unwrap();
        }
        wait_until(LIMIT, "the ServiceAccount", || {
            plane.kubectl(&["get", "serviceaccount", "default", "-n", &team.namespace]).success()
        });
        team
    }

    fn apply(&self, object: &Value, flags: &[&str]) -> Output {
        let args = [&["create", "-n", &self.namespace, "-f", "-"], flags].concat();
        self.site.plane.kubectl_in(&object.to_string(), &args)
    }

    /// How often AWS was asked about a secret, or several of whom it is one.
    fn calls(&self, name: &str) -> usize {
        self.site.aws.calls().about(&self.key(name)).count()
    }

    /// The name of a secret that no other test has.
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace)
    }
}

/// What a pod says: a file `a` from this reference.
fn metadata(reference: &str) -> Value {
    json!({"keyhatch.dev/inject": "true", "keyhatch.dev/store": "aws", "keyhatch.dev/secret-a": reference})
}

fn spec(account: &str) -> Value {
    json!({"serviceAccountName": account, "containers": [{"name": "app", "image": "app"}]})
}

fn pod(name: &str, reference: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": metadata(reference)}, "spec": spec("app")})
}

#[test]
fn what_aws_has_is_admitted_and_what_it_has_not_is_refused_where_it_is_written() {
    let team = Team::new();
    team.account.secret(&team.key("db"), r#"{"user": "app", "deep": {"x": 1}}"#);
    for (name, property) in [("a", "#user"), ("b", "#deep.nothing"), ("c", "#us*"), ("d", "")] {
        let pod = pod(name, &format!("{}{property}", team.key("db")));
        let output = team.apply(&pod, &[]);
        assert!(output.is_success() && !output.stderr.contains("Missing"), "{property}: {}", output.stderr);
    }
    for (reference, code) in
        [(team.key("gone"), "SecretNotFound"), (team.key("db#pasword"), "PropertyMissing")]
    {
        let output = team.apply(&pod("refused", &reference), &[]);
        assert!(output.is_denied() && output.stderr.contains(&format!("[{code}]")), "{}", output.stderr);
        assert!(output.stderr.contains("metadata.annotations[keyhatch.dev/secret-a]"), "{}", output.stderr);
        assert!(!output.stderr.contains("deep"), "{}", output.stderr);
    }
    let mut may_miss = pod("may-miss", &team.key("gone"));
    may_miss["metadata"]["annotations"]["keyhatch.dev/on-missing"] = "skip".into();
    team.apply(&may_miss, &[]).success().unwrap();
}

#[test]
fn who_may_not_use_the_store_learns_nothing_and_aws_is_not_asked() {
    let team = Team::new();
    team.account.secret(&team.key("db"), "x");
    for key in ["db", "gone"] {
        let mut pod = pod("stranger", &team.key(key));
        pod["spec"] = spec("default");
        let output = team.apply(&pod, &[]);
        assert!(output.is_denied() && output.stderr.contains("[StoreUseDenied]"), "{}", output.stderr);
        assert!(!output.stderr.contains("SecretNotFound"), "{}", output.stderr);
    }
    assert_eq!(team.calls("db") + team.calls("gone"), 0);
}

#[test]
fn a_dry_run_is_answered_by_what_is_known() {
    let team = Team::new();
    let gone = pod("gone", &team.key("gone"));
    team.apply(&gone, &["--dry-run=server"]).success().unwrap();
    assert_eq!(team.calls("gone"), 0);
    // What AWS said is believed for some seconds.
    wait_until(LIMIT, "a refusal that is known", || {
        assert!(team.apply(&gone, &[]).is_denied());
        let asked = team.calls("gone");
        assert!(asked > 0);
        let again = team.apply(&gone, &["--dry-run=server"]);
        assert_eq!(team.calls("gone"), asked);
        let is_told = again.is_denied() && again.stderr.contains("[SecretNotFound]");
        if is_told { Ok(()) } else { Err(again.stderr) }
    });
}

#[test]
fn a_controllers_pod_is_made_and_the_controller_is_told_once() {
    let team = Team::new();
    let template = json!({"metadata": {"labels": {"app": "web"}, "annotations": metadata(&team.key("later"))}, "spec": spec("app")});
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
    team.apply(&set, &[]).success().unwrap();
    let get =
        |args: &[&str]| site().plane.kubectl(&[&["get", "-n", &team.namespace], args].concat()).success();
    wait_until(LIMIT, "three pods and an Event", || {
        let pods = get(&["pods", "-l", "app=web", "-o", "name"])?;
        let events = get(&["events.events.k8s.io", "-o", "json"])?;
        let events: Value = serde_json::from_str(&events).map_err(|error| error.to_string())?;
        let ours = |event: &&Value| event["reason"] == "InjectionDoubtful";
        let told: Vec<_> = events["items"].as_array().into_iter().flatten().filter(ours).collect();
        match (pods.lines().count(), told.as_slice()) {
            (3, [event]) => {
                let note = event["note"].as_str().unwrap_or_default();
                assert!(note.contains("[SecretNotFound]"), "{note}");
                assert_eq!(
                    (&event["regarding"]["kind"], &event["regarding"]["name"]),
                    (&json!("ReplicaSet"), &json!("web"))
                );
                Ok(())
            }
            (_, [_, _, ..]) => panic!("{told:?}"),
            (pods, _) => Err(format!("{pods} pods, {told:?}")),
        }
    });
    // Who applies a Deployment reads the same, and is not refused.
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
    let output = team.apply(&deployment, &[]);
    assert!(output.is_success() && output.stderr.contains("[SecretNotFound]"), "{}", output.stderr);
    assert!(
        output.stderr.contains("spec.template.metadata.annotations[keyhatch.dev/secret-a]"),
        "{}",
        output.stderr
    );
}

#[test]
fn with_warn_nobody_is_refused_and_who_writes_it_is_told() {
    let site = Site::start(&["--preflight=warn"]);
    let team = Team::at(&site);
    let output = team.apply(&pod("gone", &team.key("gone")), &[]);
    assert!(output.is_success() && output.stderr.contains("[SecretNotFound]"), "{}", output.stderr);
    assert!(output.stderr.contains("metadata.annotations[keyhatch.dev/secret-a]"), "{}", output.stderr);
    assert!(team.calls("gone") > 0);
}

#[test]
fn with_off_aws_is_not_asked() {
    let site = Site::start(&["--preflight=off"]);
    let team = Team::at(&site);
    let output = team.apply(&pod("gone", &team.key("gone")), &[]);
    assert!(output.is_success() && !output.stderr.contains("Missing"), "{}", output.stderr);
    assert!(!output.stderr.contains("[SecretNotFound]"), "{}", output.stderr);
    assert_eq!(team.calls("gone"), 0);
}

#[test]
fn an_aws_that_hangs_keeps_no_review_beyond_its_time() {
    let site = Site::start(&["--preflight=deny"]);
    let team = Team::at(&site);
    site.aws.fault(Operation::BatchGetSecretValue, Fault::Hang);
    site.aws.fault(Operation::GetSecretValue, Fault::Hang);
    let started = Instant::now();
    let output = team.apply(&pod("slow", &team.key("slow")), &[]);
    assert!(output.is_success(), "{}", output.stderr);
    // The API server gives five seconds; a review that took them would be refused.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
