//! What a token says of itself, before anybody was asked whether it is true: enough to refuse most that are useless
//! without troubling the API server. Pure.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyhatch_agent::AUDIENCE;
use serde::Deserialize;

use super::reason::{Denial, Reason};
use crate::grant::names;

/// Larger than any token of a ServiceAccount.
const MAX_TOKEN: usize = 8 * 1024;
/// The API server's clock and ours may differ by this, in seconds.
const LEEWAY: i64 = 60;

/// The pod that a token claims to be. Not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    /// Its namespace.
    pub(super) namespace: String,
    /// Its name.
    pub(super) pod: String,
    /// Its UID.
    pub(super) uid: String,
    /// Its ServiceAccount's name.
    pub(super) account: String,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    aud: Audiences,
    exp: Option<f64>,
    #[serde(rename = "kubernetes.io")]
    kubernetes: Option<Kubernetes>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl Default for Audiences {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

#[derive(Deserialize)]
struct Kubernetes {
    namespace: String,
    pod: Option<Named>,
    serviceaccount: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    uid: String,
}

/// Reads a token's claims; `now` is Unix time.
///
/// # Errors
/// What the API server would refuse for certain, and what speaks for no pod.
pub(super) fn read(token: &str, now: i64) -> Result<Claims, Denial> {
    let malformed = || Denial::new(Reason::TokenMalformed, "the token is none of a ServiceAccount");
    if token.len() > MAX_TOKEN {
        return Err(malformed());
    }
    let mut parts = token.split('.');
    let (Some(_), Some(body), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| malformed())?;
    let Body { aud, exp, kubernetes } = serde_json::from_slice(&body).map_err(|_| malformed())?;
    let is_ours = match &aud {
        Audiences::One(audience) => audience == AUDIENCE,
        Audiences::Many(audiences) => audiences.iter().any(|audience| audience == AUDIENCE),
    };
    if !is_ours {
        let message = format!("the token is not for audience {AUDIENCE}");
        return Err(Denial::new(Reason::TokenAudience, message));
    }
    // What does not fit into seconds is never.
    if exp.is_none_or(|exp| (exp as i64) < now.saturating_sub(LEEWAY)) {
        return Err(Denial::new(Reason::TokenExpired, "the token has expired"));
    }
    let Kubernetes { namespace, pod, serviceaccount } = kubernetes.ok_or_else(malformed)?;
    let unbound = || Denial::new(Reason::TokenUnbound, "the token is not bound to a pod");
    let pod = pod.ok_or_else(unbound)?;
    // They go into the paths of requests.
    if [&namespace, &pod.name, &serviceaccount.name].iter().any(|name| names::object(name).is_err()) {
        return Err(malformed());
    }
    Ok(Claims { namespace, pod: pod.name, uid: pod.uid, account: serviceaccount.name })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn token(body: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(body.to_string()))
    }

    fn body() -> Value {
        json!({"aud": [AUDIENCE], "exp": 1600, "iss": "i", "kubernetes.io": {"namespace": "team-a",
            "pod": {"name": "app-1", "uid": "u-1"}, "serviceaccount": {"name": "app", "uid": "u-2"}}})
    }

    #[test]
    fn a_bound_token_names_its_pod() {
        let claims = read(&token(&body()), 1000).unwrap();
        let told = (claims.namespace.as_str(), claims.pod.as_str(), claims.uid.as_str());
        assert_eq!((told, claims.account.as_str()), (("team-a", "app-1", "u-1"), "app"));
    }

    #[test]
    fn what_is_useless_is_refused_without_asking() {
        let with = |pointer: &str, value: Value| {
            let mut body = body();
            *body.pointer_mut(pointer).unwrap() = value;
            token(&body)
        };
        for (token, reason) in [
            (String::new(), Reason::TokenMalformed),
            ("a.b".into(), Reason::TokenMalformed),
            ("a.%.b".into(), Reason::TokenMalformed),
            (format!("{}.x", token(&body())), Reason::TokenMalformed),
            ("x".repeat(9000), Reason::TokenMalformed),
            (with("/aud", json!(["https://kubernetes.default.svc"])), Reason::TokenAudience),
            (with("/aud", json!("sts.amazonaws.com")), Reason::TokenAudience),
            (with("/aud", json!([])), Reason::TokenAudience),
            (with("/exp", json!(939)), Reason::TokenExpired),
            (with("/exp", json!(null)), Reason::TokenExpired),
            (with("/kubernetes.io/pod", json!(null)), Reason::TokenUnbound),
            (with("/kubernetes.io/namespace", json!("../x")), Reason::TokenMalformed),
            (with("/kubernetes.io/pod/name", json!("a/exec")), Reason::TokenMalformed),
            (with("/kubernetes.io", json!(null)), Reason::TokenMalformed),
        ] {
            assert_eq!(read(&token, 1000).map_err(|denial| denial.reason), Err(reason), "{token}");
        }
        assert!(read(&with("/exp", json!(941)), 1000).is_ok(), "clocks differ");
        assert!(read(&with("/aud", json!(AUDIENCE)), 1000).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r"[a-zA-Z0-9._-]{0,60}|\PC{0,40}", body in r#"\{("aud"|"exp"|:|"keyhatch.dev/broker"|,|1|\{|\})*"#) {
            let _ = read(&text, 0);
            let _ = read(&format!("e30.{}.x", URL_SAFE_NO_PAD.encode(body)), 0);
        }
    }
}
