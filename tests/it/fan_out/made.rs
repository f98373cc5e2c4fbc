//! What is made, where, and that it stays so.

use super::*;

#[test]
fn each_namespace_that_is_meant_has_the_object_and_follows_its_labels() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a", "b", "c", "d"]);
    let select = |suffix: &str| json!({"matchLabels": {"crowd": crowd.name(), "of": suffix}});
    let more = json!({"namespaceSelectors": [select("a")], "namespaceSelector": select("b"),
        "namespaces": [crowd.at("c"), "nowhere"],
        "externalSecretMetadata": {"labels": {"l": "1"}, "annotations": {"n": "1"}},
        "externalSecretSpec": {"secretStoreRef": {"name": crowd.name(), "kind": "ClusterSecretStore"},
            "data": [{"secretKey": "a", "remoteRef": {"key": "app"}}], "fromTheFuture": {"x": 1}}});
    crowd.site().apply(&[crowd.external(&more)]);
    let object = crowd.wait_provisioned(CES, ES, &["a", "b", "c"]);
    assert_eq!(object["status"]["externalSecretName"], "app");
    assert_eq!(ready(&object), json!({"type": "Ready", "status": "True"}));
    assert!(object["status"].get("failedNamespaces").is_none_or(|failed| failed == &json!([])), "{object}");
    let made = crowd.get(ES, "a").unwrap();
    let owner = &made["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["uid"], &owner["controller"]),
        (&json!("ClusterExternalSecret"), &object["metadata"]["uid"], &json!(true))
    );
    assert_eq!(
        (&made["metadata"]["labels"], &made["metadata"]["annotations"]),
        (&json!({"l": "1"}), &json!({"n": "1"}))
    );
    assert_eq!(
        made["spec"]["fromTheFuture"],
        json!({"x": 1}),
        "what this release does not know is handed on"
    );
    let namespace = crowd.site().get(&["namespace", &crowd.at("a")]).unwrap();
    assert!(namespace["metadata"].get("finalizers").is_none(), "{namespace}");

    crowd.patch(&["namespace", &crowd.at("d")], &json!({"metadata": {"labels": {"of": "a"}}}));
    crowd.patch(&["namespace", &crowd.at("a")], &json!({"metadata": {"labels": {"of": "x"}}}));
    crowd.wait_provisioned(CES, ES, &["b", "c", "d"]);
    // Another name: the object under the old one goes.
    crowd.patch(&[CES, crowd.name()], &json!({"spec": {"externalSecretName": "other"}}));
    crowd.wait_provisioned(CES, ES, &["b", "c", "d"]);
    assert!(crowd.get(ES, "b").is_none());
}

#[test]
fn what_somebody_changes_is_put_back_and_what_is_not_ours_stays() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a"]);
    let more = json!({"externalSecretMetadata": {"labels": {"l": "1"}}});
    crowd.site().apply(&[crowd.external(&more)]);
    crowd.wait_provisioned(CES, ES, &["a"]);
    let at = crowd.at("a");
    let place = [ES, "app", "-n", &at];
    crowd.patch(
        &place,
        &json!({"metadata": {"labels": {"l": "2", "mine": "1"}},
        "spec": {"refreshInterval": "5m", "data": [], "secretStoreRef": {"name": "x"}}}),
    );
    let wait = |what: &str, is_so: &dyn Fn(&Json) -> bool| {
        wait_until(PATIENCE, what, || {
            let made = crowd.get(ES, "a").ok_or("gone")?;
            if is_so(&made) { Ok(made) } else { Err(made.to_string()) }
        })
    };
    let made = wait("it to be put back", &|made| {
        made["spec"]["secretStoreRef"]["name"] == crowd.name()
            && made["spec"]["data"][0]["secretKey"] == "a"
            && made["spec"]["refreshInterval"] == "1h0m0s"
            && made["metadata"]["labels"]["l"] == "1"
    });
    assert_eq!(made["metadata"]["labels"]["mine"], "1");
    // What is wanted no more goes, and the annotation that forces a fetch comes and goes with its original.
    let annotate = |value: Json| {
        crowd.patch(
            &[CES, crowd.name()],
            &json!({"metadata": {"annotations": {"external-secrets.io/force-sync": value}}}),
        );
    };
    annotate(json!("now"));
    wait("the annotation", &|made| {
        made["metadata"]["annotations"]["external-secrets.io/force-sync"] == "now"
    });
    annotate(Json::Null);
    crowd.patch(&[CES, crowd.name()], &json!({"spec": {"externalSecretMetadata": null}}));
    wait("no annotation and no label", &|made| {
        made["metadata"].get("annotations").is_none() && made["metadata"]["labels"] == json!({"mine": "1"})
    });
    // Gone, and there again.
    crowd.site().delete(&place);
    let uid = made["metadata"]["uid"].clone();
    wait("another", &|made| made["metadata"]["uid"] != uid);
}

#[test]
fn a_name_that_is_taken_is_told_and_used_once_it_is_free() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a", "b"]);
    let theirs = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "app", "namespace": crowd.at("a")},
        "spec": {"secretStoreRef": {"name": "theirs"}, "data": [{"secretKey": "x", "remoteRef": {"key": "x"}}]}});
    crowd.site().apply(&[theirs]);
    crowd.site().apply(&[crowd.external(&json!({}))]);
    let object = crowd.wait_failed(CES, "a", "external secret already exists in namespace");
    let condition = ready(&object);
    assert_eq!(condition["status"], "False");
    let told = format!("one or more namespaces failed: {}: external secret already exists", crowd.at("a"));
    assert!(condition["message"].as_str().unwrap().starts_with(&told), "{condition}");
    crowd.wait_provisioned(CES, ES, &["b"]);
    let there = crowd.get(ES, "a").unwrap();
    assert!(
        there["spec"]["secretStoreRef"]["name"] == "theirs"
            && there["metadata"].get("ownerReferences").is_none()
    );
    crowd.site().delete(&[ES, "app", "-n", &crowd.at("a")]);
    let object = crowd.wait_provisioned(CES, ES, &["a", "b"]);
    assert_eq!(ready(&object)["status"], "True");
}

#[test]
fn push_secrets_are_made_pushed_and_told_as_well() {
    let crowd = Crowd::new();
    crowd.namespaces(&["a", "b"]);
    let source = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": crowd.at("a")},
        "stringData": {"k": "1"}});
    let object = json!({"apiVersion": "external-secrets.io/v1alpha1", "kind": "ClusterPushSecret",
        "metadata": {"name": crowd.name(), "annotations": {"keyhatch.dev/controller": "keyhatch"}},
        "spec": {"pushSecretName": "app", "namespaceSelectors": [{"matchLabels": {"crowd": crowd.name()}}],
            "pushSecretMetadata": {"labels": {"l": "1"}},
            "pushSecretSpec": {"secretStoreRefs": [{"name": crowd.name(), "kind": "ClusterSecretStore"}],
                "selector": {"secret": {"name": "s"}},
                "data": [{"match": {"secretKey": "k", "remoteRef": {"remoteKey": "pushed"}}}]}}});
    crowd.site().apply(&[source, object]);
    let object = crowd.wait_provisioned(CPS, "pushsecret", &["a", "b"]);
    let condition = ready(&object);
    assert_eq!((&condition["status"], &condition["reason"]), (&json!("True"), &json!("Synced")));
    assert!(condition["lastTransitionTime"].is_string() && object["status"]["pushSecretName"] == "app");
    let made = crowd.get("pushsecret", "a").unwrap();
    assert_eq!(made["metadata"]["labels"], json!({"l": "1"}));
    wait_until(PATIENCE, "it to be pushed", || {
        crowd.team.account.look("pushed").map(drop).ok_or_else(|| "no secret".to_owned())
    });
    crowd.site().delete(&["namespace", &crowd.at("b")]);
    crowd.wait_provisioned(CPS, "pushsecret", &["a"]);
    crowd.site().delete(&[CPS, crowd.name()]);
    wait_until(PATIENCE, "what was made to go", || {
        crowd.get("pushsecret", "a").map_or(Ok(()), |there| Err(there["metadata"].to_string()))
    });
}
