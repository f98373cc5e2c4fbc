//! ExternalSecrets that are kept as Secrets: the real server with the manifests' rights, a real API server and its
//! controllers, the fake AWS.

mod bad_input;
mod basics;
mod endings;
mod namespaces;
mod on_moto;
mod outages;
mod policies;
mod recorded;
mod told;
mod troubles;

use serde_json::{Value as Json, json};

use crate::command::install_crds;
use crate::push::{PATIENCE, Team};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;

/// A cluster of a test's own, whose controllers delete what has no owner.
fn plane() -> ControlPlane {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    install_crds(&plane);
    plane
}

/// A value of the account's secret.
pub(crate) fn data(key: &str, remote: &str, property: &str) -> Json {
    json!({"secretKey": key, "remoteRef": {"key": remote, "property": property}})
}

impl Team<'_> {
    /// An ExternalSecret of store `aws`; `more` goes into its spec.
    pub(crate) fn external(&self, name: &str, more: &Json) {
        self.apply(&[self.external_object(name, more)]);
    }

    fn external_object(&self, name: &str, more: &Json) -> Json {
        let mut spec = json!({"secretStoreRef": {"name": "aws"}});
        for (key, value) in more.as_object().unwrap() {
            spec[key] = value.clone();
        }
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"team": "a"}, "annotations": {"note": "n"}},
            "spec": spec})
    }

    /// All objects of a kind.
    pub(crate) fn all(&self, kind: &str) -> Vec<Json> {
        let listed =
            self.plane.kubectl(&["get", kind, "-n", &self.namespace, "-o", "json"]).success().unwrap();
        serde_json::from_str::<Json>(&listed).unwrap()["items"].as_array().unwrap().clone()
    }

    /// An object with its managedFields.
    fn whole(&self, kind: &str, name: &str) -> Json {
        let args = ["get", kind, name, "-n", &self.namespace, "-o", "json", "--show-managed-fields"];
        serde_json::from_str(&self.plane.kubectl(&args).success().unwrap()).unwrap()
    }

    pub(crate) fn patch(&self, kind: &str, name: &str, patch: &Json) {
        self.patch_of(kind, name, patch, &[]);
    }

    /// Asks for a refresh before its time.
    fn force(&self, name: &str, round: &str) {
        let asked = json!({"metadata": {"annotations": {"external-secrets.io/force-sync": round}}});
        self.patch("externalsecret", name, &asked);
    }

    fn patch_status(&self, kind: &str, name: &str, status: &Json) {
        self.patch_of(kind, name, &json!({"status": status}), &["--subresource=status"]);
    }

    fn patch_of(&self, kind: &str, name: &str, patch: &Json, more: &[&str]) {
        let patch = patch.to_string();
        let args = ["patch", kind, name, "-n", &self.namespace, "--type=merge", "-p", &patch];
        self.plane.kubectl(&[&args, more].concat()).success().unwrap();
    }

    /// Creates an object with an update's field manager.
    fn create_as(&self, manager: &str, object: &Json) {
        let manager = format!("--field-manager={manager}");
        self.plane.kubectl_in(&object.to_string(), &["create", "-f", "-", &manager]).success().unwrap();
    }

    /// Waits until its condition Ready has this reason and these words; answers the object.
    #[track_caller]
    pub(crate) fn wait_kept(&self, name: &str, reason: &str, words: &str) -> Json {
        wait_until(PATIENCE, &format!("{name}: {reason} {words}"), || {
            let object = self.get("externalsecret", name).ok_or("gone")?;
            let ready = &object["status"]["conditions"][0];
            let synced = object["status"]["syncedResourceVersion"].as_str().unwrap_or_default();
            let generation = object["metadata"]["generation"].to_string();
            let is_current = synced.split('-').next() == Some(&generation);
            let is_so =
                ready["reason"] == reason && ready["message"].as_str().unwrap_or_default().contains(words);
            match is_so && (is_current || reason == "SecretSyncedError") {
                true => Ok(object),
                false => Err(object["status"].to_string()),
            }
        })
    }

    /// Waits until a Secret has exactly these keys and values.
    #[track_caller]
    pub(crate) fn wait_secret(&self, name: &str, expected: &Json) -> Json {
        wait_until(PATIENCE, &format!("Secret {name} to be {expected}"), || {
            let secret = self.get("secret", name).ok_or("there is none")?;
            let found = plain(&secret);
            if found == *expected { Ok(secret) } else { Err(found.to_string()) }
        })
    }
}

/// The data of a Secret, as text.
fn plain(secret: &Json) -> Json {
    use base64::Engine;
    let decode = |value: &Json| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap_or_default());
        String::from_utf8_lossy(&bytes.unwrap()).into_owned()
    };
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    data.iter()
        .map(|(key, value)| (key.clone(), Json::from(decode(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
