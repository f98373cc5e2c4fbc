//! Stores that tell the truth: the real server with the manifests' rights, a real API server, the fake AWS.

mod broken;
mod outages;
mod whose;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::command::install_crds;
use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::looper::{Installation, Looper};
use crate::support::process::next_number;

/// Longer than anything takes on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What most tests share: a cluster with garbage collection, the AWS and the loops between them.
pub(crate) struct Site {
    pub(crate) plane: ControlPlane,
    pub(crate) aws: Aws,
}

pub(crate) fn site() -> &'static Site {
    static SITE: OnceLock<Site> = OnceLock::new();
    SITE.get_or_init(Site::new)
}

/// The loops of [`site`].
pub(crate) fn looper() -> &'static Looper {
    static LOOPER: OnceLock<Looper> = OnceLock::new();
    LOOPER.get_or_init(|| site().install(&[]).start().unwrap())
}

impl Site {
    /// Nothing runs there yet.
    pub(crate) fn new() -> Self {
        Self::with(&Options::default())
    }

    pub(crate) fn with(options: &Options) -> Self {
        let plane = ControlPlane::start(options).unwrap();
        install_crds(&plane);
        Self { plane, aws: Aws::start() }
    }

    pub(crate) fn install(&self, flags: &[&str]) -> Installation<'_> {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        Installation::new(bin, &self.plane, &self.aws.url(), flags).unwrap()
    }

    pub(crate) fn apply(&self, objects: &[Json]) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
        let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.plane.kubectl_in(&list.to_string(), &args).success().unwrap();
    }

    pub(crate) fn get(&self, what: &[&str]) -> Option<Json> {
        let output = self.plane.kubectl(&[&["get"], what, &["-o", "json"]].concat());
        output.is_success().then(|| serde_json::from_str(&output.stdout).unwrap())
    }

    pub(crate) fn delete(&self, what: &[&str]) {
        self.plane.kubectl(&[&["delete"], what, &["--wait=false"]].concat()).success().unwrap();
    }
}

/// A namespace with an account of its own, whose keys are in its Secret `aws`.
pub(crate) struct Team<'a> {
    pub(crate) site: &'a Site,
    pub(crate) namespace: String,
    pub(crate) account: Account,
}

impl Team<'static> {
    pub(crate) fn new() -> Self {
        looper();
        Self::at(site())
    }
}

impl<'a> Team<'a> {
    pub(crate) fn at(site: &'a Site) -> Self {
        let namespace = site.plane.namespace("team");
        let account = site.aws.account(&format!("{:012}", 800_000 + next_number()));
        let team = Self { site, namespace, account };
        team.set_keys("aws", &team.account.keys());
        team
    }

    pub(crate) fn set_keys(&self, secret: &str, keys: &Keys) {
        self.site.apply(&[json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": secret, "namespace": self.namespace},
            "stringData": {"id": keys.id, "secret": keys.secret}})]);
    }

    /// Where the account's keys are.
    pub(crate) fn auth(&self, secret: &str) -> Json {
        let selector = |key: &str| json!({"name": secret, "key": key});
        json!({"secretRef": {"accessKeyIDSecretRef": selector("id"), "secretAccessKeySecretRef": selector("secret")}})
    }

    /// A store of ours with the keys of a Secret; `more` goes into `aws`.
    pub(crate) fn store(&self, name: &str, secret: &str, more: &Json) -> Json {
        let mut provider =
            json!({"service": "SecretsManager", "region": "eu-central-1", "auth": self.auth(secret)});
        for (key, value) in more.as_object().unwrap() {
            provider[key] = value.clone();
        }
        json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"controller": "keyhatch", "refreshInterval": 1, "provider": {"aws": provider}}})
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Json> {
        self.site.get(&[kind, name, "-n", &self.namespace])
    }

    /// Waits until a store's condition Ready is so, and has these words; answers the store.
    #[track_caller]
    pub(crate) fn wait_store(&self, name: &str, reason: &str, words: &str) -> Json {
        wait_ready(self.site, &["secretstore", name, "-n", &self.namespace], reason, words)
    }
}

/// Waits until an object's condition Ready has this reason, and these words; answers the object.
#[track_caller]
pub(crate) fn wait_ready(site: &Site, what: &[&str], reason: &str, words: &str) -> Json {
    wait_until(PATIENCE, &format!("{what:?}: {reason} {words}"), || {
        let object = site.get(what).ok_or("gone")?;
        let ready = ready(&object);
        let is_so =
            ready["reason"] == reason && ready["message"].as_str().unwrap_or_default().contains(words);
        if is_so { Ok(object) } else { Err(object["status"].to_string()) }
    })
}

/// The condition Ready.
pub(crate) fn ready(object: &Json) -> Json {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
    ready.cloned().unwrap_or_default()
}
