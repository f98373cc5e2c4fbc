//! The calls of STS.

use aws_sdk_sts::Client;

use super::script::{Answer, Command};
use crate::aws_sdk;
use crate::support::aws::account::Keys;

/// Remembers the keys of a session that begins.
pub(super) async fn call(client: &Client, command: &Command, session: &mut Option<Keys>) -> Answer {
    match command.operation() {
        "GetCallerIdentity" => Answer::of(client.get_caller_identity().send().await, |output, answer| {
            answer.say("Account", output.account());
            answer.say("Arn", output.arn());
        }),
        "AssumeRole" => {
            let call = client
                .assume_role()
                .role_arn(command.need("RoleArn"))
                .role_session_name(command.need("RoleSessionName"))
                .set_duration_seconds(command.number("DurationSeconds"))
                .set_external_id(command.get("ExternalId"));
            Answer::of(call.send().await, |output, answer| {
                answer.say("Arn", output.assumed_role_user().map(|user| user.arn().to_owned()));
                let id =
                    output.credentials().map(|keys| keys.access_key_id().chars().take(4).collect::<String>());
                answer.say("AccessKeyId", id);
                *session = Some(aws_sdk::session(output.credentials()));
            })
        }
        other => panic!("no operation {other}"),
    }
}
