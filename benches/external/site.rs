//! A cluster, an AWS at ten milliseconds, and the loop between them.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster;
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::looper::{Installation, Looper};

const NAMESPACE: &str = "team";
/// As long as anything may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(25);

pub(crate) struct Site {
    plane: ControlPlane,
    pub(crate) aws: Aws,
    pub(crate) client: Client,
}

/// An ExternalSecret of store `aws`.
pub(crate) fn object(number: usize, interval: &str, data: &[Value]) -> Value {
    json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": format!("app-{number}"), "namespace": NAMESPACE},
        "spec": {"secretStoreRef": {"name": "aws"}, "refreshInterval": interval, "data": data}})
}

/// Waits until a replica leads: the one before did not say goodbye.
pub(crate) async fn wait_leads(looper: &Looper) -> Result<(), String> {
    let began = Instant::now();
    while !looper.log().contains("\"leading\"") {
        if began.elapsed() > PATIENCE {
            return Err(format!("it never leads:\n{}", looper.log()));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

impl Site {
    /// With so many secrets, which a role reads.
    pub(crate) async fn start(secrets: usize) -> Result<Self, String> {
        let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() })?;
        let crds = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/crds");
        let crds = crds.to_str().expect("a path");
        plane.kubectl(&["apply", "--server-side", "-k", crds]).success()?;
        plane.kubectl(&["wait", "--for=condition=Established", "crd", "--all"]).success()?;
        plane.create_namespace(NAMESPACE);
        let aws = Aws::start();
        let account = aws.account("700000000001");
        for number in 0..secrets {
            account.secret(&format!("secret-{number}"), r#"{"user": "app", "password": "0123456789abcdef"}"#);
        }
        let keys = account.keys();
        let trust = crate::support::aws::account::trust(&["arn:aws:iam::700000000001:root"]);
        let role = account.role("reader", &trust, &[crate::support::aws::account::allow_all()]);
        for operation in [Operation::BatchGetSecretValue, Operation::GetSecretValue, Operation::AssumeRole] {
            aws.fault(operation, Fault::Latency(Duration::from_millis(10)));
        }
        let selector = |key: &str| json!({"name": "aws", "key": key});
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws", "namespace": NAMESPACE},
                "stringData": {"id": keys.id, "secret": keys.secret}},
            {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
                "metadata": {"name": "aws", "namespace": NAMESPACE},
                "spec": {"controller": "keyhatch", "provider": {"aws": {"service": "SecretsManager",
                    "region": "eu-central-1", "role": role, "auth": {"secretRef": {
                        "accessKeyIDSecretRef": selector("id"), "secretAccessKeySecretRef": selector("secret")}}}}}}]});
        plane.kubectl_in(&objects.to_string(), &["apply", "-f", "-"]).success()?;
        let client = cluster::connect(&plane).await?;
        Ok(Self { plane, aws, client })
    }

    /// A replica that leads.
    pub(crate) fn looper(&self) -> Result<Looper, String> {
        let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
        Installation::new(bin, &self.plane, &self.aws.url(), &[])?.start()
    }

    /// Calls for values, calls for credentials, and how often one secret was fetched at most.
    pub(crate) fn calls(&self) -> (f64, f64, f64) {
        let calls = self.aws.calls();
        let mut each: HashMap<&str, usize> = HashMap::new();
        let values = [Operation::BatchGetSecretValue, Operation::GetSecretValue];
        let values = calls.0.iter().filter(|call| values.contains(&call.operation));
        for target in values.flat_map(|call| call.target.split(',')) {
            *each.entry(target).or_default() += 1;
        }
        let of = |operation| calls.of(operation).count() as f64;
        let read = of("BatchGetSecretValue") + of("GetSecretValue");
        (read, of("AssumeRole"), each.values().copied().max().unwrap_or_default() as f64)
    }

    /// Waits until so many are ready; with times, until each was refreshed since.
    pub(crate) async fn wait_synced(
        &self,
        count: usize,
        since: Option<&HashMap<String, String>>,
    ) -> Result<(), String> {
        let (began, mut told) = (Instant::now(), Instant::now());
        loop {
            let now = self.refreshed().await?;
            let is_new =
                |(name, time): &(&String, &String)| since.is_none_or(|since| since.get(*name) != Some(time));
            let synced = now.iter().filter(is_new).count();
            if synced >= count {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("{synced} of {count} are ready"));
            }
            if told.elapsed() > Duration::from_secs(10) {
                eprintln!("{synced} of {count} are ready");
                told = Instant::now();
            }
            // Looking must not cost what is measured.
            sleep(LOOK * u32::try_from(1 + count / 200).unwrap_or(1)).await;
        }
    }

    /// When each ready one was refreshed.
    pub(crate) async fn refreshed(&self) -> Result<HashMap<String, String>, String> {
        let listed =
            self.api("external-secrets.io", "v1", "ExternalSecret").list(&ListParams::default()).await;
        let items = listed.map_err(|error| error.to_string())?.items.into_iter();
        let ready = items.filter(|object| object.data["status"]["conditions"][0]["status"] == "True");
        Ok(ready
            .map(|object| {
                let time = object.data["status"]["refreshTime"].as_str().unwrap_or_default().to_owned();
                (object.metadata.name.unwrap_or_default(), time)
            })
            .collect())
    }

    /// Versions of all Secrets.
    pub(crate) async fn versions(&self) -> Result<BTreeSet<String>, String> {
        let listed = self.api("", "v1", "Secret").list_metadata(&ListParams::default()).await;
        let items = listed.map_err(|error| error.to_string())?.items.into_iter();
        Ok(items.filter_map(|object| object.metadata.resource_version).collect())
    }

    /// Edits a Secret by hand, and answers after how long it was repaired.
    pub(crate) async fn edit(&self, number: usize) -> Result<Duration, String> {
        let (api, name) = (self.api("", "v1", "Secret"), format!("app-{number}"));
        let good = api.get(&name).await.map_err(|error| error.to_string())?.data["data"].clone();
        let bad = Patch::Merge(json!({"data": {"k0": "YmFk"}}));
        api.patch(&name, &PatchParams::default(), &bad).await.map_err(|error| error.to_string())?;
        let began = Instant::now();
        while api.get(&name).await.map_err(|error| error.to_string())?.data["data"] != good {
            if began.elapsed() > PATIENCE {
                return Err(format!("{name} is not repaired"));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(began.elapsed())
    }

    fn api(&self, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        Api::namespaced_with(self.client.clone(), NAMESPACE, &resource)
    }
}
