//! Whole Secrets, with who owns which field of them, as the operator's rules make them; each again after a change.

use keyhatch::object_hash::object_hash;
use serde_json::{Value as Json, json};

use super::data;
use crate::push::Team;

/// So long that its field manager is a digest of it.
const LONG: &str = "a-name-of-more-than-twenty-seven-letters";

/// A name, `target`, and the Secret that is there before.
fn cases() -> Vec<(&'static str, Json, Option<Json>)> {
    let policy = |policy: &str| json!({"creationPolicy": policy});
    let there = json!({"metadata": {"labels": {"whose": "theirs"}}, "type": "example.com/own",
        "stringData": {"theirs": "t", "k": "theirs, too"}});
    vec![
        ("owner", json!({}), None),
        (LONG, policy("Owner"), None),
        ("orphan", policy("Orphan"), None),
        ("merge", policy("Merge"), Some(there.clone())),
        ("create-or-merge", policy("CreateOrMerge"), None),
        ("fill", policy("CreateOrMerge"), Some(there.clone())),
        ("takes", policy("Orphan"), Some(there)),
        ("named", json!({"name": "another-name", "deletionPolicy": "Delete"}), None),
        ("immutable", json!({"immutable": true}), None),
    ]
}

/// What differs from run to run gives way to a name; what follows from a name is compared, and gives way, too.
fn settled(secret: &Json, owner: &Json) -> Json {
    let mut secret = secret.clone();
    let namespace = secret["metadata"]["namespace"].as_str().unwrap().to_owned();
    let metadata = secret["metadata"].as_object_mut().unwrap();
    for key in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(key);
    }
    metadata["namespace"] = "team".into();
    metadata.sort_keys();
    let managers = metadata["managedFields"].as_array_mut().unwrap();
    managers.iter_mut().for_each(|manager| drop(manager.as_object_mut().unwrap().remove("time")));
    // The API server sorts them by the second in which they wrote.
    managers.sort_by_key(|manager| manager["manager"].to_string());
    if let Some(owners) = metadata.get_mut("ownerReferences") {
        owners
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|owner| owner.as_object_mut().unwrap().sort_keys());
    }
    let name = owner["metadata"]["name"].as_str().unwrap();
    if let Some(label) = metadata["labels"].get_mut("reconcile.external-secrets.io/created-by") {
        assert_eq!(*label, object_hash(format!("{namespace}/{name}").as_bytes()));
        *label = "hash of team/name".into();
    }
    secret
}

fn look(team: &Team<'_>, name: &str, target: &Json, told: &mut String) {
    let owner = team.get("externalsecret", name).unwrap();
    let secret = team.whole("secret", target["name"].as_str().unwrap_or(name));
    let text = serde_saphyr::to_string(&settled(&secret, &owner)).unwrap();
    let text = text.replace(owner["metadata"]["uid"].as_str().unwrap(), "of the ExternalSecret");
    told.push_str(&format!("# {name}, {target}\n{text}\n"));
}

#[test]
fn whole_secrets_are_as_the_operators_rules_make_them() {
    let team = Team::new();
    team.account.secret("app", r#"{"k": "v", "l": "w"}"#);
    let (mut made, mut changed) = (String::new(), String::new());
    for (name, target, before) in cases() {
        if let Some(mut secret) = before {
            secret["apiVersion"] = "v1".into();
            secret["kind"] = "Secret".into();
            secret["metadata"]["name"] = name.into();
            secret["metadata"]["namespace"] = team.namespace.clone().into();
            team.create_as("them", &secret);
        }
        let spec = |key: &str| json!({"data": [data(key, "app", key)], "target": target});
        team.external(name, &spec("k"));
        team.wait_kept(name, "SecretSynced", "");
        look(&team, name, &target, &mut made);
        // Another key, and other labels: what was written is taken back, what others wrote is not.
        if target.get("immutable").is_none() {
            let mut object = team.external_object(name, &spec("l"));
            object["metadata"]["labels"] = json!({"stage": "two"});
            team.apply(&[object]);
            team.wait_kept(name, "SecretSynced", "");
            look(&team, name, &target, &mut changed);
        }
    }
    insta::assert_snapshot!("external-secrets-made", made);
    insta::assert_snapshot!("external-secrets-changed", changed);
}
