//! UpdateSecretVersionStage.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::write::identified;
use super::{AwsError, Desk, Operation};
use crate::support::aws::secret::CURRENT;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

pub(super) fn update_secret_version_stage(
    desk: &mut Desk<'_>,
    input: &UpdateSecretVersionStage,
) -> Result<Value, AwsError> {
    let UpdateSecretVersionStage { secret_id, version_stage, move_to_version_id, remove_from_version_id } =
        input;
    let more = [("secretsmanager:VersionStage", version_stage.clone())];
    let place = desk.open_primary(Operation::UpdateSecretVersionStage, secret_id, &more)?;
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    let holder = secret.staged(version_stage).map(|version| version.id.clone());
    if remove_from_version_id.is_some() && *remove_from_version_id != holder
        || remove_from_version_id.is_none() && holder.is_some() && holder != *move_to_version_id
    {
        return Err(AwsError::invalid_parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {version_stage} is currently attached \
             to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            holder.unwrap_or_default()
        )));
    }
    if move_to_version_id.is_none() && version_stage == CURRENT {
        return Err(AwsError::invalid_parameter(
            "You can only move staging label AWSCURRENT to another version.",
        ));
    }
    if let Some(missing) = move_to_version_id.as_deref().filter(|id| secret.version(id).is_none()) {
        return Err(AwsError::invalid_parameter(format!("Not a valid version: {missing}")));
    }
    secret.check_stages(&BTreeSet::from([version_stage.clone()]))?;
    secret.move_stage(version_stage, move_to_version_id.as_deref());
    secret.changed = now;
    identified(desk, &place, None)
}
