//! Who may speak at all.

use std::time::Duration;

use super::{aws, client, read};
use crate::aws_sdk::{code, session, sts};
use crate::support::aws::account::{Keys, allow_all, trust};

#[tokio::test]
async fn a_right_signature_is_served_and_counted() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let answer = client.get_secret_value().secret_id("db").send().await.unwrap();
    assert_eq!(answer.secret_string(), Some(r#"{"user": "admin"}"#));
    let calls = aws.calls();
    assert_eq!(calls.of("GetSecretValue").about("db").by("user/admin").granted().count(), 1);
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_known_key_with_a_wrong_secret_is_refused() {
    let (aws, account) = aws();
    let keys = Keys { secret: "w".repeat(40), ..account.keys() };
    assert_eq!(read(&client(&aws, &keys), "db").await, "InvalidSignatureException");
    let refused = sts(&aws.url(), &keys).get_caller_identity().send().await;
    assert_eq!(code(&refused), "SignatureDoesNotMatch");
    assert_eq!(aws.calls().by("admin").count(), 0, "a caller who is not known has no name");
}

#[tokio::test]
async fn an_unknown_or_revoked_key_is_refused() {
    let (aws, account) = aws();
    let keys = account.keys();
    let unknown = Keys { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), ..keys.clone() };
    assert_eq!(read(&client(&aws, &unknown), "db").await, "UnrecognizedClientException");
    let refused = sts(&aws.url(), &unknown).get_caller_identity().send().await;
    assert_eq!(code(&refused), "InvalidClientTokenId");
    account.revoke(&keys);
    assert_eq!(read(&client(&aws, &keys), "db").await, "UnrecognizedClientException");
}

#[tokio::test]
async fn a_session_needs_its_own_token_and_ends() {
    let (aws, account) = aws();
    let keys = account.keys();
    let role = account.role("reader", &trust(&[&account.id]), &[allow_all()]);
    let assumed = sts(&aws.url(), &keys).assume_role().role_arn(&role).role_session_name("me").send().await;
    let session = session(assumed.unwrap().credentials());
    assert_eq!(read(&client(&aws, &session), "db").await, "none");
    let without = Keys { session_token: None, ..session.clone() };
    assert_eq!(read(&client(&aws, &without), "db").await, "UnrecognizedClientException");
    let other = Keys { session_token: Some("t".repeat(160)), ..session.clone() };
    assert_eq!(read(&client(&aws, &other), "db").await, "UnrecognizedClientException");
    aws.advance(Duration::from_secs(3601));
    assert_eq!(read(&client(&aws, &session), "db").await, "ExpiredTokenException");
}
