//! The calls that change something.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};

use super::reads::replicas;
use super::script::{Answer, Command, days};

/// `None` for an operation that is not here.
pub(super) async fn call(client: &Client, command: &Command) -> Option<Answer> {
    let id = || command.need("SecretId");
    Some(match command.operation() {
        "CreateSecret" => create(client, command).await,
        "PutSecretValue" => put(client, command).await,
        "UpdateSecret" => update(client, command).await,
        "UpdateSecretVersionStage" => update_stage(client, command).await,
        "DeleteSecret" => delete(client, command).await,
        "RestoreSecret" => {
            let call = client.restore_secret().secret_id(id()).send().await;
            Answer::of(call, |output, answer| answer.say("ARN", output.arn()))
        }
        "TagResource" => {
            let call = client.tag_resource().secret_id(id()).set_tags(tags(command)).send().await;
            Answer::of(call, |_, _| {})
        }
        "UntagResource" => {
            let keys = command.all("TagKeys");
            Answer::of(client.untag_resource().secret_id(id()).set_tag_keys(keys).send().await, |_, _| {})
        }
        "PutResourcePolicy" => {
            let call = client
                .put_resource_policy()
                .secret_id(id())
                .resource_policy(policy(command.need("ResourcePolicy")))
                .set_block_public_policy(command.number("BlockPublicPolicy"));
            Answer::of(call.send().await, |output, answer| answer.say("ARN", output.arn()))
        }
        "DeleteResourcePolicy" => {
            let call = client.delete_resource_policy().secret_id(id()).send().await;
            Answer::of(call, |output, answer| answer.say("ARN", output.arn()))
        }
        "ReplicateSecretToRegions" => replicate(client, command).await,
        "RemoveRegionsFromReplication" => remove_regions(client, command).await,
        _ => return None,
    })
}

async fn create(client: &Client, command: &Command) -> Answer {
    let call = client
        .create_secret()
        .name(command.need("Name"))
        .set_client_request_token(command.get("ClientRequestToken"))
        .set_description(command.get("Description"))
        .set_kms_key_id(command.get("KmsKeyId"))
        .set_secret_string(command.get("SecretString"))
        .set_secret_binary(binary(command))
        .set_tags(tags(command))
        .set_add_replica_regions(regions(command))
        .set_force_overwrite_replica_secret(command.number("ForceOverwriteReplicaSecret"));
    Answer::of(call.send().await, |output, answer| {
        answer.say("Name", output.name());
        answer.say("ARN", output.arn());
        answer.say("VersionId", output.version_id());
        if !output.replication_status().is_empty() {
            answer.list("ReplicationStatus", replicas(output.replication_status()));
        }
    })
}

async fn put(client: &Client, command: &Command) -> Answer {
    let call = client
        .put_secret_value()
        .secret_id(command.need("SecretId"))
        .set_client_request_token(command.get("ClientRequestToken"))
        .set_secret_string(command.get("SecretString"))
        .set_secret_binary(binary(command))
        .set_version_stages(command.all("VersionStages"));
    Answer::of(call.send().await, |output, answer| {
        answer.say("VersionId", output.version_id());
        answer.list("VersionStages", output.version_stages().to_vec());
    })
}

async fn update(client: &Client, command: &Command) -> Answer {
    let call = client
        .update_secret()
        .secret_id(command.need("SecretId"))
        .set_client_request_token(command.get("ClientRequestToken"))
        .set_description(command.get("Description"))
        .set_kms_key_id(command.get("KmsKeyId"))
        .set_secret_string(command.get("SecretString"))
        .set_secret_binary(binary(command));
    Answer::of(call.send().await, |output, answer| {
        answer.say("ARN", output.arn());
        answer.say("VersionId", output.version_id());
    })
}

async fn update_stage(client: &Client, command: &Command) -> Answer {
    let call = client
        .update_secret_version_stage()
        .secret_id(command.need("SecretId"))
        .version_stage(command.need("VersionStage"))
        .set_move_to_version_id(command.get("MoveToVersionId"))
        .set_remove_from_version_id(command.get("RemoveFromVersionId"));
    Answer::of(call.send().await, |output, answer| answer.say("ARN", output.arn()))
}

async fn delete(client: &Client, command: &Command) -> Answer {
    let call = client
        .delete_secret()
        .secret_id(command.need("SecretId"))
        .set_recovery_window_in_days(command.number("RecoveryWindowInDays"))
        .set_force_delete_without_recovery(command.number("ForceDeleteWithoutRecovery"));
    Answer::of(call.send().await, |output, answer| {
        answer.say("Name", output.name());
        answer.say("DeletionDate", days(output.deletion_date()));
    })
}

async fn replicate(client: &Client, command: &Command) -> Answer {
    let call = client
        .replicate_secret_to_regions()
        .secret_id(command.need("SecretId"))
        .set_add_replica_regions(regions(command))
        .set_force_overwrite_replica_secret(command.number("ForceOverwriteReplicaSecret"));
    Answer::of(call.send().await, |output, answer| {
        answer.list("ReplicationStatus", replicas(output.replication_status()));
    })
}

async fn remove_regions(client: &Client, command: &Command) -> Answer {
    let call = client
        .remove_regions_from_replication()
        .secret_id(command.need("SecretId"))
        .set_remove_replica_regions(command.all("RemoveReplicaRegions"));
    Answer::of(call.send().await, |output, answer| {
        answer.list("ReplicationStatus", replicas(output.replication_status()));
    })
}

fn binary(command: &Command) -> Option<Blob> {
    command.get("SecretBinary").map(|text| Blob::new(text.into_bytes()))
}

fn tags(command: &Command) -> Option<Vec<Tag>> {
    let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build();
    command.pairs("Tags").map(|tags| tags.into_iter().map(tag).collect())
}

fn regions(command: &Command) -> Option<Vec<ReplicaRegionType>> {
    let region = |name: String| ReplicaRegionType::builder().region(name).build();
    command.all("AddReplicaRegions").map(|names| names.into_iter().map(region).collect())
}

/// Policies have no room in a line.
fn policy(name: &str) -> &str {
    match name {
        "public" => concat!(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","#,
            r#""Action":"secretsmanager:GetSecretValue","Resource":"*"}}"#
        ),
        "account" => concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"#,
            r#"{"AWS":"arn:aws:iam::123456789012:root"},"Action":"secretsmanager:*","Resource":"*"}]}"#
        ),
        text => text,
    }
}
