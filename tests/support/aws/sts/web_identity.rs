//! AssumeRoleWithWebIdentity: a token of an issuer that the role's account trusts, judged by its keys or by whoever
//! issued it, and then by the role's trust policy.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::session::{self, Start};
use super::{Form, role};
use crate::support::aws::answer::{Element, element};
use crate::support::aws::error::AwsError;
use crate::support::aws::iam::{self, Ask, Context, Verdict};
use crate::support::aws::pipeline::Service;
use crate::support::aws::world::{Judge, World};

/// A token that was found good.
pub(crate) struct Token {
    /// Without `https://`, as in condition keys and the provider's ARN.
    issuer: String,
    subject: String,
    audiences: Vec<String>,
}

/// Whether the token is good. Does not hold the lock while somebody else is asked.
pub(crate) async fn judge(service: Arc<Service>, form: &Form) -> Result<Token, AwsError> {
    let token = form.need("WebIdentityToken")?.to_owned();
    let account = form.need("RoleArn")?.split(':').nth(4).unwrap_or_default();
    let unread = unverified(&token).ok_or_else(|| invalid("The ID Token provided is not a valid JWT."))?;
    let issuer = unread.get("iss").and_then(Value::as_str).unwrap_or_default().to_owned();
    let provider = {
        let state = service.state();
        state.world.accounts.get(account).and_then(|account| account.providers.get(&issuer)).cloned()
    };
    let provider = provider
        .ok_or_else(|| invalid(&format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    let claims = match provider.judge {
        Judge::Keys(keys) => check_with_keys(&token, keys)?,
        Judge::Review(review) => tokio::task::spawn_blocking(move || review(&token))
            .await
            .map_err(|error| AwsError::new(400, "IDPCommunicationError", error.to_string()))?
            .map_err(|error| invalid(&error))?,
    };
    let audiences = texts(claims.get("aud"));
    if !audiences.iter().any(|audience| provider.audiences.contains(audience)) {
        return Err(invalid("Incorrect token audience"));
    }
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
    let issuer = issuer.strip_prefix("https://").unwrap_or(&issuer).to_owned();
    Ok(Token { issuer, subject, audiences })
}

/// Begins the session, when the role trusts this subject of this issuer.
pub(crate) fn assume(world: &mut World, form: &Form, token: &Token) -> Result<Element, AwsError> {
    let Token { issuer, subject, audiences } = token;
    let arn = form.need("RoleArn")?;
    let name = session::name(form)?;
    let policy = session::policy(form)?;
    let denied = || {
        let message = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
        AwsError::new(403, "AccessDenied", message)
    };
    let (account, role_name, role) = role(world, arn).ok_or_else(denied)?;
    let mut context = Context::default();
    context.set(&format!("{issuer}:sub"), subject.as_str());
    context.set_all(&format!("{issuer}:aud"), audiences.clone());
    context.set("sts:RoleSessionName", name.as_str());
    let provider = vec![format!("arn:aws:iam::{account}:oidc-provider/{issuer}")];
    let ask = Ask {
        action: "sts:AssumeRoleWithWebIdentity",
        resource: arn,
        principals: &provider,
        account: "",
        context: &context,
    };
    if iam::resource_side(Some(&role.trust), &ask) != Verdict::Allow {
        return Err(denied());
    }
    let seconds = session::seconds(form, role, false)?;
    let (tags, transitive) = Default::default();
    let start = Start { account, role_name, role, name, seconds, tags, transitive, policy };
    let (content, id, key) = session::begin(start, world.now())?;
    world.keys.insert(id, key);
    let token = [
        element("SubjectFromWebIdentityToken", subject),
        element("Audience", audiences.first().map_or("", String::as_str)),
        element("Provider", provider.first().map_or("", String::as_str)),
    ];
    Ok(Element { operation: "AssumeRoleWithWebIdentity", content: content + &token.concat() })
}

fn check_with_keys(token: &str, keys: Value) -> Result<Value, AwsError> {
    let wrong = |error: &dyn std::fmt::Display| invalid(&format!("Couldn't verify the token: {error}"));
    let keys: JwkSet = serde_json::from_value(keys).map_err(|error| wrong(&error))?;
    let header = decode_header(token).map_err(|error| wrong(&error))?;
    let key = match header.kid.as_deref() {
        Some(kid) => keys.find(kid),
        None => keys.keys.first(),
    };
    let key = key.ok_or_else(|| invalid("Couldn't retrieve verification key from your identity provider"))?;
    let key = DecodingKey::from_jwk(key).map_err(|error| wrong(&error))?;
    let mut validation = Validation::new(header.alg);
    validation.validate_aud = false;
    validation.validate_nbf = true;
    decode::<Value>(token, &key, &validation).map(|token| token.claims).map_err(|error| match error.kind() {
        ErrorKind::ExpiredSignature => {
            AwsError::new(400, "ExpiredTokenException", "Token expired: its expiration date has passed")
        }
        _ => wrong(&error),
    })
}

/// The claims, whoever wrote them: they say whom to ask.
fn unverified(token: &str) -> Option<Value> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&claims).ok()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn invalid(message: &str) -> AwsError {
    AwsError::new(400, "InvalidIdentityToken", message)
}
