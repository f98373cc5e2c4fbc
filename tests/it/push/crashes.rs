//! Secrets of which nobody knows whether they were made: with `deletionPolicy: Delete` they go with their PushSecret all
//! the same.

use serde_json::json;

use super::{PATIENCE, Team, entry, install};
use crate::command::plane_with_crds;
use crate::support::aws::Aws;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::kubectl::wait_until;

#[test]
fn what_was_made_before_a_crash_goes_with_a_push_secret_that_is_deleted_meanwhile() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=1s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    team.account.secret("foreign", "theirs");
    team.source("app", &json!({"a": "1"}));
    let push = |name: &str| {
        let entries = [entry("a", name, ""), entry("a", "foreign", "")];
        team.push(name, &json!({"deletionPolicy": "Delete", "data": entries}));
    };
    let wait_made = |name: &str| {
        wait_until(PATIENCE, "the secret to be made", || team.account.look(name).ok_or_else(String::new));
    };
    // AWS makes it, and whoever asked does not live to hear of it.
    aws.fault(Operation::CreateSecret, Fault::LoseAnswer);
    let first = installation.start().unwrap();
    push("crashed");
    wait_made("crashed");
    drop(first);
    // Its Secret goes as well, as with all of a namespace.
    team.delete("secret", "app");
    team.delete("pushsecret", "crashed");
    aws.heal();
    let _second = installation.start().unwrap();
    let wait_gone = |name: &str| {
        wait_until(PATIENCE, "the PushSecret to be gone", || match team.get("pushsecret", name) {
            None => Ok(()),
            Some(object) => Err(object["status"].to_string()),
        });
        assert!(team.account.look(name).unwrap().deletion.is_some(), "{name} was left behind");
    };
    wait_gone("crashed");

    // The same, if AWS's answer was lost and nobody died.
    aws.fault(Operation::CreateSecret, Fault::LoseAnswer);
    team.source("app", &json!({"a": "1"}));
    push("lost");
    wait_made("lost");
    // Nor can it be looked whether it is there.
    aws.fault(Operation::DescribeSecret, Fault::ServerError);
    let object = team.wait_ready("lost", "Errored", "DescribeSecret");
    let recorded = object["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object();
    let recorded = recorded.unwrap_or_else(|| panic!("nothing is recorded: {}", object["status"]));
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ["lost"], "what is somebody else's was not pushed");
    team.delete("pushsecret", "lost");
    aws.heal();
    wait_gone("lost");
    let foreign = team.account.look("foreign").unwrap();
    assert!(foreign.deletion.is_none() && foreign.versions.len() == 1);
}
