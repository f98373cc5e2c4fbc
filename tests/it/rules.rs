//! Every rule's example breaks the rule, and the object that it is merged into breaks none.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use keyhatch::admission::{admitted_at_once, decide, review};
use keyhatch::api::{GROUP, Kind};
use keyhatch::check;
use keyhatch::facts::{FactKind, Facts};
use keyhatch::finding::Finding;
use keyhatch::object::Object;
use keyhatch::rule::{Level, Rule};
use keyhatch::validate::{Context, Settings, kinds, rules, rules_about, validate};
use serde_json::Value;

/// A YAML file or text as JSON.
pub(crate) fn yaml(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A valid object of this kind.
pub(crate) fn base(kind: Kind) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/base/{kind}.yaml"));
    yaml(&fs::read_to_string(path).unwrap())
}

/// The kind that an example is about.
pub(crate) fn kind_of(rule: &Rule) -> Kind {
    rule.kind.unwrap_or_else(|| panic!("{} is about pods", rule.id))
}

/// What is found in an object that nobody has checked before.
pub(crate) fn findings(kind: Kind, object: &Value) -> Vec<Finding> {
    let (settings, facts) = (Settings::default(), Facts::default());
    let text = object.to_string();
    let object = Object::unchecked(kind, &text).unwrap();
    validate(&object, &Context { settings: &settings, facts: &facts }).unwrap().into_findings()
}

fn ids(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule.id).collect()
}

#[test]
fn valid_objects_have_no_findings() {
    for kind in Kind::ALL {
        assert_eq!(ids(&findings(kind, &base(kind))), Vec::<&str>::new(), "{kind}");
    }
}

#[test]
fn every_example_breaks_its_rule_and_no_other() {
    // Those that need to know other objects are broken in a cluster: see `facts`.
    let about: Vec<_> = FactKind::ALL.into_iter().flat_map(rules_about).map(|rule| rule.id).collect();
    let alone = |rule: &&Rule| !rule.example.is_empty() && !about.contains(&rule.id);
    for rule in rules().into_iter().filter(alone) {
        let mut object = base(kind_of(rule));
        json_patch::merge(&mut object["spec"], &yaml(rule.example));
        let found = findings(kind_of(rule), &object);
        let mut ids = ids(&found);
        ids.dedup();
        assert!(ids.contains(&rule.id), "{}: {found:#?}", rule.id);
        // Two rules may look at one mistake from two sides; more is noise.
        assert!(ids.len() <= 3, "{}: {ids:?}", rule.id);
    }
}

/// A review that creates the object, in the order in which the API server writes its fields.
fn creation(kind: Kind, object: &Value) -> String {
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"1","kind":{{"group":"{GROUP}",
        "version":"{}","kind":"{kind}"}},"name":"a","operation":"CREATE","object":{object},"oldObject":null}}}}"#,
        kind.version()
    )
}

#[test]
fn one_pass_admits_what_the_thorough_way_says_nothing_about_and_nothing_else() {
    let (settings, facts) = (Settings::default(), Facts::default());
    let context = Context { settings: &settings, facts: &facts };
    for kind in Kind::ALL {
        let review = creation(kind, &base(kind));
        assert!(admitted_at_once(&review, &context).is_some(), "{kind}");
        assert!(admitted_at_once(&review.replacen("CREATE", "CONNECT", 1), &context).is_none(), "{kind}");
    }
    for rule in rules().into_iter().filter(|rule| !rule.example.is_empty()) {
        let mut object = base(kind_of(rule));
        json_patch::merge(&mut object["spec"], &yaml(rule.example));
        let review = creation(kind_of(rule), &object);
        let decision = decide(&review::parse(&review).unwrap(), &context).unwrap();
        let is_silent = decision.mistakes.is_empty() && decision.doubts.is_empty();
        assert_eq!(admitted_at_once(&review, &context).is_some(), is_silent, "{}", rule.id);
    }
}

/// The levels of what `check` finds in each file of a folder, every file by itself.
fn checked(folder: &str) -> Vec<(PathBuf, Vec<(Level, &'static str)>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let check_one = |file: PathBuf| {
        let input = check::read(std::slice::from_ref(&file), None);
        assert!(input.unreadable.is_empty() && !input.manifests.is_empty(), "{}: {input:?}", file.display());
        let outcome = check::judge(&input, &Settings::default());
        let findings =
            outcome.findings.iter().map(|located| (located.finding.rule.level, located.finding.rule.id));
        let findings = findings.collect();
        (file, findings)
    };
    files.into_iter().map(check_one).collect()
}

#[test]
fn manifests_that_cannot_work_have_mistakes() {
    for (file, findings) in checked("tests/data/manifests/refused") {
        assert!(findings.iter().any(|(level, _)| *level == Level::Deny), "{}: {findings:?}", file.display());
    }
}

/// A refusal for another reason than the file is about would go unseen otherwise.
#[test]
fn each_manifest_breaks_the_rules_that_it_is_about() {
    let mut out = String::new();
    for folder in ["refused", "warned"] {
        for (file, findings) in checked(&format!("tests/data/manifests/{folder}")) {
            let mut ids: Vec<_> = findings.into_iter().map(|(_, id)| id).collect();
            ids.dedup();
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            writeln!(out, "{folder}/{name}: {}", ids.join(" ")).unwrap();
        }
    }
    insta::assert_snapshot!("manifest-rules", out);
}

#[test]
fn messages_name_place_and_fix() {
    for (file, words) in [
        (
            "external-secret-kind-misspelt",
            "kind: Unsupported value: \"Externalsecret\": there is no such kind in this group; did you mean ExternalSecret?",
        ),
        (
            "external-secret-creation-policy-misplaced",
            "spec.creationPolicy: Unknown field: belongs in spec.target.creationPolicy",
        ),
        (
            "external-secret-key-misplaced",
            "spec.data[0].property: Unknown field: belongs in spec.data[0].remoteRef.property",
        ),
        ("external-secret-arn-of-ecs", "secret:app-AbCdEf, property: username1"),
        ("external-secret-data-from-nothing", "Required value: set one of"),
        ("external-secret-extract-and-find", "Forbidden: extract, find"),
        ("external-secret-window-february", "no date is like this"),
        ("external-secret-template-undefined", "calls template `url`, which is not defined"),
        ("external-secret-template-field-of-text", "{{ (fromJson .database).host }}"),
        ("push-secret-policy-kind", "did you mean ConfigMap?"),
        ("push-secret-store-labels-empty", "Required value: an empty selector"),
        ("push-secret-metadata-parameter-store", "\"tier\": belongs to Parameter Store"),
        ("push-secret-replica-at-home", "metadata.spec.replicationLocations["),
        ("store-service-misspelt-and-more", "did you mean SecretsManager?"),
        ("store-service-account-misplaced", "belongs in spec.provider.aws.auth.jwt.serviceAccountRef"),
    ] {
        let file = PathBuf::from(format!("tests/data/manifests/refused/{file}.yaml"));
        let input = check::read(std::slice::from_ref(&file), None);
        let outcome = check::judge(&input, &Settings::default());
        let told = |located: &check::Located<'_>| format!("{}: {}", located.finding.field, located.finding);
        let told: Vec<_> = outcome.findings.iter().map(told).collect();
        assert!(told.iter().any(|told| told.contains(words)), "{}: {told:#?}", file.display());
    }
}

/// An example's object as the other kind that has its spec.
fn counterpart(kind: Kind, spec: &Value) -> Option<(Kind, Value)> {
    let (other, inner) = match kind {
        Kind::ExternalSecret => (Kind::ClusterExternalSecret, Some("externalSecretSpec")),
        Kind::PushSecret => (Kind::ClusterPushSecret, Some("pushSecretSpec")),
        Kind::SecretStore => (Kind::ClusterSecretStore, None),
        Kind::ClusterSecretStore => (Kind::SecretStore, None),
        Kind::ClusterExternalSecret | Kind::ClusterPushSecret => return None,
    };
    let mut object = base(other);
    match inner {
        Some(inner) => object["spec"][inner] = spec.clone(),
        None => object["spec"] = spec.clone(),
    }
    Some((other, object))
}

#[test]
fn a_rule_is_about_the_kinds_that_it_names() {
    let about: Vec<_> = FactKind::ALL.into_iter().flat_map(rules_about).map(|rule| rule.id).collect();
    let alone = |rule: &&Rule| !rule.example.is_empty() && !about.contains(&rule.id);
    for rule in rules().into_iter().filter(alone) {
        let mut spec = base(kind_of(rule))["spec"].take();
        json_patch::merge(&mut spec, &yaml(rule.example));
        let named = kinds(rule);
        assert!(named.contains(&kind_of(rule)), "{}", rule.id);
        let Some((other, object)) = counterpart(kind_of(rule), &spec) else { continue };
        let found = findings(other, &object);
        // Beside the mistakes of the other kind's own.
        assert_eq!(
            ids(&found).contains(&rule.id),
            named.contains(&other),
            "{} of {other}: {found:#?}",
            rule.id
        );
    }
}

#[test]
fn doubtful_manifests_have_doubts_only() {
    for (file, findings) in checked("tests/data/manifests/warned") {
        assert!(!findings.is_empty(), "{}", file.display());
        assert!(findings.iter().all(|(level, _)| *level == Level::Warn), "{}: {findings:?}", file.display());
    }
}

#[test]
fn valid_manifests_have_no_findings() {
    for (file, findings) in checked("tests/data/manifests/valid") {
        assert!(findings.is_empty(), "{}: {findings:?}", file.display());
    }
}

#[test]
fn ids_are_kebab_case_and_used_once() {
    let mut seen = std::collections::BTreeSet::new();
    for rule in rules() {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", rule.id);
        assert!(seen.insert(rule.id), "{} is used twice", rule.id);
    }
}
