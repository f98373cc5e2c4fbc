//! Pods that ask for secrets and get them, from a kubelet's hands.

use std::time::{Duration, Instant};

use crate::cluster::{Cluster, FOLLOW, Namespace, pod, shared, spec};
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;
use crate::support::kubectl::wait_until;
use crate::support::marker;

fn succeeded(namespace: &Namespace, pod: &str) {
    namespace.wait(&format!("pod/{pod}"), "{.status.phase}", "Succeeded");
}

#[test]
fn files_and_variables_are_there_before_the_program_starts() {
    let namespace = shared().namespace("files");
    shared().account.secret("files/db", r#"{"user": "app", "password": "marker-e2e-files"}"#);
    let annotations = "keyhatch.dev/secret-db.json: files/db, keyhatch.dev/secret-user: 'files/db#user', \
                       keyhatch.dev/env-PASSWORD: 'files/db#password'";
    let script = "/busybox cat /secrets/user; /busybox echo; /busybox cat /secrets/db.json; /busybox echo; \
                  /busybox echo \"$PASSWORD\"; exec /busybox ls -ln /secrets/..data/";
    namespace.apply(&pod("app", annotations, script));
    succeeded(&namespace, "app");
    let said = namespace.logs("app", "app");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[..3], ["app", r#"{"user": "app", "password": "marker-e2e-files"}"#, "marker-e2e-files"]);
    assert!(lines[3..].iter().any(|line| line.starts_with("-r--r--r--") && line.contains("65532")), "{said}");
}

#[test]
fn the_kubelet_sets_variables_as_they_are_where_nobody_knows_the_command() {
    let namespace = shared().namespace("kubelet");
    let account = &shared().account;
    account.secret("kubelet/hard", " #\"$(A) \\ $B\n\té end");
    account.secret("kubelet/plain", "marker-e2e-kubelet");
    account.secret("kubelet/quote", "it's a marker-e2e-quote");
    let annotations = "keyhatch.dev/env-via: kubelet, keyhatch.dev/env-HARD: kubelet/hard, \
                       keyhatch.dev/env-PLAIN: kubelet/plain, keyhatch.dev/secret-hard: kubelet/hard";
    // The image starts busybox by itself: only its arguments are said here.
    let bare = |name: &str, annotations: &str, script: &str| {
        pod(name, annotations, script).replace("command: [/busybox, sh, ", "args: [sh, ")
    };
    let script =
        "/busybox printf %s \"$HARD\" | /busybox cmp - /secrets/hard && /busybox echo same $0 \"$PLAIN\"";
    let object = bare("app", annotations, script).replace("\"]\n", "\", $(PLAIN)]\n");
    namespace.apply(&object);
    succeeded(&namespace, "app");
    assert_eq!(namespace.logs("app", "app"), "same marker-e2e-kubelet marker-e2e-kubelet\n");

    // What the kubelet cannot read is told, and the value is not.
    let annotations = "keyhatch.dev/env-via: kubelet, keyhatch.dev/env-QUOTE: kubelet/quote";
    namespace.apply(&bare("quote", annotations, "exit 0"));
    let events = || {
        let events = namespace.kubectl(&["get", "events", "-o", "jsonpath={.items[*].message}"])?;
        if events.contains("variable QUOTE of container app: the value for QUOTE has a single quote") {
            Ok(events)
        } else {
            Err(events)
        }
    };
    let events = wait_until(Duration::from_secs(120), "the Event", events);
    assert!(!events.contains("marker-e2e-quote"), "{events}");
    namespace.kubectl(&["delete", "pod", "quote", "--wait=false"]).unwrap();
}

#[test]
fn a_random_user_a_read_only_root_and_an_init_container_get_theirs() {
    let namespace = shared().namespace("random");
    shared().account.secret("random/db", "marker-e2e-random");
    let script = "/busybox cat /secrets/db; /busybox stat -c ' %a %u' /secrets/..data/db";
    let mut object = pod("app", "keyhatch.dev/secret-db: random/db", script);
    object = object.replace(
        "  containers:\n",
        "  securityContext: {runAsUser: 1234567, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  initContainers:
  - name: first
    image: docker.io/local/busybox:1
    imagePullPolicy: Never
    command: [/busybox, cat, /secrets/db]
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
  containers:\n",
    );
    object.push_str(
        "    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}\n",
    );
    namespace.apply(&object);
    succeeded(&namespace, "app");
    assert_eq!(namespace.logs("app", "first"), "marker-e2e-random");
    assert_eq!(namespace.logs("app", "app"), "marker-e2e-random 400 1234567\n");

    // The policy forbids the host's network, which pods here need: only tried out.
    namespace
        .kubectl(&["label", "ns", &namespace.name, "pod-security.kubernetes.io/enforce=restricted"])
        .unwrap();
    let restricted =
        object.replace("  hostNetwork: true\n", "").replace("name: app\n  labels", "name: other\n  labels");
    let args = ["--namespace", &namespace.name, "apply", "--dry-run=server", "-f", "-"];
    shared().plane.kubectl_in(&restricted, &args).success().unwrap();
}

/// As the kubelet gives the volume to the group: whoever is in it reads, whatever else he is.
#[test]
fn containers_of_other_users_read_by_the_fs_group_of_their_pod() {
    let namespace = shared().namespace("group");
    shared().account.secret("group/db", "marker-e2e-group");
    let annotations = "keyhatch.dev/secret-db: group/db, keyhatch.dev/files: '{deep/er: group/db}', keyhatch.dev/env-DB: group/db";
    let script = "/busybox stat -c '%a %u %g' /secrets/..data/db; /busybox id -u; \
                  /busybox cat /secrets/db /secrets/deep/er; /busybox echo \" $DB\"";
    let user = |uid: u64| {
        format!(
            "    securityContext: {{runAsUser: {uid}, runAsGroup: {uid}, allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}\n"
        )
    };
    let object = pod("app", annotations, script);
    let (head, container) = object.split_once("  - name: app\n").unwrap();
    let head = head.replace("spec:\n", "spec:\n  securityContext: {fsGroup: 2000}\n");
    let object =
        format!("{head}  - name: app\n{container}{}  - name: other\n{container}{}", user(1000), user(1001),);
    namespace.apply(&object);
    succeeded(&namespace, "app");
    for (container, uid) in [("app", 1000), ("other", 1001)] {
        let expected = format!("440 65532 2000\n{uid}\nmarker-e2e-groupmarker-e2e-group marker-e2e-group\n");
        assert_eq!(namespace.logs("app", container), expected);
    }
}

/// Two pods want the same secret, one of them less often: neither waits for the other.
#[test]
fn a_new_value_reaches_each_file_in_its_own_time() {
    const REFRESHES: [(&str, u64); 2] = [("often", 10), ("seldom", 30)];
    let namespace = shared().namespace("rotate");
    let account = &shared().account;
    account.secret("rotate/db", "marker-e2e-old");
    for (name, refresh) in REFRESHES {
        let annotations = format!("keyhatch.dev/secret-db: rotate/db, keyhatch.dev/refresh: {refresh}s");
        let object = pod(name, &annotations, FOLLOW).replace("restartPolicy: Never", "restartPolicy: Always");
        namespace.apply(&object);
    }
    for (name, _) in REFRESHES {
        namespace.wait(&format!("pod/{name}"), "{.status.phase}", "Running");
    }
    account.secret("rotate/db", "marker-e2e-new");
    let started = Instant::now();
    let mut waiting = REFRESHES.to_vec();
    while !waiting.is_empty() {
        waiting.retain(|(name, refresh)| {
            let is_old = namespace.logs(name, "app").lines().last() != Some("marker-e2e-new");
            // Two seconds of the promise, and two more for the loop in the pod and for this one.
            let limit = Duration::from_secs(refresh + 4);
            assert!(!is_old || started.elapsed() < limit, "{name}: not after {:?}", started.elapsed());
            if !is_old {
                println!("rotation of {name} after {:?}", started.elapsed());
            }
            is_old
        });
        std::thread::sleep(Duration::from_millis(200));
    }
    namespace.kubectl(&["delete", "pods", "--all", "--wait=false"]).unwrap();
}

/// What a Job makes: a pod with a sidecar, which shows its secret and ends.
fn job(indent: &str, name: &str) -> String {
    let annotations = format!(
        "keyhatch.dev/inject: 'true', keyhatch.dev/store: aws, keyhatch.dev/secret-db: {name}/db, \
         keyhatch.dev/refresh: 60s, keyhatch.dev/mode: sidecar"
    );
    let template = spec("/busybox cat /secrets/db", "Never");
    let job = format!(
        "spec:\n  template:\n    metadata: {{labels: {{app: {name}}}, annotations: {{{annotations}}}}}\n    {}",
        template.trim_end().replace('\n', "\n    ")
    );
    job.replace('\n', &format!("\n{indent}"))
}

#[test]
fn a_job_with_a_sidecar_completes() {
    let namespace = shared().namespace("job");
    shared().account.secret("once/db", "marker-e2e-job");
    let job = job("", "once");
    namespace.apply(&format!("apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once}}\n{job}\n"));
    namespace.wait("job/once", "{.status.succeeded}", "1");
    let said = namespace.kubectl(&["logs", "-l", "app=once", "-c", "app"]).unwrap();
    assert_eq!(said, "marker-e2e-job");
}

#[test]
fn a_cron_job_with_a_sidecar_completes() {
    let namespace = shared().namespace("cron");
    shared().account.secret("often/db", "marker-e2e-cron");
    let job = job("    ", "often");
    namespace.apply(&format!(
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: often}}\nspec:\n  \
         schedule: '* * * * *'\n  concurrencyPolicy: Forbid\n  jobTemplate:\n    {job}\n"
    ));
    // Known once its job is complete; runs begin with the minute.
    let time = || namespace.kubectl(&["get", "cronjob/often", "-o", "jsonpath={.status.lastSuccessfulTime}"]);
    namespace.until("a run of the CronJob", || match time()?.as_str() {
        "" => namespace.kubectl(&["get", "jobs,pods"]).and_then(Err),
        _ => Ok(()),
    });
    let said = namespace.kubectl(&["logs", "-l", "app=often", "-c", "app"]).unwrap();
    assert!(said.starts_with("marker-e2e-cron"), "{said}");
    namespace.kubectl(&["delete", "cronjob", "often", "--wait=false"]).unwrap();
}

#[test]
fn a_container_that_restarts_sees_the_newest_values() {
    let namespace = shared().namespace("restart");
    let account = &shared().account;
    account.secret("restart/db", "marker-e2e-one");
    let annotations =
        "keyhatch.dev/secret-db: restart/db, keyhatch.dev/env-DB: restart/db, keyhatch.dev/refresh: 10s";
    // Ends when file and variable differ: the file is new, and the variable is what the program started with.
    let script = "/busybox echo start $DB; while [ \"$(/busybox cat /secrets/db)\" = \"$DB\" ]; do /busybox sleep 1; done; exit 1";
    namespace
        .apply(&pod("app", annotations, script).replace("restartPolicy: Never", "restartPolicy: Always"));
    namespace.wait("pod/app", "{.status.phase}", "Running");
    account.secret("restart/db", "marker-e2e-two");
    namespace.wait("pod/app", "{.status.containerStatuses[0].restartCount}", "1");
    let started = Instant::now();
    while namespace.logs("app", "app") != "start marker-e2e-two\n" {
        assert!(started.elapsed() < Duration::from_secs(60), "{}", namespace.logs("app", "app"));
        std::thread::sleep(Duration::from_millis(200));
    }
    namespace.kubectl(&["delete", "pod", "app", "--wait=false"]).unwrap();
}

#[test]
fn aws_that_is_away_at_the_start_is_waited_for() {
    let namespace = shared().namespace("away");
    shared().account.secret("away/db", "marker-e2e-away");
    let aws = &shared().aws;
    aws.fault_times(Operation::GetSecretValue, Fault::ServerError, 6);
    aws.fault_times(Operation::BatchGetSecretValue, Fault::ServerError, 6);
    namespace.apply(&pod("app", "keyhatch.dev/secret-db: away/db", "/busybox cat /secrets/db"));
    succeeded(&namespace, "app");
    assert_eq!(namespace.logs("app", "app"), "marker-e2e-away");
}

#[test]
fn pods_of_a_rollout_wait_for_a_webhook_that_is_away_and_none_starts_bare() {
    let cluster = Cluster::apart();
    let namespace = cluster.namespace("rollout");
    cluster.account.secret("rollout/db", "marker-e2e-rollout");
    let annotations =
        "keyhatch.dev/inject: 'true', keyhatch.dev/store: aws, keyhatch.dev/secret-db: rollout/db";
    let deployment = |replicas: usize| {
        let template =
            spec("/busybox cat /secrets/db; exec /busybox sleep 3600", "Always").replace('\n', "\n    ");
        format!(
            "
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{{annotations}}}}}
    {template}"
        )
    };
    namespace.apply(&deployment(2));
    namespace.wait("deployment/web", "{.status.readyReplicas}", "2");
    cluster.stop_keyhatch();
    namespace.apply(&deployment(20));
    // Pods that did not ask go on as ever.
    let plain =
        pod("plain", "", "exit 0").replace("keyhatch.dev/inject: 'true', keyhatch.dev/store: aws", "");
    namespace.apply(&plain);
    succeeded(&namespace, "plain");
    let pods = || namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", "name"]).unwrap().lines().count();
    assert_eq!(pods(), 2);
    cluster.start_keyhatch();
    namespace.wait("deployment/web", "{.status.readyReplicas}", "20");
    let agents = "{range .items[*]}{.spec.initContainers[0].name}{' '}{end}";
    let output = format!("jsonpath={agents}");
    let agents = namespace.kubectl(&["get", "pods", "-l", "app=web", "-o", &output]).unwrap();
    assert_eq!(agents.split_whitespace().collect::<Vec<_>>(), ["keyhatch-agent"; 20]);
}

#[test]
fn a_node_that_is_switched_off_and_on_has_its_pods_again_and_no_value_is_left_anywhere() {
    let cluster = Cluster::apart();
    let namespace = cluster.namespace("power");
    let marker = "marker-e2e-power-5e1f";
    cluster.account.secret("power/db", &format!(r#"{{"password": "{marker}"}}"#));
    cluster.account.secret("power/broken", &format!(r#"{{"password": "{marker}", "#));
    let annotations = "keyhatch.dev/secret-db: power/db, keyhatch.dev/env-PASSWORD: 'power/db#password', \
                       keyhatch.dev/refresh: 10s";
    let script =
        "[ -n \"$PASSWORD\" ] && [ -s /secrets/db ] && /busybox echo started; exec /busybox sleep 3600";
    namespace
        .apply(&pod("app", annotations, script).replace("restartPolicy: Never", "restartPolicy: Always"));
    // Its property cannot be read; what is wrong with the document must not say what is in it.
    let broken = pod("broken", "keyhatch.dev/secret-db: 'power/broken#password'", "exit 0");
    let _ = namespace.try_apply(&broken);
    namespace.wait("pod/app", "{.status.containerStatuses[0].ready}", "true");
    let mut machine = cluster.machine.lock().unwrap();
    machine.switch_off().unwrap();
    machine.switch_on().unwrap();
    namespace.wait("pod/app", "{.status.containerStatuses[0].restartCount}", "1");
    namespace.wait("pod/app", "{.status.containerStatuses[0].ready}", "true");
    assert_eq!(namespace.logs("app", "app"), "started\n");

    let log = cluster.keyhatch.lock().unwrap().as_ref().unwrap().log();
    let marks = marker::forms(marker);
    assert!(!marks.iter().any(|mark| log.contains(mark)), "in Keyhatch's log");
    // What is not secret is found, or nothing could be.
    assert!(!marker::files_with(cluster.plane.root(), &["power/db".to_owned()]).is_empty());
    // etcd, the API server, kubelet and containerd, and all containers' logs; not the pods' own memory.
    for folder in [cluster.plane.root().to_owned(), machine.logs()] {
        let found = marker::files_with(&folder, &marks);
        assert!(found.is_empty(), "{found:?}");
    }
}
