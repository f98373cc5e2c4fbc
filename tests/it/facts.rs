//! Rules about other objects: judged by a cluster that stands in a file, and by a real one.

mod live;
mod push_stores;

use std::path::Path;

use keyhatch::api::Kind;
use keyhatch::api::secret_store::Adopt;
use keyhatch::check;
use keyhatch::facts::{Complete, FactKind, Facts};
use keyhatch::finding::Finding;
use keyhatch::object::Object;
use keyhatch::observe;
use keyhatch::rule::{Level, Rule};
use keyhatch::validate::{Context, Settings, rules, rules_about, validate};
use serde_json::{Value, json};

use crate::rules::{base, kind_of, yaml};

/// What is known of the cluster in the file, which is all there is.
fn cluster() -> Facts {
    let mut facts = Facts::default();
    let text = std::fs::read_to_string("tests/data/cluster/objects.yaml").unwrap();
    for document in text.split("\n---\n") {
        assert!(observe::add(&mut facts, &yaml(document)), "{document}");
    }
    complete(&mut facts);
    facts
}

fn complete(facts: &mut Facts) {
    facts.secret_stores.complete = Complete::Everywhere;
    facts.cluster_secret_stores.complete = Complete::Everywhere;
    facts.external_secrets.complete = Complete::Everywhere;
    facts.push_secrets.complete = Complete::Everywhere;
    facts.namespaces.complete = Complete::Everywhere;
    facts.secrets.complete = Complete::Everywhere;
    facts.config_maps.complete = Complete::Everywhere;
    facts.service_accounts.complete = Complete::Everywhere;
}

fn findings(kind: Kind, object: &Value, facts: &Facts) -> Vec<Finding> {
    findings_with(&Settings::default(), kind, object, facts)
}

fn findings_with(settings: &Settings, kind: Kind, object: &Value, facts: &Facts) -> Vec<Finding> {
    let text = object.to_string();
    let object = Object::unchecked(kind, &text).unwrap();
    validate(&object, &Context { settings, facts }).unwrap().into_findings()
}

/// The rules that need to know other objects.
fn about_others() -> Vec<&'static Rule> {
    let about: Vec<_> = FactKind::ALL.into_iter().flat_map(rules_about).map(|rule| rule.id).collect();
    rules().into_iter().filter(|rule| about.contains(&rule.id)).collect()
}

fn broken(rule: &Rule, facts: &Facts) -> Vec<Finding> {
    let mut object = base(kind_of(rule));
    json_patch::merge(&mut object["spec"], &yaml(rule.example));
    findings(kind_of(rule), &object, facts)
}

#[test]
fn valid_objects_fit_into_the_cluster() {
    let facts = cluster();
    for kind in Kind::ALL {
        let found: Vec<_> = findings(kind, &base(kind), &facts).into_iter().map(|f| f.to_string()).collect();
        assert_eq!(found, Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn every_rule_about_others_has_an_example_that_breaks_it_there_and_nowhere_else() {
    let (facts, nothing) = (cluster(), Facts::default());
    assert!(about_others().len() >= 25);
    for rule in about_others() {
        let ids: Vec<_> = broken(rule, &facts).iter().map(|finding| finding.rule.id).collect();
        assert!(ids.contains(&rule.id), "{}: {ids:?}", rule.id);
        let ids: Vec<_> = broken(rule, &nothing).iter().map(|finding| finding.rule.id).collect();
        assert!(!ids.contains(&rule.id), "{} without facts", rule.id);
    }
}

#[test]
fn what_is_known_in_part_is_never_taken_for_all() {
    let mut facts = cluster();
    facts.secrets.complete = Complete::Nowhere;
    facts.config_maps.complete = Complete::Nowhere;
    facts.service_accounts.complete = Complete::Nowhere;
    facts.secret_stores.complete = Complete::Nowhere;
    facts.cluster_secret_stores.complete = Complete::Nowhere;
    facts.namespaces.complete = Complete::Nowhere;
    for rule in about_others() {
        for finding in broken(rule, &facts) {
            assert!(!finding.cause.contains("there is no"), "{}: {finding}", rule.id);
            assert!(!finding.cause.contains("selects no"), "{}: {finding}", rule.id);
        }
    }
}

#[test]
fn rules_about_others_only_warn() {
    for rule in about_others() {
        // Which region a store has, and whose it is, is part of the object's own meaning.
        let is_own = ["replica-of-itself", "push-unsupported", "external-unsupported"].contains(&rule.id);
        assert!(rule.level == Level::Warn || is_own, "{}", rule.id);
    }
}

fn push(namespace: &str, name: &str, store: &str, key: &str, property: &str) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "secretStoreRefs": [{"name": store, "kind": "ClusterSecretStore"}],
            "selector": {"secret": {"name": "db"}},
            "data": [{"match": {"secretKey": "password", "remoteRef": {"remoteKey": key, "property": property}}}],
        },
    })
}

fn store(name: &str, aws: &Value) -> Value {
    let mut spec = json!({"service": "SecretsManager", "region": "eu-central-1"});
    json_patch::merge(&mut spec, aws);
    json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "metadata": {"name": name}, "spec": {"provider": {"aws": spec}}})
}

#[test]
fn two_push_secrets_collide_where_account_region_and_name_are_the_same() {
    let role = |account: &str| json!({"role": format!("arn:aws:iam::{account}:role/r")});
    let one = store("one", &role("111111111111"));
    for (other, key, property, expected) in [
        (role("111111111111"), "a", "", true),
        (json!({"role": "arn:aws:iam::111111111111:role/other"}), "a", "", true),
        (json!({"role": "arn:aws:iam::111111111111:role/r", "region": "eu-central-1-fips"}), "a", "", true),
        (role("222222222222"), "a", "", false),
        (json!({"role": "arn:aws:iam::111111111111:role/r", "region": "eu-west-1"}), "a", "", false),
        (role("111111111111"), "b", "", false),
        (json!({"role": "arn:aws:iam::111111111111:role/r", "prefix": "x/"}), "a", "", false),
        (role("111111111111"), "a", "p", true),
        (role("111111111111"), "a", "q", false),
        (json!({}), "a", "", false),
    ] {
        let mut facts = Facts::default();
        observe::add(&mut facts, &one);
        observe::add(&mut facts, &store("other", &other));
        observe::add(&mut facts, &push("team-b", "hidden-name", "other", key, property));
        let own_property = if property.is_empty() { "" } else { "p" };
        let judged = push("team-a", "judged", "one", "a", own_property);
        let found = findings(Kind::PushSecret, &judged, &facts);
        let shared: Vec<_> = found.iter().filter(|f| f.rule.id == "push-destination-shared").collect();
        assert_eq!(!shared.is_empty(), expected, "{other} {key} {property}: {found:#?}");
        for finding in found {
            assert!(!finding.to_string().contains("hidden-name"), "{finding}");
            assert!(!finding.to_string().contains("team-b"), "{finding}");
        }
    }
}

#[test]
fn what_our_loop_does_not_do_is_refused_for_the_stores_that_it_adopts() {
    for (adopt, controller, expected) in [
        (Adopt::None, "keyhatch", true),
        (Adopt::None, "", false),
        (Adopt::All, "", true),
        (Adopt::All, "default", false),
    ] {
        let mut facts = Facts::default();
        let mut store = store("one", &json!({}));
        store["spec"]["controller"] = controller.into();
        observe::add(&mut facts, &store);
        let mut object = push("team", "judged", "one", "a", "");
        object["spec"]["template"] = json!({"data": {"password": "x"}});
        let settings = Settings { adopt, ..Settings::default() };
        let found = findings_with(&settings, Kind::PushSecret, &object, &facts);
        let is_told = found.iter().any(|finding| finding.rule.id == "push-unsupported");
        assert_eq!(is_told, expected, "{adopt:?} {controller:?}: {found:#?}");
    }
}

#[test]
fn templates_of_keys_are_refused_for_their_functions() {
    let mut facts = Facts::default();
    let mut store = store("one", &json!({}));
    store["spec"]["controller"] = "keyhatch".into();
    observe::add(&mut facts, &store);
    for (template, name) in [
        ("prod/{{ .value | lower | replace \"_\" \"-\" }}", None),
        ("{{ .value | abbrev 5 }}", Some("abbrev")),
    ] {
        let transform =
            json!([{"regexp": {"source": "a", "target": "b"}}, {"transform": {"template": template}}]);
        let mut pushed = push("team", "judged", "one", "a", "");
        pushed["spec"]["dataTo"] =
            json!([{"storeRef": {"name": "one", "kind": "ClusterSecretStore"}, "rewrite": transform}]);
        let mut external = base(Kind::ExternalSecret);
        external["spec"] = json!({
            "secretStoreRef": {"name": "one", "kind": "ClusterSecretStore"},
            "dataFrom": [{"extract": {"key": "a"}, "rewrite": transform}],
        });
        for (kind, object, rule, field) in [
            (Kind::PushSecret, pushed, "push-unsupported", "spec.dataTo[0].rewrite[1].transform.template"),
            (
                Kind::ExternalSecret,
                external,
                "external-unsupported",
                "spec.dataFrom[0].rewrite[1].transform.template",
            ),
        ] {
            let found = findings(kind, &object, &facts);
            let told = found.iter().find(|finding| finding.rule.id == rule);
            assert_eq!(told.is_some(), name.is_some(), "{template}: {found:#?}");
            if let (Some(told), Some(name)) = (told, name) {
                assert!(
                    told.cause.starts_with(&format!("{name} in a template of keys is not supported")),
                    "{told}"
                );
                assert_eq!(told.field.to_string(), field);
            }
        }
    }
}

#[test]
fn prefixes_make_one_name_of_two_keys() {
    let mut facts = Facts::default();
    observe::add(&mut facts, &store("plain", &json!({})));
    observe::add(&mut facts, &store("prefixed", &json!({"prefix": "prod/"})));
    observe::add(&mut facts, &push("team-b", "hidden", "prefixed", "db", ""));
    let found = findings(Kind::PushSecret, &push("team-a", "judged", "plain", "prod/db", ""), &facts);
    assert!(found.iter().any(|f| f.rule.id == "push-destination-shared"), "{found:#?}");
}

#[test]
fn files_are_judged_by_each_other() {
    let input = check::read(&[Path::new("tests/data/check/others.yaml").to_owned()], Some("team-a"));
    let outcome = check::judge(&input, &Settings::default());
    let told: Vec<_> = outcome
        .findings
        .iter()
        .map(|located| format!("{}: {}: {}", located.manifest.name(), located.finding.field, located.finding))
        .collect();
    insta::assert_snapshot!("check-others", told.join("\n"));
}
