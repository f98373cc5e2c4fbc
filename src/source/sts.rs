//! The calls to STS: a token or credentials and a role in, the role's credentials out; or credentials in, whether they are
//! accepted out.

use std::time::{Instant, SystemTime};

use aws_sdk_secretsmanager::config::Credentials;
use aws_sdk_sts::types::Tag;

use super::clients::Clients;
use super::error::{failure, malformed};
use super::plan::Role;
use crate::aws::failure::{Class, Failure};
use crate::secret_value::SecretValue;

/// What all exchanges of a session have in common.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) clients: &'a Clients,
    pub(super) region: &'a str,
    pub(super) session_name: &'a str,
}

/// Seconds for which sessions are asked; the least that STS gives. A role that no longer trusts us is of no use to
/// anybody after that.
const SESSION: i32 = 900;

/// AssumeRoleWithWebIdentity.
pub(super) async fn assume_with_token(
    exchange: &Exchange<'_>,
    role_arn: &str,
    token: &SecretValue,
) -> Result<Credentials, Failure> {
    const OPERATION: &str = "AssumeRoleWithWebIdentity";
    let started = Instant::now();
    let answer = exchange
        .clients
        .sts(None, exchange.region)
        .assume_role_with_web_identity()
        .role_arn(role_arn)
        .role_session_name(exchange.session_name)
        .web_identity_token(String::from_utf8_lossy(token.expose()))
        .duration_seconds(SESSION)
        .send()
        .await
        .map_err(|error| refused(failure(OPERATION, role_arn, &error)))
        .and_then(|answer| credentials(OPERATION, role_arn, answer.credentials));
    exchange.clients.calls.done(OPERATION, || role_arn.to_owned(), started, answer)
}

/// AssumeRole.
pub(super) async fn assume(
    exchange: &Exchange<'_>,
    role: &Role,
    with: Credentials,
) -> Result<Credentials, Failure> {
    const OPERATION: &str = "AssumeRole";
    let Role { arn, external_id, tags, transitive } = role;
    let started = Instant::now();
    let tags = tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok());
    let answer = exchange
        .clients
        .sts(Some(with), exchange.region)
        .assume_role()
        .role_arn(arn)
        .role_session_name(exchange.session_name)
        .duration_seconds(SESSION)
        .set_external_id(external_id.clone())
        .set_tags(Some(tags.collect::<Vec<_>>()).filter(|tags| !tags.is_empty()))
        .set_transitive_tag_keys(Some(transitive.clone()).filter(|keys| !keys.is_empty()))
        .send()
        .await
        .map_err(|error| refused(failure(OPERATION, arn, &error)))
        .and_then(|answer| credentials(OPERATION, arn, answer.credentials));
    exchange.clients.calls.done(OPERATION, || arn.clone(), started, answer)
}

/// GetCallerIdentity, which needs no permission: credentials are accepted, or not. `who` they are is told with a failure.
pub(super) async fn accept(
    exchange: &Exchange<'_>,
    who: &str,
    credentials: Credentials,
) -> Result<(), Failure> {
    const OPERATION: &str = "GetCallerIdentity";
    let started = Instant::now();
    let client = exchange.clients.sts(Some(credentials), exchange.region);
    let answer = client.get_caller_identity().send().await;
    let answer = answer.map(drop).map_err(|error| failure(OPERATION, who, &error));
    exchange.clients.calls.done(OPERATION, || who.to_owned(), started, answer)
}

/// Whatever STS says no to, it says no to the identity.
fn refused(failure: Failure) -> Failure {
    match failure.class {
        Class::Throttled | Class::Unavailable | Class::Malformed => failure,
        Class::NotFound
        | Class::MarkedForDeletion
        | Class::Denied
        | Class::IdentityRefused
        | Class::Exists
        | Class::LimitReached
        | Class::Invalid => Failure { class: Class::IdentityRefused, ..failure },
    }
}

fn credentials(
    operation: &'static str,
    role_arn: &str,
    answer: Option<aws_sdk_sts::types::Credentials>,
) -> Result<Credentials, Failure> {
    let answer =
        answer.ok_or_else(|| malformed(operation, role_arn, None, "an answer without credentials"))?;
    let expiry = SystemTime::try_from(answer.expiration)
        .map_err(|_| malformed(operation, role_arn, None, "credentials without a sensible Expiration"))?;
    Ok(Credentials::new(
        answer.access_key_id,
        answer.secret_access_key,
        Some(answer.session_token),
        Some(expiry),
        "keyhatch",
    ))
}
