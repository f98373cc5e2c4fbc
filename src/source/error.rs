//! Errors: the SDK's in, a classified [`Failure`] out; and all reasons why a reference has no value.

use std::error::Error as _;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;
use thiserror::Error;

use super::objects::{ObjectError, ObjectId};
use super::plan::{PlanError, SecretKey};
use crate::api::common::StoreKind;
use crate::aws::failure::{Class, Failure, classify, one_line};
use crate::extract::ExtractError;
use crate::reference::OutsidePrefix;

/// Why a store cannot be used, or a secret not be had through it.
#[derive(Clone, Debug, Error)]
pub enum SourceError {
    /// The store says too little, or may not do what it wants.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A Kubernetes object on the way to credentials cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A Secret lacks the key that is named, or has something there that is no text.
    #[error("Secret {}/{} has no text under the key {:?}", at.namespace, at.name, at.key)]
    Key {
        /// What was looked for.
        at: SecretKey,
    },
    /// A ServiceAccount names no role.
    #[error("ServiceAccount {namespace}/{name} has no annotation eks.amazonaws.com/role-arn")]
    NoRole {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The store does not lead there.
    #[error(transparent)]
    Outside(#[from] OutsidePrefix),
    /// AWS said no, or nothing.
    #[error(transparent)]
    Aws(#[from] Failure),
    /// The secret does not hold what was asked for.
    #[error(transparent)]
    Extract(#[from] ExtractError),
}

impl SourceError {
    /// Whether the secret does not exist as far as its readers can tell.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Aws(failure) if failure.class.is_absent())
    }

    /// The message for whoever reads through a store of this kind. What lies outside of his namespace is not named: he may
    /// not know it.
    pub fn for_consumer(&self, kind: StoreKind) -> String {
        match kind {
            StoreKind::ClusterSecretStore if self.is_about_credentials() => {
                "the credentials of the ClusterSecretStore cannot be had; Keyhatch's log says more".to_owned()
            }
            StoreKind::ClusterSecretStore | StoreKind::SecretStore => self.to_string(),
        }
    }

    /// Without AWS's request id, which is new with every try, and whether it was asked for with others: a condition and an Event
    /// are to say the same for as long as the same is wrong.
    #[must_use]
    pub fn without_request_id(self) -> Self {
        match self {
            Self::Aws(failure) => {
                let operation = match failure.operation {
                    "BatchGetSecretValue" => "GetSecretValue",
                    other => other,
                };
                Self::Aws(Failure { request_id: None, operation, ..failure })
            }
            Self::Plan(_)
            | Self::Object(_)
            | Self::Key { .. }
            | Self::NoRole { .. }
            | Self::Outside(_)
            | Self::Extract(_) => self,
        }
    }

    /// Whether it is the store's credentials that fail, and not what was asked for.
    pub fn is_about_credentials(&self) -> bool {
        match self {
            Self::Key { .. } | Self::NoRole { .. } => true,
            Self::Object(error) => match error {
                ObjectError::Missing { object }
                | ObjectError::Forbidden { object, .. }
                | ObjectError::Unavailable { object, .. }
                | ObjectError::NotInFiles { object }
                | ObjectError::Replaced { object } => {
                    matches!(object, ObjectId::Secret { .. } | ObjectId::ServiceAccount { .. })
                }
            },
            Self::Aws(failure) => failure.class == Class::IdentityRefused,
            Self::Plan(_) | Self::Outside(_) | Self::Extract(_) => false,
        }
    }
}

/// Classifies an SDK error.
pub(super) fn failure<E>(operation: &'static str, object: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let failed = |class, code: &str, message: &str| Failure {
        class,
        operation,
        object: object.to_owned(),
        code: code.to_owned(),
        message: one_line(message),
        request_id: error.request_id().or_else(|| request_id(error)).map(str::to_owned),
    };
    match error {
        SdkError::TimeoutError(_) => failed(Class::Unavailable, "timeout", "AWS did not answer in time"),
        SdkError::DispatchFailure(dispatch) => {
            let class = if dispatch.is_user() { Class::Invalid } else { Class::Unavailable };
            failed(class, "connection", &causes(error))
        }
        SdkError::ConstructionFailure(_) => failed(Class::Invalid, "request", &causes(error)),
        SdkError::ResponseError(response) => {
            let class = match response.raw().status().as_u16() {
                500.. => Class::Unavailable,
                _ if is_broken_off(error) => Class::Unavailable,
                _ => Class::Malformed,
            };
            failed(class, "response", "the answer could not be read")
        }
        SdkError::ServiceError(service) => {
            let (code, message) = (error.code().unwrap_or_default(), error.message().unwrap_or_default());
            let status = service.raw().status().as_u16();
            match (code, message) {
                // What the SDK could not parse may quote what it parsed: its words are not passed on.
                ("", "") => failed(
                    classify("", "", Some(status)),
                    &format!("HTTP {status}"),
                    "the answer has no error code",
                ),
                _ => failed(classify(code, message, Some(status)), code, message),
            }
        }
        _ => failed(Class::Malformed, "", "an error of a kind that is not known"),
    }
}

/// An answer that came, but lacks what it must have.
pub(super) fn malformed(
    operation: &'static str,
    object: &str,
    request_id: Option<&str>,
    what: &str,
) -> Failure {
    Failure {
        class: Class::Malformed,
        operation,
        object: object.to_owned(),
        code: String::new(),
        message: what.to_owned(),
        request_id: request_id.map(str::to_owned),
    }
}

fn request_id<E>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.raw_response()?.headers().get("x-amzn-requestid")
}

fn is_broken_off<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if cause.is::<std::io::Error>()
            || ["body from connection", "end of file", "IncompleteMessage", "reset"]
                .iter()
                .any(|it| text.contains(it))
        {
            return true;
        }
        source = cause.source();
    }
    false
}

/// An error and what it came from, for failures before there was an answer.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
