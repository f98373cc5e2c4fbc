//! Installing, upgrading, rolling back and uninstalling what manifests/ holds, on a control plane of its own.
//!
//! The pods run as processes under their own ServiceAccount, see [`crate::support::node`]; the one change to the
//! manifests is that the API server calls a URL, since there is no network in which a Service could have an address.

mod apart;
mod applies;
mod cert_manager;
mod page;
mod rendered;
mod rights;
mod upgrade;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::kubectl::wait_until;
use crate::support::manifests::{copy_with_url, write};
use crate::support::node::Node;

/// Long enough for a machine that has other things to do.
const SOON: Duration = Duration::from_secs(90);

/// A control plane, and a node that runs whatever is deployed in namespace keyhatch.
struct Site {
    node: Node, // dropped before the control plane that its pods talk to
    plane: Arc<ControlPlane>,
}

impl Site {
    /// Starts both; pods get these further flags.
    fn start(flags: &[&str]) -> Self {
        let plane = Arc::new(ControlPlane::start(&Options { audit: true, ..Options::default() }).unwrap());
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        let flags = [&["--tls-host=127.0.0.1", "--log-level=debug"], flags].concat();
        let node = Node::start(&plane, bin, "keyhatch", &flags);
        Self { node, plane }
    }

    /// A copy of manifests/ in the folder of this name, with which the API server calls our node.
    fn manifests(&self, name: &str) -> PathBuf {
        let folder = self.plane.root().join(name);
        let url = format!("https://{}", self.node.balancer.address);
        copy_with_url(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &folder, &url);
        folder
    }

    /// Applies a kustomization.
    #[track_caller]
    fn apply(&self, folder: &Path, how: &[&str]) {
        let args = [&["apply"], how, &["-k", folder.to_str().unwrap()]].concat();
        self.plane.kubectl(&args).success().unwrap();
    }

    /// Waits until every replica of the present revision is ready, and no other runs.
    #[track_caller]
    fn wait_rolled_out(&self) {
        let args = ["rollout", "status", "deployment/keyhatch", "-n", "keyhatch", "--timeout=90s"];
        let output = self.plane.kubectl(&args);
        assert!(output.is_success(), "{}\n{}", output.stderr, self.node.logs());
        wait_until(SOON, "old pods to be gone", || {
            if self.node.health().len() == 2 { Ok(()) } else { Err(format!("{:?}", self.node.health())) }
        });
    }

    /// `/readyz?verbose` of each running pod.
    fn states(&self) -> Result<Vec<http::Response>, String> {
        let health = self.node.health();
        health.values().map(|url| http::get(&format!("{url}/readyz?verbose"))).collect()
    }

    /// Waits until every running pod says this.
    #[track_caller]
    fn wait_said(&self, status: u16, line: &str) {
        wait_until(SOON, &format!("{status} with {line:?}"), || {
            let states = self.states()?;
            let says = |state: &http::Response| state.status == status && state.body.contains(line);
            if !states.is_empty() && states.iter().all(says) { Ok(()) } else { Err(format!("{states:?}")) }
        });
    }

    /// Waits until a store that is wrong is refused, or is not: the API server learns of a configuration, and of a
    /// replica, a moment later.
    #[track_caller]
    fn wait_judged(&self, is_refused: bool) {
        let store = "{apiVersion: external-secrets.io/v1, kind: SecretStore, metadata: {name: a, namespace: default}, \
                      spec: {provider: {aws: {service: SecretsManager, region: us-esat-1}}}}";
        wait_until(SOON, &format!("a wrong store to be refused: {is_refused}"), || {
            let output = self.plane.kubectl_in(store, &["apply", "--dry-run=server", "-f", "-"]);
            let is_as_it_should = if is_refused { output.is_denied() } else { output.is_success() };
            if is_as_it_should { Ok(()) } else { Err(output.stderr) }
        });
    }

    /// An object as JSON.
    #[track_caller]
    fn get(&self, args: &[&str]) -> Value {
        let args = [&["get", "-o", "json"], args].concat();
        serde_json::from_str(&self.plane.kubectl(&args).success().unwrap()).unwrap()
    }

    /// The names of the webhook configurations' entries, and whether each shows the CA of our Secret.
    #[track_caller]
    fn entries(&self) -> Vec<(String, bool)> {
        let secret = self.get(&["secret", "keyhatch-tls", "-n", "keyhatch"]);
        let configurations = self.get(&["validatingwebhookconfigurations,mutatingwebhookconfigurations"]);
        let all = configurations["items"].as_array().unwrap().iter();
        let entries = all.flat_map(|one| one["webhooks"].as_array().unwrap()).map(|entry| {
            let is_shown = entry["clientConfig"]["caBundle"] == secret["data"]["ca.crt"];
            (entry["name"].as_str().unwrap().to_owned(), is_shown)
        });
        entries.collect()
    }
}

/// Runs kustomize, as kubectl has it.
#[track_caller]
fn kustomize(folder: &Path) -> Vec<Value> {
    let bin = std::env::var_os("KEYHATCH_CLUSTER_BIN")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cluster"), PathBuf::from);
    let output =
        std::process::Command::new(bin.join("kubectl")).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_saphyr::from_multiple(&String::from_utf8(output.stdout).unwrap()).unwrap()
}

/// Writes a kustomization that a user would write.
fn overlay(folder: &Path, resources: &[&str], components: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": resources,
        "components": components,
    });
    write(&folder.join("kustomization.yaml"), &kustomization);
}
