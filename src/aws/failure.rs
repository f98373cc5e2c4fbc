//! Why a call to AWS failed: its error code in, one of a few classes out.
//!
//! By the code and not by the HTTP status: throttling comes as 400, as nearly everything else does. Source: Secrets
//! Manager and STS API references, "Errors" and "Common Errors".

use std::fmt;

/// What a failure means for whoever asked, and for what is kept from before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// There is no such secret, version or stage.
    NotFound,
    /// The secret waits for its deletion. That counts as absent.
    MarkedForDeletion,
    /// The identity may not do this.
    Denied,
    /// The identity itself is not accepted: wrong, expired or foreign credentials, a role that does not trust them.
    IdentityRefused,
    /// There is one of that name already, or a version of that token with another value.
    Exists,
    /// The secret or the account has as much as AWS lets it have; waiting for a moment does not help.
    LimitReached,
    /// Too many calls.
    Throttled,
    /// No answer, or one that says that there is none now: timeouts, broken connections, 5xx.
    Unavailable,
    /// AWS does not take the request as it is.
    Invalid,
    /// An answer that is not understood.
    Malformed,
}

impl Class {
    /// Whether AWS could not say: an older answer may stand in for this one.
    pub fn is_unavailable(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }

    /// Whether the secret does not exist as far as its readers can tell.
    pub fn is_absent(self) -> bool {
        matches!(self, Self::NotFound | Self::MarkedForDeletion)
    }

    /// In one word, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MarkedForDeletion => "marked_for_deletion",
            Self::Denied => "denied",
            Self::IdentityRefused => "identity_refused",
            Self::Exists => "exists",
            Self::LimitReached => "limit_reached",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Invalid => "invalid",
            Self::Malformed => "malformed",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::NotFound => "there is no such secret or version",
            Self::MarkedForDeletion => "the secret is marked for deletion, so it counts as absent",
            Self::Denied => "not allowed",
            Self::IdentityRefused => "AWS does not accept this identity",
            Self::Exists => "it exists already",
            Self::LimitReached => "AWS's limit is reached",
            Self::Throttled => "too many calls, AWS throttles",
            Self::Unavailable => "no answer now",
            Self::Invalid => "AWS does not take this request",
            Self::Malformed => "the answer cannot be understood",
        }
    }
}

/// A call that failed, as it is told to people. It holds names and AWS's words, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it means.
    pub class: Class,
    /// The operation, `GetSecretValue`.
    pub operation: &'static str,
    /// What the operation was about: a secret as it was named, a role, a ServiceAccount.
    pub object: String,
    /// AWS's error code, or the kind of failure before there was an answer.
    pub code: String,
    /// AWS's message, or the cause.
    pub message: String,
    /// AWS's request id, for its support.
    pub request_id: Option<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, operation, object, code, message, request_id } = self;
        write!(f, "{operation} of {object}: {}", class.meaning())?;
        match (code.is_empty(), message.is_empty()) {
            (true, true) => {}
            (false, true) => write!(f, ": {code}")?,
            (true, false) => write!(f, ": {message}")?,
            (false, false) => write!(f, ": {code}: {message}")?,
        }
        match request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// The longest message that is passed on.
const MAX_MESSAGE: usize = 500;

/// A message as it can be shown: one line, of bounded length.
pub fn one_line(message: &str) -> String {
    let line: String =
        message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE).collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an error code means. The message decides only for InvalidRequestException, which AWS uses for a secret that
/// waits for its deletion; the status only for codes that are not known.
pub fn classify(code: &str, message: &str, status: Option<u16>) -> Class {
    // `aws.protocols#Name:http://…` and `Name` are the same.
    let name = code.rsplit('#').next().unwrap_or(code).split(':').next().unwrap_or(code);
    match name {
        "ResourceNotFoundException" => Class::NotFound,
        "InvalidRequestException" | "InvalidParameterException" if is_marked_for_deletion(message) => {
            Class::MarkedForDeletion
        }
        "AccessDeniedException"
        | "AccessDenied"
        | "DecryptionFailure"
        | "EncryptionFailure"
        | "OptInRequired" => Class::Denied,
        "ResourceExistsException" => Class::Exists,
        "LimitExceededException" => Class::LimitReached,
        name if is_about_the_identity(name) => Class::IdentityRefused,
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "BandwidthLimitExceeded" => Class::Throttled,
        "InternalServiceError"
        | "InternalServiceErrorException"
        | "InternalFailure"
        | "InternalError"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "IDPCommunicationError"
        | "RequestExpired" => Class::Unavailable,
        _ => match status {
            Some(429) => Class::Throttled,
            Some(500..) => Class::Unavailable,
            Some(400..=499) if !name.is_empty() => Class::Invalid,
            Some(_) | None => Class::Malformed,
        },
    }
}

fn is_about_the_identity(name: &str) -> bool {
    matches!(
        name,
        "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidIdentityToken"
            | "IDPRejectedClaim"
            | "NotAuthorized"
            | "RegionDisabledException"
    )
}

fn is_marked_for_deletion(message: &str) -> bool {
    ["marked for deletion", "scheduled for deletion", "marked deleted"]
        .iter()
        .any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_decides_what_a_failure_means() {
        let deletion = "You can't perform this operation on the secret because it was marked for deletion.";
        for (code, message, status, class) in [
            ("ResourceNotFoundException", "", Some(400), Class::NotFound),
            ("InvalidRequestException", deletion, Some(400), Class::MarkedForDeletion),
            ("InvalidParameterException", deletion, Some(400), Class::MarkedForDeletion),
            ("InvalidRequestException", "something else", Some(400), Class::Invalid),
            ("ValidationException", "", Some(400), Class::Invalid),
            ("AccessDeniedException", "", Some(400), Class::Denied),
            ("AccessDenied", "", Some(403), Class::Denied),
            ("DecryptionFailure", "", Some(400), Class::Denied),
            ("EncryptionFailure", "", Some(400), Class::Denied),
            ("ResourceExistsException", "", Some(400), Class::Exists),
            ("LimitExceededException", "", Some(400), Class::LimitReached),
            ("MalformedPolicyDocumentException", "", Some(400), Class::Invalid),
            ("PublicPolicyException", "", Some(400), Class::Invalid),
            ("PreconditionNotMetException", "", Some(400), Class::Invalid),
            ("UnrecognizedClientException", "", Some(400), Class::IdentityRefused),
            ("SignatureDoesNotMatch", "", Some(403), Class::IdentityRefused),
            ("ExpiredTokenException", "", Some(400), Class::IdentityRefused),
            ("ThrottlingException", "Rate exceeded", Some(400), Class::Throttled),
            ("aws.json#ThrottlingException:http://internal/", "", Some(400), Class::Throttled),
            ("InternalServiceError", "", Some(500), Class::Unavailable),
            ("", "", Some(503), Class::Unavailable),
            ("", "", Some(429), Class::Throttled),
            ("FromTheFuture", "", Some(400), Class::Invalid),
            ("FromTheFuture", "", Some(502), Class::Unavailable),
            ("", "", Some(400), Class::Malformed),
            ("", "", None, Class::Malformed),
        ] {
            assert_eq!(classify(code, message, status), class, "{code} {message} {status:?}");
        }
    }

    #[test]
    fn a_failure_is_told_on_one_line_with_its_request_id() {
        let failure = Failure {
            class: Class::Denied,
            operation: "GetSecretValue",
            object: "prod/db".into(),
            code: "AccessDeniedException".into(),
            message: one_line("no\n\u{7}way "),
            request_id: Some("r-1".into()),
        };
        let told = "GetSecretValue of prod/db: not allowed: AccessDeniedException: no way (request id r-1)";
        assert_eq!(failure.to_string(), told);
    }
}
