//! ExternalSecrets that pods ask for whole: no Secret is made for them.

use super::*;

fn external(team: &Team<'_>, name: &str, spec: &Json) -> Json {
    let mut whole = json!({"secretStoreRef": {"name": "aws"}, "target": {"creationPolicy": "None"}});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": team.namespace}, "spec": whole})
}

#[test]
fn every_key_of_an_external_secret_is_a_file_or_a_variable() {
    let team = Team::new();
    team.account.secret("dev/db", r#"{"user": "admin", "password": "hunter2"}"#);
    team.account.secret("dev/api", &encoded("token"));
    team.account.secret("other", "x");
    team.apply(&[
        external(
            &team,
            "db",
            &json!({"dataFrom": [{"extract": {"key": "dev/db"},
                "rewrite": [{"regexp": {"source": "^", "target": "DB_"}}]}],
                "data": [{"secretKey": "API", "remoteRef": {"key": "dev/api", "decodingStrategy": "Base64"}}]}),
        ),
        external(&team, "all", &json!({"dataFrom": [{"find": {"name": {"regexp": "^dev/"}}}]})),
    ]);
    let token = team.pod(
        "app-1",
        &json!({"externalSecrets": ["all"], "externalSecretEnv": [{"name": "db", "containers": ["app"]}],
            "permissions": "0400"}),
    );
    let answer = answer(team.ask(&token));
    let files: Vec<_> = answer.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["dev_api", "dev_db"]);
    let env: Vec<_> =
        answer.env["app"].iter().map(|(name, content)| (name.as_str(), text(content.expose()))).collect();
    assert_eq!(
        env,
        [("API", "token".to_owned()), ("DB_password", "hunter2".into()), ("DB_user", "admin".into())]
    );
    let secrets = team.site.plane.kubectl(&["get", "secrets", "-n", &team.namespace, "-o", "name"]);
    assert_eq!(secrets.success().unwrap(), "secret/aws\n");
}

#[test]
fn what_an_external_secret_needs_beyond_secrets_is_refused_by_name() {
    let team = Team::new();
    team.account.secret("db", "hunter2");
    let data = json!([{"secretKey": "a", "remoteRef": {"key": "db"}}]);
    team.apply(&[
        external(&team, "templated", &json!({"data": data, "target": {"template": {"data": {"a": "x"}}}})),
        external(&team, "elsewhere", &json!({"data": data, "secretStoreRef": {"name": "other"}})),
    ]);
    for (name, status, reason) in [
        ("templated", 409, "ExternalSecretUnsupported"),
        ("gone", 404, "ExternalSecretNotFound"),
        ("elsewhere", 404, "StoreNotFound"),
    ] {
        let token = team.pod(name, &json!({"externalSecrets": [name], "permissions": "0400"}));
        assert_eq!(refused(&team.ask(&token)), (status, reason.to_owned()), "{name}");
    }
}

#[test]
fn a_changed_external_secret_counts_within_seconds() {
    let team = Team::new();
    team.account.secret("db", r#"{"a": "1", "b": "2"}"#);
    let of =
        |key: &str| external(&team, "db", &json!({"data": [{"secretKey": key, "remoteRef": {"key": "db"}}]}));
    team.apply(&[of("first")]);
    let token = team.pod("app-1", &json!({"externalSecrets": ["db"], "permissions": "0400"}));
    let first = team.ask(&token);
    let tag = first.header("etag").unwrap().to_owned();
    team.apply(&[of("second")]);
    let changed = wait_until(Duration::from_secs(90), "the other key", || {
        let response = team.site.broker.ask(&token, Some(&tag));
        if response.status == 200 { Ok(response) } else { Err(response.status.to_string()) }
    });
    assert!(answer(changed).files.contains_key("second"));
}
