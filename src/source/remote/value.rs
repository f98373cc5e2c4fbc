//! The current value, and new ones: GetSecretValue, CreateSecret, PutSecretValue, UpdateSecret.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::Tag;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::surroundings::{ReplicaRegion, regions, tags};
use super::{Operation, Remote, present};
use crate::aws::failure::{Class, Failure, one_line};
use crate::cache::{Payload, Value, Version};
use crate::push::remote::{Content, Current};
use crate::source::error::{SourceError, malformed};
use crate::source::fetch;
use crate::source::quota::Limited;

/// A secret to be made.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Its full name.
    pub name: String,
    /// The first version's id, 32 to 64 characters: the same again with the same content is the same secret.
    pub token: String,
    /// The first version's value.
    pub content: Content,
    /// Its description.
    pub description: Option<String>,
    /// The key that encrypts it; `aws/secretsmanager` if it is not said.
    pub kms_key_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Where it is copied to.
    pub replicas: Vec<ReplicaRegion>,
}

/// What changes of a secret by UpdateSecret; what is not said stays.
#[derive(Clone, Debug, Default)]
pub struct Update {
    /// The description.
    pub description: Option<String>,
    /// The key that encrypts it.
    pub kms_key_id: Option<String>,
    /// A new version: its id, as with [`Remote::put`], and its value.
    pub value: Option<(String, Content)>,
}

/// What AWS answered to a new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The secret's ARN.
    pub arn: String,
    /// The version; none if there is no new one.
    pub version_id: Option<String>,
    /// The version's stages, where AWS says: PutSecretValue does.
    pub stages: Option<Vec<String>>,
}

const CREATE: Operation = Operation::repeatable("CreateSecret", Limited::Create);
const PUT: Operation = Operation::repeatable("PutSecretValue", Limited::Write);
const UPDATE: Operation = Operation::repeatable("UpdateSecret", Limited::Write);

impl Remote {
    /// The value that AWS has now; none if there is no such secret, or it has no value.
    ///
    /// # Errors
    /// AWS's, classified; [`Class::MarkedForDeletion`] for a secret that waits for its deletion.
    pub async fn current(&self, id: &str) -> Result<Option<Current>, SourceError> {
        let lane = &self.access.lane;
        let client = self.source.heeded(&self.access, lane.session.client().await)?;
        let answer = fetch::value(&client, &lane.calls, id, &Version::Current).await;
        let answer = present(lane.checked(answer).await.and_then(|payload| current(id, payload)));
        self.source.heeded(&self.access, answer)
    }

    /// Makes a secret.
    ///
    /// # Errors
    /// AWS's, classified; [`Class::Exists`] for a name that is taken, unless it is by this very call.
    pub async fn create(&self, new: &NewSecret) -> Result<Written, SourceError> {
        let NewSecret { name, token, content, description, kms_key_id, tags: wanted, replicas } = new;
        let (text, binary) = parts(CREATE, name, Some(content))?;
        let tags: Option<Vec<Tag>> = Some(tags(wanted)).filter(|tags| !tags.is_empty());
        let replicas = Some(regions(replicas)).filter(|replicas| !replicas.is_empty());
        let answer = self.change(CREATE, name, |client| {
            let request = client.create_secret().name(name).client_request_token(token);
            let request = request.set_secret_string(text.clone()).set_secret_binary(binary.clone());
            let request = request.set_description(description.clone()).set_kms_key_id(kms_key_id.clone());
            request.set_tags(tags.clone()).set_add_replica_regions(replicas.clone()).send()
        });
        let answer = discreet(answer.await, Some(content)).and_then(|answer| {
            let request_id = answer.request_id().map(str::to_owned);
            written(CREATE, name, request_id.as_deref(), answer.arn, answer.version_id, None)
        });
        self.told(answer)
    }

    /// Puts a version, which becomes AWSCURRENT. `token` is its VersionId, 32 to 64 characters: the same again with the
    /// same content does nothing more.
    ///
    /// # Errors
    /// AWS's, classified; [`Class::Exists`] for a token that has another content.
    pub async fn put(&self, id: &str, token: &str, content: &Content) -> Result<Written, SourceError> {
        let (text, binary) = parts(PUT, id, Some(content))?;
        let answer = self.change(PUT, id, |client| {
            let request = client.put_secret_value().secret_id(id).client_request_token(token);
            request.set_secret_string(text.clone()).set_secret_binary(binary.clone()).send()
        });
        let answer = discreet(answer.await, Some(content)).and_then(|answer| {
            let request_id = answer.request_id().map(str::to_owned);
            written(PUT, id, request_id.as_deref(), answer.arn, answer.version_id, answer.version_stages)
        });
        self.told(answer)
    }

    /// Changes description, key or value.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn update(&self, id: &str, update: &Update) -> Result<Written, SourceError> {
        let Update { description, kms_key_id, value } = update;
        let token = value.as_ref().map(|(token, _)| token);
        let content = value.as_ref().map(|(_, content)| content);
        let (text, binary) = parts(UPDATE, id, content)?;
        let answer = self.change(UPDATE, id, |client| {
            let request = client.update_secret().secret_id(id).set_client_request_token(token.cloned());
            let request = request.set_secret_string(text.clone()).set_secret_binary(binary.clone());
            request.set_description(description.clone()).set_kms_key_id(kms_key_id.clone()).send()
        });
        let answer = discreet(answer.await, content).and_then(|answer| {
            let request_id = answer.request_id().map(str::to_owned);
            written(UPDATE, id, request_id.as_deref(), answer.arn, answer.version_id, None)
        });
        self.told(answer)
    }

    /// The ARN tells whose quotas are used.
    fn told(&self, answer: Result<Written, Failure>) -> Result<Written, SourceError> {
        if let Ok(written) = &answer {
            self.access.lane.is_of(&written.arn);
        }
        self.source.heeded(&self.access, answer)
    }
}

fn current(id: &str, payload: Payload) -> Result<Current, Failure> {
    let malformed = |what| malformed("GetSecretValue", id, None, what);
    let content = match payload.value {
        Value::Text(text) => Content::Text(text),
        Value::Binary(bytes) => Content::Binary(bytes),
        Value::Tags(_) => return Err(malformed("an answer without a value")),
    };
    let version_id = payload.version_id.ok_or_else(|| malformed("an answer without VersionId"))?;
    Ok(Current { version_id: version_id.into(), content })
}

/// A value as the SDK takes it. What is no text is refused here: it would arrive as something else.
fn parts(
    operation: Operation,
    id: &str,
    content: Option<&Content>,
) -> Result<(Option<String>, Option<Blob>), Failure> {
    match content {
        None => Ok((None, None)),
        Some(Content::Binary(bytes)) => Ok((None, Some(Blob::new(bytes.expose())))),
        Some(Content::Text(text)) => match str::from_utf8(text.expose()) {
            Ok(text) => Ok((Some(text.to_owned()), None)),
            Err(_) => {
                let what = "the value is no text in UTF-8, and SecretString takes nothing else";
                Err(Failure { class: Class::Invalid, ..malformed(operation.name, id, None, what) })
            }
        },
    }
}

fn written(
    operation: Operation,
    id: &str,
    request_id: Option<&str>,
    arn: Option<String>,
    version_id: Option<String>,
    stages: Option<Vec<String>>,
) -> Result<Written, Failure> {
    let no_arn = || malformed(operation.name, id, request_id, "an answer without ARN");
    Ok(Written { arn: arn.ok_or_else(no_arn)?, version_id, stages })
}

/// What AWS says of a request that it does not take may quote from it: such words are not passed on.
fn discreet<T>(result: Result<T, Failure>, content: Option<&Content>) -> Result<T, Failure> {
    result.map_err(|failure| {
        let sent = match content {
            Some(Content::Text(text)) => one_line(&String::from_utf8_lossy(text.expose())),
            Some(Content::Binary(bytes)) => STANDARD.encode(bytes.expose()),
            None => return failure,
        };
        let start: String = sent.chars().take(QUOTED).collect();
        if failure.class != Class::Invalid || start.is_empty() || !failure.message.contains(&start) {
            return failure;
        }
        left_out(failure, "quote the value")
    })
}

/// The same, whatever AWS says: it names parts of what it does not take.
pub(super) fn wordless<T>(result: Result<T, Failure>, what: &str) -> Result<T, Failure> {
    result.map_err(|failure| match failure.class {
        Class::Invalid => left_out(failure, &format!("may quote {what}")),
        Class::NotFound
        | Class::MarkedForDeletion
        | Class::Denied
        | Class::IdentityRefused
        | Class::Exists
        | Class::LimitReached
        | Class::Throttled
        | Class::Unavailable
        | Class::Malformed => failure,
    })
}

fn left_out(failure: Failure, why: &str) -> Failure {
    Failure { message: format!("AWS's words are left out, since they {why}"), ..failure }
}

/// So many characters of a value make a quotation.
const QUOTED: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_value::SecretValue;

    fn value(text: &str) -> SecretValue {
        SecretValue::from(text.to_owned())
    }

    #[test]
    fn a_refusal_that_quotes_the_value_is_told_without_it() {
        let told = |class, message: &str, content: &Content| {
            let failure = Failure { class, ..malformed("PutSecretValue", "db", None, message) };
            discreet::<()>(Err(failure), Some(content)).unwrap_err().message
        };
        let long = format!("hunter2\nhunter2 {}", "x".repeat(600));
        let quoted = one_line(&format!("Value '{long}' at 'secretString' failed to satisfy constraint"));
        let text = Content::Text(value(&long));
        assert!(!told(Class::Invalid, &quoted, &text).contains("hunter2"));
        assert_eq!(told(Class::Invalid, "too long", &text), "too long");
        assert_eq!(told(Class::Denied, "not authorized", &Content::Text(value("not"))), "not authorized");
        let binary = Content::Binary(value("hunter2 hunter2"));
        let quoted = format!("Value '{}' at 'secretBinary'", STANDARD.encode("hunter2 hunter2"));
        assert!(!told(Class::Invalid, &quoted, &binary).contains(&STANDARD.encode("hunter2 hunter2")));
    }

    #[test]
    fn what_is_no_text_is_no_secret_string() {
        let bytes = SecretValue::new(vec![0xff, 0xfe]);
        let refused = parts(PUT, "db", Some(&Content::Text(bytes.clone()))).unwrap_err();
        assert_eq!(refused.class, Class::Invalid);
        assert!(parts(PUT, "db", Some(&Content::Binary(bytes))).is_ok());
    }
}
