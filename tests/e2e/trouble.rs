//! An AWS that throttles, and one that goes away, while a kubelet starts pods.

use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use crate::cluster::{Cluster, FOLLOW, Namespace, pod};
use crate::support::aws::fault::Fault;
use crate::support::kubectl::wait_until;

const LIMIT: Duration = Duration::from_secs(120);
/// Looking ahead, at the review of a pod, would spare its start the trouble.
const FLAGS: &[&str] = &["--preflight=off"];

/// A cluster whose AWS one test at a time may break.
fn cluster() -> (&'static Cluster, MutexGuard<'static, ()>) {
    static CLUSTER: OnceLock<&'static Cluster> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(|other| other.into_inner());
    let cluster = CLUSTER.get_or_init(|| Cluster::apart_with(FLAGS));
    cluster.aws.heal();
    cluster.aws.forget_calls();
    (cluster, alone)
}

#[test]
fn fifty_pods_start_while_aws_throttles_three_of_ten_calls() {
    const PODS: usize = 50;
    let (cluster, _alone) = cluster();
    let namespace = cluster.namespace("throttled");
    let value = |number: usize| format!("marker-e2e-throttled-{number}");
    cluster.aws.fault_everything(&Fault::Throttle { share: 0.3 });
    let mut objects = String::new();
    for number in 0..PODS {
        let key = format!("throttled/{number}");
        cluster.account.secret(&key, &value(number));
        let annotations = format!("keyhatch.dev/secret-db: {key}");
        let script = "/busybox cat /secrets/db; /busybox echo";
        objects += &format!("---{}", pod(&format!("app-{number}"), &annotations, script));
    }
    namespace.apply(&objects);
    let wait = ["wait", "--for=jsonpath={.status.phase}=Succeeded", "pods", "--all", "--timeout=240s"];
    namespace.kubectl(&wait).unwrap_or_else(|error| panic!("{error}\n{}", namespace.dump()));
    cluster.aws.heal();
    let calls = cluster.aws.calls();
    let throttled = calls.count() - calls.granted().count();
    println!("{} calls, {throttled} throttled: {:?}", calls.count(), calls.by_operation());
    assert!(throttled >= 5 && throttled * 5 >= calls.count(), "{throttled} of {}", calls.count());
    let said =
        namespace.kubectl(&["logs", "-l", "app", "-c", "app", "--tail=-1", "--max-log-requests=50"]).unwrap();
    let mut said: Vec<&str> = said.lines().collect();
    let mut wanted: Vec<String> = (0..PODS).map(value).collect();
    said.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(said, wanted);
    namespace.kubectl(&["delete", "pods", "--all", "--wait=false"]).unwrap();
}

/// Waits until AWS was called so much more often.
fn wait_for_calls(cluster: &Cluster, more: usize) {
    let before = cluster.aws.calls().count();
    wait_until(LIMIT, "calls to AWS", || {
        let calls = cluster.aws.calls().count();
        if calls >= before + more { Ok(()) } else { Err(format!("{calls} after {before}")) }
    });
}

/// The states of a pod's containers, the injected one first: whether it has started, and how often again.
fn states(namespace: &Namespace, pod: &str) -> String {
    let of = |list: &str| format!("{{range .status.{list}[*]}}{{.started}} {{.restartCount}},{{end}}");
    let path = format!("jsonpath={}{}", of("initContainerStatuses"), of("containerStatuses"));
    namespace.kubectl(&["get", "pod", pod, "-o", &path]).unwrap()
}

fn wait_for_value(namespace: &Namespace, pod: &str, value: &str) {
    namespace.until("the value in the file", || {
        let said = namespace.kubectl(&["logs", pod, "-c", "app", "--tail=1"])?;
        if said.trim() == value { Ok(()) } else { Err(said) }
    });
}

#[test]
fn aws_is_away_before_during_and_after_the_start_of_a_pod() {
    let (cluster, _alone) = cluster();
    let (aws, account) = (&cluster.aws, &cluster.account);
    let namespace = cluster.namespace("gone");
    let start = |name: &str| {
        account.secret(&format!("gone/{name}"), &format!("marker-e2e-{name}"));
        let annotations = format!("keyhatch.dev/secret-db: gone/{name}, keyhatch.dev/refresh: 10s");
        let object = pod(name, &annotations, FOLLOW).replace("restartPolicy: Never", "restartPolicy: Always");
        namespace.apply(&object);
    };
    let both_run = "true 0,true 0,";

    // Before: the pod waits, and starts when AWS is back.
    aws.fault_everything(&Fault::Reset);
    start("before");
    wait_for_calls(cluster, 4);
    assert_eq!(states(&namespace, "before"), "false 0,false 0,");
    aws.heal();
    wait_for_value(&namespace, "before", "marker-e2e-before");
    assert_eq!(states(&namespace, "before"), both_run);

    // During: a call was taken and is never answered; those that follow are not even taken.
    aws.fault_everything(&Fault::Hang);
    start("during");
    wait_until(LIMIT, "a call that hangs", || {
        let calls = aws.calls().about("gone/during").count();
        if calls > 0 { Ok(()) } else { Err("none".to_owned()) }
    });
    aws.heal();
    aws.fault_everything(&Fault::Reset);
    wait_until(LIMIT, "calls after that", || {
        let calls = aws.calls().about("gone/during").count();
        if calls > 2 { Ok(()) } else { Err(format!("{calls}")) }
    });
    assert_eq!(states(&namespace, "during"), "false 0,false 0,");
    aws.heal();
    wait_for_value(&namespace, "during", "marker-e2e-during");
    assert_eq!(states(&namespace, "during"), both_run);

    // After: files stay, nothing restarts, and new values are there when AWS is.
    aws.fault_everything(&Fault::Reset);
    for name in ["before", "during"] {
        account.secret(&format!("gone/{name}"), &format!("marker-e2e-{name}-new"));
    }
    wait_for_calls(cluster, 6);
    for name in ["before", "during"] {
        let file = namespace.kubectl(&["exec", name, "-c", "app", "--", "/busybox", "cat", "/secrets/db"]);
        assert_eq!(file.unwrap(), format!("marker-e2e-{name}"));
        assert_eq!(states(&namespace, name), both_run);
    }
    aws.heal();
    for name in ["before", "during"] {
        wait_for_value(&namespace, name, &format!("marker-e2e-{name}-new"));
        assert_eq!(states(&namespace, name), both_run);
    }
    namespace.kubectl(&["delete", "pods", "--all", "--wait=false"]).unwrap();
}
