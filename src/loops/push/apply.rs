//! One remote secret, changed: what was found to be done in, calls to AWS out, each under the leader's guard. The value
//! and what is beside it do not wait for each other: what fails is told, and the rest is done.

use crate::leader::Guard;
use crate::push::attributes::{self, Change, DEFAULT_DESCRIPTION, DEFAULT_KEY};
use crate::push::remote::{CURRENT, Content};
use crate::push::removal;
use crate::push::value::Step;
use crate::push::wanted::Target;
use crate::source::remote::{Deletion, NewSecret, Remote, ReplicaRegion, Update};

use super::error::PushError;
use super::examine::Examined;

/// What came of a target.
#[derive(Debug)]
pub(super) struct Applied {
    /// Its ARN.
    pub(super) arn: String,
    /// The version that is current now, where it is known.
    pub(super) version: Option<String>,
    /// Whether a version was written.
    pub(super) is_written: bool,
    /// What was changed beside the value.
    pub(super) changed: usize,
    /// What is not as it should be, though the value is.
    pub(super) problems: Vec<PushError>,
}

/// Brings a secret into step. What was to be restored is only that: it has to be looked at again.
pub(super) async fn target(
    remote: &Remote,
    guard: &Guard,
    target: &Target,
    examined: Examined,
) -> Result<Applied, PushError> {
    let Examined { described, value, changes, problems } = examined;
    let old = described.as_ref().map(|described| described.arn.clone());
    let mut applied = Applied {
        arn: old.unwrap_or_default(),
        version: described.as_ref().and_then(|described| described.current().map(str::to_owned)),
        is_written: true,
        changed: 0,
        problems,
    };
    match value {
        Step::Nothing | Step::Read => applied.is_written = false,
        Step::Create { content, token } => {
            let new = new_secret(target, content, token);
            let written = guard.write(remote.create(&new)).await??;
            (applied.arn, applied.version) = (written.arn, written.version_id);
        }
        Step::Put { content, tokens } => {
            applied.version = Some(put(remote, guard, &target.name, &content, &tokens).await?);
        }
        Step::Restore => {
            guard.write(remote.restore(&applied.arn)).await??;
            applied.is_written = false;
        }
    }
    for change in changes {
        match self::change(remote, guard, &applied.arn, &change).await {
            Ok(()) => applied.changed += 1,
            Err(error) => applied.problems.push(error),
        }
    }
    Ok(applied)
}

/// Takes away what is to go.
pub(super) async fn removal(
    remote: &Remote,
    guard: &Guard,
    id: &str,
    step: removal::Step,
    deletion: Deletion,
) -> Result<(), PushError> {
    match step {
        removal::Step::Nothing | removal::Step::Read => Ok(()),
        removal::Step::Put { content, tokens } => put(remote, guard, id, &content, &tokens).await.map(drop),
        removal::Step::Delete { replicas } => {
            if !replicas.is_empty() {
                guard.write(remote.remove_replicas(id, &replicas)).await??;
            }
            Ok(guard.write(remote.delete(id, deletion)).await??)
        }
    }
}

fn new_secret(target: &Target, content: Content, token: String) -> NewSecret {
    let metadata = &target.metadata;
    let kms_key_id = metadata.kms_key_id.as_deref().unwrap_or(DEFAULT_KEY).to_owned();
    let regions = metadata.replication_locations.iter().flatten();
    let replica = |region: &smol_str::SmolStr| ReplicaRegion {
        region: region.to_string(),
        kms_key_id: Some(kms_key_id.clone()),
    };
    NewSecret {
        name: target.name.clone(),
        token,
        content,
        description: Some(metadata.description.as_deref().unwrap_or(DEFAULT_DESCRIPTION).to_owned()),
        replicas: regions.map(replica).collect(),
        kms_key_id: Some(kms_key_id),
        tags: attributes::new_tags(metadata),
    }
}

/// A token that AWS knows already changes nothing, and the next one is tried: the version must become the current one.
async fn put(
    remote: &Remote,
    guard: &Guard,
    id: &str,
    content: &Content,
    tokens: &[String],
) -> Result<String, PushError> {
    for token in tokens {
        let written = guard.write(remote.put(id, token, content)).await??;
        let is_current = written.stages.is_none_or(|stages| stages.iter().any(|stage| stage == CURRENT));
        if is_current {
            return Ok(written.version_id.unwrap_or_else(|| token.clone()));
        }
    }
    Err(PushError::NotCurrent)
}

async fn change(remote: &Remote, guard: &Guard, arn: &str, change: &Change) -> Result<(), PushError> {
    match change {
        Change::Update { description, kms_key_id } => {
            let update =
                Update { description: description.clone(), kms_key_id: kms_key_id.clone(), value: None };
            guard.write(remote.update(arn, &update)).await?.map(drop)?;
        }
        Change::Untag(keys) => guard.write(remote.untag(arn, keys)).await??,
        Change::Tag(tags) => guard.write(remote.tag(arn, tags)).await??,
        Change::RemoveReplicas(regions) => {
            guard.write(remote.remove_replicas(arn, regions)).await?.map(drop)?;
        }
        Change::Replicate { regions, kms_key_id } => {
            let to: Vec<ReplicaRegion> = regions
                .iter()
                .map(|region| ReplicaRegion { region: region.clone(), kms_key_id: kms_key_id.clone() })
                .collect();
            guard.write(remote.replicate(arn, &to)).await?.map(drop)?;
        }
        Change::PutPolicy(policy) => {
            guard.write(remote.put_policy(arn, policy)).await??;
        }
        Change::DeletePolicy => guard.write(remote.delete_policy(arn)).await??,
    }
    Ok(())
}
