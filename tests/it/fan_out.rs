//! ClusterExternalSecrets and ClusterPushSecrets: the real server with the manifests' rights, a real API server.

mod admission;
mod ends;
mod made;
mod whose;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::stores::{PATIENCE, Site, Team, ready};
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::looper::Looper;

const ES: &str = "externalsecret";
const CES: &str = "clusterexternalsecret";
const CPS: &str = "clusterpushsecret";

/// Namespaces of one test, and a ClusterSecretStore of ours for all of them; both are named after `team`.
struct Crowd<'a> {
    team: Team<'a>,
}

impl Crowd<'static> {
    fn new() -> Self {
        Self::of(Team::new())
    }
}

impl<'a> Crowd<'a> {
    fn of(team: Team<'a>) -> Self {
        let crowd = Self { team };
        crowd.site().apply(&[crowd.cluster_store("keyhatch")]);
        crowd
    }

    fn site(&self) -> &'a Site {
        self.team.site
    }

    /// What everything of the cluster is called.
    fn name(&self) -> &str {
        &self.team.namespace
    }

    fn cluster_store(&self, controller: &str) -> Json {
        let mut store = self.team.store(self.name(), "aws", &json!({}));
        store["kind"] = json!("ClusterSecretStore");
        store["metadata"] = json!({"name": self.name()});
        store["spec"]["controller"] = json!(controller);
        for key in ["accessKeyIDSecretRef", "secretAccessKeySecretRef"] {
            store["spec"]["provider"]["aws"]["auth"]["secretRef"][key]["namespace"] = json!(self.name());
        }
        store
    }

    /// The name of a namespace of the crowd.
    fn at(&self, suffix: &str) -> String {
        format!("{}-{suffix}", self.name())
    }

    /// Makes namespaces, each with the labels `crowd` and its own.
    fn namespaces(&self, suffixes: &[&str]) {
        let namespace = |suffix: &&str| {
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.at(suffix),
                "labels": {"crowd": self.name(), "of": suffix}}})
        };
        self.site().apply(&suffixes.iter().map(namespace).collect::<Vec<_>>());
    }

    /// A ClusterExternalSecret for all of the crowd, handed over; `more` goes into its spec.
    fn external(&self, more: &Json) -> Json {
        let mut spec = json!({
            "namespaceSelectors": [{"matchLabels": {"crowd": self.name()}}],
            "externalSecretName": "app",
            "externalSecretSpec": {
                "secretStoreRef": {"name": self.name(), "kind": "ClusterSecretStore"},
                "data": [{"secretKey": "a", "remoteRef": {"key": "app"}}]},
        });
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
            "metadata": {"name": self.name(), "annotations": {"keyhatch.dev/controller": "keyhatch"}},
            "spec": spec})
    }

    /// An object of a namespace.
    fn get(&self, kind: &str, suffix: &str) -> Option<Json> {
        self.site().get(&[kind, "app", "-n", &self.at(suffix)])
    }

    /// Waits until exactly these namespaces have the object, by the status and in truth; answers the object of all.
    #[track_caller]
    fn wait_provisioned(&self, kind: &str, child: &str, suffixes: &[&str]) -> Json {
        let expected: Vec<_> = suffixes.iter().map(|suffix| self.at(suffix)).collect();
        wait_until(PATIENCE, &format!("{expected:?} to have it"), || {
            let object = self.site().get(&[kind, self.name()]).ok_or("gone")?;
            let told = &object["status"]["provisionedNamespaces"];
            let told: Vec<String> = serde_json::from_value(told.clone()).unwrap_or_default();
            let list = self.site().get(&[child, "-A"]).ok_or("no list")?;
            let made = list["items"].as_array().unwrap().iter().filter(|one| {
                one["metadata"]["ownerReferences"][0]["name"] == self.name()
                    && one["metadata"].get("deletionTimestamp").is_none()
            });
            let mut made: Vec<_> =
                made.map(|one| one["metadata"]["namespace"].as_str().unwrap().to_owned()).collect();
            made.sort();
            if told == expected && made == expected {
                Ok(object)
            } else {
                Err(format!("{told:?} {made:?} {}", object["status"]))
            }
        })
    }

    /// Waits until a namespace has failed with these words; answers the object of all.
    #[track_caller]
    fn wait_failed(&self, kind: &str, suffix: &str, words: &str) -> Json {
        wait_until(PATIENCE, &format!("{suffix} to fail with {words}"), || {
            let object = self.site().get(&[kind, self.name()]).ok_or("gone")?;
            let failed = object["status"]["failedNamespaces"].as_array().cloned().unwrap_or_default();
            let is_so = |one: &Json| {
                one["namespace"] == self.at(suffix)
                    && one["reason"].as_str().unwrap_or_default().contains(words)
            };
            if failed.iter().any(is_so) { Ok(object) } else { Err(object["status"].to_string()) }
        })
    }

    /// Changes an object as somebody else.
    fn patch(&self, what: &[&str], patch: &Json) {
        let patch = patch.to_string();
        let args = [&["patch"], what, &["--type=merge", "-p", &patch]].concat();
        self.site().plane.kubectl(&args).success().unwrap();
    }
}

fn signal(looper: &Looper, name: &str) {
    let id = looper.process.id().to_string();
    assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
}
