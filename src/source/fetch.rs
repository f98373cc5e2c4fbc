//! One secret from Secrets Manager: a client and what is asked in, AWS's answer out. No keeping, no waiting.

use std::sync::Arc;
use std::time::Instant;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::SecretValueEntry;

use super::calls::Calls;
use super::error::{failure, malformed};
use crate::aws::failure::Failure;
use crate::cache::{Payload, Stages, Value, Version};
use crate::secret_value::SecretValue;

/// GetSecretValue: the value of a version.
pub(super) async fn value(
    client: &Client,
    calls: &Calls,
    id: &str,
    version: &Version,
) -> Result<Payload, Failure> {
    const OPERATION: &str = "GetSecretValue";
    let started = Instant::now();
    let request = client.get_secret_value().secret_id(id);
    let request = match version {
        Version::Current => request.version_stage(CURRENT),
        Version::Stage(stage) => request.version_stage(&**stage),
        Version::Id(id) => request.version_id(&**id),
    };
    let answer = request.send().await.map_err(|error| failure(OPERATION, id, &error)).and_then(|answer| {
        let request_id = answer.request_id().map(str::to_owned);
        let parts = Parts {
            arn: answer.arn,
            version_id: answer.version_id,
            stages: answer.version_stages,
            text: answer.secret_string,
            binary: answer.secret_binary,
        };
        parts.payload(OPERATION, id, request_id.as_deref())
    });
    calls.done(OPERATION, || id.to_owned(), started, answer)
}

/// DescribeSecret: the tags.
pub(super) async fn tags(client: &Client, calls: &Calls, id: &str) -> Result<Payload, Failure> {
    const OPERATION: &str = "DescribeSecret";
    let started = Instant::now();
    let answer = client.describe_secret().secret_id(id).send().await;
    let answer = answer.map_err(|error| failure(OPERATION, id, &error)).and_then(|answer| {
        let request_id = answer.request_id().map(str::to_owned);
        let malformed = |what| malformed(OPERATION, id, request_id.as_deref(), what);
        if answer.deleted_date.is_some() {
            let class = crate::aws::failure::Class::MarkedForDeletion;
            return Err(Failure { class, ..malformed("DeletedDate is set") });
        }
        let arn = answer.arn.ok_or_else(|| malformed("an answer without ARN"))?;
        let mut tags: Vec<(String, String)> = answer
            .tags
            .unwrap_or_default()
            .into_iter()
            .filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
            .collect();
        tags.sort();
        Ok(Payload {
            arn: arn.into(),
            version_id: None,
            stages: Stages::Named(Box::default()),
            value: Value::Tags(tags),
        })
    });
    calls.done(OPERATION, || id.to_owned(), started, answer)
}

/// An entry of BatchGetSecretValue, as GetSecretValue would have answered.
pub(super) fn entry(entry: SecretValueEntry, request_id: Option<&str>) -> Result<Payload, Failure> {
    let id = entry.name.unwrap_or_default();
    let parts = Parts {
        arn: entry.arn,
        version_id: entry.version_id,
        stages: entry.version_stages,
        text: entry.secret_string,
        binary: entry.secret_binary,
    };
    parts.payload("BatchGetSecretValue", &id, request_id)
}

const CURRENT: &str = "AWSCURRENT";

struct Parts {
    arn: Option<String>,
    version_id: Option<String>,
    stages: Option<Vec<String>>,
    text: Option<String>,
    binary: Option<Blob>,
}

impl Parts {
    fn payload(
        self,
        operation: &'static str,
        id: &str,
        request_id: Option<&str>,
    ) -> Result<Payload, Failure> {
        let malformed = |what| malformed(operation, id, request_id, what);
        let value = match (self.text, self.binary) {
            (Some(text), None) => Value::Text(SecretValue::from(text)),
            (_, Some(binary)) => Value::Binary(SecretValue::new(binary.into_inner())),
            (None, None) => return Err(malformed("an answer with neither SecretString nor SecretBinary")),
        };
        let arn: Arc<str> = self.arn.ok_or_else(|| malformed("an answer without ARN"))?.into();
        let stages = self.stages.unwrap_or_default().into();
        Ok(Payload { arn, version_id: self.version_id.map(String::into_boxed_str), stages, value })
    }
}
