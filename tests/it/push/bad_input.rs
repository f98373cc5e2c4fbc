//! What cannot be pushed is told, with entry, cause and fix; all else is pushed.

use serde_json::json;

use super::{Team, entry, entry_with};

#[test]
fn each_entry_is_told_by_itself_and_the_others_go_on() {
    let team = Team::new();
    let string = json!({"secretPushFormat": "string"});
    team.account.secret("foreign", "theirs");
    team.account.secret("text", "no json");
    team.account.tag("text", "managed-by", "external-secrets");
    team.source("app", &json!({"a": "1"}));
    team.apply(&[json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "app", "namespace": team.namespace},
        "stringData": {"a": "1"}, "data": {"binary": "//4="}})]);
    team.push(
        "p",
        &json!({"data": [
            entry("a", "good", ""), entry("missing", "m", ""), entry("a", "foreign", ""), entry("a", "text", "p"),
            entry_with("binary", "b", "", &string), entry("binary", "ok", ""),
            entry_with("a", "policy", "", &json!({"resourcePolicy": {"policySourceRef":
                {"kind": "ConfigMap", "name": "nowhere", "key": "k"}}})),
        ]}),
    );
    let object = team.wait_ready("p", "Errored", "nowhere");
    team.wait_value("good", "1");
    team.wait_value("policy", "1");
    assert!(team.account.look("ok").is_some() && team.account.look("m").is_none());
    let message = object["status"]["conditions"][0]["message"].as_str().unwrap();
    for words in [
        r#"SecretStore/aws data[1]: Secret app has no key "missing""#,
        "SecretStore/aws foreign: the secret exists, and its tags do not say managed-by",
        r#"SecretStore/aws text: the secret's value is no JSON, so property "p" cannot be written"#,
        r#"SecretStore/aws b: key "binary" has bytes that are no UTF-8"#,
        "SecretStore/aws policy: ConfigMap",
    ] {
        assert!(message.contains(words), "{words}\nnot in\n{message}");
    }
    let recorded = object["status"]["syncedPushSecrets"]["SecretStore/aws"].as_object().unwrap();
    assert_eq!(recorded.keys().collect::<Vec<_>>(), ["good", "ok", "policy"]);
    assert!(recorded["policy"].get("metadata").is_none_or(serde_json::Value::is_null), "no policy was set");
}

#[test]
fn a_policy_that_is_no_json_and_a_region_that_is_none_are_told() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.apply(&[
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": team.namespace},
            "data": {"k": "{"}}),
        team.store("denied", "keyhatch", &json!({"role": "arn:aws:iam::999999999999:role/none"})),
    ]);
    let policy =
        json!({"resourcePolicy": {"policySourceRef": {"kind": "ConfigMap", "name": "c", "key": "k"}}});
    team.push("p", &json!({"data": [entry_with("a", "s", "", &policy)]}));
    team.wait_ready("p", "Errored", "key k is not JSON");
    team.wait_value("s", "1");
    team.push(
        "q",
        &json!({"secretStoreRefs": [{"name": "denied"}, {"name": "aws"}, {"name": "none"}], "data": [entry("a", "t", "")]}),
    );
    let object = team.wait_ready("q", "Errored", "AssumeRole");
    let message = object["status"]["conditions"][0]["message"].as_str().unwrap();
    assert!(message.contains("SecretStore none: there is no such store"), "{message}");
    assert!(!message.contains("request id"), "it would be another message with every try: {message}");
    team.wait_value("t", "1");
}

#[test]
fn a_large_value_is_pushed_and_a_larger_one_is_told() {
    let team = Team::new();
    let large = "x".repeat(65_536);
    team.source("app", &json!({"large": large, "larger": format!("{large}x")}));
    team.push("p", &json!({"data": [entry("large", "large", ""), entry("larger", "larger", "")]}));
    team.wait_value("large", &large);
    team.wait_ready("p", "Errored", "65537 bytes; AWS takes at most 65536");
}

#[test]
fn regions_that_are_none_are_told_and_the_rest_goes_on() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    let replica =
        |name: &str, region: &str| entry_with("a", name, "", &json!({"replicationLocations": [region]}));
    team.apply(&[team.store("none", "keyhatch", &json!({"region": ""}))]);
    team.push(
        "p",
        &json!({"secretStoreRefs": [{"name": "none"}, {"name": "aws"}],
            "data": [replica("own", "eu-central-1"), replica("unknown", "eu-nowhere-1"), entry("a", "s", "")]}),
    );
    let object = team.wait_ready("p", "Errored", "names no region");
    let message = object["status"]["conditions"][0]["message"].as_str().unwrap();
    for words in [
        "SecretStore/aws own: ",
        "region eu-central-1",
        "SecretStore/aws data[1]: metadata is not usable: metadata.spec.replicationLocations[0]",
        r#""eu-nowhere-1": no AWS region has this name"#,
    ] {
        assert!(message.contains(words), "{words}\nnot in\n{message}");
    }
    team.wait_value("s", "1");
}

#[test]
fn what_the_loop_does_not_do_is_told() {
    let team = Team::new();
    team.source("app", &json!({"a": "1"}));
    team.push("t", &json!({"template": {"data": {"b": "{{ .a }}"}}, "data": [entry("b", "s", "")]}));
    team.wait_ready("t", "Errored", "template is not supported by Keyhatch");
    team.push("none", &json!({"selector": {"secret": {"name": "missing"}}, "data": [entry("a", "s", "")]}));
    team.wait_ready("none", "Errored", "/missing not found, so nothing is pushed");
    assert!(team.account.look("s").is_none());
}
