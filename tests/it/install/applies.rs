//! Every kustomization on a real API server: dry and for good, by both kinds of apply, without a warning.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::rendered::{manifests, pathdiff};
use super::{SOON, kustomize, overlay};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::http;
use crate::support::kubectl::{Output, wait_until};

/// What of cert-manager's kinds our component uses, and no more, so that a misspelt field is refused.
pub(super) const CERT_MANAGER: &str = include_str!("../../data/install/cert-manager.yaml");

/// Without a word, but for what kubectl says of an object that was applied the other way before.
#[track_caller]
fn quietly(output: &Output, what: &str) {
    let mut said = output.stderr.lines().filter(|line| !line.contains("last-applied-configuration"));
    assert!(output.is_success() && said.next().is_none(), "{what}: {}{}", output.stdout, output.stderr);
}

#[test]
fn every_kustomization_applies_without_a_warning() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    plane.kubectl_in(CERT_MANAGER, &["apply", "--server-side", "-f", "-"]).success().unwrap();
    plane
        .kubectl_in(CERT_MANAGER, &["wait", "--for=condition=Established", "--timeout=60s", "-f", "-"])
        .success()
        .unwrap();
    quietly(&plane.kubectl(&["apply", "--server-side", "-f", "manifests/base/namespace.yaml"]), "namespace");
    let mut folders = vec![
        manifests().join("crds"),
        manifests().join("base"),
        manifests().join("overlays/beside-eso"),
        manifests().join("overlays/standalone"),
        manifests().join("overlays/separate-accounts"),
    ];
    for component in
        ["cert-manager", "cluster-checks", "loops", "namespace-enforce", "pods", "watch-credentials"]
    {
        let folder = plane.root().join(component);
        let path = |rest: &str| pathdiff(&folder, &manifests().join(rest));
        overlay(&folder, &[&path("overlays/standalone")], &[&path(&format!("components/{component}"))]);
        folders.push(folder);
    }
    for folder in folders {
        let folder = folder.to_str().unwrap();
        for how in [&["--server-side", "--dry-run=server"][..], &["--dry-run=server"], &["--server-side"]] {
            let args = [&["apply"], how, &["-k", folder]].concat();
            quietly(&plane.kubectl(&args), &args.join(" "));
        }
        // Nothing that the API server fills in is taken for a change.
        quietly(&plane.kubectl(&["diff", "--server-side", "-k", folder]), folder);
        // What one component patches in, the next does not patch out.
        let patched = [
            "deployments,validatingwebhookconfigurations,mutatingwebhookconfigurations",
            "--all",
            "-n",
            "keyhatch",
        ];
        plane.kubectl(&[&["delete"], &patched[..]].concat()).success().unwrap();
    }
    plane.kubectl(&["apply", "--server-side", "-k", "manifests/base"]).success().unwrap();
    // Pod Security `restricted` judges pods, not Deployments.
    wait_until(SOON, "two pods", || {
        let pods = plane.kubectl(&["get", "pods", "-n", "keyhatch", "-o", "name"]).success()?;
        if pods.lines().count() == 2 { Ok(()) } else { Err(pods) }
    });
}

/// A token of our ServiceAccount, for the API server.
fn token(plane: &ControlPlane) -> String {
    plane.kubectl(&["create", "token", "keyhatch", "-n", "keyhatch"]).success().unwrap().trim().to_owned()
}

#[test]
fn our_requests_are_classified_and_our_tokens_are_for_aws() {
    let plane =
        Arc::new(ControlPlane::start(&Options { controller_manager: false, ..Options::default() }).unwrap());
    plane.kubectl(&["apply", "--server-side", "-k", "manifests/base"]).success().unwrap();
    let token = token(&plane);
    assert_classified(&plane, &token);
    assert_limited(&plane, &token);
}

/// The API server says by which FlowSchema it took a request.
fn assert_classified(plane: &ControlPlane, token: &str) {
    let uid = plane
        .kubectl(&["get", "flowschema", "keyhatch", "-o", "jsonpath={.metadata.uid}"])
        .success()
        .unwrap();
    let host = plane.url().strip_prefix("https://").unwrap();
    let request = format!(
        "GET /apis/external-secrets.io HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    wait_until(SOON, "our flow schema", || {
        let answer = http::exchange(http::connect_tls(host, &plane.ca_file())?, &request)?;
        let classified = answer.header("x-kubernetes-pf-flowschema-uid");
        if classified == Some(uid.as_str()) { Ok(()) } else { Err(format!("{classified:?} is not {uid}")) }
    });
}

/// Even with every right on tokens, which the manifests do not grant.
fn assert_limited(plane: &ControlPlane, token: &str) {
    let role = ["create", "clusterrole", "tokens", "--verb=create", "--resource=serviceaccounts/token"];
    plane.kubectl(&role).success().unwrap();
    let subject = "--serviceaccount=keyhatch:keyhatch";
    plane
        .kubectl(&["create", "clusterrolebinding", "tokens", "--clusterrole=tokens", subject])
        .success()
        .unwrap();
    plane.create_namespace("team");
    let ask = |flags: &[&str]| {
        let args = ["create", "token", "default", "-n", "team", "--token", token];
        plane.kubectl(&[&args, flags].concat())
    };
    let refusal = "may ask for tokens for sts.amazonaws.com and pods.eks.amazonaws.com only";
    wait_until(Duration::from_secs(60), "the policy to act", || {
        let output = ask(&["--audience=vault"]);
        if output.stderr.contains(refusal) { Ok(()) } else { Err(output.stderr) }
    });
    for flags in [
        &[][..],
        &["--audience=https://kubernetes.default.svc"],
        &["--audience=sts.amazonaws.com", "--audience=vault"],
    ] {
        let output = ask(flags);
        assert!(!output.is_success() && output.stderr.contains(refusal), "{flags:?}: {}", output.stderr);
    }
    for audience in ["--audience=sts.amazonaws.com", "--audience=pods.eks.amazonaws.com"] {
        ask(&[audience]).success().unwrap();
    }
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: team}, spec: {containers: [{name: a, image: a}]}}";
    plane.kubectl_in(pod, &["apply", "-f", "-"]).success().unwrap();
    let bound = ask(&["--audience=sts.amazonaws.com", "--bound-object-kind=Pod", "--bound-object-name=a"]);
    assert!(bound.stderr.contains("may not ask for tokens that speak for a pod"), "{}", bound.stderr);
    // Others are not concerned.
    plane.kubectl(&["create", "token", "default", "-n", "team", "--audience=vault"]).success().unwrap();
}

/// Kept so that a folder that is added is not forgotten above.
#[test]
fn every_folder_is_known() {
    let list = |folder: &Path| -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(list(manifests()), ["base", "components", "crds", "image", "overlays"]);
    assert_eq!(list(&manifests().join("overlays")), ["beside-eso", "separate-accounts", "standalone"]);
    let components = [
        "cert-manager",
        "cluster-checks",
        "loops",
        "loops-apart",
        "namespace-enforce",
        "pods",
        "pods-apart",
        "team-roles",
        "watch-credentials",
    ];
    assert_eq!(list(&manifests().join("components")), components);
    for folder in ["overlays/beside-eso", "overlays/separate-accounts", "overlays/standalone"] {
        assert!(!kustomize(&manifests().join(folder)).is_empty());
    }
}
