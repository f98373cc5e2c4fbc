//! What pushing costs and how soon it happens, in small; `make bench` measures the same at its full size.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value as Json, json};

use super::{PATIENCE, Team, entry, entry_with, install};
use crate::command::plane_with_crds;
use crate::support::aws::Aws;
use crate::support::aws::calls::Calls;
use crate::support::aws::fault::Fault;
use crate::support::kubectl::wait_until;

/// Each makes one remote secret: more than may be made within a second.
const OBJECTS: usize = 60;
/// Between two looks at what is in step.
const INTERVAL: Duration = Duration::from_secs(4);
/// Changes that are timed.
const SAMPLES: usize = 7;
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// Calls about a remote secret, by its name or ARN.
fn about(calls: &Calls, name: &str) -> Vec<&'static str> {
    let end = format!(":secret:{name}-");
    let is_about = |target: &str| target == name || target.contains(&end);
    let calls = calls.0.iter().filter(|call| is_about(&call.target));
    calls.map(|call| call.operation.name()).collect()
}

/// Waits until each of these was looked at so often, and then until nothing is asked for a moment.
fn looked_at(aws: &Aws, names: &[&str], times: usize) -> Calls {
    wait_until(PATIENCE, "looks", || {
        let calls = aws.calls();
        let looks = |name: &&str| about(&calls, name).iter().filter(|one| **one == "DescribeSecret").count();
        let is_quiet = calls.0.last().is_some_and(|call| call.at.elapsed() > Duration::from_millis(500));
        if is_quiet && names.iter().all(|name| looks(name) >= times) {
            Ok(calls)
        } else {
            Err(format!("{:?}", calls.by_operation()))
        }
    })
}

#[test]
fn what_is_in_step_costs_one_look_and_two_with_a_policy_also_after_a_restart() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    let installation = install(&plane, &aws, &["--lease-duration=6s"]);
    let team = Team::at(&plane, &aws, "keyhatch");
    team.apply(&[json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "policies", "namespace": team.namespace}, "data": {"p": POLICY}})]);
    team.source("app", &json!({"a": "1", "b": "2"}));
    let source = json!({"kind": "ConfigMap", "name": "policies", "key": "p"});
    let policy = json!({"resourcePolicy": {"policySourceRef": source}});
    let entries = [
        entry("a", "whole", ""),
        entry_with("a", "policy", "", &policy),
        entry("a", "doc", "a"),
        entry("b", "doc", "b"),
    ];
    let first = installation.start().unwrap();
    team.push("p", &json!({"data": entries, "refreshInterval": format!("{}s", INTERVAL.as_secs())}));
    team.wait_reason("p", "Synced");
    let names = ["whole", "policy", "doc"];
    looked_at(&aws, &names, 1);
    aws.forget_calls();
    let started = Instant::now();
    let calls = looked_at(&aws, &names, 3);
    let looks = about(&calls, "whole").len();
    // The first may come at once.
    assert!(
        started.elapsed() >= INTERVAL * u32::try_from(looks - 1).unwrap(),
        "{looks} looks in {:?}",
        started.elapsed()
    );
    assert_eq!(about(&calls, "whole"), ["DescribeSecret"].repeat(looks));
    assert_eq!(about(&calls, "doc"), ["DescribeSecret"].repeat(looks));
    assert_eq!(about(&calls, "policy"), ["DescribeSecret", "GetResourcePolicy"].repeat(looks));
    assert_eq!(calls.count(), 4 * looks, "{:?}", calls.by_operation());
    drop(first);
    aws.forget_calls();
    let _second = installation.start().unwrap();
    let calls = looked_at(&aws, &names, 1);
    let looks = about(&calls, "whole").len();
    assert_eq!(about(&calls, "whole"), ["DescribeSecret"].repeat(looks));
    assert_eq!(about(&calls, "policy"), ["DescribeSecret", "GetResourcePolicy"].repeat(looks));
    let once_more =
        [&["DescribeSecret", "GetSecretValue"][..], &["DescribeSecret"].repeat(looks - 1)].concat();
    assert_eq!(about(&calls, "doc"), once_more, "properties are read once more");
}

#[test]
fn many_at_once_stay_within_the_quota_and_one_that_changes_then_is_pushed_within_a_second() {
    let (plane, aws) = (plane_with_crds(), Aws::start());
    aws.fault_everything(&Fault::Latency(Duration::from_millis(10)));
    let installation = install(&plane, &aws, &[]);
    let _looper = installation.start().unwrap();
    let team = Team::at(&plane, &aws, "keyhatch");
    let name = |number: usize| format!("p{number}");
    let source = |number: usize| team.source_object(&name(number), &json!({"a": "0"}));
    let push = |number: usize| {
        let more =
            json!({"selector": {"secret": {"name": name(number)}}, "data": [entry("a", &name(number), "")]});
        team.push_object(&name(number), &more)
    };
    team.apply(&(0..OBJECTS).map(source).collect::<Vec<_>>());
    team.apply(&(0..OBJECTS).map(push).collect::<Vec<_>>());
    wait_until(PATIENCE, "all to be synced", || {
        let list =
            team.plane.kubectl(&["get", "pushsecrets", "-n", &team.namespace, "-o", "json"]).success()?;
        let list: Json = serde_json::from_str(&list).map_err(|error| error.to_string())?;
        let is_synced = |object: &&Json| object["status"]["conditions"][0]["reason"] == "Synced";
        match list["items"].as_array().unwrap().iter().filter(is_synced).count() {
            OBJECTS => Ok(()),
            count => Err(format!("{count} of {OBJECTS}")),
        }
    });
    let writes = aws.calls().writes();
    assert_eq!(writes.count(), OBJECTS, "{:?}", writes.by_operation());
    // They arrive a little later or sooner than they left; AWS's own limit is 50.
    assert!(writes.most_in_a_second() <= 49, "{} within a second", writes.most_in_a_second());

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let client = runtime.block_on(plane.client());
    let secrets = Api::<Secret>::namespaced(client, &team.namespace);
    let mut took: Vec<Duration> = (1..=SAMPLES)
        .map(|sample| {
            let changed = Instant::now();
            let patch = Patch::Merge(json!({"stringData": {"a": sample.to_string()}}));
            runtime.block_on(secrets.patch(&name(sample), &PatchParams::default(), &patch)).unwrap();
            team.wait_value(&name(sample), &sample.to_string());
            let put = aws.calls().of("PutSecretValue").0.into_iter().next_back().unwrap();
            put.at.duration_since(changed)
        })
        .collect();
    took.sort();
    // Other tests have their moments on the same machine: most must do.
    assert!(took[SAMPLES * 5 / 7] < Duration::from_secs(1), "{took:?}");
}
