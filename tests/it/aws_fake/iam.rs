//! Who may do what with which secret.

use serde_json::{Value, json};

use super::{aws, client, read};
use crate::aws_sdk::{code, message};
use crate::support::aws::account::{Account, allow_all};

const SECRETS: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:";

fn allow(actions: &[&str], resource: &str, condition: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": condition}
    ]})
}

fn reader(resource: &str, condition: &Value) -> Value {
    allow(&["secretsmanager:GetSecretValue"], resource, condition)
}

/// The code of reading `db`, tagged `team: red`, with these policies.
async fn with(policies: &[Value]) -> String {
    let (aws, account) = aws();
    account.tag("db", "team", "red");
    read(&client(&aws, &account.user("someone", policies)), "db").await
}

#[tokio::test]
async fn a_policy_is_judged_by_action_resource_and_condition() {
    let any = json!({});
    let tag = |operator: &str, value: &str| json!({operator: {"secretsmanager:ResourceTag/team": value}});
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "secretsmanager:Get*", "Resource": format!("{SECRETS}db-*")}});
    let cases = [
        ("nothing", vec![], "AccessDeniedException"),
        ("everything", vec![allow_all()], "none"),
        ("the secret", vec![reader(&format!("{SECRETS}db-??????"), &any)], "none"),
        ("another secret", vec![reader(&format!("{SECRETS}app-*"), &any)], "AccessDeniedException"),
        (
            "another account",
            vec![reader(&SECRETS.replace("1111", "4444").replace("secret:", "secret:*"), &any)],
            "AccessDeniedException",
        ),
        ("another action", vec![allow(&["secretsmanager:Describe*"], "*", &any)], "AccessDeniedException"),
        ("the action in another case", vec![allow(&["SecretsManager:getsecret*"], "*", &any)], "none"),
        ("a denial beside it", vec![allow_all(), deny], "AccessDeniedException"),
        ("its tag", vec![reader("*", &tag("StringEquals", "red"))], "none"),
        ("another tag", vec![reader("*", &tag("StringEquals", "blue"))], "AccessDeniedException"),
        ("a tag like that", vec![reader("*", &tag("StringLike", "r*"))], "none"),
        ("not that tag", vec![reader("*", &tag("StringNotEquals", "red"))], "AccessDeniedException"),
        ("a missing tag", vec![reader("*", &json!({"Null": {"aws:ResourceTag/owner": "true"}}))], "none"),
        (
            "the stage",
            vec![reader("*", &json!({"StringEquals": {"secretsmanager:VersionStage": "AWSCURRENT"}}))],
            "none",
        ),
        (
            "another stage",
            vec![reader("*", &json!({"StringEquals": {"secretsmanager:VersionStage": "AWSPREVIOUS"}}))],
            "AccessDeniedException",
        ),
        (
            "the region",
            vec![reader("*", &json!({"StringEquals": {"aws:RequestedRegion": ["eu-central-1"]}}))],
            "none",
        ),
    ];
    for (name, policies, expected) in cases {
        assert_eq!(with(&policies).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_refusal_names_caller_action_and_secret() {
    let (aws, account) = aws();
    let refused = client(&aws, &account.user("someone", &[])).get_secret_value().secret_id("db").send().await;
    let arn = account.look("db").unwrap().arn();
    assert_eq!(
        message(&refused),
        format!(
            "User: arn:aws:iam::111122223333:user/someone is not authorized to perform: secretsmanager:GetSecretValue on \
             resource: {arn} because no identity-based policy allows the secretsmanager:GetSecretValue action"
        )
    );
    assert_eq!(aws.calls().of("GetSecretValue").granted().count(), 0);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_not_told_to_whom_it_is_none_of_their_business() {
    let (aws, account) = aws();
    let dev = client(&aws, &account.user("dev", &[reader(&format!("{SECRETS}dev-*"), &json!({}))]));
    assert_eq!(read(&dev, "dev-missing").await, "ResourceNotFoundException");
    assert_eq!(read(&dev, "missing").await, "AccessDeniedException");
}

#[tokio::test]
async fn a_batch_is_judged_secret_by_secret() {
    let (aws, account) = aws();
    account.secret("dev-a", "one");
    let keys = account.user("dev", &dev_policy());
    let batch = client(&aws, &keys)
        .batch_get_secret_value()
        .set_secret_id_list(Some(["dev-a", "db", "dev-missing"].map(str::to_owned).to_vec()));
    let answer = batch.send().await.unwrap();
    assert_eq!(answer.secret_values().len(), 1);
    let errors: Vec<_> = answer
        .errors()
        .iter()
        .map(|error| (error.secret_id().unwrap(), error.error_code().unwrap()))
        .collect();
    assert_eq!(errors, [("db", "AccessDeniedException"), ("dev-missing", "ResourceNotFoundException")]);

    // Without the right to ask for batches there is no answer at all.
    let keys = account.user("single", &[reader("*", &json!({}))]);
    let refused = client(&aws, &keys).batch_get_secret_value().secret_id_list("dev-a").send().await;
    assert_eq!(code(&refused), "AccessDeniedException");
}

fn dev_policy() -> Vec<Value> {
    let read = ["GetResourcePolicy", "GetSecretValue", "DescribeSecret", "ListSecretVersionIds"];
    let read: Vec<String> = read.iter().map(|name| format!("secretsmanager:{name}")).collect();
    vec![json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:ListSecrets", "secretsmanager:BatchGetSecretValue"], "Resource": "*"},
        {"Effect": "Allow", "Action": read, "Resource": format!("{SECRETS}dev-*")},
    ]})]
}

#[tokio::test]
async fn tags_of_a_request_are_conditions_and_need_their_own_action() {
    let (aws, account) = aws();
    let managed = json!({"StringEquals": {"aws:RequestTag/managed-by": "external-secrets"}});
    let tag =
        aws_sdk_secretsmanager::types::Tag::builder().key("managed-by").value("external-secrets").build();
    let both = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"];
    for (actions, tagged, expected) in [
        (&both[..], true, "none"),
        (&both[..], false, "AccessDeniedException"),
        (&both[..1], true, "AccessDeniedException"),
    ] {
        let keys = account.user("pusher", &[allow(actions, "*", &managed)]);
        let call = client(&aws, &keys).create_secret().name(format!("new-{tagged}")).secret_string("x");
        let call = if tagged { call.tags(tag.clone()) } else { call };
        assert_eq!(code(&call.send().await), expected, "{actions:?} {tagged}");
    }
    // The restrictive policy: DeleteSecret only where the tag is.
    let mine = json!({"StringEquals": {"secretsmanager:ResourceTag/managed-by": "external-secrets"}});
    let keys = account.user("pusher", &[allow(&["secretsmanager:DeleteSecret"], "*", &mine)]);
    let delete = |name: &str| client(&aws, &keys).delete_secret().secret_id(name).send();
    assert_eq!(code(&delete("db").await), "AccessDeniedException");
    assert_eq!(code(&delete("new-true").await), "none");
}

#[tokio::test]
async fn another_account_needs_a_yes_of_both_sides() {
    let (aws, account) = aws();
    let other: Account = aws.account("444455556666");
    let arn = account.look("db").unwrap().arn();
    let read_as = |policies: &[Value]| {
        let client = client(&aws, &other.user("guest", policies));
        let arn = arn.clone();
        async move { read(&client, &arn).await }
    };
    let theirs = |principal: &str| {
        json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}})
            .to_string()
    };
    assert_eq!(read_as(&[allow_all()]).await, "AccessDeniedException");
    account.change_secret("db", |secret| secret.policy = Some(theirs("arn:aws:iam::444455556666:root")));
    assert_eq!(read_as(&[]).await, "AccessDeniedException");
    assert_eq!(read_as(&[allow_all()]).await, "none");
    account.change_secret("db", |secret| {
        secret.policy = Some(theirs("arn:aws:iam::444455556666:user/somebody"))
    });
    assert_eq!(read_as(&[allow_all()]).await, "AccessDeniedException");
    // In its own account a resource policy is enough.
    account.change_secret("db", |secret| secret.policy = Some(theirs("arn:aws:iam::111122223333:user/poor")));
    assert_eq!(read(&client(&aws, &account.user("poor", &[])), "db").await, "none");
}

#[tokio::test]
async fn one_name_in_two_accounts_is_two_secrets() {
    let (aws, account) = aws();
    let other = aws.account("444455556666");
    other.secret("db", "theirs");
    for (account, expected) in [(&account, r#"{"user": "admin"}"#), (&other, "theirs")] {
        let answer = client(&aws, &account.keys()).get_secret_value().secret_id("db").send().await.unwrap();
        assert_eq!(answer.secret_string(), Some(expected));
    }
}
