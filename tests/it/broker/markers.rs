//! No value is told to anybody but the pod: not in the log at any level, the metrics, Events or the audit.

use super::*;
use crate::support::http;

/// A text that is nowhere else, also not as a part of something.
const MARKER: &str = "s3cr3t-marker-5f1c9a";

#[test]
fn no_value_is_in_logs_metrics_or_events() {
    let team = Team::new();
    team.account.secret("json", &format!(r#"{{"a": "{MARKER}", "1x": "{MARKER}"}}"#));
    team.account.secret("plain", MARKER);
    team.account.secret("broken", &format!(r#"{{"a": "{MARKER}"#));
    team.account.secret("encoded", &encoded(MARKER));
    team.account.secret("escaped", r#"{"a": "s3cr3t-m\u0061rker-5f1c9a"}"#);
    team.apply(&[json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "json", "namespace": team.namespace},
        "spec": {"secretStoreRef": {"name": "aws"}, "dataFrom": [{"extract": {"key": "json"}}]}})]);
    let all = json!({"files": {"a": {"from": "aws::json#a"}, "b": {"from": "aws::plain"}, "c": {"from": "aws::broken"},
        "d": {"from": "aws::encoded?decode=base64"}, "e": {"from": "aws::escaped#a"}}, "permissions": "0400"});
    let files = team.files(&team.pod("all", &all));
    assert_eq!(files.iter().filter(|(_, value)| value == MARKER).count(), 4);
    for (number, request) in [
        json!({"files": {"a": {"from": "aws::broken#b"}}, "permissions": "0400"}),
        json!({"files": {"a": {"from": "aws::plain#a"}}, "permissions": "0400"}),
        json!({"files": {"a": {"from": "aws::plain?decode=base64"}}, "permissions": "0400"}),
        json!({"externalSecretEnv": [{"name": "json", "containers": ["app"]}], "permissions": "0400"}),
    ]
    .iter()
    .enumerate()
    {
        let response = team.ask(&team.pod(&format!("fails-{number}"), request));
        assert!(response.status >= 400, "{request}: {}", response.body);
        assert_has_none("an answer", &response.body);
    }
    let events = wait_until(PATIENCE, "Events", || {
        let args = ["get", "events.events.k8s.io", "-n", &team.namespace, "-o", "json"];
        let events = team.site.plane.kubectl(&args).success()?;
        if events.matches("\"reason\": ").count() >= 4 { Ok(events) } else { Err(events) }
    });
    assert!(events.contains("\"reason\": \"ValueUnusable\""), "{events}");
    assert_has_none("Events", &events);
    assert_has_none("the log", &team.site.broker.log());
    let metrics = http::get(&format!("{}/metrics", team.site.broker.health)).unwrap().body;
    assert!(metrics.contains(r#"keyhatch_broker_denials_total{reason="ValueUnusable"}"#), "{metrics}");
    assert_has_none("the metrics", &metrics);
    assert!(!metrics.contains(&team.namespace), "{metrics}");
}

#[track_caller]
fn assert_has_none(what: &str, text: &str) {
    let forms = [MARKER.to_owned(), encoded(MARKER), r"s3cr3t-m\u0061rker".to_owned()];
    for form in forms {
        // The beginning is enough to be known by.
        assert!(!text.contains(&form[..12]), "{what}: {text}");
    }
}
