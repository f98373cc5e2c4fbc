//! Whose objects are made: handed over, and by the stores of each namespace.

use super::*;

#[test]
fn what_is_not_handed_over_is_left_to_the_operator() {
    let (ours, theirs, vaults) = (Crowd::new(), Crowd::new(), Crowd::new());
    for crowd in [&ours, &theirs, &vaults] {
        crowd.namespaces(&["a"]);
    }
    vaults.site().apply(&[vaults.cluster_store("")]);
    let mut object = theirs.external(&json!({}));
    object["metadata"]["annotations"] = json!({});
    theirs.site().apply(&[object, vaults.external(&json!({}))]);
    ours.site().apply(&[ours.external(&json!({}))]);
    ours.wait_provisioned(CES, ES, &["a"]);
    for crowd in [&theirs, &vaults] {
        let object = crowd.site().get(&[CES, crowd.name()]).unwrap();
        assert!(object.get("status").is_none() && crowd.get(ES, "a").is_none(), "{object}");
    }
    theirs.site().apply(&[theirs.external(&json!({}))]);
    vaults.site().apply(&[vaults.cluster_store("keyhatch")]);
    theirs.wait_provisioned(CES, ES, &["a"]);
    vaults.wait_provisioned(CES, ES, &["a"]);
}

#[test]
fn each_namespace_is_judged_by_its_own_store() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a", "b", "c"]);
    let store = |suffix: &str, controller: &str| {
        let mut store = crowd.team.store("aws", "aws", &json!({}));
        store["metadata"]["namespace"] = json!(crowd.at(suffix));
        store["spec"]["controller"] = json!(controller);
        store
    };
    let spec =
        json!({"secretStoreRef": {"name": "aws"}, "data": [{"secretKey": "a", "remoteRef": {"key": "app"}}]});
    crowd.site().apply(&[store("a", "keyhatch"), store("b", "")]);
    crowd.site().apply(&[crowd.external(&json!({"externalSecretSpec": spec}))]);
    crowd.wait_failed(CES, "c", "there is no SecretStore aws");
    let object = crowd.wait_provisioned(CES, ES, &["a"]);
    assert!(!object["status"].to_string().contains(&crowd.at("b")), "{}", object["status"]);
    crowd.site().apply(&[store("c", "keyhatch"), store("b", "keyhatch")]);
    crowd.wait_provisioned(CES, ES, &["a", "b", "c"]);
    // Handed back: what is there stays, and is not put back any more.
    crowd.site().apply(&[store("b", "")]);
    let at = crowd.at("b");
    let theirs = json!({"spec": {"secretStoreRef": {"name": "theirs"}}});
    crowd.patch(&[ES, "app", "-n", &at], &theirs);
    let at = crowd.at("a");
    crowd.patch(&[ES, "app", "-n", &at], &theirs);
    wait_until(PATIENCE, "that of a to be put back", || {
        match crowd.get(ES, "a").unwrap()["spec"].to_string() {
            spec if spec.contains("theirs") => Err(spec),
            _ => Ok(()),
        }
    });
    crowd.wait_provisioned(CES, ES, &["a", "b", "c"]);
    assert_eq!(crowd.get(ES, "b").unwrap()["spec"]["secretStoreRef"]["name"], "theirs");
}

#[test]
fn what_the_operator_wrote_is_taken_over_and_its_finalizers_are_taken_off_namespaces() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a", "b"]);
    let mark = format!("externalsecrets.external-secrets.io/ces-{}", crowd.name());
    let finalizer = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";
    let mut object = crowd.external(&json!({}));
    object["metadata"]["annotations"] = json!({});
    object["metadata"]["finalizers"] = json!([finalizer]);
    crowd.site().apply(&[object]);
    let uid = crowd.site().get(&[CES, crowd.name()]).unwrap()["metadata"]["uid"].clone();
    // As the operator makes it: by an update, with what the spec said yesterday.
    let made = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "app", "namespace": crowd.at("a"), "labels": {"old": "1"}, "finalizers": ["x.example/y"],
            "ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
                "name": crowd.name(), "uid": uid, "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"secretStoreRef": {"name": crowd.name(), "kind": "ClusterSecretStore"}, "refreshPolicy": "OnChange",
            "data": [{"secretKey": "a", "remoteRef": {"key": "old"}}]}});
    let create = ["create", "--field-manager=external-secrets", "-f", "-"];
    crowd.site().plane.kubectl_in(&made.to_string(), &create).success().unwrap();
    for suffix in ["a", "b"] {
        crowd.patch(
            &["namespace", &crowd.at(suffix)],
            &json!({"metadata": {"finalizers": [mark, "keep.example/x"]}}),
        );
    }
    let uid = crowd.get(ES, "a").unwrap()["metadata"]["uid"].clone();
    let handed_over = json!({"metadata": {"annotations": {"keyhatch.dev/controller": "keyhatch"}}});
    crowd.patch(&[CES, crowd.name()], &handed_over);
    crowd.wait_provisioned(CES, ES, &["a", "b"]);
    let made = crowd.get(ES, "a").unwrap();
    assert_eq!(made["metadata"]["uid"], uid, "it was not made anew");
    assert!(
        made["metadata"].get("labels").is_none() && made["spec"].get("refreshPolicy").is_none(),
        "{made}"
    );
    let finalizers = made["metadata"]["finalizers"].as_array().unwrap();
    assert!(finalizers.contains(&json!("x.example/y")), "{made}");
    assert_eq!(made["spec"]["data"][0]["remoteRef"]["key"], "app");
    for suffix in ["a", "b"] {
        let namespace = crowd.site().get(&["namespace", &crowd.at(suffix)]).unwrap();
        assert_eq!(namespace["metadata"]["finalizers"], json!(["keep.example/x"]));
        crowd.patch(&["namespace", &crowd.at(suffix)], &json!({"metadata": {"finalizers": null}}));
    }
    // And it can go, with all that it made.
    crowd.patch(&[ES, "app", "-n", &crowd.at("a")], &json!({"metadata": {"finalizers": null}}));
    crowd.site().delete(&[CES, crowd.name()]);
    wait_until(PATIENCE, "all of it to go", || {
        let left = [crowd.site().get(&[CES, crowd.name()]), crowd.get(ES, "a"), crowd.get(ES, "b")];
        let left: Vec<_> = left.into_iter().flatten().map(|one| one["metadata"].to_string()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    });
}
