//! CreateSecret, PutSecretValue and UpdateSecret.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::replicas::{self, ReplicaRegion};
use super::tags::{self, Tag};
use super::{AwsError, Desk, Operation, Place, Secret, check_length};
use crate::support::aws::answer::request_id;
use crate::support::aws::secret::{CURRENT, Content};

const MOST_BYTES: usize = 65_536;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateSecret {
    name: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<ReplicaRegion>,
    force_overwrite_replica_secret: Option<bool>,
}

pub(super) fn create_secret(desk: &mut Desk<'_>, input: CreateSecret) -> Result<Value, AwsError> {
    check_name(&input.name)?;
    check_description(input.description.as_deref())?;
    let token = token(input.client_request_token)?;
    let content = content(input.secret_string, input.secret_binary)?;
    let tags = tags::check(&input.tags)?;
    let mut context = desk.context(&[("secretsmanager:Name", input.name.clone())]);
    tags::add_to(&mut context, &tags);
    if let Some(key) = &input.kms_key_id {
        context.set("secretsmanager:KmsKeyId", key.as_str());
    }
    // Tags and replicas need their own actions, also on a secret that is not there yet.
    let actions = [
        (Operation::CreateSecret, true),
        (Operation::TagResource, !tags.is_empty()),
        (Operation::ReplicateSecretToRegions, !input.add_replica_regions.is_empty()),
    ];
    for (operation, _) in actions.into_iter().filter(|&(_, needed)| needed) {
        desk.authorize(&operation.action(), &input.name, None, context.clone())?;
    }
    if let Some(place) = desk.world.find(&desk.caller.account, desk.region, &input.name) {
        return create_again(desk, &place, &token, content.as_ref());
    }
    let mut secret = Secret::new(&desk.caller.account, desk.region, &input.name, desk.now);
    secret.description = input.description.filter(|text| !text.is_empty());
    secret.kms_key_id = input.kms_key_id;
    secret.tags = tags;
    let secrets = &mut desk.world.account(&desk.caller.account).secrets;
    secrets.push(secret);
    let place = Place { account: desk.caller.account.clone(), at: secrets.len() - 1 };
    let has_value = content.is_some();
    if let Some(content) = content {
        let now = desk.now;
        desk.world.secret_mut(&place)?.put(&token, content, BTreeSet::new(), now)?;
    }
    let overwrite = input.force_overwrite_replica_secret.unwrap_or_default();
    replicas::add(desk, &place, &input.add_replica_regions, overwrite)?;
    let mut answer = identified(desk, &place, has_value.then_some(token.as_str()))?;
    if !input.add_replica_regions.is_empty() {
        super::read::set(&mut answer, "ReplicationStatus", Some(replicas::status(desk, &place)?));
    }
    Ok(answer)
}

/// The name is taken: a repetition of the same request is a success, anything else is not.
fn create_again(
    desk: &Desk<'_>,
    place: &Place,
    token: &str,
    content: Option<&Content>,
) -> Result<Value, AwsError> {
    let secret = desk.world.secret(place)?;
    if secret.deletion.is_some() {
        return Err(AwsError::invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let version = secret.version(token);
    if version.is_some() && version.map(|version| &version.content) == content {
        return identified(desk, place, Some(token));
    }
    Err(AwsError::exists(format!("The operation failed because the secret {} already exists.", secret.name)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutSecretValue {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
    version_stages: Option<BTreeSet<String>>,
}

pub(super) fn put_secret_value(desk: &mut Desk<'_>, input: PutSecretValue) -> Result<Value, AwsError> {
    let token = token(input.client_request_token)?;
    let content = content(input.secret_string, input.secret_binary)?;
    let place = desk.open_primary(Operation::PutSecretValue, &input.secret_id, &[])?;
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    let content = content
        .ok_or_else(|| AwsError::invalid_request("You must provide either SecretString or SecretBinary."))?;
    let stages = input.version_stages.unwrap_or_else(|| BTreeSet::from([CURRENT.to_owned()]));
    secret.check_stages(&stages)?;
    secret.put(&token, content, stages, now)?;
    let stages = secret.version(&token).map(|version| version.stages.clone()).unwrap_or_default();
    let mut answer = identified(desk, &place, Some(&token))?;
    super::read::set(&mut answer, "VersionStages", Some(json!(stages)));
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

pub(super) fn update_secret(desk: &mut Desk<'_>, input: UpdateSecret) -> Result<Value, AwsError> {
    check_description(input.description.as_deref())?;
    let token = token(input.client_request_token)?;
    let content = content(input.secret_string, input.secret_binary)?;
    let mut more = Vec::new();
    more.extend(input.description.iter().map(|text| ("secretsmanager:Description", text.clone())));
    more.extend(input.kms_key_id.iter().map(|key| ("secretsmanager:KmsKeyId", key.clone())));
    let place = desk.open_primary(Operation::UpdateSecret, &input.secret_id, &more)?;
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    let has_value = content.is_some();
    if let Some(content) = content {
        secret.put(&token, content, BTreeSet::from([CURRENT.to_owned()]), now)?;
    }
    if let Some(description) = input.description {
        secret.description = Some(description).filter(|text| !text.is_empty());
    }
    secret.kms_key_id = input.kms_key_id.or_else(|| secret.kms_key_id.take());
    secret.changed = now;
    identified(desk, &place, has_value.then_some(token.as_str()))
}

/// ARN and name, and a version's id.
pub(super) fn identified(desk: &Desk<'_>, place: &Place, version: Option<&str>) -> Result<Value, AwsError> {
    let secret = desk.world.secret(place)?;
    let mut answer = json!({"ARN": secret.arn_in(desk.region), "Name": secret.name});
    super::read::set(&mut answer, "VersionId", version.map(Value::from));
    Ok(answer)
}

fn token(given: Option<String>) -> Result<String, AwsError> {
    let token = given.unwrap_or_else(request_id);
    check_length("clientRequestToken", &token, 32, 64)?;
    Ok(token)
}

fn content(text: Option<String>, binary: Option<String>) -> Result<Option<Content>, AwsError> {
    let content = match (text, binary) {
        (Some(_), Some(_)) => {
            return Err(AwsError::invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            ));
        }
        (Some(text), None) => Content::Text(text),
        (None, Some(base64)) => Content::Binary(STANDARD.decode(base64).map_err(AwsError::serialization)?),
        (None, None) => return Ok(None),
    };
    let (member, length) = match &content {
        Content::Text(text) => ("secretString", text.len()),
        Content::Binary(bytes) => ("secretBinary", bytes.len()),
    };
    match length {
        0 => Err(AwsError::validation(member, "Member must have length greater than or equal to 1")),
        1..=MOST_BYTES => Ok(Some(content)),
        _ => Err(AwsError::validation(member, "Member must have length less than or equal to 65536")),
    }
}

fn check_description(description: Option<&str>) -> Result<(), AwsError> {
    description.map_or(Ok(()), |text| check_length("description", text, 0, 2048))
}

fn check_name(name: &str) -> Result<(), AwsError> {
    check_length("name", name, 1, 512)?;
    if name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c)) {
        return Ok(());
    }
    Err(AwsError::client(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    ))
}
