//! Tokens of ServiceAccounts that become sessions: by the issuer's keys, or by asking the issuer.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use serde_json::{Value, json};

use super::{aws, client, read};
use crate::aws_sdk::{code, session, sts};
use crate::support::aws::Aws;
use crate::support::aws::account::{Account, Keys, allow_all};
use crate::support::control_plane;

const ISSUER: &str = "https://oidc.example/cluster";
const AUDIENCE: &str = "sts.amazonaws.com";
const SUBJECT: &str = "system:serviceaccount:team-a:reader";

/// An issuer of tokens.
struct Issuer(KeyPair);

impl Issuer {
    fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn keys(&self) -> Value {
        let point = self.0.der_bytes();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "one",
            "x": text(&point[1..33]), "y": text(&point[33..65]),
        }]})
    }

    fn token(&self, issuer: &str, subject: &str, audience: &str, valid_seconds: i64) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let claims =
            json!({"iss": issuer, "sub": subject, "aud": [audience], "iat": now, "exp": now + valid_seconds});
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &EncodingKey::from_ec_der(self.0.serialized_der())).unwrap()
    }
}

/// A role that trusts one ServiceAccount of an issuer.
fn role(account: &Account, issuer: &str, subject: &str) -> String {
    let name = issuer.strip_prefix("https://").unwrap();
    let trust = json!({"Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{name}", account.id)},
        "Condition": {"StringEquals": {format!("{name}:sub"): subject, format!("{name}:aud"): AUDIENCE}},
    }});
    account.role("pods", &trust, &[allow_all()])
}

async fn assume(aws: &Aws, role: &str, token: &str) -> Result<Keys, String> {
    // The call is not signed: nobody needs keys for it.
    let nobody = Keys { id: "x".to_owned(), secret: "x".to_owned(), session_token: None };
    let call = sts(&aws.url(), &nobody).assume_role_with_web_identity().role_arn(role);
    let answer = call.role_session_name("keyhatch").web_identity_token(token).send().await;
    match &answer {
        Ok(output) => Ok(session(output.credentials())),
        Err(_) => Err(code(&answer).to_owned()),
    }
}

#[tokio::test]
async fn a_token_is_judged_by_signature_age_audience_issuer_and_trust() {
    let (aws, account) = aws();
    let (issuer, stranger) = (Issuer::new(), Issuer::new());
    account.trust_issuer(ISSUER, &[AUDIENCE], issuer.keys());
    let role = role(&account, ISSUER, SUBJECT);
    let keys = assume(&aws, &role, &issuer.token(ISSUER, SUBJECT, AUDIENCE, 600)).await.unwrap();
    assert_eq!(read(&client(&aws, &keys), "db").await, "none");
    assert_eq!(aws.calls().by("assumed-role/pods/keyhatch").count(), 1);

    let foreign = "system:serviceaccount:team-b:reader";
    let cases = [
        (
            "a foreign ServiceAccount with a known role",
            issuer.token(ISSUER, foreign, AUDIENCE, 600),
            "AccessDenied",
        ),
        ("signed by somebody else", stranger.token(ISSUER, SUBJECT, AUDIENCE, 600), "InvalidIdentityToken"),
        (
            "of another issuer",
            issuer.token("https://other.example", SUBJECT, AUDIENCE, 600),
            "InvalidIdentityToken",
        ),
        ("for another audience", issuer.token(ISSUER, SUBJECT, "vault", 600), "InvalidIdentityToken"),
        ("expired", issuer.token(ISSUER, SUBJECT, AUDIENCE, -600), "ExpiredTokenException"),
        ("no token", "abc".to_owned(), "InvalidIdentityToken"),
    ];
    for (name, token, expected) in cases {
        assert_eq!(assume(&aws, &role, &token).await, Err(expected.to_owned()), "{name}");
    }
    let missing = role.replace("pods", "missing");
    let token = issuer.token(ISSUER, SUBJECT, AUDIENCE, 600);
    assert_eq!(assume(&aws, &missing, &token).await, Err("AccessDenied".to_owned()));
}

#[tokio::test]
async fn somebody_else_can_be_asked_about_a_token() {
    let (aws, account) = aws();
    let issuer = Issuer::new();
    let token = issuer.token(ISSUER, SUBJECT, AUDIENCE, 600);
    let known = token.clone();
    let review = move |token: &str| {
        if token == known { Ok(json!({"sub": SUBJECT, "aud": AUDIENCE})) } else { Err("unknown".to_owned()) }
    };
    account.trust_reviewed_issuer(ISSUER, &[AUDIENCE], Arc::new(review));
    let role = role(&account, ISSUER, SUBJECT);
    assert!(assume(&aws, &role, &token).await.is_ok());
    let other = issuer.token(ISSUER, SUBJECT, AUDIENCE, 601);
    assert_eq!(assume(&aws, &role, &other).await, Err("InvalidIdentityToken".to_owned()));
}

#[tokio::test]
async fn a_token_of_a_real_api_server_is_judged_by_its_keys() {
    let (aws, account) = aws();
    let (subject, token, keys) = tokio::task::spawn_blocking(token_of_api_server).await.unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let issuer = claims["iss"].as_str().unwrap();
    account.trust_issuer(issuer, &[AUDIENCE], serde_json::from_str(&keys).unwrap());
    let own = role(&account, issuer, &subject);
    assert!(assume(&aws, &own, &token).await.is_ok());
    let other = role(&account, issuer, &format!("{subject}-2"));
    assert_eq!(assume(&aws, &other, &token).await, Err("AccessDenied".to_owned()));
}

/// Subject, token and the issuer's key set.
fn token_of_api_server() -> (String, String, String) {
    let plane = control_plane::shared();
    let name = plane.namespace("web-identity");
    let namespace = format!("--namespace={name}");
    let audience = format!("--audience={AUDIENCE}");
    plane.kubectl(&["create", "serviceaccount", "reader", &namespace]).success().unwrap();
    let token = plane.kubectl(&["create", "token", "reader", &namespace, &audience]).success().unwrap();
    let keys = plane.kubectl(&["get", "--raw", "/openid/v1/jwks"]).success().unwrap();
    (format!("system:serviceaccount:{name}:reader"), token.trim().to_owned(), keys)
}
