//! PushSecrets: the real server with the manifests' rights, a real API server, the fake AWS.

mod bad_input;
mod basics;
mod crashes;
mod deletion;
mod denied;
mod leadership;
mod measured;
mod slow;
mod surroundings;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::command::install_crds;
use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys};
use crate::support::aws::calls::Calls;
use crate::support::aws::secret::{Content, Secret};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::looper::{Installation, Looper};
use crate::support::process::next_number;

/// Longer than anything takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// A cluster without our webhook: what it refuses must not break the loop. Its controllers delete what has no owner.
pub(crate) fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(|| {
        let plane = ControlPlane::start(&Options::default()).unwrap();
        install_crds(&plane);
        plane
    })
}

/// What most tests share: the cluster, the AWS and the loop between them.
pub(crate) struct Site {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) aws: Aws,
    _looper: Looper,
}

pub(crate) fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(|| {
        let (plane, aws) = (plane(), Aws::start());
        let installation = install(plane, &aws, &[]);
        Site { plane, aws, _looper: installation.start().unwrap() }
    })
}

pub(crate) fn install<'a>(plane: &'a ControlPlane, aws: &Aws, flags: &[&str]) -> Installation<'a> {
    install_at(plane, &aws.url(), flags)
}

pub(crate) fn install_at<'a>(plane: &'a ControlPlane, endpoint: &str, flags: &[&str]) -> Installation<'a> {
    Installation::new(Path::new(env!("CARGO_BIN_EXE_keyhatch")), plane, endpoint, flags).unwrap()
}

/// A namespace with a store `aws` of ours, of an account of its own.
pub(crate) struct Team<'a> {
    pub(crate) plane: &'a ControlPlane,
    pub(crate) namespace: String,
    pub(crate) account: Account,
    pub(crate) keys: Keys,
}

impl Team<'static> {
    pub(crate) fn new() -> Self {
        Self::at(site().plane, &site().aws, "keyhatch")
    }
}

impl<'a> Team<'a> {
    /// Calls to its account.
    pub(crate) fn calls(&self, aws: &Aws) -> Calls {
        Calls(aws.calls().0.into_iter().filter(|call| call.account == self.account.id).collect())
    }

    pub(crate) fn at(plane: &'a ControlPlane, aws: &Aws, controller: &str) -> Self {
        let namespace = plane.namespace("push");
        let account = aws.account(&format!("{:012}", 700_000 + next_number()));
        let team = Self { plane, namespace, keys: account.keys(), account };
        team.set_keys(&team.keys);
        team.apply(&[team.store("aws", controller, &json!({}))]);
        team
    }

    pub(crate) fn set_keys(&self, keys: &Keys) {
        self.apply(&[json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "aws", "namespace": self.namespace},
            "stringData": {"id": keys.id, "secret": keys.secret}})]);
    }

    /// A store with the account's keys; `more` goes into `aws`.
    pub(crate) fn store(&self, name: &str, controller: &str, more: &Json) -> Json {
        let selector = |key: &str| json!({"name": "aws", "key": key});
        let mut provider = json!({"service": "SecretsManager", "region": "eu-central-1",
            "auth": {"secretRef": {"accessKeyIDSecretRef": selector("id"),
                "secretAccessKeySecretRef": selector("secret")}}});
        for (key, value) in more.as_object().unwrap() {
            provider[key] = value.clone();
        }
        json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"controller": controller, "provider": {"aws": provider}}})
    }

    pub(crate) fn apply(&self, objects: &[Json]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.plane.kubectl_in(&list.to_string(), &args).success().unwrap();
    }

    /// The Secret that is pushed.
    pub(crate) fn source(&self, name: &str, data: &Json) {
        self.apply(&[self.source_object(name, data)]);
    }

    fn source_object(&self, name: &str, data: &Json) -> Json {
        json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"pushed": "yes"}}, "stringData": data})
    }

    /// A PushSecret of Secret `app`, to store `aws`; `more` goes into its spec.
    pub(crate) fn push(&self, name: &str, more: &Json) {
        self.apply(&[self.push_object(name, more)]);
    }

    fn push_object(&self, name: &str, more: &Json) -> Json {
        let mut spec = json!({"secretStoreRefs": [{"name": "aws"}], "selector": {"secret": {"name": "app"}}});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        json!({"apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret",
            "metadata": {"name": name, "namespace": self.namespace}, "spec": spec})
    }

    pub(crate) fn delete(&self, kind: &str, name: &str) {
        let args = ["delete", kind, name, "-n", &self.namespace, "--wait=false"];
        self.plane.kubectl(&args).success().unwrap();
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Json> {
        let output = self.plane.kubectl(&["get", kind, name, "-n", &self.namespace, "-o", "json"]);
        output.is_success().then(|| serde_json::from_str(&output.stdout).unwrap())
    }

    /// Waits until its condition Ready has this reason; answers the object.
    #[track_caller]
    pub(crate) fn wait_reason(&self, name: &str, reason: &str) -> Json {
        self.wait_ready(name, reason, "")
    }

    /// Waits until its condition Ready has this reason, and these words.
    #[track_caller]
    fn wait_ready(&self, name: &str, reason: &str, words: &str) -> Json {
        wait_until(PATIENCE, &format!("{name}: {reason} {words}"), || {
            let object = self.get("pushsecret", name).ok_or("gone")?;
            let ready = &object["status"]["conditions"][0];
            let is_current = generation_of(&object) == Some(object["metadata"]["generation"].to_string());
            let is_so =
                ready["reason"] == reason && ready["message"].as_str().unwrap_or_default().contains(words);
            if is_so && (is_current || reason != "Synced") {
                Ok(object)
            } else {
                Err(object["status"].to_string())
            }
        })
    }

    #[track_caller]
    fn wait_value(&self, name: &str, value: &str) -> Secret {
        wait_until(PATIENCE, &format!("{name} to be {value}"), || {
            let secret = self.account.look(name).ok_or("no such secret")?;
            let content =
                secret.staged("AWSCURRENT").map(|version| text(&version.content)).unwrap_or_default();
            if content == value { Ok(secret) } else { Err(content) }
        })
    }
}

/// The generation that was pushed last.
fn generation_of(object: &Json) -> Option<String> {
    let version = object["status"]["syncedResourceVersion"].as_str()?;
    version.split_once('-').map(|(generation, _)| generation.to_owned())
}

fn text(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// An entry of `data`.
pub(crate) fn entry(key: &str, remote: &str, property: &str) -> Json {
    json!({"match": {"secretKey": key, "remoteRef": {"remoteKey": remote, "property": property}}})
}

/// An entry with metadata.
fn entry_with(key: &str, remote: &str, property: &str, metadata: &Json) -> Json {
    let mut entry = entry(key, remote, property);
    entry["metadata"] = json!({"apiVersion": "kubernetes.external-secrets.io/v1alpha1",
        "kind": "PushSecretMetadata", "spec": metadata});
    entry
}
