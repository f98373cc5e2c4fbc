//! ReplicateSecretToRegions and RemoveRegionsFromReplication.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsError, Desk, Operation, Place};
use crate::support::aws::secret::Replica;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicaRegion {
    region: String,
    kms_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicateSecretToRegions {
    secret_id: String,
    add_replica_regions: Vec<ReplicaRegion>,
    force_overwrite_replica_secret: Option<bool>,
}

pub(super) fn replicate_secret_to_regions(
    desk: &mut Desk<'_>,
    input: &ReplicateSecretToRegions,
) -> Result<Value, AwsError> {
    let ReplicateSecretToRegions { secret_id, add_replica_regions, force_overwrite_replica_secret } = input;
    let place = desk.open_primary(Operation::ReplicateSecretToRegions, secret_id, &[])?;
    desk.world.secret(&place)?.check_present()?;
    add(desk, &place, add_replica_regions, force_overwrite_replica_secret.unwrap_or_default())?;
    answer(desk, &place)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemoveRegionsFromReplication {
    secret_id: String,
    remove_replica_regions: Vec<String>,
}

pub(super) fn remove_regions_from_replication(
    desk: &mut Desk<'_>,
    input: &RemoveRegionsFromReplication,
) -> Result<Value, AwsError> {
    let place = desk.open_primary(Operation::RemoveRegionsFromReplication, &input.secret_id, &[])?;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    secret.replicas.retain(|replica| !input.remove_replica_regions.contains(&replica.region));
    answer(desk, &place)
}

/// Copies a secret; where its name is taken already there is no copy, which the status says.
pub(super) fn add(
    desk: &mut Desk<'_>,
    place: &Place,
    regions: &[ReplicaRegion],
    overwrite: bool,
) -> Result<(), AwsError> {
    for ReplicaRegion { region, kms_key_id } in regions {
        let secret = desk.world.secret(place)?;
        let name = secret.name.clone();
        if *region == secret.region {
            return Err(AwsError::invalid_parameter(format!(
                "Invalid replica region {region}: it is the region of the secret itself."
            )));
        }
        if secret.replicas.iter().any(|replica| replica.region == *region && replica.failure.is_none()) {
            return Err(AwsError::invalid_parameter(format!(
                "The secret {name} is replicated to {region} already."
            )));
        }
        let taken = desk.world.find(&place.account, region, &name).is_some() && !overwrite;
        let failure = taken
            .then(|| format!("Replication failed: Secret name {name} already exists in region {region}."));
        let replica = Replica { region: region.clone(), kms_key_id: kms_key_id.clone(), failure };
        let secret = desk.world.secret_mut(place)?;
        secret.replicas.retain(|replica| replica.region != *region);
        secret.replicas.push(replica);
    }
    Ok(())
}

pub(super) fn status(desk: &Desk<'_>, place: &Place) -> Result<Value, AwsError> {
    let say = |replica: &Replica| {
        let (status, message) = match &replica.failure {
            None => ("InSync", "Replication succeeded"),
            Some(failure) => ("Failed", failure.as_str()),
        };
        let key = replica.kms_key_id.as_deref().unwrap_or(super::read::MANAGED_KEY);
        json!({"Region": replica.region, "KmsKeyId": key, "Status": status, "StatusMessage": message})
    };
    Ok(desk.world.secret(place)?.replicas.iter().map(say).collect())
}

fn answer(desk: &Desk<'_>, place: &Place) -> Result<Value, AwsError> {
    let arn = desk.world.secret(place)?.arn();
    Ok(json!({"ARN": arn, "ReplicationStatus": status(desk, place)?}))
}
