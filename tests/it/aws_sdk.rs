//! The AWS SDK's own clients, pointed at an AWS on this machine, and what they say in a short form.

use std::fmt::Debug;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};

use crate::support::aws::account::Keys;

/// A client of Secrets Manager that tries once.
pub(crate) fn secrets_manager(url: &str, region: &str, keys: &Keys) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials(keys))
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_secretsmanager::Client::from_conf(config)
}

/// A client of STS that tries once.
pub(crate) fn sts(url: &str, keys: &Keys) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("eu-central-1"))
        .credentials_provider(credentials(keys))
        .retry_config(RetryConfig::disabled())
        .build();
    aws_sdk_sts::Client::from_conf(config)
}

/// The keys of a session.
pub(crate) fn session(credentials: Option<&aws_sdk_sts::types::Credentials>) -> Keys {
    let credentials = credentials.expect("credentials in the answer");
    Keys {
        id: credentials.access_key_id.clone(),
        secret: credentials.secret_access_key.clone(),
        session_token: Some(credentials.session_token.clone()),
    }
}

fn credentials(keys: &Keys) -> Credentials {
    let Keys { id, secret, session_token } = keys;
    Credentials::new(id, secret, session_token.clone(), None, "test")
}

/// The code that a call was refused with.
pub(crate) fn code<T, E, R>(result: &Result<T, SdkError<E, R>>) -> &str
where
    E: ProvideErrorMetadata + Debug,
    R: Debug,
{
    match result {
        Ok(_) => "none",
        Err(SdkError::ServiceError(error)) => error.err().code().unwrap_or("an error without a code"),
        Err(SdkError::TimeoutError(_)) => "timeout",
        Err(SdkError::DispatchFailure(_)) => "connection",
        Err(SdkError::ResponseError(_)) => "unreadable",
        Err(_) => "not sent",
    }
}

/// What AWS said about a refusal.
pub(crate) fn message<T, E, R>(result: &Result<T, SdkError<E, R>>) -> String
where
    E: ProvideErrorMetadata,
{
    match result {
        Err(SdkError::ServiceError(error)) => error.err().message().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}
