//! Bodies that are no good review: refused in words, in the shape of a review, and counted.

use serde_json::{Value, json};

use super::client::post;
use super::server::{JSON, PATH, bad, good, shared};

/// A good review with one change.
fn with(change: impl FnOnce(&mut Value)) -> String {
    let mut review = good();
    change(&mut review);
    review.to_string()
}

/// A good review with a member of its request set.
fn with_request(member: &str, value: Value) -> String {
    with(|review| review["request"][member] = value)
}

#[test]
fn malformed_json_is_refused_as_such() {
    let good = good().to_string();
    let server = shared();
    let errors = server.count("Error");
    let bodies: [&[u8]; 16] = [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b"null",
        b"7",
        b"\"\"",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"{\"kind\":\"\xff\"}",
        b"{\"kind\":\"Admission\nReview\"}",
        b"{'kind':'AdmissionReview'}",
        b"{\"kind\":NaN}",
        b"{\"request\":{\"uid\":\"\\ud800\"}}",
        &good.as_bytes()[..good.len() - 1],
        &[good.as_bytes(), b"}"].concat(),
    ];
    for body in bodies {
        let answer = server.review(body);
        assert_eq!(answer.status, 400);
        answer.assert_refused(400, "keyhatch: the request is no admission.k8s.io/v1 AdmissionReview");
    }
    assert!(server.count("Error") >= errors + 16, "malformed reviews are counted as errors");
    server.assert_works();
}

#[test]
fn a_review_that_cannot_be_read_is_answered_under_its_uid() {
    let cut = good().to_string().replace(r#""operation""#, r#""operation"7"#);
    let response = shared().review(cut).response();
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
}

#[test]
fn a_review_without_request_or_object_is_refused() {
    let server = shared();
    for (body, words) in [
        (with(|review| review["request"] = Value::Null), "the AdmissionReview has no request"),
        (with(|review| drop(review.as_object_mut().unwrap().remove("request"))), "has no request"),
        (with_request("object", Value::Null), "CREATE request has no object"),
        (with_request("object", Value::Null).replace("CREATE", "UPDATE"), "UPDATE request has no object"),
        (with(|review| drop(review["request"].as_object_mut().unwrap().remove("object"))), "has no object"),
        (with(|review| review["request"] = json!({})), "missing field `uid`"),
        (with(|review| review["request"] = json!("x")), "invalid type: string"),
        (with_request("uid", json!(7)), "invalid type: integer"),
        (with_request("kind", json!("SecretStore")), "invalid type: string"),
        (with_request("operation", Value::Null), "invalid type: null"),
        (with_request("name", json!({})), "invalid type: map"),
        (with_request("dryRun", json!("yes")), "invalid type: string"),
        (good().to_string().replacen("\"uid\"", "\"uid\":\"1\",\"uid\"", 1), "duplicate field `uid`"),
    ] {
        server.review(body).assert_refused(400, words);
    }
    server.assert_works();
}

#[test]
fn another_api_version_is_named() {
    let server = shared();
    let review = |api_version: &str, kind: &str| json!({"apiVersion": api_version, "kind": kind}).to_string();
    let understood = "admission.k8s.io/v1 AdmissionReview is understood";
    let other = with(|review| review["apiVersion"] = json!("admission.k8s.io/v1beta1"));
    server.review(&other).assert_refused(400, "a AdmissionReview of admission.k8s.io/v1beta1");
    for body in [other, review("", ""), review("admission.k8s.io/v1", "Pod"), "{}".into()] {
        server.review(body).assert_refused(400, understood);
    }
    let old = with(|review| review["request"]["kind"]["version"] = json!("v1beta1"));
    server.review(old).assert_refused(
        422,
        "SecretStore of version v1beta1 is not understood; write external-secrets.io/v1",
    );
    server.assert_works();
}

#[test]
fn what_keyhatch_has_no_opinion_about_is_admitted() {
    let changed = |name: &str, value: &str| {
        let mut review = bad();
        match name {
            "group" | "kind" => review["request"]["kind"][name] = json!(value),
            _ => review["request"][name] = json!(value),
        }
        review.to_string()
    };
    for (name, value) in [
        ("group", "example.com"),
        ("kind", "Password"),
        ("operation", "DELETE"),
        ("operation", "CONNECT"),
        ("operation", "create"),
        ("subResource", "status"),
    ] {
        shared().review(changed(name, value)).assert_allowed();
    }
}

#[test]
fn a_wrong_content_type_is_refused_in_the_shape_of_a_review() {
    let server = shared();
    let errors = server.count("Error");
    let types = [
        "",
        "text/plain",
        "application/jsonx",
        "application/json-patch+json",
        "multipart/form-data",
        "é",
        ";",
    ];
    for content_type in types {
        let answer = server.ask(post(PATH, &format!("content-type: {content_type}\r\n"), good().to_string()));
        assert_eq!(answer.status, 415);
        answer.assert_refused(415, "an AdmissionReview is sent as application/json");
    }
    server.ask(post(PATH, "", good().to_string())).assert_refused(415, "application/json");
    assert!(server.count("Error") >= errors + 8, "what is refused unread is counted, too");
    for content_type in ["application/json; charset=utf-8", "APPLICATION/JSON", " application/json ;"] {
        let headers = format!("content-type: {content_type}\r\n");
        server.ask(post(PATH, &headers, good().to_string())).assert_allowed();
    }
    server.assert_works();
}

#[test]
fn an_encoded_body_is_no_json() {
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let headers = format!("{JSON}content-encoding: gzip\r\n");
    shared().ask(post(PATH, &headers, gzip)).assert_refused(400, "no admission.k8s.io/v1 AdmissionReview");
}

#[test]
fn other_methods_and_paths_are_not_found() {
    let server = shared();
    for (request, status) in [
        (format!("GET {PATH} HTTP/1.1\r\nhost: k\r\n\r\n"), 405),
        (format!("PUT {PATH} HTTP/1.1\r\nhost: k\r\ncontent-length: 2\r\n\r\n{{}}"), 405),
        (format!("NONSENSE {PATH} HTTP/1.1\r\nhost: k\r\n\r\n"), 405),
        (format!("OPTIONS {PATH} HTTP/1.1\r\nhost: k\r\n\r\n"), 405),
        ("GET / HTTP/1.1\r\nhost: k\r\n\r\n".into(), 404),
        ("GET /healthz HTTP/1.1\r\nhost: k\r\n\r\n".into(), 404),
        ("GET /../../etc/passwd HTTP/1.1\r\nhost: k\r\n\r\n".into(), 404),
        (format!("POST {PATH}/ HTTP/1.1\r\nhost: k\r\ncontent-length: 0\r\n\r\n"), 404),
        (format!("POST /{} HTTP/1.1\r\nhost: k\r\n\r\n", "a".repeat(60_000)), 404),
    ] {
        assert_eq!(server.ask(&request).status, status, "{}", &request[..40]);
    }
    server.assert_works();
}

#[test]
fn any_timeout_parameter_leaves_time_to_answer() {
    let timeouts = [
        "5s",
        "0s",
        "-5s",
        "1ns",
        "1h",
        "nonsense",
        "",
        "%00",
        "5s&timeout=1s",
        "9999999999999h",
        "1e9s",
        "🦀",
        "?",
    ];
    for timeout in timeouts {
        let path = format!("{PATH}?timeout={timeout}");
        shared().ask(post(&path, JSON, good().to_string())).assert_allowed();
    }
    for query in ["", "timeout", "&&&=&", "a=b&timeout=5s", "timeout=5s&a"] {
        shared().ask(post(&format!("{PATH}?{query}"), JSON, good().to_string())).assert_allowed();
    }
}
