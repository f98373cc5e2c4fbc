//! The status of an ExternalSecret: what came of it in, the status as External Secrets Operator has it out. Pure.

use k8s_openapi::jiff::Timestamp;

use crate::api::external_secret::{Binding, ExternalSecret, ExternalSecretStatus};
use crate::external_secret::target::{self, Step};
use crate::loops::conditions;

use super::error::KeepError;

/// The status after it was brought into step, or could not be.
pub(super) fn next(
    object: &ExternalSecret,
    outcome: &Result<Step, KeepError>,
    version: &str,
    now: Timestamp,
) -> ExternalSecretStatus {
    let mut status = object.status.clone().unwrap_or_default();
    let time = conditions::seconds(now);
    if let Ok(step) = outcome {
        status.refresh_time = Some(time.clone());
        status.synced_resource_version = Some(version.to_owned());
        if is_there(step) {
            status.binding = Some(Binding { name: target::name(object) });
        }
    }
    let (is_ready, reason, message) = told(outcome);
    let condition = conditions::ready(is_ready, reason, message);
    if let Some(conditions) = conditions::set(&status.conditions, condition, &time) {
        status.conditions = conditions;
    }
    status
}

fn is_there(step: &Step) -> bool {
    match step {
        Step::Keep | Step::Create(_) | Step::Replace(_) => true,
        Step::Delete | Step::Gone | Step::Retain | Step::Missing | Step::None => false,
    }
}

/// Reasons and messages are the operator's; the message of a failure has the cause, too.
fn told(outcome: &Result<Step, KeepError>) -> (bool, &'static str, String) {
    let (reason, message) = match outcome {
        Ok(Step::Keep | Step::Create(_) | Step::Replace(_) | Step::None) => ("SecretSynced", "secret synced"),
        Ok(Step::Retain) => ("SecretSynced", "secret retained due to DeletionPolicy=Retain"),
        Ok(Step::Delete | Step::Gone) => ("SecretDeleted", "secret deleted due to DeletionPolicy=Delete"),
        Ok(Step::Missing) => (target::MISSING, "secret will not be created due to CreationPolicy=Merge"),
        Err(error) => return (false, "SecretSyncedError", error.to_string()),
    };
    (true, reason, message.to_owned())
}
