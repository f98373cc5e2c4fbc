//! Whose stores are looked at, and those of which nothing can be proven.

use serde_json::json;

use super::*;

#[test]
fn stores_of_others_are_left_alone_until_they_are_handed_over() {
    let team = Team::new();
    let with = |name: &str, controller: &str| {
        let mut store = team.store(name, "aws", &json!({}));
        store["spec"]["controller"] = json!(controller);
        store
    };
    let vault = json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": {"name": "vault", "namespace": team.namespace},
        "spec": {"controller": "keyhatch", "provider": {"vault": {"server": "https://vault.example.com"}}}});
    let parameters = team.store("parameters", "aws", &json!({"service": "ParameterStore"}));
    team.site.apply(&[vault, parameters, with("unclassed", ""), with("other", "other")]);
    team.site.apply(&[team.store("ours", "aws", &json!({}))]);
    team.wait_store("ours", "Valid", "");
    for name in ["vault", "parameters", "unclassed", "other"] {
        let store = team.get("secretstore", name).unwrap();
        assert!(store.get("status").is_none(), "{name}: {store}");
    }
    team.site.apply(&[with("unclassed", "keyhatch")]);
    team.wait_store("unclassed", "Valid", "");
}

#[test]
fn a_cluster_store_is_proven_by_its_own_credentials_or_nothing_is() {
    let team = Team::new();
    let cluster = |name: &str, namespace: Option<&str>| {
        let mut store = team.store(name, "aws", &json!({}));
        store["kind"] = json!("ClusterSecretStore");
        store["metadata"] = json!({"name": name});
        // Whomever it admits: it is looked at by itself.
        store["spec"]["conditions"] = json!([{"namespaces": ["nobody"]}]);
        let keys = ["accessKeyIDSecretRef", "secretAccessKeySecretRef"];
        for key in keys.into_iter().filter(|_| namespace.is_some()) {
            store["spec"]["provider"]["aws"]["auth"]["secretRef"][key]["namespace"] = json!(namespace);
        }
        store
    };
    let (own, referent) = (format!("own-{}", team.namespace), format!("referent-{}", team.namespace));
    team.site.apply(&[cluster(&referent, None)]);
    let store = wait_ready(team.site, &["clustersecretstore", &referent], "Valid", "nothing was proven");
    assert_eq!(ready(&store)["status"], "True");
    let of_account = |call: &crate::support::aws::calls::Call| call.account == team.account.id;
    assert!(!team.site.aws.calls().0.iter().any(of_account), "there is nobody to ask as");
    team.site.apply(&[cluster(&own, Some(&team.namespace))]);
    wait_ready(team.site, &["clustersecretstore", &own], "Valid", &format!("{}/aws", team.namespace));
    // Its Secret is in another namespace, and followed all the same.
    team.set_keys("aws", &Keys { secret: "wrong".into(), ..team.account.keys() });
    wait_ready(team.site, &["clustersecretstore", &own], "InvalidProviderConfig", "SignatureDoesNotMatch");
    team.site.delete(&["clustersecretstore", &own, &referent]);
}
