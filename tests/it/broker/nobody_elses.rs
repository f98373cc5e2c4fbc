//! Nobody gets what is somebody else's: whose token it is, what the pod was admitted to ask for, and what its
//! ServiceAccount may use. Each line of the table is a test.

use keyhatch_agent::AUDIENCE;

use super::*;
use crate::support::broker::token;

/// From the deletion of a pod until its token is of no use.
const AFTER_DELETION: Duration = Duration::from_secs(15);

fn team() -> Team<'static> {
    let team = Team::new();
    team.account.secret("db", "hunter2");
    team
}

#[test]
fn a_token_that_is_none_of_a_pods_for_us_gets_nothing() {
    let team = team();
    let right = team.pod("app-1", &db());
    assert_eq!(team.files(&right), [("db".to_owned(), "hunter2".to_owned())]);
    let audience = format!("--audience={AUDIENCE}");
    let of = |flags: &[&str]| token(team.site.plane, &team.namespace, "app", flags);
    let secret_bound = [&audience, "--bound-object-kind=Secret", "--bound-object-name=aws"];
    let bound = ["--audience=sts.amazonaws.com", "--bound-object-kind=Pod", "--bound-object-name=app-1"];
    let (head, signature) = right.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for (what, token, reason) in [
        ("no token", String::new(), "TokenMissing"),
        ("garbage", "a.b.c".into(), "TokenMalformed"),
        ("of another audience", of(&bound), "TokenAudience"),
        ("for the API server", of(&[]), "TokenAudience"),
        ("unbound", of(&[&audience]), "TokenUnbound"),
        ("bound to a Secret", of(&secret_bound), "TokenUnbound"),
        ("with another signature", forged, "TokenRefused"),
    ] {
        assert_eq!(refused(&team.ask(&token)), (401, reason.to_owned()), "{what}");
    }
    assert_eq!(refused(&team.site.broker.send("")), (401, "TokenMissing".to_owned()));
}

#[test]
fn a_token_of_another_pod_or_namespace_gets_what_that_pod_was_admitted_to() {
    let (team, other) = (team(), team());
    other.account.secret("db", "of the other team");
    other.account.secret("own", "own");
    let mut request = db();
    request["files"]["own"] = json!({"from": "aws::own"});
    let (first, second) = (team.pod("app-1", &db()), other.pod("app-1", &request));
    assert_eq!(team.files(&first), [("db".to_owned(), "hunter2".to_owned())]);
    // The same names in another namespace are another store and another account.
    let files = other.files(&second);
    assert_eq!(files, [("db".to_owned(), "of the other team".to_owned()), ("own".into(), "own".into())]);
}

#[test]
fn a_deleted_pods_token_is_of_no_use_soon_after() {
    let team = team();
    let token = team.pod("app-1", &db());
    team.files(&token);
    let delete = ["delete", "pod", "app-1", "-n", &team.namespace, "--force", "--grace-period=0"];
    team.site.plane.kubectl(&delete).success().unwrap();
    wait_until(AFTER_DELETION, "a refusal", || match team.ask(&token) {
        response if response.status == 200 => Err("still answered".to_owned()),
        response if response.status == 429 => Err("asked too often".to_owned()),
        _ => Ok(()),
    });
    // One of the same name is another pod, and the old token does not speak for it.
    team.pod("app-1", &db());
    assert_ne!(team.ask(&token).status, 200);
}

#[test]
fn a_pod_that_is_being_deleted_gets_nothing() {
    let team = team();
    let token = team.pod("app-1", &db());
    team.files(&token);
    let patch = r#"{"metadata":{"finalizers":["keyhatch.dev/test"]}}"#;
    team.site
        .plane
        .kubectl(&["patch", "pod", "app-1", "-n", &team.namespace, "-p", patch])
        .success()
        .unwrap();
    team.site
        .plane
        .kubectl(&["delete", "pod", "app-1", "-n", &team.namespace, "--wait=false"])
        .success()
        .unwrap();
    let told = team.wait_refused(&token, "PodDeleted", AFTER_DELETION);
    assert!(told.denied);
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    team.site
        .plane
        .kubectl(&["patch", "pod", "app-1", "-n", &team.namespace, "-p", patch])
        .success()
        .unwrap();
}

#[test]
fn a_finished_pod_gets_nothing() {
    let team = team();
    for phase in ["Succeeded", "Failed"] {
        let name = phase.to_lowercase();
        let token = team.pod(&name, &db());
        let patch = format!(r#"{{"status":{{"phase":"{phase}"}}}}"#);
        let args = ["patch", "pod", &name, "-n", &team.namespace, "--subresource=status", "-p", &patch];
        team.site.plane.kubectl(&args).success().unwrap();
        assert_eq!(refused(&team.ask(&token)), (403, "PodFinished".to_owned()));
    }
}

#[test]
fn a_service_account_without_use_gets_nothing_until_it_holds_it() {
    let team = team();
    let token = team.pod_of("app-1", "default", &db());
    let response = team.ask(&token);
    assert_eq!(refused(&response), (403, "StoreUseDenied".to_owned()));
    let told = format!(
        "ServiceAccount {0}/default does not hold the verb use on SecretStore {0}/aws",
        team.namespace
    );
    assert!(response.body.contains(&told), "{}", response.body);
    let bind = ["create", "rolebinding", "more", "-n", &team.namespace, "--role=user"];
    let subject = format!("--serviceaccount={}:default", team.namespace);
    team.site.plane.kubectl(&[&bind[..], &[&subject]].concat()).success().unwrap();
    wait_until(PATIENCE, "the right to count", || {
        let response = team.ask(&token);
        if response.status == 200 { Ok(()) } else { Err(response.body) }
    });
    team.site.plane.kubectl(&["delete", "rolebinding", "more", "-n", &team.namespace]).success().unwrap();
    team.wait_refused(&token, "StoreUseDenied", PATIENCE);
}

#[test]
fn a_cluster_store_gives_nothing_to_a_namespace_that_it_excludes() {
    let team = team();
    let store = |name: &str, conditions: Json| {
        json!({"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
            "metadata": {"name": format!("{name}-{}", team.namespace)}, "spec": spec(&team.namespace, &conditions)})
    };
    let group = format!("system:serviceaccounts:{}", team.namespace);
    team.apply(&[
        store("ours", json!([{"namespaces": [team.namespace]}])),
        store("theirs", json!([{"namespaces": ["other"]}, {"namespaceRegexes": ["^other-"]}])),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": team.namespace}, "rules": [{"apiGroups": ["external-secrets.io"],
                "resources": ["clustersecretstores"], "verbs": ["use"]}]}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": team.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": team.namespace},
            "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group}]}),
    ]);
    let request = |name: &str| {
        let from = format!("cluster/{name}-{}::db", team.namespace);
        json!({"files": {"db": {"from": from}}, "permissions": "0400"})
    };
    let token = team.pod("ours", &request("ours"));
    assert_eq!(team.files(&token), [("db".to_owned(), "hunter2".to_owned())]);
    let token = team.pod("theirs", &request("theirs"));
    assert_eq!(refused(&team.ask(&token)), (403, "StoreNotAdmitted".to_owned()));
}

#[test]
fn a_container_that_was_written_by_hand_gets_what_the_rules_allow() {
    let team = team();
    let request: Request = serde_json::from_value(db()).unwrap();
    let by_hand = |name: &str, arg: &str| {
        let mut pod = pod(&team.namespace, name, "app", &request);
        pod["spec"]["initContainers"][0]["args"][1] = arg.into();
        team.apply(&[pod]);
        refused(&team.ask(&pod_token(team.site.plane, &team.namespace, "app", name)))
    };
    let many: Vec<_> = (0..101).map(|number| format!(r#""f{number}":{{"from":"aws::db"}}"#)).collect();
    for (name, request, status, reason) in [
        ("many", format!(r#"{{"files":{{{}}}}}"#, many.join(",")), 403, "RequestRefused"),
        ("no-store", r#"{"files":{"db":{"from":"db"}}}"#.into(), 403, "RequestRefused"),
        ("escape", r#"{"files":{"../db":{"from":"aws::db"}}}"#.into(), 403, "RequestRefused"),
        ("own-parts", r#"{"files":{".keyhatch-agent":{"from":"aws::db"}}}"#.into(), 403, "RequestRefused"),
        ("often", r#"{"files":{"db":{"from":"aws::db"}},"refresh":1}"#.into(), 403, "RequestRefused"),
        ("open", r#"{"files":{"db":{"from":"aws::db"}},"permissions":"0777"}"#.into(), 403, "RequestRefused"),
        ("stranger", r#"{"env":{"other":{"A":"aws::db"}}}"#.into(), 403, "RequestRefused"),
        ("more", r#"{"files":{},"namespace":"kube-system"}"#.into(), 400, "RequestUnreadable"),
        ("no-json", "{".into(), 400, "RequestUnreadable"),
    ] {
        assert_eq!(by_hand(name, &format!("--request={request}")), (status, reason.to_owned()), "{name}");
    }
    let mut plain = pod(&team.namespace, "plain", "app", &request);
    plain["spec"]["initContainers"][0]["name"] = "agent".into();
    team.apply(&[plain]);
    let token = pod_token(team.site.plane, &team.namespace, "app", "plain");
    assert_eq!(refused(&team.ask(&token)), (403, "NotInjected".to_owned()));
}

#[test]
fn annotations_that_were_edited_afterwards_add_nothing() {
    let team = team();
    team.account.secret("more", "more");
    let token = team.pod("app-1", &db());
    let annotations = [
        "keyhatch.dev/inject=true",
        "keyhatch.dev/secret-more=aws::more",
        "keyhatch.dev/files={more: 'aws::more'}",
        "keyhatch.dev/store=other",
    ];
    let args = [&["annotate", "pod", "app-1", "-n", &team.namespace], &annotations[..]].concat();
    team.site.plane.kubectl(&args).success().unwrap();
    assert_eq!(team.files(&token), [("db".to_owned(), "hunter2".to_owned())]);
}
