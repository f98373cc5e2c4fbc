//! The rights that the manifests grant: each is used, each that goes missing is told and survived; and a cluster
//! without our kinds.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::rendered::{requests, wanted, wanted_with};
use super::{SOON, Site, kustomize, overlay};
use crate::support::kubectl::wait_until;
use crate::support::reviews::Reviews;
use keyhatch::needs::rights::{Flow, Right};

const ROLES: [&str; 3] =
    ["Role/keyhatch-certificates", "ClusterRole/keyhatch-certificates", "ClusterRole/keyhatch-admission"];

/// What our ServiceAccount did, as the API server wrote it down, and what of it was forbidden.
fn used(site: &Site) -> (BTreeSet<String>, Vec<String>) {
    let (mut used, mut forbidden) = (BTreeSet::new(), Vec::new());
    for event in site.plane.audited() {
        let reference = &event["objectRef"];
        let is_ours = event["user"]["username"] == "system:serviceaccount:keyhatch:keyhatch";
        // Everybody may ask what is served, and about himself.
        if !is_ours || reference.is_null() || reference["resource"] == "selfsubjectaccessreviews" {
            continue;
        }
        let text = |key: &str| reference[key].as_str().unwrap_or_default();
        let verb = event["verb"].as_str().unwrap();
        let with = |before: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("{before}{text}") }
        };
        // The name of what is created is in the body, too late for a rule.
        let name = if verb == "create" { "" } else { text("name") };
        let request = format!(
            "{verb} {}{}{}{}",
            text("resource"),
            with(".", text("apiGroup")),
            with("/", name),
            with(" in namespace ", text("namespace"))
        );
        if event["responseStatus"]["code"] == 403 {
            forbidden.push(request.clone());
        }
        used.insert(request);
    }
    (used, forbidden)
}

/// The role without one right.
fn without(role: &Value, right: &Right) -> Value {
    let mut rules = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for (verb, group, resource, name) in requests(rule) {
            if (verb, group, resource, name)
                == (right.verb, right.group, right.resource, right.name.as_deref())
            {
                continue;
            }
            let names: Vec<_> = name.into_iter().collect();
            rules.push(serde_json::json!({
                "verbs": [verb], "apiGroups": [group], "resources": [resource], "resourceNames": names,
            }));
        }
    }
    let mut role = role.clone();
    role["rules"] = rules.into();
    role
}

#[track_caller]
fn replace(site: &Site, object: &Value) {
    let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    site.plane.kubectl_in(&object.to_string(), &args).success().unwrap();
}

#[test]
fn each_right_is_used_told_when_missing_and_taken_up_again() {
    let site = Site::start(&["--rights-check-interval=300ms", "--lease-duration=3s", "--leaf-lifetime=60s"]);
    let manifests = site.manifests("manifests");
    site.apply(&manifests.join("overlays/standalone"), &["--server-side"]);
    idle_until_the_kinds_are_there(&site);

    let all: BTreeSet<_> = wanted().iter().map(Right::to_string).collect();
    wait_until(SOON, "every right to be used", || {
        let missing: Vec<_> = all.difference(&used(&site).0).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    });
    let (used, forbidden) = used(&site);
    assert_eq!((used, forbidden), (all, Vec::new()));

    let roles: Vec<_> = kustomize(&manifests.join("base"))
        .into_iter()
        .filter(|object| {
            let name = format!(
                "{}/{}",
                object["kind"].as_str().unwrap(),
                object["metadata"]["name"].as_str().unwrap()
            );
            ROLES.contains(&name.as_str())
        })
        .collect();
    let reviews = Reviews::start(&site.plane);
    for right in wanted() {
        take_and_give_back(&site, &roles, &right, &reviews);
    }
    lose_everything(&site, &roles);
    let seen = reviews.end();
    assert!(seen.lost.is_empty() && seen.open.is_empty(), "{seen:?}");
    assert_eq!(site.node.crashes(), Vec::<String>::new());
    still_writes(&site);
}

/// Without the kinds there is nothing to judge: that is told, and is no reason to be unready.
fn idle_until_the_kinds_are_there(site: &Site) {
    let all = "SecretStore, ClusterSecretStore, ExternalSecret, ClusterExternalSecret, PushSecret, ClusterPushSecret";
    site.wait_said(200, &format!("[!] kinds: not installed: {all}"));
    assert!(site.node.logs().contains("not installed: SecretStore"), "{}", site.node.logs());
    site.wait_rolled_out();
    site.plane.kubectl(&["apply", "--server-side", "-k", "manifests/crds"]).success().unwrap();
    site.wait_said(200, "[+] kinds ok");
    // The watches have come to life, too: an object of another provider's store is left alone.
    let store = r#"
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: {name: vault, namespace: default}
spec: {provider: {vault: {server: "https://vault.example.com"}}}
"#;
    let secret = r#"
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a, namespace: default}
spec:
  secretStoreRef: {name: vault}
  data: [{secretKey: a, remoteRef: {key: "secret/data/any thing", property: "a|b"}}]
"#;
    wait_until(SOON, "the store to be known", || {
        site.plane.kubectl_in(store, &["apply", "--server-side", "-f", "-"]).success()?;
        site.plane.kubectl_in(secret, &["apply", "--dry-run=server", "-f", "-"]).success()
    });
}

fn take_and_give_back(site: &Site, roles: &[Value], right: &Right, reviews: &Reviews) {
    let before = |role: &&Value| without(role, right)["rules"] != without(role, &nothing())["rules"];
    let role = roles.iter().find(before).unwrap_or_else(|| panic!("no role grants {right}"));
    replace(site, &without(role, right));
    site.wait_said(200, &format!("[!] rights: missing: {right}\n"));
    assert!(site.node.logs().contains(&format!("missing: {right}")), "{right} is not in the log");
    reviews.wait_for_more(2);
    replace(site, role);
    site.wait_said(200, "[+] rights ok");
}

fn nothing() -> Right {
    let right = wanted().into_iter().next().unwrap();
    Right { verb: "none", ..right }
}

/// All rights go, and a pod starts without any: it says so, waits, and goes on when they are given.
fn lose_everything(site: &Site, roles: &[Value]) {
    for role in roles {
        let mut role = role.clone();
        role["rules"] = Vec::<Value>::new().into();
        replace(site, &role);
    }
    let first = wanted().first().unwrap().to_string();
    site.wait_said(200, &format!("[!] rights: missing: {first}"));
    site.plane.kubectl(&["rollout", "restart", "deployment/keyhatch", "-n", "keyhatch"]).success().unwrap();
    wait_until(SOON, "a new pod that is not ready", || {
        let states = site.states()?;
        let is_new = |body: &str| body.contains("[-] certificate failed: no certificate is served yet");
        let all = wanted().iter().map(Right::to_string).collect::<Vec<_>>().join(", ");
        let says = format!("[!] rights: missing: {all}\n");
        let new = states
            .iter()
            .find(|state| state.status == 503 && is_new(&state.body) && state.body.contains(&says));
        new.map(drop).ok_or_else(|| format!("{states:?}"))
    });
    roles.iter().for_each(|role| replace(site, role));
    site.wait_rolled_out();
    site.wait_said(200, "[+] rights ok");
}

#[test]
fn cluster_checks_use_what_their_component_grants() {
    let site = Site::start(&["--rights-check-interval=300ms"]);
    site.plane.kubectl(&["apply", "--server-side", "-k", "manifests/crds"]).success().unwrap();
    let manifests = site.manifests("manifests");
    let folder = site.plane.root().join("deploy");
    overlay(&folder, &["../manifests/overlays/standalone"], &["../manifests/components/cluster-checks"]);
    site.apply(&folder, &["--server-side"]);
    site.wait_rolled_out();
    site.wait_said(200, "[+] rights ok");
    let checks: Vec<_> =
        wanted_with(true).into_iter().filter(|right| right.flow == Flow::ClusterChecks).collect();
    wait_until(SOON, "every right to be used", || {
        let (used, forbidden) = used(&site);
        assert_eq!(forbidden, Vec::<String>::new());
        let missing: Vec<_> = checks.iter().filter(|right| !used.contains(&right.to_string())).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
    });
    let file = fs::read_to_string(manifests.join("components/cluster-checks/rbac.yaml")).unwrap();
    let role: Value = serde_saphyr::from_multiple::<Value>(&file).unwrap().remove(0);
    for right in &checks {
        replace(&site, &without(&role, right));
        site.wait_said(200, &format!("[!] rights: missing: {right}\n"));
        replace(&site, &role);
        site.wait_said(200, "[+] rights ok");
    }
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

/// The leader has not given up: what a tool takes away comes back, and sooner than by looking now and then.
fn still_writes(site: &Site) {
    let strip = r#"[{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]"#;
    let started = Instant::now();
    for _ in 0..6 {
        let patch = ["patch", "validatingwebhookconfiguration", "keyhatch", "--type=json", "-p", strip];
        site.plane.kubectl(&patch).success().unwrap();
        wait_until(SOON, "the bundle to be back", || {
            let entries = site.entries();
            if entries.iter().all(|(_, is_shown)| *is_shown) { Ok(()) } else { Err(format!("{entries:?}")) }
        });
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(15), "six times in {took:?}; looking every five seconds takes thirty");
}
