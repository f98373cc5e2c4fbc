//! Signature Version 4, the server's half: who signed a request, and whether they hold the secret of that key.
//!
//! The keyed part is the SDK's own `aws-sigv4`. Source: IAM User Guide, "Create a signed AWS API request".

use axum::http::{HeaderMap, Method, Uri};
use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

/// What a request says about its signer.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) access_key: String,
    pub(crate) region: String,
    pub(crate) service: String,
    pub(crate) token: Option<String>,
    pub(crate) at: Timestamp,
    scope: String,
    headers: String,
    signature: String,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

impl Signed {
    /// Reads `Authorization`; `None` when there is none, or none that can be read.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let authorization = header(headers, "authorization")?.strip_prefix(ALGORITHM)?.trim();
        let part = |name: &str| {
            authorization.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (access_key, scope) = part("Credential")?.split_once('/')?;
        let mut words = scope.split('/').skip(1);
        Some(Self {
            access_key: access_key.to_owned(),
            region: words.next()?.to_owned(),
            service: words.next()?.to_owned(),
            token: header(headers, "x-amz-security-token").map(str::to_owned),
            at: timestamp(header(headers, "x-amz-date")?)?,
            scope: scope.to_owned(),
            headers: part("SignedHeaders")?.to_owned(),
            signature: part("Signature")?.to_owned(),
        })
    }

    /// Whether `secret` made the signature of exactly this request.
    pub(crate) fn is_made_with(
        &self,
        secret: &str,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> bool {
        let signs = |name: &str| self.headers.split(';').any(|one| one == name);
        if !signs("host") || !signs("x-amz-date") || (self.token.is_some() && !signs("x-amz-security-token"))
        {
            return false;
        }
        let canonical = self.canonical_request(method, uri, headers, body);
        let Some(date) = header(headers, "x-amz-date") else { return false };
        let text = format!("{ALGORITHM}\n{date}\n{}\n{}", self.scope, hex_sha256(canonical.as_bytes()));
        let at = self.at.into();
        let key = aws_sigv4::sign::v4::generate_signing_key(secret, at, &self.region, &self.service);
        aws_sigv4::sign::v4::calculate_signature(key, text.as_bytes()) == self.signature
    }

    fn canonical_request(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
        let value = |name: &str| {
            let values: Vec<&str> =
                headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::trim).collect();
            values.join(",")
        };
        let signed: String =
            self.headers.split(';').map(|name| format!("{name}:{}\n", value(name))).collect();
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        format!("{method}\n{path}\n{query}\n{signed}\n{}\n{}", self.headers, hex_sha256(body))
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn timestamp(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
