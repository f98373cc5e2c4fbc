//! What a pod gets, and what is told about it.

use super::*;

#[test]
fn a_pod_gets_its_files_and_variables_and_whom_to_trust() {
    let team = Team::new();
    team.account.secret("db", r#"{"user": "admin", "password": "hunter2"}"#);
    team.account.secret("tls", "-----KEY-----");
    team.account.tag("tls", "owner", "team-a");
    let request = json!({
        "files": {"db.json": {"from": "aws::db"}, "tls/key": {"from": "aws::tls", "permissions": "0444"},
            "owner": {"from": "aws::tls?metadata=tags#owner"}},
        "env": {"app": {"PASSWORD": "aws::db#password"}}, "permissions": "0400"});
    let token = team.pod("app-1", &request);
    let response = team.ask(&token);
    assert_eq!(response.header("content-type"), Some("application/json"));
    let answer = answer(response);
    let files: Vec<_> =
        answer.files.iter().map(|(name, content)| (name.as_str(), text(content.expose()))).collect();
    assert_eq!(
        files,
        [
            ("db.json", r#"{"user": "admin", "password": "hunter2"}"#.to_owned()),
            ("owner", "team-a".into()),
            ("tls/key", "-----KEY-----".into())
        ]
    );
    assert_eq!(text(answer.env["app"]["PASSWORD"].expose()), "hunter2");
    let ca = std::fs::read_to_string(&team.site.broker.certificates.ca_file).unwrap();
    assert_eq!(answer.roots, ca);
}

#[test]
fn nothing_is_sent_again_until_a_version_changes() {
    let team = Team::new();
    team.account.secret("db", "old");
    let mut request = db();
    request["refresh"] = 10.into();
    let token = team.pod("app-1", &request);
    let first = team.ask(&token);
    let tag = first.header("etag").unwrap().to_owned();
    let again = team.site.broker.ask(&token, Some(&tag));
    assert_eq!((again.status, again.header("etag"), again.body.as_str()), (304, Some(tag.as_str()), ""));
    team.account.secret("db", "new");
    // No answer is older than the refresh.
    let changed = wait_until(Duration::from_secs(90), "the new version", || {
        let response = team.site.broker.ask(&token, Some(&tag));
        if response.status == 200 { Ok(response) } else { Err(response.status.to_string()) }
    });
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    assert_eq!(text(answer(changed).files["db"].expose()), "new");
}

#[test]
fn each_secret_that_was_given_is_told_once_with_version_and_identity() {
    let team = Team::new();
    let arn = team.account.secret("db", r#"{"a": "1", "b": "2"}"#);
    let request =
        json!({"files": {"a": {"from": "aws::db#a"}, "b": {"from": "aws::db#b"}}, "permissions": "0400"});
    let token = team.pod("app-1", &request);
    team.files(&token);
    let is_ours =
        |line: &&Json| line["target"] == "keyhatch::audit" && line["namespace"] == team.namespace.as_str();
    let lines: Vec<Json> = wait_until(PATIENCE, "an audit line", || {
        let log = team.site.broker.log();
        let lines: Vec<Json> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let ours: Vec<Json> = lines.iter().filter(is_ours).cloned().collect();
        if ours.is_empty() { Err(log) } else { Ok(ours) }
    });
    let line = &lines[0];
    assert_eq!(lines.len(), 1, "{lines:?}");
    for (field, value) in [
        ("pod", "app-1"),
        ("service_account", "app"),
        ("store", &format!("SecretStore {}/aws", team.namespace)),
        ("identity", &format!("access keys of Secret {}/aws", team.namespace)),
        ("arn", &arn),
        ("served", "miss"),
        ("decision", "delivered"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(
        line["uid"].as_str().unwrap().len() == 36 && line["version_id"].as_str().unwrap().len() >= 32,
        "{line}"
    );
}

#[test]
fn what_is_missing_may_be_left_out_and_what_is_denied_may_not() {
    let team = Team::new();
    team.account.secret("db", r#"{"a": "1"}"#);
    let request = |on_missing: &str, from: &str| {
        json!({"files": {"db": {"from": "aws::db"}, "x": {"from": from}}, "permissions": "0400",
            "onMissing": on_missing})
    };
    for (number, from, reason) in [(1, "aws::gone", "SecretNotFound"), (2, "aws::db#gone", "PropertyMissing")]
    {
        let token = team.pod(&format!("fail-{number}"), &request("fail", from));
        assert_eq!(refused(&team.ask(&token)), (404, reason.to_owned()));
        let token = team.pod(&format!("skip-{number}"), &request("skip", from));
        assert_eq!(team.files(&token), [("db".to_owned(), r#"{"a": "1"}"#.to_owned())]);
    }
    let deny = json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "*", "Resource": "arn:*:secret:hidden-*"}]});
    team.account.secret("hidden", "x");
    let keys = team.account.user("reader", &[deny]);
    team.apply(&[json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "aws", "namespace": team.namespace},
        "stringData": {"id": keys.id, "secret": keys.secret}})]);
    let token = team.pod("denied", &request("skip", "aws::hidden"));
    let told = team.wait_refused(&token, "AwsDenied", PATIENCE);
    assert!(told.denied && told.message.starts_with("aws::hidden: "), "{told:?}");
}

#[test]
fn what_does_not_fit_into_the_volume_is_not_sent() {
    let team = Team::new();
    team.account.secret("db", &"x".repeat(2000));
    let request: Request = serde_json::from_value(db()).unwrap();
    let mut small = pod(&team.namespace, "small", "app", &request);
    small["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1Ki".into();
    team.apply(&[small]);
    let token = pod_token(team.site.plane, &team.namespace, "app", "small");
    assert_eq!(refused(&team.ask(&token)), (409, "TooLarge".to_owned()));
}

#[test]
fn a_pod_that_asks_too_often_is_told_so_and_nobody_else_is() {
    let team = Team::new();
    team.account.secret("db", "hunter2");
    let (greedy, other) = (team.pod("greedy", &db()), team.pod("other", &db()));
    let statuses: Vec<u16> = (0..40).map(|_| team.ask(&greedy).status).collect();
    assert!(statuses.contains(&429) && statuses[0] == 200, "{statuses:?}");
    assert_eq!(team.ask(&other).status, 200);
}
