//! The wire form of an AdmissionReview (`admission.k8s.io/v1`), borrowed from the request's body.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ReviewError;
use crate::api::Kind;

/// What an AdmissionReview asks; `O` is what its object is read as.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "O: Deserialize<'de>"))]
pub struct Request<'a, O = &'a RawValue> {
    /// Identifies the review; the answer repeats it.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// The kind under review, as the webhook is registered for it.
    #[serde(borrow)]
    pub kind: GroupVersionKind<'a>,
    /// `status`, say.
    #[serde(borrow, default)]
    pub sub_resource: Option<Cow<'a, str>>,
    /// CREATE, UPDATE, DELETE or CONNECT.
    #[serde(borrow)]
    pub operation: Cow<'a, str>,
    /// The object's name; empty if the API server is to make one.
    #[serde(borrow, default)]
    pub name: Option<Cow<'a, str>>,
    /// The object's namespace.
    #[serde(borrow, default)]
    pub namespace: Option<Cow<'a, str>>,
    /// Whether nothing will be stored.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// The object as it will be.
    #[serde(default = "none")]
    pub object: Option<O>,
    /// The object as it is.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
}

/// A kind and the API it belongs to.
#[derive(Debug, Deserialize)]
pub struct GroupVersionKind<'a> {
    /// `external-secrets.io`.
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    /// `v1`.
    #[serde(borrow)]
    pub version: Cow<'a, str>,
    /// `ExternalSecret`.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
}

impl<'a, O> Request<'a, O> {
    /// The request without its object, and the object.
    pub fn take_object(self) -> (Request<'a>, Option<O>) {
        let Self { uid, kind, sub_resource, operation, name, namespace, dry_run, object, old_object } = self;
        let head = Request {
            uid,
            kind,
            sub_resource,
            operation,
            name,
            namespace,
            dry_run,
            object: None,
            old_object,
        };
        (head, object)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "O: Deserialize<'de>"))]
struct Review<'a, O> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default = "none")]
    request: Option<Request<'a, O>>,
}

/// Serde's own default would want `O` to have one.
fn none<T>() -> Option<T> {
    None
}

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// Reads the request of a review.
///
/// # Errors
/// If the body is not an AdmissionReview of the one version that is understood, or has no request.
pub fn parse<'a, O: Deserialize<'a>>(body: &'a str) -> Result<Request<'a, O>, ReviewError> {
    let Review { api_version, kind, request } = serde_json::from_str(body)?;
    if api_version != API_VERSION || kind != KIND {
        return Err(ReviewError::OtherReview { kind: kind.into(), api_version: api_version.into() });
    }
    request.ok_or(ReviewError::NoRequest)
}

/// The uid of a review that cannot be read whole: the API server sends it first.
pub fn uid_in_prefix(prefix: &[u8]) -> Option<String> {
    let uid = text_after(prefix, b"\"uid\":\"")?;
    (uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then(|| uid.to_owned())
}

/// The kind under review, guessed from the beginning of what the API server sends.
pub(super) fn kind_in_prefix(body: &str) -> Option<Kind> {
    let at = body.find("\"group\":\"external-secrets.io\"")?;
    Kind::named(text_after(body.as_bytes().get(at..)?, b"\"kind\":\"")?)
}

/// What stands between a mark and the next quote.
fn text_after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a str> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    let rest = text.get(at + mark.len()..)?;
    let end = rest.iter().position(|b| *b == b'"')?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

/// The answer to a review.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
}

impl<'a> Answer<'a> {
    /// Admits the object.
    pub fn allow(uid: &'a str, warnings: Vec<String>) -> Self {
        Self::new(uid, None, warnings)
    }

    /// Admits the object with changes.
    ///
    /// # Errors
    /// None that a patch can have: the type says so only because JSON's writer does.
    pub fn change(uid: &'a str, patch: &Patch, warnings: Vec<String>) -> serde_json::Result<Self> {
        let mut answer = Self::allow(uid, warnings);
        if !patch.is_empty() {
            answer.response.patch_type = Some("JSONPatch");
            answer.response.patch = Some(STANDARD.encode(serde_json::to_vec(patch)?));
        }
        Ok(answer)
    }

    /// Refuses the object.
    pub fn deny(uid: &'a str, status: Status, warnings: Vec<String>) -> Self {
        Self::new(uid, Some(status), warnings)
    }

    fn new(uid: &'a str, status: Option<Status>, warnings: Vec<String>) -> Self {
        let response =
            Response { uid, allowed: status.is_none(), status, warnings, patch_type: None, patch: None };
        Self { api_version: API_VERSION, kind: KIND, response }
    }
}

/// Why an object is refused (`metav1.Status`).
#[derive(Debug, Serialize)]
pub struct Status {
    /// HTTP status.
    pub code: u16,
    /// In one word, `Invalid`.
    pub reason: &'static str,
    /// The whole story, for clients that print nothing else.
    pub message: String,
    /// What kubectl prints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// The object and each mistake (`metav1.StatusDetails`).
#[derive(Debug, Serialize)]
pub struct Details {
    /// Name of the object.
    pub name: String,
    /// Group of its kind.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// Each mistake.
    pub causes: Vec<Cause>,
}

/// One mistake (`metav1.StatusCause`).
#[derive(Debug, Serialize)]
pub struct Cause {
    /// The kind of mistake.
    pub reason: &'static str,
    /// What is wrong, and what to write.
    pub message: String,
    /// Where.
    pub field: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_guessed_from_the_beginning_of_a_review() {
        let body = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"1",
            "kind":{"group":"external-secrets.io","version":"v1","kind":"SecretStore"}"#;
        assert_eq!(kind_in_prefix(body), Some(Kind::SecretStore));
        assert_eq!(kind_in_prefix(&body.replace("SecretStore", "Secret")), None);
        assert_eq!(kind_in_prefix("{}"), None);
    }

    #[test]
    fn the_uid_is_found_in_the_beginning_of_a_review() {
        let body = br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"705ab4f5-6393","kind":{"#;
        assert_eq!(uid_in_prefix(body).as_deref(), Some("705ab4f5-6393"));
        assert_eq!(uid_in_prefix(br#"{"uid":"a b"}"#), None);
        assert_eq!(uid_in_prefix(b"{\"uid\":\"705"), None);
    }
}
