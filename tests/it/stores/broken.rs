//! A store that cannot be used says why, and is Ready again within seconds when that was mended.

use serde_json::json;

use super::*;
use crate::support::aws::account::{allow_all, trust};

/// The calls of an account.
fn calls(team: &Team<'_>) -> Vec<&'static str> {
    let calls = team.site.aws.calls().0.into_iter().filter(|call| call.account == team.account.id);
    calls.map(|call| call.operation.name()).collect()
}

#[test]
fn keys_are_proven_by_a_call_without_permission_again_and_again_and_the_status_is_written_once() {
    let team = Team::new();
    // A user who may do nothing at all.
    team.set_keys("none", &team.account.user("nobody", &[]));
    team.site.apply(&[team.store("s", "none", &json!({}))]);
    let store = team.wait_store("s", "Valid", &format!("access keys of Secret {}/none", team.namespace));
    assert_eq!(
        (&ready(&store)["status"], &store["status"]["capabilities"]),
        (&json!("True"), &json!("ReadWrite"))
    );
    let proofs = wait_until(PATIENCE, "three more proofs", || match calls(&team) {
        calls if calls.len() > 3 => Ok(calls),
        calls => Err(format!("{calls:?}")),
    });
    assert!(proofs.iter().all(|call| *call == "GetCallerIdentity"), "{proofs:?}");
    let now = team.get("secretstore", "s").unwrap();
    assert_eq!(now["metadata"]["resourceVersion"], store["metadata"]["resourceVersion"]);
}

#[test]
fn keys_that_aws_does_not_know_and_keys_that_are_not_there_are_told_until_they_are_right() {
    let team = Team::new();
    let keys = team.account.keys();
    team.set_keys("wrong", &Keys { secret: "wrong".into(), ..keys.clone() });
    // Seldom looked at: what heals them is the change of the Secret.
    let seldom = |name: &str, secret: &str| {
        let mut store = team.store(name, secret, &json!({}));
        store["spec"]["refreshInterval"] = json!("1h");
        store
    };
    team.site.apply(&[seldom("wrong", "wrong"), seldom("missing", "later")]);
    let store = team.wait_store("wrong", "InvalidProviderConfig", "SignatureDoesNotMatch");
    let condition = ready(&store);
    assert_eq!(condition["status"], "False");
    let message = condition["message"].as_str().unwrap();
    assert!(message.contains(&format!("access keys of Secret {}/wrong", team.namespace)), "{message}");
    assert!(!message.contains("request id"), "it would be another message with every try: {message}");
    assert!(store["status"].get("capabilities").is_none());
    team.wait_store(
        "missing",
        "InvalidProviderConfig",
        &format!("Secret {}/later does not exist", team.namespace),
    );
    wait_until(PATIENCE, "an Event", || {
        let events = team.site.get(&["events.events.k8s.io", "-n", &team.namespace]).ok_or("none")?;
        let text = events.to_string();
        if text.contains("InvalidProviderConfig") && text.contains("SignatureDoesNotMatch") {
            Ok(())
        } else {
            Err(text)
        }
    });
    let mended = std::time::Instant::now();
    team.set_keys("wrong", &keys);
    team.set_keys("later", &keys);
    team.wait_store("wrong", "Valid", "");
    team.wait_store("missing", "Valid", "");
    println!("mended stores were ready after {:?}", mended.elapsed());
    assert!(
        mended.elapsed() < Duration::from_secs(14),
        "not by their next look alone: {:?}",
        mended.elapsed()
    );
}

#[test]
fn a_role_is_proven_by_its_own_success_and_a_trust_that_ends_is_found() {
    let team = Team::new();
    let arn = format!("arn:aws:iam::{}:user/admin", team.account.id);
    let role = team.account.role("reader", &trust(&[&arn]), &[]);
    team.site.apply(&[team.store("s", "aws", &json!({"role": role}))]);
    team.wait_store("s", "Valid", &role);
    assert!(calls(&team).iter().all(|call| *call == "AssumeRole"), "{:?}", calls(&team));
    team.account.set_trust("reader", &trust(&["arn:aws:iam::999999999999:root"]));
    let store = team.wait_store("s", "InvalidProviderConfig", &format!("AssumeRole of {role}"));
    assert!(
        ready(&store)["message"].as_str().unwrap().contains("is not authorized to perform: sts:AssumeRole")
    );
    team.account.set_trust("reader", &trust(&[&arn]));
    team.wait_store("s", "Valid", &role);
}

#[test]
fn a_service_account_without_a_role_is_told_and_one_that_aws_does_not_trust() {
    let team = Team::new();
    let account = |annotations: &Json| {
        json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": "reader", "namespace": team.namespace, "annotations": annotations}})
    };
    let auth = json!({"jwt": {"serviceAccountRef": {"name": "reader"}}});
    team.site.apply(&[account(&json!({})), team.store("s", "aws", &json!({"auth": auth}))]);
    team.wait_store("s", "InvalidProviderConfig", "has no annotation eks.amazonaws.com/role-arn");
    let role = team.account.role("reader", &allow_all(), &[]);
    team.site.apply(&[account(&json!({"eks.amazonaws.com/role-arn": role}))]);
    team.wait_store("s", "InvalidProviderConfig", &format!("AssumeRoleWithWebIdentity of {role}"));
}

#[test]
fn what_the_store_itself_lacks_is_told_and_heals_with_it() {
    let team = Team::new();
    let mut store = team.store("s", "aws", &json!({"auth": {"secretRef": {}}}));
    store["spec"]["refreshInterval"] = json!("1h");
    team.site.apply(&[store]);
    team.wait_store(
        "s",
        "InvalidProviderConfig",
        "set spec.provider.aws.auth.secretRef.accessKeyIDSecretRef",
    );
    team.site.apply(&[team.store("s", "aws", &json!({}))]);
    team.wait_store("s", "Valid", "");
}
