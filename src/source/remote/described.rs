//! DescribeSecret: everything that AWS says of a secret but its value.

use std::collections::BTreeMap;
use std::time::Instant;

use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::ReplicationStatusType;

use super::{Remote, present};
use crate::source::error::{SourceError, failure, malformed};

/// A secret without its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Described {
    /// Its ARN.
    pub arn: String,
    /// Its full name.
    pub name: String,
    /// Its description; empty if it has none.
    pub description: String,
    /// The key that encrypts it; none for `aws/secretsmanager`, of which AWS says nothing.
    pub kms_key_id: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Unix time from which it is marked for deletion.
    pub deleted_at: Option<i64>,
    /// Stages by VersionId; versions without a stage are not there.
    pub stages: BTreeMap<String, Vec<String>>,
    /// The region where it was made, if it is in several.
    pub primary_region: Option<String>,
    /// Its copies in other regions.
    pub replicas: Vec<Replica>,
    /// The AWS service that manages it, if one does.
    pub owning_service: Option<String>,
    /// Whether AWS rotates it.
    pub rotation_enabled: bool,
}

/// A copy in another region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replica {
    /// Its region.
    pub region: String,
    /// `InSync`, `InProgress` or `Failed`.
    pub status: String,
    /// AWS's words on the status.
    pub message: String,
    /// The key that encrypts it there.
    pub kms_key_id: Option<String>,
}

impl Described {
    /// The version that has a stage.
    pub fn staged(&self, stage: &str) -> Option<&str> {
        let mut versions = self.stages.iter();
        let found = versions.find(|(_, stages)| stages.iter().any(|one| one == stage));
        found.map(|(id, _)| id.as_str())
    }
}

impl Remote {
    /// What AWS says of a secret; none if there is no such secret. One that is marked for deletion is there.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn describe(&self, id: &str) -> Result<Option<Described>, SourceError> {
        const OPERATION: &str = "DescribeSecret";
        let lane = &self.access.lane;
        let client = self.source.heeded(&self.access, lane.session.client().await)?;
        let started = Instant::now();
        let answer = client.describe_secret().secret_id(id).send().await;
        let answer = answer.map_err(|error| failure(OPERATION, id, &error)).and_then(|answer| {
            let request_id = answer.request_id().map(str::to_owned);
            described(answer).ok_or_else(|| {
                malformed(OPERATION, id, request_id.as_deref(), "an answer without ARN and name")
            })
        });
        let answer = lane.checked(lane.calls.done(OPERATION, || id.to_owned(), started, answer)).await;
        if let Ok(described) = &answer {
            lane.is_of(&described.arn);
        }
        self.source.heeded(&self.access, present(answer))
    }
}

fn described(answer: DescribeSecretOutput) -> Option<Described> {
    let tags = answer.tags.unwrap_or_default().into_iter();
    let replicas = answer.replication_status.unwrap_or_default().into_iter();
    Some(Described {
        arn: answer.arn?,
        name: answer.name?,
        description: answer.description.unwrap_or_default(),
        kms_key_id: answer.kms_key_id,
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
        deleted_at: answer.deleted_date.map(|date| date.secs()),
        stages: answer.version_ids_to_stages.unwrap_or_default().into_iter().collect(),
        primary_region: answer.primary_region,
        replicas: replicas.map(replica).collect(),
        owning_service: answer.owning_service,
        rotation_enabled: answer.rotation_enabled.unwrap_or_default(),
    })
}

pub(super) fn replica(status: ReplicationStatusType) -> Replica {
    let ReplicationStatusType { region, kms_key_id, status, status_message, .. } = status;
    Replica {
        region: region.unwrap_or_default(),
        status: status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        message: status_message.unwrap_or_default(),
        kms_key_id,
    }
}
