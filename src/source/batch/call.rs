//! One BatchGetSecretValue: ids in, a value or a failure for each that AWS speaks of out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::RequestId;

use crate::aws::failure::{Failure, classify, one_line};
use crate::cache::Payload;
use crate::source::calls::Calls;
use crate::source::error::failure;
use crate::source::fetch;

/// What one call answered: values by ARN and by name, and failures by the id that was asked for.
#[derive(Debug, Default)]
pub(super) struct Answers {
    values: HashMap<String, Payload>,
    failures: HashMap<String, Failure>,
}

impl Answers {
    /// What was answered about an id, if anything was.
    pub(super) fn take(&mut self, id: &str) -> Option<Result<Payload, Failure>> {
        self.values.remove(id).map(Ok).or_else(|| self.failures.remove(id).map(Err))
    }
}

/// Asks for a group.
pub(super) async fn ask(client: &Client, calls: &Calls, wanted: &[Arc<str>]) -> Result<Answers, Failure> {
    const OPERATION: &str = "BatchGetSecretValue";
    let started = Instant::now();
    let ids = Some(wanted.iter().map(|id| id.to_string()).collect());
    let answer = client.batch_get_secret_value().set_secret_id_list(ids).send().await;
    let answer = answer.map_err(|error| failure(OPERATION, "a group of secrets", &error)).map(|answer| {
        let request_id = answer.request_id().map(str::to_owned);
        let mut answers = Answers::default();
        for error in answer.errors.unwrap_or_default() {
            let (code, message) = (error.error_code.unwrap_or_default(), error.message.unwrap_or_default());
            let id = error.secret_id.unwrap_or_default();
            let failure = Failure {
                class: classify(&code, &message, Some(400)),
                operation: OPERATION,
                object: id.clone(),
                code,
                message: one_line(&message),
                request_id: request_id.clone(),
            };
            answers.failures.insert(id, failure);
        }
        for value in answer.secret_values.unwrap_or_default() {
            let name = value.name.clone().unwrap_or_default();
            // An entry that lacks a part is asked for again by itself, which tells what is wrong with it.
            let Ok(payload) = fetch::entry(value, request_id.as_deref()) else { continue };
            let by_name = wanted.iter().any(|id| **id == *name);
            let id = if by_name { name } else { payload.arn.to_string() };
            answers.values.insert(id, payload);
        }
        answers
    });
    calls.done(OPERATION, || wanted.join(", "), started, answer)
}
