//! The overlay with a ServiceAccount for each flow: all work, and none can do what another does.

use std::collections::BTreeSet;

use keyhatch::needs::rights::{self, Right};
use keyhatch_agent::Answer;
use serde_json::{Value, json};

use super::rendered::{granted_to_each, manifests, names, wanted};
use super::{SOON, Site, kustomize};
use crate::broker::serving::{furnish, tokens};
use crate::support::aws::Aws;
use crate::support::broker::send;
use crate::support::kubectl::wait_until;

const OVERLAY: &str = "overlays/separate-accounts";

/// What pods that only keep what objects say do.
fn of_loops() -> Vec<Right> {
    [rights::followed_certificates(&names()), rights::loops("keyhatch", "keyhatch-loops", false)].concat()
}

/// What pods that only serve secrets do.
fn of_pods() -> Vec<Right> {
    [rights::followed_certificates(&names()), rights::pods(false)].concat()
}

#[test]
fn each_flow_has_its_own_rights_and_nothing_else() {
    let granted = granted_to_each(&kustomize(&manifests().join(OVERLAY)));
    let texts = |rights: Vec<Right>| -> BTreeSet<_> { rights.iter().map(Right::to_string).collect() };
    let expected = [
        ("keyhatch", texts(wanted())),
        ("keyhatch-loops", texts(of_loops())),
        ("keyhatch-pods", texts(of_pods())),
    ];
    assert_eq!(granted, expected.map(|(account, rights)| (account.to_owned(), rights)).into());
}

/// What holds of one Deployment holds of the others: only what the flows differ in is different.
#[test]
fn all_deployments_are_alike() {
    let objects = kustomize(&manifests().join(OVERLAY));
    let template = |name: &str| {
        let is_it = |object: &&Value| object["kind"] == "Deployment" && object["metadata"]["name"] == name;
        let mut spec = objects.iter().find(is_it).unwrap()["spec"].clone();
        let container = &mut spec["template"]["spec"]["containers"][0];
        for (key, value) in [("args", json!([])), ("ports", json!([])), ("resources", json!({}))] {
            container[key] = value;
        }
        let env = container["env"].as_array_mut().unwrap();
        env.retain(|variable| {
            !["KEYHATCH_FLOWS", "KEYHATCH_AGENT_IMAGE"].iter().any(|own| variable["name"] == *own)
        });
        spec.to_string().replace(name, "keyhatch")
    };
    assert_eq!(template("keyhatch-pods"), template("keyhatch"));
    assert_eq!(template("keyhatch-loops"), template("keyhatch"));
}

#[test]
fn all_flows_work_and_none_can_do_what_another_does() {
    let aws = Aws::start();
    let url = aws.url();
    let site = Site::start(&["--secretsmanager-endpoint", &url, "--sts-endpoint", &url]);
    site.plane.kubectl(&["apply", "--server-side", "-k", "manifests/crds"]).success().unwrap();
    // Pods that were injected by hand are refused once there is a webhook.
    furnish(&site.plane, &aws);
    let [token, _] = tokens(&site.plane);
    let manifests = site.manifests("manifests");
    site.apply(&manifests.join(OVERLAY), &["--server-side"]);

    for deployment in ["deployment/keyhatch", "deployment/keyhatch-pods", "deployment/keyhatch-loops"] {
        let output =
            site.plane.kubectl(&["rollout", "status", deployment, "-n", "keyhatch", "--timeout=90s"]);
        assert!(output.is_success(), "{}\n{}", output.stderr, site.node.logs());
    }
    site.wait_judged(true);
    site.wait_said(200, "[+] rights ok");
    assert_eq!((site.node.health().len(), site.node.brokers().len()), (6, 2));
    for broker in site.node.brokers() {
        deliver(&site, &broker, &token);
    }
    asked_by_port(&site);
    limited(&site);
    assert_eq!(forbidden(&site), Vec::<String>::new());
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

/// A pod that trusts who signs for the broker gets its secrets from it.
fn deliver(site: &Site, broker: &str, token: &str) {
    let roots = site.plane.root().join("roots.pem");
    let secret = site.get(&["secret", "keyhatch-tls", "-n", "keyhatch"]);
    let encoded = secret["data"]["ca.crt"].as_str().unwrap();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, encoded).unwrap();
    std::fs::write(&roots, decoded).unwrap();
    wait_until(SOON, "secrets", || {
        let response = send(broker, &roots, &format!("authorization: Bearer {token}\r\n"))?;
        let answer: Answer = serde_json::from_str(&response.body).map_err(|_| format!("{response:?}"))?;
        assert_eq!(answer.files.keys().collect::<Vec<_>>(), ["db", "shared", "x"]);
        Ok(())
    });
}

/// One Service: its webhook leads to the pods that answer reviews, its broker to the others.
fn asked_by_port(site: &Site) {
    // Endpoints are those of pods with an address on a node that there is.
    let node = "{apiVersion: v1, kind: Node, metadata: {name: stand-in}}";
    site.plane.kubectl_in(node, &["apply", "--server-side", "-f", "-"]).success().unwrap();
    let pods = site.get(&["pods", "-n", "keyhatch"]);
    for (index, pod) in pods["items"].as_array().unwrap().iter().enumerate() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let ip = format!("10.0.0.{}", index + 1);
        let status = json!({"status": {"podIP": ip, "podIPs": [{"ip": ip}]}}).to_string();
        let patch = ["patch", "pod", name, "-n", "keyhatch", "--subresource=status", "-p", &status];
        site.plane.kubectl(&patch).success().unwrap();
    }
    wait_until(SOON, "an endpoint for each port", || {
        let slices =
            site.get(&["endpointslices", "-n", "keyhatch", "-l", "kubernetes.io/service-name=keyhatch"]);
        let mut found = BTreeSet::new();
        for slice in slices["items"].as_array().unwrap() {
            for (port, endpoint) in
                each(&slice["ports"]).flat_map(|p| each(&slice["endpoints"]).map(move |e| (p, e)))
            {
                let pod = endpoint["targetRef"]["name"].as_str().unwrap();
                let deployment = pod.rsplitn(3, '-').nth(2).unwrap();
                found.insert((
                    port["name"].as_str().unwrap().to_owned(),
                    deployment.to_owned(),
                    pod.to_owned(),
                ));
            }
        }
        let counted: Vec<_> =
            found.iter().map(|(port, deployment, _)| (port.as_str(), deployment.as_str())).collect();
        let (broker, webhook) = (("broker", "keyhatch-pods"), ("webhook", "keyhatch"));
        if counted == [broker, broker, webhook, webhook] { Ok(()) } else { Err(format!("{slices}")) }
    });
}

fn each(list: &Value) -> impl Iterator<Item = &Value> + Clone {
    list.as_array().into_iter().flatten()
}

/// The API server's own word, right by right.
fn limited(site: &Site) {
    let all = [wanted(), of_pods(), of_loops()];
    for (account, own) in ["keyhatch", "keyhatch-pods", "keyhatch-loops"].into_iter().zip(&all) {
        assert!(all.iter().flatten().any(|right| !own.iter().any(|own| covers(own, right))));
        for right in all.iter().flatten() {
            let expected = own.iter().any(|own| covers(own, right));
            assert_eq!(may(site, account, right), expected, "{account}: {right}");
        }
    }
}

/// Whether who has the one right has the other: without a name, or a namespace, it is for all.
fn covers(own: &Right, other: &Right) -> bool {
    let within = |own: &Option<String>, other: &Option<String>| own.is_none() || own == other;
    (own.verb, own.group, own.resource) == (other.verb, other.group, other.resource)
        && within(&own.namespace, &other.namespace)
        && within(&own.name, &other.name)
}

fn may(site: &Site, account: &str, right: &Right) -> bool {
    let Right { flow: _, verb, group, resource, namespace, name } = right;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let attributes = json!({"verb": verb, "group": group, "resource": resource, "subresource": subresource,
        "namespace": namespace, "name": name});
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {"user": format!("system:serviceaccount:keyhatch:{account}"), "resourceAttributes": attributes}});
    let answer =
        site.plane.kubectl_in(&review.to_string(), &["create", "-o", "json", "-f", "-"]).success().unwrap();
    serde_json::from_str::<Value>(&answer).unwrap()["status"]["allowed"] == true
}

/// What our accounts asked for in vain.
fn forbidden(site: &Site) -> Vec<String> {
    let is_ours = |event: &Value| {
        event["user"]["username"]
            .as_str()
            .is_some_and(|user| user.starts_with("system:serviceaccount:keyhatch:"))
    };
    let denied = site
        .plane
        .audited()
        .into_iter()
        .filter(|event| is_ours(event) && event["responseStatus"]["code"] == 403);
    denied.map(|event| event.to_string()).collect()
}
