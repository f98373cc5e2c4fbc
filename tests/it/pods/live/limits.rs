//! The agent beside what a namespace demands of every container: quotas, limit ranges, a class of quality.

use serde_json::json;

use super::{LIMIT, POD, Site, site};
use crate::support::kubectl::wait_until;

#[test]
fn quotas_and_limit_ranges_find_what_they_ask_for() {
    let namespace = site().namespace("quota");
    let limits = "
apiVersion: v1
kind: ResourceQuota
metadata: {name: all}
spec:
  hard: {requests.cpu: 1, limits.cpu: 2, requests.memory: 1Gi, limits.memory: 1Gi, requests.ephemeral-storage: 1Gi, limits.ephemeral-storage: 1Gi}
---
apiVersion: v1
kind: LimitRange
metadata: {name: all}
spec:
  limits:
  - type: Container
    max: {cpu: 1, memory: 512Mi, ephemeral-storage: 1Gi}
    min: {cpu: 5m, memory: 8Mi}
    default: {cpu: 200m, memory: 64Mi, ephemeral-storage: 64Mi}
    defaultRequest: {cpu: 100m, memory: 64Mi, ephemeral-storage: 64Mi}
";
    site().plane.kubectl_in(limits, &["apply", "-n", &namespace, "-f", "-"]).success().unwrap();
    wait_until(LIMIT, "the pod to be within its quota", || site().stored(&namespace, POD).map(drop));
    let once = site().create(&namespace, POD);
    let agent = &once["spec"]["initContainers"][0]["resources"];
    assert_eq!(agent["limits"], json!({"cpu": "200m", "ephemeral-storage": "16Mi", "memory": "48Mi"}));
}

#[test]
fn a_guaranteed_pod_stays_guaranteed() {
    let namespace = site().namespace("guaranteed");
    let fixed =
        POD.replace("command: [/app]", "command: [/app], resources: {limits: {cpu: 1000m, memory: 64Mi}}");
    let pod = site().create(&namespace, &fixed);
    assert_eq!(pod["status"]["qosClass"], "Guaranteed");
}

/// What many clusters have; the usual requests are less than that.
#[test]
fn limit_ranges_are_kept_by_who_knows_them() {
    const RANGE: &str = "
apiVersion: v1
kind: LimitRange
metadata: {name: all}
spec:
  limits:
  - type: Container
    min: {cpu: 50m, memory: 32Mi}
    maxLimitRequestRatio: {cpu: 4, memory: 4}
    default: {cpu: 200m, memory: 64Mi}
    defaultRequest: {cpu: 100m, memory: 64Mi}
";
    let site =
        Site::start_with(&["--agent-requests=cpu=100m,memory=32Mi", "--agent-limits=cpu=400m,memory=64Mi"]);
    let ranged = |site: &Site| {
        let namespace = site.namespace("ranged");
        site.plane.kubectl_in(RANGE, &["apply", "-n", &namespace, "-f", "-"]).success().unwrap();
        namespace
    };
    let namespace = ranged(&site);
    let pod = site.create(&namespace, POD);
    let agent = &pod["spec"]["initContainers"][0]["resources"];
    assert_eq!(agent["requests"], json!({"cpu": "100m", "ephemeral-storage": "16Mi", "memory": "32Mi"}));
    assert_eq!(agent["limits"], json!({"cpu": "400m", "ephemeral-storage": "16Mi", "memory": "64Mi"}));

    let fixed = POD
        .replace("command: [/app]", "command: [/app], resources: {limits: {cpu: 100m, memory: 64Mi}}")
        .replace("name: web", "name: fixed");
    let pod = site.create(&namespace, &fixed);
    assert_eq!(pod["status"]["qosClass"], "Guaranteed");
    let agent = &pod["spec"]["initContainers"][0]["resources"];
    assert_eq!(agent["requests"], json!({"cpu": "100m", "ephemeral-storage": "16Mi", "memory": "64Mi"}));

    // Without the flags it is the agent that is too small.
    let namespace = ranged(self::site());
    let refused = wait_until(LIMIT, "the range to be kept", || {
        let output = self::site().try_out(&namespace, POD);
        if output.is_success() { Err("admitted".to_owned()) } else { Ok(output.stderr) }
    });
    assert!(refused.contains("minimum cpu usage per Container is 50m, but request is 10m"), "{refused}");
}
