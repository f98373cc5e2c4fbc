//! Reviews of objects that are no good objects: each is refused for what is wrong with it, in few words.

use keyhatch::api::Kind;
use serde_json::{Value, json};

use super::client::Answer;
use super::server::{good, shared};

/// A refusal fits on a screen or two, whatever was sent.
const SHORT: usize = 16 << 10;

fn review_of(object: &str) -> String {
    let mut review = good();
    review["request"]["object"] = json!("OBJECT");
    review.to_string().replace("\"OBJECT\"", object)
}

/// Reviews an object whose spec is this text.
fn review_spec(spec: &str) -> Answer {
    let answer = shared().review(review_of(&format!(r#"{{"metadata":{{"name":"a"}},"spec":{spec}}}"#)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Reviews an AWS store with this member in its provider.
fn review_aws(member: &str) -> Answer {
    review_spec(&format!(r#"{{"provider":{{"aws":{{"service":"SecretsManager",{member}}}}}}}"#))
}

#[test]
fn an_object_that_is_no_object_is_refused() {
    for object in
        ["7", "\"text\"", "true", "[7]", "{\"metadata\":7}", "{\"metadata\":{\"name\":{}}}", "1e999"]
    {
        shared().review(review_of(object)).assert_refused(422, "not a readable object");
    }
    for object in ["[]", "{}", "{\"spec\":null}", "{\"metadata\":null}"] {
        let response = shared().review(review_of(object)).response();
        assert_eq!(
            (&response["allowed"], &response["status"]["code"]),
            (&json!(false), &json!(422)),
            "{object}"
        );
    }
    shared().assert_works();
}

#[test]
fn a_spec_of_another_type_is_refused_for_every_kind() {
    for kind in Kind::ALL {
        for spec in [json!(7), json!("text"), json!(true), json!([]), json!([[]]), Value::Null, json!({})] {
            let mut review = good();
            review["request"]["kind"] =
                json!({"group": "external-secrets.io", "version": kind.version(), "kind": kind.as_str()});
            review["request"]["object"] = json!({"metadata": {"name": "a"}, "spec": spec});
            let response = shared().review(review.to_string()).response();
            let (allowed, code) = (&response["allowed"], &response["status"]["code"]);
            assert_eq!((allowed, code), (&json!(false), &json!(422)), "{kind} with spec {spec}: {response}");
        }
    }
    shared().assert_works();
}

#[test]
fn fields_of_another_type_are_named() {
    for (member, words) in [
        (r#""region":7"#, "spec.provider.aws.region: Invalid value: 7"),
        (r#""region":["eu-central-1"]"#, "spec.provider.aws.region: Invalid value: […]"),
        (r#""region":{"name":"eu-central-1"}"#, "spec.provider.aws.region: Invalid value: {…}"),
        // It could be a credential that was pasted there.
        (
            r#""region":"eu-central-1","auth":"none""#,
            "spec.provider.aws.auth: Invalid value: a text: must be of type object",
        ),
        (
            r#""region":"eu-central-1","additionalRoles":"arn""#,
            "spec.provider.aws.additionalRoles: Invalid value",
        ),
        (r#""region":"eu-central-1","secretsManager":{"recoveryWindowInDays":"7"}"#, "recoveryWindowInDays"),
        (r#""region":"eu-central-1","region":"us-esat-1""#, "did you mean us-east-1?"),
    ] {
        review_aws(member).assert_refused(422, words);
    }
}

#[test]
fn numbers_that_no_field_holds_are_named() {
    let numbers = [
        "9223372036854775808",
        "-9223372036854775809",
        "1e400",
        "7.5",
        "-0.0",
        "123456789012345678901234567890",
    ];
    for number in numbers {
        let days = format!(r#""region":"eu-central-1","secretsManager":{{"recoveryWindowInDays":{number}}}"#);
        let response = review_aws(&days).response();
        assert_eq!(response["allowed"], false, "{number}: {response}");
    }
    for token in ["NaN", "Infinity", "-", "01", "1.", ".5", "+1", "0x1F", "nul"] {
        let days = format!(r#""region":"eu-central-1","secretsManager":{{"recoveryWindowInDays":{token}}}"#);
        let body = review_of(&format!(r#"{{"spec":{{"provider":{{"aws":{{{days}}}}}}}}}"#));
        shared().review(body).assert_refused(400, "no admission.k8s.io/v1 AdmissionReview");
    }
    shared().assert_works();
}

#[test]
fn text_that_is_no_text_is_refused() {
    review_aws(r#""region":"\ud800""#).assert_refused(422, "spec: not readable");
    review_aws(r#""region":"eu-central-1\u0000""#).assert_refused(422, r"eu-central-1\0");
    let invalid = review_of(r#"{"spec":{"provider":{"aws":{"region":"@"}}}}"#).into_bytes();
    let invalid: Vec<u8> = invalid.into_iter().map(|b| if b == b'@' { 0xff } else { b }).collect();
    let response = shared().review(invalid).response();
    assert_eq!(response["allowed"], false, "{response}");
    shared().assert_works();
}

#[test]
fn members_that_are_written_twice_are_no_way_around_a_rule() {
    let store = |region: &str| {
        format!(r#"{{"provider":{{"aws":{{"service":"SecretsManager","region":"{region}"}}}}}}"#)
    };
    let (fine, wrong) = (store("eu-central-1"), store("us-esat-1"));
    // Whatever wins in the API server: an object with two specs is not read as the good one.
    for object in
        [format!(r#"{{"spec":{fine},"spec":{wrong}}}"#), format!(r#"{{"spec":{wrong},"spec":{fine}}}"#)]
    {
        let response = shared().review(review_of(&object)).response();
        assert_eq!(response["allowed"], false, "{response}");
    }
    let twice =
        review_of(&format!(r#"{{"spec":{wrong}}}"#)).replace(r#""object":"#, r#""object":{},"object":"#);
    assert_eq!(shared().review(twice).response()["allowed"], false);
}

#[test]
fn a_text_of_two_mebibytes_is_not_repeated() {
    let long = "a".repeat(2 << 20);
    for member in [
        format!(r#""region":"{long}""#),
        format!(r#""region":"eu-central-1","role":"{long}""#),
        format!(r#""region":"eu-central-1","prefix":"! {long}""#),
        format!(r#""region":"eu-central-1","{long}":1"#),
        format!(r#""region":"eu-central-1","customSessionTags":{{"! {long}":"x"}}"#),
        format!(r#""region":"us-esat-1","{}":1"#, "[".repeat(2 << 20)),
    ] {
        let answer = review_aws(&member);
        let length = answer.body.len();
        assert!(length < SHORT, "{length} bytes: {}", &answer.body[..300]);
    }
    shared().assert_works();
}

#[test]
fn many_mistakes_are_not_all_told() {
    let tags = r#"{"key":"","value":"! "},"#.repeat(20_000);
    let answer =
        review_aws(&format!(r#""region":"us-esat-1","sessionTags":[{}]"#, tags.trim_end_matches(',')));
    answer.assert_refused(422, "did you mean us-east-1?");
    assert!(answer.body.len() < 4 * SHORT, "{} bytes", answer.body.len());
}

#[test]
fn deep_nesting_is_refused_or_ignored() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [100, 200, 100_000] {
        let (lists, maps) = (deep(depth), format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)));
        for nested in [&lists, &maps] {
            let member = format!(r#""region":{nested}"#);
            assert_eq!(review_aws(&member).response()["allowed"], false, "{depth}");
            let unknown = format!(r#""region":"us-esat-1","unknown":{nested}"#);
            review_aws(&unknown).assert_refused(422, "");
            shared().review(nested).assert_refused(400, "admission.k8s.io/v1 AdmissionReview");
            let object = format!(r#"{{"metadata":{{"annotations":{nested}}},"spec":{{}}}}"#);
            assert_eq!(shared().review(review_of(&object)).response()["allowed"], false, "{depth}");
        }
    }
    shared().assert_works();
}

#[test]
fn a_deep_member_is_no_way_around_the_ratchet() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let store = |region: &str| {
        let aws = format!(r#"{{"service":"SecretsManager","region":"{region}","unknown":{deep}}}"#);
        format!(r#"{{"metadata":{{"name":"a"}},"spec":{{"provider":{{"aws":{aws}}}}}}}"#)
    };
    let mut review = good();
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["object"] = json!("NEW");
    review["request"]["oldObject"] = json!("OLD");
    let body = review.to_string();
    let body = body.replace("\"NEW\"", &store("us-esat-1")).replace("\"OLD\"", &store("eu-central-1"));
    shared().review(body).assert_refused(422, "did you mean us-east-1?");
}
