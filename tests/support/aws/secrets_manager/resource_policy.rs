//! GetResourcePolicy, PutResourcePolicy and DeleteResourcePolicy.

use serde::Deserialize;
use serde_json::{Value, json};

use super::read::set;
use super::{AwsError, Desk, OneSecret, Operation, check_length};
use crate::support::aws::iam::Policy;

pub(super) fn get_resource_policy(desk: &mut Desk<'_>, input: &OneSecret) -> Result<Value, AwsError> {
    let place = desk.open(Operation::GetResourcePolicy, &input.secret_id, &[])?;
    let secret = desk.world.secret(&place)?;
    secret.check_present()?;
    let mut answer = json!({"ARN": secret.arn_in(desk.region), "Name": secret.name});
    set(&mut answer, "ResourcePolicy", secret.policy.clone().map(Value::from));
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutResourcePolicy {
    secret_id: String,
    resource_policy: String,
    block_public_policy: Option<bool>,
}

pub(super) fn put_resource_policy(desk: &mut Desk<'_>, input: PutResourcePolicy) -> Result<Value, AwsError> {
    let PutResourcePolicy { secret_id, resource_policy, block_public_policy } = input;
    check_length("resourcePolicy", &resource_policy, 1, 20_480)?;
    let block = block_public_policy.unwrap_or_default();
    let more = [("secretsmanager:BlockPublicPolicy", block.to_string())];
    let place = desk.open_primary(Operation::PutResourcePolicy, &secret_id, &more)?;
    let policy = Policy::parse(&resource_policy).map_err(|error| AwsError::malformed_policy(&error))?;
    if block && policy.is_public() {
        return Err(AwsError::public_policy());
    }
    let region = desk.region;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    secret.policy = Some(resource_policy);
    Ok(json!({"ARN": secret.arn_in(region), "Name": secret.name}))
}

/// There need be none to delete.
pub(super) fn delete_resource_policy(desk: &mut Desk<'_>, input: &OneSecret) -> Result<Value, AwsError> {
    let place = desk.open_primary(Operation::DeleteResourcePolicy, &input.secret_id, &[])?;
    let region = desk.region;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    secret.policy = None;
    Ok(json!({"ARN": secret.arn_in(region), "Name": secret.name}))
}
