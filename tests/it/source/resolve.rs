//! `keyhatch resolve`, as a person runs it.

use std::process::{Command, Output};

use super::*;

fn command(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyhatch"));
    command.env_clear().env("KUBECONFIG", world.plane.kubeconfig()).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_SECRETSMANAGER_ENDPOINT", world.aws.url()).env("AWS_STS_ENDPOINT", world.aws.url());
    command.args(["resolve", "--namespace", &world.namespace]).args(args);
    command
}

fn output(command: &mut Command) -> (String, String, bool) {
    let Output { stdout, stderr, status } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.success())
}

/// What differs from run to run, left out.
fn told(world: &World, text: &str) -> String {
    let text = text.replace(&world.namespace, "NAMESPACE").replace(&world.aws.url(), "http://AWS");
    let words = regex::Regex::new(r"-\w{6}\n|[0-9a-f]{8}-[0-9a-f-]{27}|\d+ ms").unwrap();
    words
        .replace_all(&text, |found: &regex::Captures<'_>| match &found[0] {
            time if time.ends_with("ms") => "N ms",
            suffix if suffix.ends_with('\n') => "-SUFFIX\n",
            _ => "UUID",
        })
        .into_owned()
}

async fn world() -> World {
    let world = World::new().await;
    world.account.secret("dev/db", r#"{"user": "admin", "password": "hunter2"}"#);
    world.with_admin();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_everything_but_the_value() {
    let world = world().await;
    let (out, err, is_success) = output(&mut command(&world, &["aws::dev/db#password", "--explain"]));
    assert!(is_success && err.is_empty(), "{err}");
    insta::assert_snapshot!("resolve-explain", told(&world, &out));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_value_is_shown_only_when_asked_for_and_then_alone() {
    let world = world().await;
    let (out, err, is_success) =
        output(&mut command(&world, &["dev/db#password", "--store", "aws", "--show"]));
    assert!(is_success && !err.contains("hunter2"), "{err}");
    assert_eq!(out, "hunter2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_where_and_why() {
    let world = world().await;
    for (name, args) in [
        ("resolve-missing", &["aws::dev/gone", "--explain"][..]),
        ("resolve-property", &["aws::dev/db#passwd"]),
        ("resolve-store", &["other::dev/db"]),
        ("resolve-no-store", &["dev/db"]),
    ] {
        let (out, err, is_success) = output(&mut command(&world, args));
        assert!(!is_success && out.is_empty(), "{name}: {out}");
        assert!(!err.contains("hunter2"), "{name}: {err}");
        insta::assert_snapshot!(name, told(&world, &err));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_serve_instead_of_a_cluster() {
    let world = world().await;
    let folder = world.plane.root().join(&world.namespace);
    std::fs::create_dir(&folder).unwrap();
    let objects =
        [world.keys(&world.namespace, "mine", &world.account.keys()), world.store("mine", &by_keys("mine"))];
    let text = objects.map(|object| object.to_string()).join("\n---\n");
    std::fs::write(folder.join("store.yaml"), text).unwrap();
    let mut command = command(&world, &["mine::dev/db#user", "--show", "--file", folder.to_str().unwrap()]);
    let (out, err, is_success) = output(command.env_remove("KUBECONFIG"));
    assert!(is_success, "{err}");
    assert_eq!(out, "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_pod_it_does_not_use_the_pods_rights_by_accident() {
    let world = world().await;
    let mut command = command(&world, &["aws::dev/db"]);
    command.env_remove("KUBECONFIG");
    command.env("KUBERNETES_SERVICE_HOST", "127.0.0.1").env("KUBERNETES_SERVICE_PORT", "1");
    let (_, err, is_success) = output(&mut command);
    assert!(!is_success, "{err}");
    assert!(err.contains("--as-controller"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_credentials_uses_the_callers_if_that_is_allowed() {
    let world = world().await;
    world.apply(&[world.store("own", &json!({}))]);
    let keys = world.account.keys();
    let resolve = |args: &[&str]| {
        let mut command = command(&world, args);
        command.env_remove("AWS_SECRETSMANAGER_ENDPOINT").env("AWS_ENDPOINT_URL", world.aws.url());
        command.env("AWS_ACCESS_KEY_ID", &keys.id).env("AWS_SECRET_ACCESS_KEY", &keys.secret);
        output(&mut command)
    };
    let (out, err, is_success) = resolve(&["own::dev/db#user", "--show"]);
    assert!(is_success, "{err}");
    assert_eq!(out, "admin");
    let (_, err, is_success) = resolve(&["own::dev/db#user", "--ambient-credentials=cluster"]);
    assert!(!is_success && err.contains("--ambient-credentials=cluster keeps"), "{err}");
}
