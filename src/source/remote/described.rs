//! DescribeSecret: everything that AWS says of a secret but its value.

use std::time::Instant;

use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::ReplicationStatusType;

use super::{Remote, present};
use crate::push::remote::{Described, Replica};
use crate::source::error::{SourceError, failure, malformed};

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
            described(answer)
                .ok_or_else(|| malformed(OPERATION, id, request_id.as_deref(), "an answer without ARN"))
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
        description: answer.description.unwrap_or_default(),
        kms_key_id: answer.kms_key_id,
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect(),
        deleted_at: answer.deleted_date.map(|date| date.secs()),
        stages: answer.version_ids_to_stages.unwrap_or_default().into_iter().collect(),
        replicas: replicas.map(replica).collect(),
    })
}

pub(super) fn replica(status: ReplicationStatusType) -> Replica {
    let ReplicationStatusType { region, status, status_message, .. } = status;
    Replica {
        region: region.unwrap_or_default(),
        status: status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        message: status_message.unwrap_or_default(),
    }
}
