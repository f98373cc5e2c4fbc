//! What AWS has and no Secret can take, Secrets that do not change, searches that find everything or nothing: the
//! documented outcome, or a condition with the cause and the fix.

use serde_json::{Value as Json, json};

use super::{data, plain};
use crate::push::{PATIENCE, Team};
use crate::support::aws::secret::Content;
use crate::support::kubectl::wait_until;

/// As large as a secret of AWS can be.
const VALUE: usize = 64 * 1024;
/// Bytes that are no text.
const BYTES: [u8; 6] = [0xff, 0x00, 0xc3, 0x28, b'{', 0x80];

fn version_of(team: &Team<'_>, secret: &str) -> Json {
    team.get("secret", secret).unwrap()["metadata"]["resourceVersion"].clone()
}

#[test]
fn a_secret_that_would_be_too_large_stays_as_it_was_and_the_condition_says_how_large() {
    let team = Team::new();
    let name = |index: usize| format!("large/{index:02}");
    (0..16).for_each(|index| drop(team.account.secret(&name(index), &"x".repeat(VALUE))));
    let find = json!({"dataFrom": [{"find": {"name": {"regexp": "^large/"}}}]});
    team.external("app", &find);
    team.wait_kept("app", "SecretSynced", "");
    let secret = team.get("secret", "app").unwrap();
    assert_eq!(secret["data"].as_object().unwrap().len(), 16, "it takes exactly as much as Kubernetes does");
    let version = version_of(&team, "app");
    team.account.secret(&name(16), "y");
    team.force("app", "1");
    let words = "could not update secret: Secret app would have 1048577 bytes of data, and Kubernetes takes no more than 1048576; \
                 take fewer entries, or split them among several ExternalSecrets";
    let object = team.wait_kept("app", "SecretSyncedError", words);
    assert!(object["status"]["refreshTime"].is_string(), "{object}");
    // One that never was is not begun.
    team.external("new", &find);
    team.wait_kept("new", "SecretSyncedError", "Secret new would have 1048577 bytes");
    assert!(team.get("secret", "new").is_none());
    assert_eq!(version_of(&team, "app"), version, "nothing is half-written");
    // What others put into a Secret counts, too.
    team.apply(&[json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "merged", "namespace": team.namespace},
        "stringData": {"theirs": "t".repeat(15 * VALUE)}})]);
    let both = json!([data("a", &name(0), ""), data("b", &name(1), "")]);
    team.external("merged", &json!({"data": both, "target": {"creationPolicy": "Merge"}}));
    team.wait_kept("merged", "SecretSyncedError", "Secret merged would have 1114112 bytes");
    assert_eq!(team.get("secret", "merged").unwrap()["data"].as_object().unwrap().len(), 1);
    // With an entry less it goes on.
    team.account.remove_secret(&name(16));
    team.account.secret(&name(0), "z");
    team.force("app", "2");
    wait_until(PATIENCE, "the new value", || {
        let secret = team.get("secret", "app").ok_or("gone")?;
        match secret["data"]["large_00"] == "eg==" {
            true => Ok(()),
            false => Err(team.get("externalsecret", "app").unwrap()["status"].to_string()),
        }
    });
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_are_and_have_no_properties() {
    let team = Team::new();
    team.account.secret_in("eu-central-1", "bytes", Content::Binary(BYTES.to_vec()));
    team.account.secret_in("eu-central-1", "document", Content::Binary(br#"{"a": "1"}"#.to_vec()));
    team.external("bytes", &json!({"data": [data("k", "bytes", ""), data("l", "document", "a")]}));
    team.wait_kept("bytes", "SecretSynced", "");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, BYTES);
    assert_eq!(team.get("secret", "bytes").unwrap()["data"], json!({"k": encoded, "l": "MQ=="}));
    let extract = json!({"dataFrom": [{"extract": {"key": "bytes"}}]});
    let fails =
        json!({"data": [{"secretKey": "k", "remoteRef": {"key": "bytes", "nullBytePolicy": "Fail"}}]});
    for (name, spec, words) in [
        (
            "property",
            json!({"data": [data("k", "bytes", "a")]}),
            "spec.data[0]: aws::bytes#a: the secret has no such property",
        ),
        ("extract", extract, "spec.dataFrom[0]: aws::bytes: keys cannot be extracted: not JSON"),
        ("null", fails, "contains null bytes"),
    ] {
        super::troubles::refused(&team, name, &spec, words);
    }
}

#[test]
fn an_immutable_secret_of_somebody_else_stays_whatever_the_policy() {
    let team = Team::new();
    team.account.secret("app", "v");
    let fixed = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "immutable": true, "stringData": {"theirs": "t"},
            "metadata": {"name": name, "namespace": team.namespace}})
    };
    let policies =
        [("merged", "Merge"), ("filled", "CreateOrMerge"), ("owned", "Owner"), ("orphan", "Orphan")];
    team.apply(&policies.map(|(name, _)| fixed(name)));
    for (name, policy) in policies {
        let version = version_of(&team, name);
        team.external(name, &json!({"data": [data("k", "app", "")], "target": {"creationPolicy": policy}}));
        let words = format!(
            "could not update secret, target is immutable: the values in AWS are others than those of Secret {name}; \
                             delete it"
        );
        team.wait_kept(name, "SecretSyncedError", &words);
        assert_eq!(version_of(&team, name), version, "{policy}");
    }
    // Somebody makes it anew, so that it can be filled.
    team.delete("secret", "merged");
    wait_until(PATIENCE, "it to be gone", || {
        team.get("secret", "merged").map_or(Ok(()), |_| Err(String::new()))
    });
    let mut open = fixed("merged");
    open["immutable"] = json!(false);
    team.apply(&[open]);
    team.force("merged", "1");
    team.wait_secret("merged", &json!({"theirs": "t", "k": "v"}));
}

#[test]
fn a_search_finds_everything_and_then_nothing() {
    // As many as take several pages of AWS's list.
    const SECRETS: usize = 230;
    let team = Team::new();
    let name = |index: usize| format!("all-{index:03}");
    (0..SECRETS).for_each(|index| drop(team.account.secret(&name(index), &index.to_string())));
    let find = |regexp: &str| {
        json!({"dataFrom": [{"find": {"name": {"regexp": regexp}}}], "refreshInterval": "1s",
            "target": {"deletionPolicy": "Delete"}})
    };
    team.external("all", &find(".*"));
    team.external("none", &find("^none$"));
    team.wait_kept("none", "SecretDeleted", "secret deleted due to DeletionPolicy=Delete");
    assert!(team.get("secret", "none").is_none());
    let expected: serde_json::Map<_, _> =
        (0..SECRETS).map(|index| (name(index), json!(index.to_string()))).collect();
    team.wait_secret("all", &Json::Object(expected));
    // All but one go, then the last one.
    (1..SECRETS).for_each(|index| team.account.remove_secret(&name(index)));
    team.wait_secret("all", &json!({"all-000": "0"}));
    team.account.remove_secret("all-000");
    team.wait_kept("all", "SecretDeleted", "");
    wait_until(PATIENCE, "the Secret to go", || match team.get("secret", "all") {
        None => Ok(()),
        Some(secret) => Err(plain(&secret).to_string()),
    });
    // And what was never found appears.
    team.account.secret("none", "n");
    team.wait_secret("none", &json!({"none": "n"}));
    // Or everything would be searched for every second while other tests run.
    ["all", "none"].iter().for_each(|name| team.delete("externalsecret", name));
}

#[test]
fn keys_that_become_one_by_a_rewrite_have_the_last_value_and_merged_ones_are_told() {
    let team = Team::new();
    team.account.secret("keys", r#"{"c-k": "3", "a-k": "1", "b-k": "2"}"#);
    let extract = |rewrite: Json| json!({"dataFrom": [{"extract": {"key": "keys"}, "rewrite": [rewrite]}]});
    // The operator's winner is chance; ours is the last by its former name.
    team.external("same", &extract(json!({"regexp": {"source": "^.-", "target": ""}})));
    team.wait_secret("same", &json!({"k": "3"}));
    team.account.secret("documents", r#"{"x": {"k": "1", "l": "1"}, "y": {"k": "2"}}"#);
    let merge = json!({"dataFrom": [{"extract": {"key": "documents"}, "rewrite": [{"merge": {}}]}]});
    super::troubles::refused(&team, "merged", &merge, "rewrite[0]: the merged values share keys: k");
    // After a rewrite nothing is converted.
    let slash = extract(json!({"regexp": {"source": "^(.)-", "target": "$1/"}}));
    super::troubles::refused(&team, "slash", &slash, "is no key of a Secret");
}
