//! The Secret, by policy: as the operator would have made it.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::secret_value::SecretValue;

fn object(target: &Json) -> ExternalSecret {
    let object = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "app", "namespace": "team", "uid": "u-1",
            "labels": {"team": "a"}, "annotations": {"note": "n"}},
        "spec": {"secretStoreRef": {"name": "aws"}, "target": target}});
    serde_json::from_value(object).unwrap()
}

fn values(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::from((*value).to_owned()))).collect()
}

fn secret(metadata: &Json, data: &Json) -> Secret {
    let mut metadata = metadata.clone();
    metadata["name"] = "app".into();
    metadata["namespace"] = "team".into();
    serde_json::from_value(json!({"metadata": metadata, "data": data})).unwrap()
}

/// What is done, in a word, and the Secret.
fn step(object: &ExternalSecret, existing: Option<&Secret>, values: &Values) -> (String, Json) {
    let written = |secret: &Secret| serde_json::to_value(secret).unwrap();
    match plan(object, existing, values) {
        Ok(Step::Create(new)) => ("create".into(), written(&new)),
        Ok(Step::Replace(new)) => ("replace".into(), written(&new)),
        Ok(other) => (format!("{other:?}").to_lowercase(), Json::Null),
        Err(error) => (error.to_string(), Json::Null),
    }
}

const OWNER: &str = "app";

fn reference(kind: &str, name: &str) -> Json {
    let api = if kind == "ExternalSecret" { "external-secrets.io/v1" } else { "apps/v1" };
    json!([{"apiVersion": api, "kind": kind, "name": name, "uid": "u-9", "controller": true}])
}

#[test]
fn a_new_secret_is_the_operators() {
    let (done, new) = step(&object(&json!({})), None, &values(&[("k", "v")]));
    assert_eq!(done, "create");
    let owner = crate::object_hash::object_hash(b"team/app");
    assert_eq!(
        new,
        json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "dg=="}, "metadata": {
            "name": "app", "namespace": "team",
            "labels": {"team": "a", MANAGED: "true", CREATED_BY: owner},
            "annotations": {"note": "n", DATA_HASH: crate::object_hash::object_hash(b"map[k:[118]]")},
            "ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": OWNER,
                "uid": "u-1", "controller": true, "blockOwnerDeletion": true}]}})
    );
    let (done, new) =
        step(&object(&json!({"creationPolicy": "Orphan", "immutable": true})), None, &values(&[]));
    assert_eq!((done.as_str(), new), ("retain", Json::Null));
    let orphan = json!({"creationPolicy": "Orphan", "name": "other", "immutable": true});
    let (done, new) = step(&object(&orphan), None, &values(&[("k", "v")]));
    assert_eq!(
        (done.as_str(), &new["metadata"]["name"], &new["immutable"]),
        ("create", &json!("other"), &json!(true))
    );
    assert_eq!(
        (new["metadata"].get("ownerReferences"), new["metadata"]["labels"].get(CREATED_BY)),
        (None, None)
    );
}

#[test]
fn a_step_is_printed_without_the_values() {
    let fetched = values(&[("k", "hunter2")]);
    let made = plan(&object(&json!({})), None, &fetched).unwrap();
    assert_eq!(format!("{made:?}"), "Create");
}

#[test]
fn what_differs_is_replaced_and_what_does_not_is_kept() {
    let object = object(&json!({}));
    let fetched = values(&[("k", "v")]);
    let Ok(Step::Create(made)) = plan(&object, None, &fetched) else { panic!("it is not made") };
    assert_eq!(step(&object, Some(&made), &fetched).0, "keep");
    assert!(is_intact(&object, Some(&made)));
    let mut edited = (*made).clone();
    edited.data.as_mut().unwrap().insert("more".into(), ByteString(b"x".to_vec()));
    assert!(!is_intact(&object, Some(&edited)));
    let (done, new) = step(&object, Some(&edited), &fetched);
    assert_eq!((done.as_str(), &new["data"]), ("replace", &json!({"k": "dg=="})));
    let mut bare = (*made).clone();
    bare.metadata.labels.as_mut().unwrap().remove(MANAGED);
    assert!(!is_intact(&object, Some(&bare)));
    assert_eq!(step(&object, Some(&bare), &fetched).0, "replace");
    assert!(!is_intact(&object, None));
}

#[test]
fn a_filled_secret_keeps_what_is_others() {
    let had = json!({"labels": {"mine": "1", "old": "2"}, "annotations": {"gone": "3"}, "managedFields": [
        {"manager": field_manager("app"), "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:stale": {}, "f:k": {}},
                "f:metadata": {"f:labels": {"f:old": {}}, "f:annotations": {"f:gone": {}}}}}]});
    let existing = secret(&had, &json!({"stale": "c3RhbGU=", "k": "b2xk", "theirs": "eA=="}));
    for (policy, data) in [
        ("Merge", json!({"k": "dg==", "theirs": "eA=="})),
        ("CreateOrMerge", json!({"k": "dg==", "theirs": "eA=="})),
        ("Orphan", json!({"k": "dg=="})),
    ] {
        let (done, new) =
            step(&object(&json!({"creationPolicy": policy})), Some(&existing), &values(&[("k", "v")]));
        assert_eq!((done.as_str(), &new["data"]), ("replace", &data), "{policy}");
        assert_eq!(new["metadata"]["labels"], json!({"mine": "1", "team": "a", MANAGED: "true"}), "{policy}");
        let annotations = new["metadata"]["annotations"].as_object().unwrap();
        assert!(!annotations.contains_key("gone") && annotations.contains_key("note"), "{policy}");
    }
    assert_eq!(step(&object(&json!({"creationPolicy": "Merge"})), None, &values(&[("k", "v")])).0, "missing");
    assert_eq!(step(&object(&json!({"creationPolicy": "None"})), None, &values(&[("k", "v")])).0, "none");
}

#[test]
fn what_is_anothers_or_fixed_is_left_alone_and_told() {
    let fetched = values(&[("k", "v")]);
    let another = secret(&json!({"ownerReferences": reference("ExternalSecret", "other")}), &json!({}));
    let deployed = secret(&json!({"ownerReferences": reference("Deployment", "web")}), &json!({}));
    let again = secret(&json!({"ownerReferences": reference("ExternalSecret", "app")}), &json!({}));
    for policy in ["Owner", "Orphan", "Merge"] {
        let told = step(&object(&json!({"creationPolicy": policy})), Some(&another), &fetched).0;
        assert!(
            told.starts_with("target is owned by another ExternalSecret: Secret app is other's"),
            "{told}"
        );
    }
    let told = step(&object(&json!({})), Some(&deployed), &fetched).0;
    assert!(told.starts_with(
        "failed to take ownership of target secret: Secret app is controlled by Deployment web"
    ));
    assert_eq!(step(&object(&json!({"creationPolicy": "Orphan"})), Some(&deployed), &fetched).0, "replace");
    let (done, new) = step(&object(&json!({})), Some(&again), &fetched);
    assert_eq!((done.as_str(), &new["metadata"]["ownerReferences"][0]["uid"]), ("replace", &json!("u-1")));

    let mut fixed = secret(&json!({}), &json!({"k": "dg=="}));
    fixed.immutable = Some(true);
    let (done, new) = step(&object(&json!({})), Some(&fixed), &fetched);
    assert_eq!((done.as_str(), &new["data"]), ("replace", &json!({"k": "dg=="})), "its labels change");
    let told = step(&object(&json!({})), Some(&fixed), &values(&[("k", "w")])).0;
    assert!(told.starts_with("could not update secret, target is immutable: the values in AWS"), "{told}");
}

#[test]
fn a_secret_is_as_large_as_kubernetes_takes_and_no_larger() {
    let full = "x".repeat(LARGEST - 1);
    assert_eq!(step(&object(&json!({})), None, &values(&[("k", &full), ("l", "y")])).0, "create");
    let told = step(&object(&json!({})), None, &values(&[("k", &full), ("l", "yy")])).0;
    let expected = "could not update secret: Secret app would have 1048577 bytes of data, and Kubernetes takes no more than \
                    1048576; take fewer entries";
    assert!(told.starts_with(expected), "{told}");
    // What others have put there counts where it stays.
    let existing = secret(&json!({}), &json!({"theirs": "eA=="}));
    let fetched = values(&[("k", &full), ("l", "y")]);
    let told = step(&object(&json!({"creationPolicy": "Merge"})), Some(&existing), &fetched).0;
    assert!(told.starts_with("could not update secret: Secret app would have 1048577 bytes"), "{told}");
    assert_eq!(step(&object(&json!({})), Some(&existing), &fetched).0, "replace");
}

#[test]
fn when_aws_has_nothing_the_policy_decides() {
    let nothing = values(&[]);
    let own = secret(
        &json!({"ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "app",
            "uid": "u-1", "controller": true}]}),
        &json!({"k": "dg=="}),
    );
    let foreign = secret(&json!({}), &json!({"k": "dg=="}));
    let delete = object(&json!({"deletionPolicy": "Delete"}));
    assert_eq!(step(&delete, Some(&own), &nothing).0, "delete");
    assert_eq!(step(&delete, None, &nothing).0, "gone");
    // Of the same name, and another: one that was deleted and made again.
    let former =
        secret(&json!({"ownerReferences": reference("ExternalSecret", "app")}), &json!({"k": "dg=="}));
    for other in [&foreign, &former] {
        assert!(step(&delete, Some(other), &nothing).0.starts_with("could not delete secret"));
    }
    assert_eq!(step(&object(&json!({})), Some(&own), &nothing).0, "retain");
    let (done, new) = step(&object(&json!({"deletionPolicy": "Merge"})), Some(&own), &nothing);
    assert_eq!((done.as_str(), &new["data"]), ("replace", &json!({})));
}

proptest! {
    #[test]
    fn a_secret_that_was_written_is_kept_and_intact(
        policy in prop::sample::select(vec!["Owner", "Orphan", "Merge", "CreateOrMerge"]),
        immutable in any::<bool>(),
        fetched in prop::collection::btree_map("[a-c]", "[x-z]{0,2}", 1..4),
        there in prop::option::of(prop::collection::btree_map("[a-e]", "[x-z]{1,2}", 0..4)),
    ) {
        let object = object(&json!({"creationPolicy": policy, "immutable": immutable}));
        let fetched: Values = fetched.into_iter().map(|(key, value)| (key, SecretValue::from(value))).collect();
        let existing = there.map(|data| {
            let data = data.into_iter().map(|(key, value)| (key, ByteString(value.into_bytes()))).collect();
            Secret { data: Some(data), ..secret(&json!({"resourceVersion": "7"}), &json!({})) }
        });
        let written = match plan(&object, existing.as_ref(), &fetched).unwrap() {
            Step::Create(new) | Step::Replace(new) => *new,
            Step::Missing => return Ok(()),
            other => panic!("{other:?}"),
        };
        for (key, value) in &fetched {
            prop_assert_eq!(&written.data.as_ref().unwrap()[key].0, value.expose());
        }
        prop_assert!(is_intact(&object, Some(&written)));
        prop_assert!(matches!(plan(&object, Some(&written), &fetched), Ok(Step::Keep)));
    }
}
