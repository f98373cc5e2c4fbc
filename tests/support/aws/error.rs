//! What AWS refuses, as it says it: HTTP status, code and message. [`super::answer`] writes it down in the words
//! of either protocol.

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Secrets Manager answers every refusal with HTTP 400.
    pub(crate) fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(crate) fn not_found() -> Self {
        Self::client("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    }

    /// `of` is a staging label or a VersionId, with its kind.
    pub(crate) fn no_value(of: &str) -> Self {
        let message = format!("Secrets Manager can't find the specified secret value for {of}");
        Self::client("ResourceNotFoundException", message)
    }

    pub(crate) fn marked_for_deletion() -> Self {
        Self::invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.",
        )
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::client("InvalidRequestException", message)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::client("InvalidParameterException", message)
    }

    pub(crate) fn exists(message: impl Into<String>) -> Self {
        Self::client("ResourceExistsException", message)
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self::client("LimitExceededException", message)
    }

    /// A parameter outside the bounds that the API model states.
    pub(crate) fn validation(member: &str, constraint: &str) -> Self {
        let message = format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: {constraint}"
        );
        Self::client("ValidationException", message)
    }

    pub(crate) fn malformed_policy(why: &str) -> Self {
        Self::client(
            "MalformedPolicyDocumentException",
            format!("This resource policy contains a syntax error: {why}"),
        )
    }

    pub(crate) fn public_policy() -> Self {
        Self::client(
            "PublicPolicyException",
            "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to \
             the secret.",
        )
    }

    pub(crate) fn next_token() -> Self {
        Self::client("InvalidNextTokenException", "Invalid NextToken value.")
    }

    pub(crate) fn serialization(why: impl std::fmt::Display) -> Self {
        Self::client("SerializationException", why.to_string())
    }

    pub(crate) fn denied(message: String) -> Self {
        Self::client("AccessDeniedException", message)
    }
}
