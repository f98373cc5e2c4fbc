use super::*;
use crate::push::removal;

fn source(name: &str, data: &[(&str, &str)]) -> Source {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned().into()));
    Source { name: name.to_owned(), data: data.collect() }
}

fn destination() -> Destination {
    Destination {
        store: StoreKey { kind: StoreKind::SecretStore, name: "aws".into() },
        labels: [("team".to_owned(), "a".to_owned())].into_iter().collect(),
        prefix: "prod/".into(),
    }
}

fn of(spec: &str, sources: &[Source]) -> Wanted {
    let spec: PushSecretSpec = serde_json::from_str(spec).unwrap();
    wanted(&spec, sources, &destination())
}

/// `name=content` of every target, then what is refused.
fn told(wanted: &Wanted) -> Vec<String> {
    let content = |target: &Target| match target.edit.apply(None) {
        Ok(content) => String::from_utf8_lossy(content.value().expose()).into_owned(),
        Err(cause) => cause.to_string(),
    };
    let targets = wanted.targets.values().map(|target| format!("{}={}", target.name, content(target)));
    targets.chain(wanted.refused.iter().map(ToString::to_string)).collect()
}

const DB: &[(&str, &str)] = &[("password", "p<"), ("user", "u")];

#[test]
fn entries_become_remote_secrets() {
    for (spec, expected) in [
        (r#"{"data":[{"match":{"secretKey":"user","remoteRef":{"remoteKey":"db"}}}]}"#, &["prod/db=u"][..]),
        (
            r#"{"data":[{"match":{"remoteRef":{"remoteKey":"all"}}}]}"#,
            &[r#"prod/all={"password":"p<","user":"u"}"#],
        ),
        (
            r#"{"data":[{"match":{"secretKey":"user","remoteRef":{"remoteKey":"db","property":"u.name"}}},
                        {"match":{"secretKey":"password","remoteRef":{"remoteKey":"db","property":"p"}}}]}"#,
            &[r#"prod/db={"u":{"name":"u"},"p":"p<"}"#],
        ),
        (
            r#"{"dataTo":[{"storeRef":{"name":"aws"},"rewrite":[{"regexp":{"source":"^","target":"app-"}}]}]}"#,
            &["prod/app-password=p<", "prod/app-user=u"],
        ),
        (
            r#"{"dataTo":[{"storeRef":{"labelSelector":{"matchLabels":{"team":"a"}}},"remoteKey":"all"}],
                "data":[{"match":{"secretKey":"user","remoteRef":{"remoteKey":"u"}}}]}"#,
            &[r#"prod/all={"password":"p<"}"#, "prod/u=u"],
        ),
        (
            r#"{"dataTo":[{"storeRef":{"name":"other"}},{"storeRef":{"labelSelector":{"matchLabels":{"team":"b"}}}},
                {"storeRef":{"name":"other","labelSelector":{"matchLabels":{"team":"a"}}}}]}"#,
            &[],
        ),
    ] {
        assert_eq!(told(&of(spec, &[source("s", DB)])), expected, "{spec}");
    }
}

#[test]
fn what_cannot_be_is_told_and_the_rest_goes_on() {
    let refused = |spec: &str| told(&of(spec, &[source("s", DB)]));
    assert_eq!(
        refused(
            r#"{"data":[{"match":{"secretKey":"usr","remoteRef":{"remoteKey":"a"}}},
                        {"match":{"secretKey":"user","remoteRef":{"remoteKey":"b"}}},
                        {"match":{"secretKey":"user","remoteRef":{"remoteKey":"c:d"}}}]}"#
        ),
        [
            "prod/b=u",
            r#"data[0]: Secret s has no key "usr"; add it, or name another"#,
            r#"data[2]: remote key "prod/c:d": ':' cannot be in a secret's name; allowed are A-Z a-z 0-9 / _ + = . @ -"#,
        ]
    );
    assert_eq!(
        refused(
            r#"{"data":[{"match":{"secretKey":"password","remoteRef":{"remoteKey":"a"}}},
                        {"match":{"secretKey":"user","remoteRef":{"remoteKey":"a"}}},
                        {"match":{"secretKey":"password","remoteRef":{"remoteKey":"b"}}},
                        {"match":{"secretKey":"user","remoteRef":{"remoteKey":"b","property":"x"}}}]}"#
        ),
        [
            r#"data[1]: key "password" (data[0]) and key "user" (data[1]) are both written to a; give each its own place"#,
            "data[2]: written both whole and by property; choose one",
        ]
    );
    let metadata = |format: &str| {
        format!(
            r#"{{"apiVersion":"kubernetes.external-secrets.io/v1alpha1","kind":"PushSecretMetadata",
                 "spec":{{"secretPushFormat":"{format}"}}}}"#
        )
    };
    let entry = |property: &str, format: &str| {
        format!(
            r#"{{"match":{{"secretKey":"user","remoteRef":{{"remoteKey":"a","property":"{property}"}}}},"metadata":{}}}"#,
            metadata(format)
        )
    };
    let differs = refused(&format!(r#"{{"data":[{},{}]}}"#, entry("a", "string"), entry("b", "binary")));
    assert!(differs.first().unwrap().contains("different metadata"), "{differs:?}");
    let odd = refused(&format!(r#"{{"data":[{}]}}"#, entry("a", "strin")));
    assert!(
        odd.first().unwrap().starts_with("data[0]: metadata is not usable: metadata.spec.secretPushFormat"),
        "{odd:?}"
    );
}

#[test]
fn two_secrets_with_one_key_are_told() {
    let spec = r#"{"data":[{"match":{"secretKey":"user","remoteRef":{"remoteKey":"a"}}},
                           {"match":{"secretKey":"other","remoteRef":{"remoteKey":"b"}}}]}"#;
    let sources = [source("one", DB), source("two", &[("user", "x"), ("other", "y")])];
    assert_eq!(
        told(&of(spec, &sources)),
        ["prod/b=y", r#"data[0]: Secrets one and two both have key "user"; select one of them"#]
    );
}

#[test]
fn only_what_is_known_to_be_unwanted_is_removed() {
    let sources = [source("s", DB)];
    let entry = |key: &str, remote: &str, property: &str| -> (String, PushData) {
        let data: PushData = serde_json::from_value(serde_json::json!(
            {"match": {"secretKey": key, "remoteRef": {"remoteKey": remote, "property": property}}}
        ))
        .unwrap();
        (status_key(&data), data)
    };
    let recorded = [
        entry("user", "kept", ""),
        entry("user", "doc", "a"),
        entry("user", "doc", "b"),
        entry("gone", "gone", ""),
        entry("gone", "parts", "x"),
        entry("gone", "parts", "y"),
        entry("gone", "blocked", ""),
    ]
    .into();
    let spec = r#"{"data":[{"match":{"secretKey":"user","remoteRef":{"remoteKey":"kept"}}},
                           {"match":{"secretKey":"user","remoteRef":{"remoteKey":"doc","property":"a"}}},
                           {"match":{"secretKey":"nokey","remoteRef":{"remoteKey":"blocked"}}}]}"#;
    let mut now = of(spec, &sources);
    let removals = removal::split(&recorded, &mut now);
    let told: Vec<_> = removals.iter().map(|(key, one)| format!("{key}: {:?}", one.properties)).collect();
    assert_eq!(told, [r#"gone: []"#, r#"parts: ["x", "y"]"#]);
    assert!(now.targets.get("doc").unwrap().edit.removes());

    // A rule that cannot be applied: nobody knows what it would have kept.
    let broken = r#"{"dataTo":[{"storeRef":{"name":"aws"},"match":{"regexp":"("}}]}"#;
    assert!(removal::split(&recorded, &mut of(broken, &sources)).is_empty());
}
