//! DeleteSecret and RestoreSecret.

use k8s_openapi::jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsError, Desk, OneSecret, Operation, seconds};

const DEFAULT_WINDOW_DAYS: i64 = 30;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    force_delete_without_recovery: Option<bool>,
}

pub(super) fn delete_secret(desk: &mut Desk<'_>, input: &DeleteSecret) -> Result<Value, AwsError> {
    let DeleteSecret { secret_id, recovery_window_in_days: window, force_delete_without_recovery } = input;
    let force = force_delete_without_recovery.unwrap_or_default();
    if force && window.is_some() {
        return Err(AwsError::invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    if window.is_some_and(|days| !(7..=30).contains(&days)) {
        return Err(AwsError::invalid_parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let mut more = vec![("secretsmanager:ForceDeleteWithoutRecovery", force.to_string())];
    more.extend(window.map(|days| ("secretsmanager:RecoveryWindowInDays", days.to_string())));
    let place = match desk.open_primary(Operation::DeleteSecret, secret_id, &more) {
        // A secret that is gone already is what was asked for.
        Err(error) if force && error == AwsError::not_found() => {
            let (arn, date) = (desk.arn_of_missing(secret_id), seconds(desk.now));
            return Ok(json!({"ARN": arn, "Name": secret_id, "DeletionDate": date}));
        }
        place => place?,
    };
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    let (arn, name) = (secret.arn(), secret.name.clone());
    if !secret.replicas.is_empty() {
        let regions: Vec<&str> = secret.replicas.iter().map(|replica| replica.region.as_str()).collect();
        return Err(AwsError::invalid_parameter(format!(
            "You can't delete secret {secret_id} that still has replica regions [{}]",
            regions.join(", ")
        )));
    }
    let date = if force {
        desk.world.account(&place.account).secrets.remove(place.at);
        now
    } else {
        if secret.deletion.is_some() {
            return Err(AwsError::marked_for_deletion());
        }
        let days = SignedDuration::from_hours(24 * window.unwrap_or(DEFAULT_WINDOW_DAYS));
        let date = now.checked_add(days).map_err(AwsError::serialization)?;
        secret.deletion = Some(date);
        date
    };
    Ok(json!({"ARN": arn, "Name": name, "DeletionDate": seconds(date)}))
}

/// A secret that is not marked is restored, too: the call says how it should be.
pub(super) fn restore_secret(desk: &mut Desk<'_>, input: &OneSecret) -> Result<Value, AwsError> {
    let place = desk.open_primary(Operation::RestoreSecret, &input.secret_id, &[])?;
    let region = desk.region;
    let secret = desk.world.secret_mut(&place)?;
    secret.deletion = None;
    Ok(json!({"ARN": secret.arn_in(region), "Name": secret.name}))
}
