//! Why a pod gets nothing: one word each, which is the label of a metric, the field of a log line and the answer's
//! `reason`; and the HTTP status that goes with it.

use axum::http::StatusCode;
use keyhatch_agent::Refusal;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

use crate::bounded::bounded;

/// The word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the status says what kind of reason each is, the message says it all")]
pub enum Reason {
    TokenMissing,
    TokenMalformed,
    TokenAudience,
    TokenExpired,
    TokenUnbound,
    TokenRefused,
    PodNotFound,
    PodReplaced,
    PodDeleted,
    PodFinished,
    ServiceAccountMismatch,
    NotInjected,
    RequestUnreadable,
    RequestRefused,
    StoreNotFound,
    StoreUseDenied,
    StoreNotAdmitted,
    StoreUnusable,
    ExternalSecretNotFound,
    ExternalSecretUnsupported,
    SecretNotFound,
    PropertyMissing,
    ValueUnusable,
    NameTaken,
    TooLarge,
    AwsDenied,
    AwsIdentityRefused,
    AwsInvalid,
    AwsThrottled,
    AwsUnavailable,
    KubernetesUnavailable,
    KubernetesForbidden,
    NotReady,
    Busy,
    RateLimited,
}

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The token does not say who asks.
    Unknown,
    /// What was asked cannot be read.
    Unreadable,
    /// Somebody decided against it.
    Forbidden,
    /// Something that is named is not there.
    Absent,
    /// It is there, and cannot be used so.
    Conflict,
    /// Too often.
    TooMany,
    /// Nobody can say now.
    Away,
}

impl Reason {
    fn kind(self) -> Kind {
        match self {
            Self::TokenMissing
            | Self::TokenMalformed
            | Self::TokenAudience
            | Self::TokenExpired
            | Self::TokenUnbound
            | Self::TokenRefused => Kind::Unknown,
            Self::RequestUnreadable => Kind::Unreadable,
            Self::PodReplaced
            | Self::PodDeleted
            | Self::PodFinished
            | Self::ServiceAccountMismatch
            | Self::NotInjected
            | Self::RequestRefused
            | Self::StoreUseDenied
            | Self::StoreNotAdmitted
            | Self::AwsDenied
            | Self::AwsIdentityRefused => Kind::Forbidden,
            Self::PodNotFound
            | Self::StoreNotFound
            | Self::ExternalSecretNotFound
            | Self::SecretNotFound
            | Self::PropertyMissing => Kind::Absent,
            Self::StoreUnusable
            | Self::ExternalSecretUnsupported
            | Self::ValueUnusable
            | Self::NameTaken
            | Self::TooLarge
            | Self::AwsInvalid => Kind::Conflict,
            Self::RateLimited => Kind::TooMany,
            Self::AwsThrottled
            | Self::AwsUnavailable
            | Self::KubernetesUnavailable
            | Self::KubernetesForbidden
            | Self::NotReady
            | Self::Busy => Kind::Away,
        }
    }

    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self.kind() {
            Kind::Unreadable => StatusCode::BAD_REQUEST,
            Kind::Unknown => StatusCode::UNAUTHORIZED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Absent => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Kind::Away => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Whether somebody decided so; otherwise what a pod has stays good.
    pub fn is_decision(self) -> bool {
        !matches!(self.kind(), Kind::TooMany | Kind::Away)
    }

    /// The word itself.
    pub fn as_str(self) -> String {
        format!("{self:?}")
    }
}

impl EncodeLabelValue for Reason {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.as_str().encode(encoder)
    }
}

/// A refusal, for whoever asked and for the log. It never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The word.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
}

/// The longest message, in bytes.
const LONGEST: usize = 1024;

impl Denial {
    /// A refusal of this reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        // It may quote what somebody wrote, however long that is.
        let message = bounded(&message.into(), LONGEST).into_owned();
        Self { reason, message }
    }

    /// As it is sent.
    pub fn refusal(&self) -> Refusal {
        let Self { reason, message } = self;
        Refusal { reason: reason.as_str(), message: message.clone(), denied: reason.is_decision() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_away_is_no_decision() {
        for (reason, status, is_decision) in [
            (Reason::TokenUnbound, 401, true),
            (Reason::RequestUnreadable, 400, true),
            (Reason::StoreUseDenied, 403, true),
            (Reason::SecretNotFound, 404, true),
            (Reason::TooLarge, 409, true),
            (Reason::RateLimited, 429, false),
            (Reason::AwsThrottled, 503, false),
            (Reason::Busy, 503, false),
        ] {
            assert_eq!((reason.status().as_u16(), reason.is_decision()), (status, is_decision), "{reason:?}");
        }
        assert_eq!(Denial::new(Reason::StoreUseDenied, "no").refusal().reason, "StoreUseDenied");
    }
}
