//! GetSecretValue, BatchGetSecretValue, DescribeSecret and ListSecretVersionIds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::list::{self, Filter};
use super::replicas;
use super::{AwsError, Desk, OneSecret, Operation, Place, Secret, check_length, seconds};
use crate::support::aws::secret::{CURRENT, Content, Version};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get_secret_value(desk: &mut Desk<'_>, input: &GetSecretValue) -> Result<Value, AwsError> {
    let GetSecretValue { secret_id, version_id, version_stage } = input;
    if let Some(id) = version_id {
        check_length("versionId", id, 32, 64)?;
    }
    if let Some(stage) = version_stage {
        check_length("versionStage", stage, 1, 256)?;
    }
    let mut more = Vec::new();
    more.extend(version_id.iter().map(|id| ("secretsmanager:VersionId", id.clone())));
    let stage = version_stage.clone().or_else(|| version_id.is_none().then(|| CURRENT.to_owned()));
    more.extend(stage.iter().map(|stage| ("secretsmanager:VersionStage", stage.clone())));
    let place = desk.open(Operation::GetSecretValue, secret_id, &more)?;
    let id = choose(desk.world.secret(&place)?, version_id.as_deref(), version_stage.as_deref())?;
    value(desk, &place, &id)
}

/// The id of the version that is meant.
fn choose(secret: &Secret, id: Option<&str>, stage: Option<&str>) -> Result<String, AwsError> {
    secret.check_present()?;
    let version = match (id, stage) {
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            secret.staged(stage).ok_or_else(|| AwsError::no_value(&format!("staging label: {stage}")))
        }
        (Some(id), stage) => {
            let version =
                secret.version(id).ok_or_else(|| AwsError::no_value(&format!("VersionId: {id}")))?;
            match stage.filter(|stage| !version.stages.contains(*stage)) {
                None => Ok(version),
                Some(_) => Err(AwsError::invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                )),
            }
        }
    };
    version.map(|version| version.id.clone())
}

/// The answer with a version's value; notes that it was read.
fn value(desk: &mut Desk<'_>, place: &Place, id: &str) -> Result<Value, AwsError> {
    let (now, region) = (desk.now, desk.region);
    let secret = desk.world.secret_mut(place)?;
    secret.accessed = Some(now);
    let (arn, name) = (secret.arn_in(region), secret.name.clone());
    let version = secret.versions.iter_mut().find(|one| one.id == id).ok_or_else(AwsError::not_found)?;
    version.accessed = Some(now);
    let mut answer = json!({
        "ARN": arn, "Name": name, "VersionId": version.id, "VersionStages": version.stages,
        "CreatedDate": seconds(version.created),
    });
    let (key, content) = match &version.content {
        Content::Text(text) => ("SecretString", text.clone()),
        Content::Binary(bytes) => ("SecretBinary", STANDARD.encode(bytes)),
    };
    set(&mut answer, key, Some(content.into()));
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BatchGetSecretValue {
    secret_id_list: Option<Vec<String>>,
    filters: Option<Vec<Filter>>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

/// The right to ask is one thing; each secret is then judged by GetSecretValue, and refusals of single secrets
/// are among the errors of an answer that is a success.
pub(super) fn batch_get_secret_value(
    desk: &mut Desk<'_>,
    input: &BatchGetSecretValue,
) -> Result<Value, AwsError> {
    let BatchGetSecretValue { secret_id_list, filters, max_results, next_token } = input;
    let (ids, next) = match (secret_id_list.as_deref(), filters.as_deref()) {
        (Some([_, ..]), Some([_, ..])) | (None | Some([]), None | Some([])) => {
            return Err(AwsError::invalid_parameter(
                "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
            ));
        }
        (Some(ids @ [_, ..]), _) => {
            if ids.len() > 20 {
                let constraint = "Member must have length less than or equal to 20";
                return Err(AwsError::validation("secretIdList", constraint));
            }
            if max_results.is_some() {
                return Err(AwsError::invalid_parameter("'MaxResults' can only be used with 'Filters'."));
            }
            desk.authorize_any("secretsmanager:BatchGetSecretValue")?;
            (ids.to_vec(), None)
        }
        (_, filters) => {
            desk.authorize_any("secretsmanager:BatchGetSecretValue")?;
            desk.authorize_any("secretsmanager:ListSecrets")?;
            let wanted = list::Wanted { filters: filters.unwrap_or_default(), planned_deletion: false };
            list::page(desk, &wanted, max_results.unwrap_or(20), 20, next_token.as_deref())?
        }
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let one = GetSecretValue { secret_id: id.clone(), version_id: None, version_stage: None };
        match get_secret_value(desk, &one) {
            Ok(value) => values.push(value),
            Err(AwsError { code, message, .. }) => {
                errors.push(json!({"SecretId": id, "ErrorCode": code, "Message": message}));
            }
        }
    }
    let mut answer = json!({"SecretValues": values, "Errors": errors});
    set(&mut answer, "NextToken", next.map(Value::from));
    Ok(answer)
}

pub(super) fn describe_secret(desk: &mut Desk<'_>, input: &OneSecret) -> Result<Value, AwsError> {
    let place = desk.open(Operation::DescribeSecret, &input.secret_id, &[])?;
    let secret = desk.world.secret(&place)?;
    let mut answer = entry(secret, desk.region);
    set(&mut answer, "VersionIdsToStages", Some(stages(secret)).filter(|stages| *stages != json!({})));
    if !secret.replicas.is_empty() {
        let status = replicas::status(desk, &place)?;
        set(&mut answer, "ReplicationStatus", Some(status));
    }
    Ok(answer)
}

/// AWS's own key, of which DescribeSecret says nothing.
pub(super) const MANAGED_KEY: &str = "alias/aws/secretsmanager";

/// What DescribeSecret and ListSecrets both say.
pub(super) fn entry(secret: &Secret, region: &str) -> Value {
    let tags: Vec<Value> =
        secret.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    let mut answer = json!({
        "ARN": secret.arn_in(region), "Name": secret.name, "Tags": tags,
        "CreatedDate": seconds(secret.created), "LastChangedDate": seconds(secret.changed),
    });
    let is_replicated = !secret.replicas.is_empty();
    set(&mut answer, "PrimaryRegion", is_replicated.then(|| secret.region.clone().into()));
    set(&mut answer, "Description", secret.description.clone().map(Value::from));
    let own_key = secret.kms_key_id.clone().filter(|key| key != MANAGED_KEY);
    set(&mut answer, "KmsKeyId", own_key.map(Value::from));
    set(&mut answer, "LastAccessedDate", secret.accessed.map(seconds));
    set(&mut answer, "DeletedDate", secret.deletion.map(seconds));
    answer
}

/// Version ids with their labels; versions without one are not there.
pub(super) fn stages(secret: &Secret) -> Value {
    let labelled = secret.versions.iter().filter(|version| !version.stages.is_empty());
    labelled.map(|version| (version.id.clone(), json!(version.stages))).collect::<Map<_, _>>().into()
}

/// Sets a member that is left out when there is nothing to say.
pub(super) fn set(answer: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(members), Some(value)) = (answer.as_object_mut(), value) {
        members.insert(key.to_owned(), value);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecretVersionIds {
    secret_id: String,
    include_deprecated: Option<bool>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

pub(super) fn list_secret_version_ids(
    desk: &mut Desk<'_>,
    input: &ListSecretVersionIds,
) -> Result<Value, AwsError> {
    let place = desk.open(Operation::ListSecretVersionIds, &input.secret_id, &[])?;
    let secret = desk.world.secret(&place)?;
    let deprecated = input.include_deprecated.unwrap_or_default();
    let wanted = |one: &&Version| deprecated || !one.stages.is_empty();
    let versions: Vec<&Version> = secret.versions.iter().filter(wanted).collect();
    let (from, to) =
        list::bounds(versions.len(), input.max_results.unwrap_or(100), 100, input.next_token.as_deref())?;
    let say = |version: &&Version| {
        let mut said = json!({
            "VersionId": version.id, "VersionStages": version.stages, "CreatedDate": seconds(version.created),
        });
        set(&mut said, "LastAccessedDate", version.accessed.map(seconds));
        said
    };
    let page: Vec<Value> = versions.get(from..to).unwrap_or_default().iter().map(say).collect();
    let mut answer = json!({"ARN": secret.arn_in(desk.region), "Name": secret.name, "Versions": page});
    set(&mut answer, "NextToken", list::next_token(to, versions.len()).map(Value::from));
    Ok(answer)
}
