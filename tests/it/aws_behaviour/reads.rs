//! The calls that change nothing.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{Filter, ReplicationStatusType, SecretListEntry, Tag};

use super::script::{Answer, Command, days};

/// `None` for an operation that is not here.
pub(super) async fn call(client: &Client, command: &Command) -> Option<Answer> {
    Some(match command.operation() {
        "GetSecretValue" => get(client, command).await,
        "BatchGetSecretValue" => batch(client, command).await,
        "DescribeSecret" => describe(client, command).await,
        "ListSecrets" => list(client, command).await,
        "ListSecretVersionIds" => versions(client, command).await,
        "GetResourcePolicy" => {
            let call = client.get_resource_policy().secret_id(command.need("SecretId")).send().await;
            Answer::of(call, |output, answer| {
                answer.say("ARN", output.arn());
                answer.say("ResourcePolicy", output.resource_policy());
            })
        }
        _ => return None,
    })
}

async fn get(client: &Client, command: &Command) -> Answer {
    let call = client
        .get_secret_value()
        .secret_id(command.need("SecretId"))
        .set_version_id(command.get("VersionId"))
        .set_version_stage(command.get("VersionStage"));
    Answer::of(call.send().await, |output, answer| {
        answer.say("ARN", output.arn());
        answer.say("VersionId", output.version_id());
        answer.list("VersionStages", output.version_stages().to_vec());
        answer.say("SecretString", output.secret_string());
        answer.say("SecretBinary", output.secret_binary().map(bytes));
    })
}

async fn batch(client: &Client, command: &Command) -> Answer {
    let call = client
        .batch_get_secret_value()
        .set_secret_id_list(command.all("SecretIdList"))
        .set_filters(filters(command))
        .set_max_results(command.number("MaxResults"))
        .set_next_token(command.get("NextToken"));
    Answer::of(call.send().await, |output, answer| {
        let values = output.secret_values().iter().map(|value| {
            let text = value
                .secret_string()
                .map_or_else(|| value.secret_binary().map(bytes), |text| Some(text.to_owned()));
            format!("{}={}", value.name().unwrap_or_default(), text.unwrap_or_default())
        });
        answer.ordered("SecretValues", &values.collect::<Vec<_>>());
        let errors = output.errors().iter().map(|error| {
            format!("{}:{}", error.secret_id().unwrap_or_default(), error.error_code().unwrap_or_default())
        });
        answer.ordered("Errors", &errors.collect::<Vec<_>>());
        answer.more(output.next_token().map(str::to_owned));
    })
}

async fn describe(client: &Client, command: &Command) -> Answer {
    let call = client.describe_secret().secret_id(command.need("SecretId")).send().await;
    Answer::of(call, |output, answer| {
        answer.say("ARN", output.arn());
        answer.say("Description", output.description());
        answer.say("KmsKeyId", output.kms_key_id());
        answer.say("DeletedDate", days(output.deleted_date()));
        answer.say("PrimaryRegion", output.primary_region());
        answer.list("Tags", tags(output.tags()));
        let stages = output.version_ids_to_stages().into_iter().flatten().map(|(id, stages)| {
            let mut stages = stages.clone();
            stages.sort();
            format!("{id}:{}", stages.join("+"))
        });
        answer.list("VersionIdsToStages", stages.collect());
        answer.list("ReplicationStatus", replicas(output.replication_status()));
    })
}

async fn list(client: &Client, command: &Command) -> Answer {
    let call = client
        .list_secrets()
        .set_filters(filters(command))
        .set_max_results(command.number("MaxResults"))
        .set_next_token(command.get("NextToken"))
        .set_include_planned_deletion(command.number("IncludePlannedDeletion"));
    Answer::of(call.send().await, |output, answer| {
        let names = output.secret_list().iter().filter_map(SecretListEntry::name).map(str::to_owned);
        answer.ordered("SecretList", &names.collect::<Vec<_>>());
        answer.more(output.next_token().map(str::to_owned));
    })
}

async fn versions(client: &Client, command: &Command) -> Answer {
    let call = client
        .list_secret_version_ids()
        .secret_id(command.need("SecretId"))
        .set_include_deprecated(command.number("IncludeDeprecated"));
    Answer::of(call.send().await, |output, answer| {
        let versions = output.versions().iter().map(|version| {
            let mut stages = version.version_stages().to_vec();
            stages.sort();
            format!("{}:{}", version.version_id().unwrap_or_default(), stages.join("+"))
        });
        answer.list("Versions", versions.collect());
    })
}

/// `Filters=name:$a`; a key that is repeated has several values.
fn filters(command: &Command) -> Option<Vec<Filter>> {
    let mut filters: Vec<(String, Vec<String>)> = Vec::new();
    for (key, value) in command.pairs("Filters")? {
        match filters.iter_mut().find(|(one, _)| *one == key) {
            Some((_, values)) => values.push(value),
            None => filters.push((key, vec![value])),
        }
    }
    let filter = |(key, values): (String, Vec<String>)| {
        Filter::builder().key(key.as_str().into()).set_values(Some(values)).build()
    };
    Some(filters.into_iter().map(filter).collect())
}

fn tags(tags: &[Tag]) -> Vec<String> {
    let text = |tag: &Tag| format!("{}:{}", tag.key().unwrap_or_default(), tag.value().unwrap_or_default());
    tags.iter().map(text).collect()
}

pub(super) fn replicas(replicas: &[ReplicationStatusType]) -> Vec<String> {
    let text = |one: &ReplicationStatusType| {
        format!("{}:{}", one.region().unwrap_or_default(), one.status().map_or("", |status| status.as_str()))
    };
    replicas.iter().map(text).collect()
}

fn bytes(blob: &Blob) -> String {
    blob.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
