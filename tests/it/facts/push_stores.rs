//! PushSecrets judged by what is known of the stores that they write to.

use keyhatch::api::Kind;
use keyhatch::facts::{Complete, Facts};
use keyhatch::observe;
use serde_json::{Value, json};

use super::{findings, push, store};
use crate::rules::yaml;

/// Three stores: of AWS, of AWS and ours, and of another provider.
fn stores() -> Facts {
    let mut facts = Facts::default();
    let mut ours = store("ours", &json!({}));
    ours["spec"]["controller"] = "keyhatch".into();
    ours["metadata"]["labels"] = json!({"whose": "ours"});
    let mut aws = store("aws", &json!({}));
    aws["metadata"]["labels"] = json!({"whose": "theirs"});
    let mut vault = store("vault", &json!({}));
    vault["metadata"]["labels"] = json!({"whose": "vault"});
    vault["spec"] = json!({"provider": {"vault": {"server": "https://vault.example.com"}}});
    for store in [ours, aws, vault] {
        observe::add(&mut facts, &store);
    }
    facts.cluster_secret_stores.complete = Complete::Everywhere;
    facts
}

/// What is told of a PushSecret whose spec is changed like this.
fn told(change: &str, facts: &Facts) -> Vec<&'static str> {
    let mut object = push("team-a", "judged", "aws", "a", "");
    json_patch::merge(&mut object["spec"], &yaml(change));
    let mut ids: Vec<_> = findings(Kind::PushSecret, &object, facts).iter().map(|one| one.rule.id).collect();
    ids.dedup();
    ids
}

#[test]
fn entries_of_data_to_are_judged_by_their_own_store() {
    let facts = stores();
    let refs =
        "secretStoreRefs: [{name: aws, kind: ClusterSecretStore}, {name: vault, kind: ClusterSecretStore}]";
    let metadata = "{apiVersion: kubernetes.external-secrets.io/v1alpha1, kind: PushSecretMetadata, spec: {mountPath: kv}}";
    for (own, expected) in [
        ("{name: vault, kind: ClusterSecretStore}", &[][..]),
        ("{labelSelector: {matchLabels: {whose: vault}}, kind: ClusterSecretStore}", &[]),
        ("{name: aws, kind: ClusterSecretStore}", &["remote-key", "metadata-field"]),
        (
            "{labelSelector: {matchLabels: {whose: theirs}}, kind: ClusterSecretStore}",
            &["remote-key", "metadata-field"],
        ),
        (
            "{labelSelector: {matchExpressions: [{key: whose, operator: Exists}]}, kind: ClusterSecretStore}",
            &["remote-key", "metadata-field"],
        ),
    ] {
        let change = format!(
            "{refs}\ndata: null\ndataTo: [{{storeRef: {own}, remoteKey: 'team:app', metadata: {metadata}}}]"
        );
        assert_eq!(told(&change, &facts), expected, "{own}");
    }
    // Of a store that is not known nobody knows whose it is.
    let change = "secretStoreRefs: [{labelSelector: {matchLabels: {a: b}}}]\ndata: null\n\
                  dataTo: [{storeRef: {labelSelector: {matchLabels: {c: d}}}, remoteKey: 'team:app'}]";
    assert_eq!(told(change, &facts), ["remote-key"]);
}

#[test]
fn replicas_are_looked_for_wherever_metadata_can_stand() {
    let facts = stores();
    let metadata = "{apiVersion: kubernetes.external-secrets.io/v1alpha1, kind: PushSecretMetadata, \
                    spec: {replicationLocations: [eu-west-1, eu-central-1]}}";
    let by_labels = "{labelSelector: {matchLabels: {whose: theirs}}, kind: ClusterSecretStore}";
    let vault = "{labelSelector: {matchLabels: {whose: vault}}, kind: ClusterSecretStore}";
    let by_name = "{name: aws, kind: ClusterSecretStore}";
    let data =
        format!("data: [{{match: {{secretKey: a, remoteRef: {{remoteKey: a}}}}, metadata: {metadata}}}]");
    let data_to =
        |own: &str| format!("data: null\ndataTo: [{{storeRef: {own}, remoteKey: a, metadata: {metadata}}}]");
    for (refs, rest, expected) in [
        (by_name, data.clone(), true),
        (by_labels, data.clone(), true),
        (by_name, data_to(by_name), true),
        (by_labels, data_to(by_labels), true),
        (by_labels, data_to(by_name), true),
        (vault, data, false),
    ] {
        let found = told(&format!("secretStoreRefs: [{refs}]\n{rest}"), &facts);
        assert_eq!(found.contains(&"replica-of-itself"), expected, "{refs} {rest}: {found:?}");
    }
    let both = told(&format!("secretStoreRefs: [{by_name}, {vault}]\n{}", data_to(vault)), &facts);
    assert!(!both.contains(&"replica-of-itself"), "{both:?}");
}

fn properties(stores: &Value) -> String {
    format!(
        "secretStoreRefs: {stores}\nupdatePolicy: IfNotExists\ndeletionPolicy: Delete\ndata:\n\
         - {{match: {{secretKey: a, remoteRef: {{remoteKey: x, property: a}}}}}}\n\
         - {{match: {{secretKey: b, remoteRef: {{remoteKey: x, property: b}}}}}}\n"
    )
}

#[test]
fn faults_of_the_operator_are_not_told_of_what_our_own_loop_pushes() {
    let facts = stores();
    let (ours, aws) = (
        json!({"name": "ours", "kind": "ClusterSecretStore"}),
        json!({"name": "aws", "kind": "ClusterSecretStore"}),
    );
    let labelled = json!({"labelSelector": {"matchLabels": {"whose": "ours"}}, "kind": "ClusterSecretStore"});
    let unknown = json!({"name": "unknown", "kind": "SecretStore"});
    let faults = ["push-store-kinds", "delete-property", "delete-shared-key", "if-not-exists-shared-key"];
    for (stores, are_told) in [
        (json!([ours]), false),
        (json!([labelled]), false),
        (json!([aws]), true),
        (json!([ours, aws]), true),
        (json!([ours, unknown]), true),
    ] {
        let found = told(&properties(&stores), &facts);
        let told = faults.iter().filter(|fault| found.contains(fault)).count();
        let is_mixed = stores.to_string().contains("unknown");
        assert_eq!(told, if are_told { 3 + usize::from(is_mixed) } else { 0 }, "{stores}: {found:?}");
    }
    let whole = "secretStoreRefs: [{name: ours, kind: ClusterSecretStore}]\ndata:\n\
                 - {match: {secretKey: a, remoteRef: {remoteKey: x}}}\n- {match: {secretKey: b, remoteRef: {remoteKey: x, property: b}}}";
    assert!(told(whole, &facts).contains(&"whole-and-property"), "our loop refuses that, too");
}

#[test]
fn settings_that_our_own_loop_changes_are_not_told_to_stay() {
    let mut facts = stores();
    let settings = |description: &str| json!({"apiVersion": "kubernetes.external-secrets.io/v1alpha1", "kind": "PushSecretMetadata", "spec": {"description": description}});
    for (store, expected) in [("aws", true), ("ours", false)] {
        let mut object = push("team-a", store, store, "a", "");
        object["spec"]["data"][0]["metadata"] = settings("before");
        let entry = object["spec"]["data"][0].clone();
        object["status"] =
            json!({"syncedPushSecrets": {format!("ClusterSecretStore/{store}"): {"a": entry}}});
        observe::add(&mut facts, &object);
        object["spec"]["data"][0]["metadata"] = settings("after");
        let found = findings(Kind::PushSecret, &object, &facts);
        assert_eq!(
            found.iter().any(|one| one.rule.id == "push-setting-kept"),
            expected,
            "{store}: {found:#?}"
        );
    }
}
