//! The loops between a real API server and moto, so that what is kept and pushed does not rest on our own fake alone.

use aws_sdk_secretsmanager::types::Tag;
use serde_json::json;

use super::{data, plane};
use crate::aws_sdk;
use crate::push::{PATIENCE, Team, entry, install_at};
use crate::support::aws::{Aws, DEFAULT_REGION};
use crate::support::kubectl::wait_until;
use crate::support::moto;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_kept_and_pushed_with_moto() {
    let (plane, aws, url) = (plane(), Aws::start(), moto::shared().url());
    let _looper = install_at(&plane, url, &["--lease-duration=2s"]).start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    let client = aws_sdk::secrets_manager(url, DEFAULT_REGION, &team.keys);
    let named = |name: &str| format!("{}/{name}", team.namespace);
    let owner = Tag::builder().key("team").value(&team.namespace).build();
    let app = named("app");
    let made = client.create_secret().name(&app).secret_string(r#"{"user": "old"}"#).tags(owner);
    made.send().await.unwrap();
    let document = r#"{"user": "u", "name": {"first": "Tom"}}"#;
    client.put_secret_value().secret_id(&app).secret_string(document).send().await.unwrap();

    let before = json!({"secretKey": "before",
        "remoteRef": {"key": app, "property": "user", "version": "AWSPREVIOUS"}});
    let tag = json!({"secretKey": "tag",
        "remoteRef": {"key": app, "metadataPolicy": "Fetch", "property": "team"}});
    let spec = json!({"refreshInterval": "2s", "data": [data("user", &app, "user"), data("first", &app, "name.first"), before, tag]});
    team.external("app", &spec);
    team.wait_secret("app", &json!({"user": "u", "first": "Tom", "before": "old", "tag": team.namespace}));
    let found = json!({"dataFrom": [{"find": {"tags": {"team": team.namespace}},
        "rewrite": [{"regexp": {"source": "^.*/", "target": "found-"}}]}]});
    team.external("found", &found);
    team.wait_secret("found", &json!({"found-app": document}));
    client
        .put_secret_value()
        .secret_id(&app)
        .secret_string(r#"{"user": "new", "name": {"first": "Eva"}}"#)
        .send()
        .await
        .unwrap();
    team.wait_secret("app", &json!({"user": "new", "first": "Eva", "before": "u", "tag": team.namespace}));

    team.source("app-to-push", &json!({"k": "pushed"}));
    let pushed = named("pushed");
    team.push(
        "out",
        &json!({"deletionPolicy": "Delete", "data": [entry("k", &pushed, "")],
        "selector": {"secret": {"name": "app-to-push"}}}),
    );
    team.wait_reason("out", "Synced");
    let read = client.get_secret_value().secret_id(&pushed).send().await.unwrap();
    assert_eq!(read.secret_binary().map(|bytes| bytes.as_ref()), Some(b"pushed".as_slice()), "{read:?}");
    team.delete("pushsecret", "out");
    wait_until(PATIENCE, "the PushSecret to go", || {
        team.get("pushsecret", "out").map_or(Ok(()), |it| Err(it.to_string()))
    });
    let gone = client.describe_secret().secret_id(&pushed).send().await;
    assert!(gone.is_err() || gone.is_ok_and(|it| it.deleted_date().is_some()));
}
