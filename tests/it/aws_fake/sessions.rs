//! Roles that are assumed: trust, external ids, session tags and what is handed on.

use aws_sdk_sts::types::Tag;
use serde_json::{Value, json};

use super::{aws, client, read};
use crate::aws_sdk::{code, session, sts};
use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys, allow_all, trust};

fn trust_with(principal: &str, condition: &Value) -> Value {
    json!({"Statement": {
        "Effect": "Allow", "Principal": {"AWS": principal}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": condition,
    }})
}

/// Assumes a role with tags, all of them transitive when that is wished.
async fn assume(
    aws: &Aws,
    keys: &Keys,
    role: &str,
    tags: &[(&str, &str)],
    transitive: bool,
) -> Result<Keys, String> {
    let mut call = sts(&aws.url(), keys).assume_role().role_arn(role).role_session_name("keyhatch-a-b");
    for (key, value) in tags {
        call = call.tags(Tag::builder().key(*key).value(*value).build().unwrap());
        if transitive {
            call = call.transitive_tag_keys(*key);
        }
    }
    let answer = call.send().await;
    match &answer {
        Ok(output) => Ok(session(output.credentials())),
        Err(_) => Err(code(&answer).to_owned()),
    }
}

#[tokio::test]
async fn a_role_must_trust_whoever_assumes_it() {
    let (aws, account) = aws();
    let other = aws.account("444455556666");
    let may = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}});
    let arn = |account: &Account, user: &str| format!("arn:aws:iam::{}:user/{user}", account.id);
    let cases = [
        ("its account, and may", trust(&[&account.id]), account.user("u", std::slice::from_ref(&may)), true),
        ("its account, and may not", trust(&[&account.id]), account.user("v", &[]), false),
        ("the user itself, with no policy", trust(&[&arn(&account, "w")]), account.user("w", &[]), true),
        ("another user", trust(&[&arn(&account, "w")]), account.user("x", &[allow_all()]), false),
        ("a foreign user, who may", trust(&[&arn(&other, "y")]), other.user("y", &[may]), true),
        ("a foreign user, who may not", trust(&[&arn(&other, "z")]), other.user("z", &[]), false),
    ];
    for (name, trust, keys, expected) in cases {
        let role = account.role("team/reader", &trust, &[allow_all()]);
        assert_eq!(role, "arn:aws:iam::111122223333:role/team/reader");
        let assumed = assume(&aws, &keys, &role, &[], false).await;
        assert_eq!(assumed.is_ok(), expected, "{name}: {assumed:?}");
        if let Ok(session) = assumed {
            assert_eq!(read(&client(&aws, &session), "db").await, "none", "{name}");
        }
    }
}

#[tokio::test]
async fn a_revoked_trust_ends_new_sessions_and_a_removed_role_all() {
    let (aws, account) = aws();
    let keys = account.keys();
    let role = account.role("reader", &trust(&[&account.id]), &[allow_all()]);
    let before = assume(&aws, &keys, &role, &[], false).await.unwrap();
    account.set_trust("reader", &trust(&["arn:aws:iam::111122223333:user/nobody"]));
    assert_eq!(assume(&aws, &keys, &role, &[], false).await, Err("AccessDenied".to_owned()));
    assert_eq!(read(&client(&aws, &before), "db").await, "none");
    account.set_role_policies("reader", &[]);
    assert_eq!(read(&client(&aws, &before), "db").await, "AccessDeniedException");
    account.remove_role("reader");
    assert_eq!(read(&client(&aws, &before), "db").await, "UnrecognizedClientException");
}

#[tokio::test]
async fn an_external_id_is_a_condition_of_the_trust() {
    let (aws, account) = aws();
    let trust = trust_with(&account.id, &json!({"StringEquals": {"sts:ExternalId": "right"}}));
    let role = account.role("reader", &trust, &[allow_all()]);
    for (id, expected) in [(Some("right"), "none"), (Some("wrong"), "AccessDenied"), (None, "AccessDenied")] {
        let call = sts(&aws.url(), &account.keys()).assume_role().role_arn(&role).role_session_name("me");
        let result = call.set_external_id(id.map(str::to_owned)).send().await;
        assert_eq!(code(&result), expected, "{id:?}");
    }
}

#[tokio::test]
async fn session_tags_decide_what_a_session_may_read() {
    let (aws, account) = aws();
    account.tag("db", "team", "red");
    let own = json!({"Statement": {
        "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        "Condition": {"StringEquals": {"secretsmanager:ResourceTag/team": "${aws:PrincipalTag/team}"}},
    }});
    let role = account.role("reader", &trust(&[&account.id]), &[own]);
    let keys = account.keys();
    for (tags, expected) in [
        (&[("team", "red")][..], "none"),
        (&[("team", "blue")][..], "AccessDeniedException"),
        (&[][..], "AccessDeniedException"),
    ] {
        let session = assume(&aws, &keys, &role, tags, false).await.unwrap();
        assert_eq!(read(&client(&aws, &session), "db").await, expected, "{tags:?}");
    }
    // Tags need sts:TagSession in the trust.
    let untagged = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}});
    account.set_trust("reader", &untagged);
    assert_eq!(assume(&aws, &keys, &role, &[("team", "red")], false).await, Err("AccessDenied".to_owned()));
    assert!(assume(&aws, &keys, &role, &[], false).await.is_ok());
}

#[tokio::test]
async fn transitive_tags_go_along_a_chain_and_cannot_be_replaced() {
    let (aws, account) = aws();
    account.tag("db", "team", "red");
    let own = json!({"Statement": [
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*",
         "Condition": {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}},
    ]});
    let first = account.role("first", &trust(&[&account.id]), std::slice::from_ref(&own));
    let second = account.role("second", &trust(&[&first]), &[own]);
    let red = [("team", "red")];
    for (transitive, expected) in [(true, "none"), (false, "AccessDeniedException")] {
        let one = assume(&aws, &account.keys(), &first, &red, transitive).await.unwrap();
        let two = assume(&aws, &one, &second, &[], false).await.unwrap();
        assert_eq!(read(&client(&aws, &two), "db").await, expected, "transitive: {transitive}");
    }
    let one = assume(&aws, &account.keys(), &first, &red, true).await.unwrap();
    let replaced = assume(&aws, &one, &second, &[("team", "blue")], false).await;
    assert_eq!(replaced, Err("InvalidParameterValue".to_owned()));
    // A session of a session lasts an hour at most.
    account.set_max_session("second", 7200);
    let call =
        sts(&aws.url(), &one).assume_role().role_arn(&second).role_session_name("me").duration_seconds(7200);
    assert_eq!(code(&call.send().await), "ValidationError");
}

#[tokio::test]
async fn a_session_policy_only_takes_away() {
    let (aws, account) = aws();
    account.secret("other", "x");
    let role = account.role("reader", &trust(&[&account.id]), &[allow_all()]);
    let only = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "arn:aws:secretsmanager:*:*:secret:db-*"}});
    let call = sts(&aws.url(), &account.keys()).assume_role().role_arn(&role).role_session_name("me");
    let answer = call.policy(only.to_string()).send().await.unwrap();
    let client = client(&aws, &session(answer.credentials()));
    assert_eq!(read(&client, "db").await, "none");
    assert_eq!(read(&client, "other").await, "AccessDeniedException");
}
