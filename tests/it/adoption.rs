//! Turning Keyhatch on step by step: rules at other levels, a namespace that goes ahead or lags behind.

use std::path::Path;
use std::time::Duration;

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::kubectl::{Output, wait_until};
use crate::support::webhook::Webhook;

const BAD: &str = "
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: aws}
spec: {provider: {aws: {service: SecretsManager, region: eu-central-1, role: team-b, prefix: 'a b'}}}
";

/// Its pods would be refused.
const WORKLOAD: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {keyhatch.dev/inject: 'true'}}
    spec: {containers: [{name: app, image: app}]}
";

fn try_out(plane: &ControlPlane, object: &str, namespace: &str) -> Output {
    plane.kubectl_in(object, &["apply", "--dry-run=server", "-n", namespace, "-f", "-"])
}

#[test]
fn mistakes_are_refused_where_and_when_the_operator_says_so() {
    let plane = ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap();
    let flags = ["--enforce=warn", "--rule=store-prefix=off"];
    let webhook = Webhook::serve_with(Path::new(env!("CARGO_BIN_EXE_keyhatch")), &plane, &flags).unwrap();
    webhook.install(&plane, &["--allow-namespace-enforce"]).unwrap();
    for (name, enforce) in [("soft", "warn"), ("strict", "deny"), ("plain", "")] {
        plane.create_namespace(name);
        if !enforce.is_empty() {
            let label = format!("keyhatch.dev/enforce={enforce}");
            plane.kubectl(&["label", "namespace", name, &label]).success().unwrap();
        }
    }
    wait_until(Duration::from_secs(90), "the strict namespace to be judged", || {
        let output = try_out(&plane, BAD, "strict");
        if output.is_denied() { Ok(()) } else { Err(output.stderr) }
    });

    let refused = try_out(&plane, BAD, "strict");
    assert!(
        refused.stderr.contains("[role-arn]") && !refused.stderr.contains("[store-prefix]"),
        "{}",
        refused.stderr
    );
    for namespace in ["soft", "plain"] {
        for object in [BAD, WORKLOAD] {
            let admitted = try_out(&plane, object, namespace);
            assert!(admitted.is_success(), "{namespace}: {}", admitted.stderr);
            assert!(admitted.stderr.contains("will be refused: "), "{namespace}: {}", admitted.stderr);
        }
    }
    let refused = try_out(&plane, WORKLOAD, "strict");
    assert!(refused.is_denied() && refused.stderr.contains("[InjectionOff]"), "{}", refused.stderr);

    let metrics = http::get(&format!("{}/metrics", webhook.health)).unwrap().ok().unwrap();
    for line in [
        r#"namespace="strict",rule="role-arn",action="refused""#,
        r#"namespace="soft",rule="role-arn",action="would_refuse""#,
        r#"namespace="plain",rule="role-arn",action="would_refuse""#,
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}
