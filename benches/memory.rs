//! `make bench`: what the server keeps in memory beside a large cluster, on a real API server.
//!
//! 2,000 SecretStores, ExternalSecrets and PushSecrets each, and 500 Secrets of 4 KiB, which are looked at with
//! `--cluster-checks`. Resident memory is read after the first list, after reviews, and after everything was changed.

#[path = "cluster.rs"]
mod cluster;
#[path = "memory_of.rs"]
mod memory_of;
#[path = "../tests/support.rs"]
mod support;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use kube::Client;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use cluster::{AT_ONCE, all, api, connect, create};
use support::control_plane::{ControlPlane, Options};
use support::http;
use support::kubectl::poll;
use support::webhook::Webhook;

const OBJECTS: usize = 2000;
const SECRETS: usize = 500;
const VALUE: usize = 4096;
/// More resident memory than this, in KiB, is too much.
const BAR: u64 = 25 * 1024;
const NAMESPACES: usize = 20;

fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match tokio::runtime::Runtime::new().map_err(|error| error.to_string()).and_then(|it| it.block_on(run()))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether the bar is met.
async fn run() -> Result<bool, String> {
    eprintln!("starting a control plane");
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() })?;
    let bin = Path::new(env!("CARGO_BIN_EXE_keyhatch"));
    let empty = Webhook::serve_with(bin, &plane, &["--cluster-checks"])?;
    empty.install(&plane, &[])?;
    println!("{:<44} {:>8} KiB", "nothing in the cluster", memory_of::kib("VmRSS:", empty.id())?);
    plane.kubectl(&["delete", "validatingwebhookconfiguration", "keyhatch"]).success()?;
    drop(empty);

    let client = connect(&plane).await?;
    for number in 0..NAMESPACES {
        plane.create_namespace(&format!("team-{number}"));
    }
    for (what, count, make) in [
        ("SecretStores", OBJECTS, store as fn(usize) -> Value),
        ("ExternalSecrets", OBJECTS, external),
        ("PushSecrets", OBJECTS, push),
        ("Secrets", SECRETS, secret),
    ] {
        let started = Instant::now();
        create(&client, count, make).await?;
        eprintln!("{count} {what} created in {:?}", started.elapsed());
    }

    let webhook = Webhook::serve_with(bin, &plane, &["--cluster-checks"])?;
    poll(Duration::from_secs(60), "all facts to be known", || {
        let state = http::get(&format!("{}/readyz?verbose", webhook.health))?.ok()?;
        if state.contains("[!]") || state.contains("[-]") { Err(state) } else { Ok(()) }
    })?;
    println!("{:<44} {:>8} KiB", "everything listed", memory_of::kib("VmRSS:", webhook.id())?);
    webhook.register(&plane)?;
    review(&client, 1000).await?;
    println!("{:<44} {:>8} KiB", "after 1000 reviews", memory_of::kib("VmRSS:", webhook.id())?);
    touch(&client).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let last = memory_of::kib("VmRSS:", webhook.id())?;
    println!("{:<44} {last:>8} KiB", "after a change of every object");
    println!("{:<44} {:>8} KiB", "at most", memory_of::kib("VmHWM:", webhook.id())?);
    println!("{:<44} {BAR:>8} KiB", "bar");
    Ok(last <= BAR)
}

/// Creations of objects that nobody stores.
async fn review(client: &Client, count: usize) -> Result<(), String> {
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let parameters = &parameters;
    let reviewed = stream::iter(0..count).map(|number| async move {
        let value = push(OBJECTS + number);
        let object: DynamicObject =
            serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        api(client, &value).create(parameters, &object).await.map_err(|error| error.to_string())
    });
    all(reviewed.buffer_unordered(AT_ONCE)).await
}

/// A label for every object: each is sent through the watches again.
async fn touch(client: &Client) -> Result<(), String> {
    let label = Patch::Merge(json!({"metadata": {"labels": {"touched": "yes"}}}));
    let label = &label;
    let makes =
        [(OBJECTS, store as fn(usize) -> Value), (OBJECTS, external), (OBJECTS, push), (SECRETS, secret)];
    let objects = makes.into_iter().flat_map(|(count, make)| (0..count).map(make));
    let touched = stream::iter(objects).map(|value| async move {
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let patched = api(client, &value).patch(&name, &PatchParams::default(), label).await;
        patched.map_err(|error| error.to_string())
    });
    all(touched.buffer_unordered(AT_ONCE)).await
}

fn metadata(number: usize) -> Value {
    json!({
        "name": format!("object-number-{number}"), "namespace": format!("team-{}", number % NAMESPACES),
        "labels": {"app.kubernetes.io/name": format!("app-{number}"), "team": format!("team-{}", number % NAMESPACES)},
        "annotations": {"example.com/description": "what a person would write here, in a sentence or two"},
    })
}

fn store(number: usize) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": metadata(number),
        "spec": {"provider": {"aws": {
            "service": "SecretsManager", "region": "eu-central-1", "prefix": format!("team-{number}/"),
            "role": format!("arn:aws:iam::123456789012:role/reader-{number}"),
            "auth": {"jwt": {"serviceAccountRef": {"name": "default"}}},
        }}},
    })
}

fn external(number: usize) -> Value {
    let entry = |key: usize| json!({"secretKey": format!("key-{key}"), "remoteRef": {"key": format!("service-{number}/database"), "property": format!("field-{key}")}});
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": metadata(number),
        "spec": {
            "secretStoreRef": {"name": format!("object-number-{number}")},
            "target": {"name": format!("external-{number}")},
            "data": (0..8).map(entry).collect::<Vec<_>>(),
        },
    })
}

fn push(number: usize) -> Value {
    let entry = |key: usize| json!({"match": {"secretKey": format!("key-{key}"), "remoteRef": {"remoteKey": format!("service-{number}/key-{key}")}}});
    json!({
        "apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret", "metadata": metadata(number),
        "spec": {
            "secretStoreRefs": [{"name": format!("object-number-{number}")}],
            "selector": {"secret": {"name": format!("object-number-{}", number % SECRETS)}},
            "data": (0..4).map(entry).collect::<Vec<_>>(),
        },
    })
}

fn secret(number: usize) -> Value {
    let value = "0123456789abcdef".repeat(VALUE / 16 / 4);
    let keys: serde_json::Map<String, Value> =
        (0..4).map(|key| (format!("key-{key}"), value.as_str().into())).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata(number), "stringData": keys})
}
