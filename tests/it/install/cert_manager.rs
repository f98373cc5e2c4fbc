//! Certificates of cert-manager: the test plays cert-manager and its CA injector, the rest is the component.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::applies::CERT_MANAGER;
use super::{SOON, Site, overlay};
use crate::support::certificates::{Authority, CertificateOptions, Certificates};
use crate::support::kubectl::wait_until;
use crate::support::reviews::Reviews;

fn encoded(path: &Path) -> String {
    STANDARD.encode(fs::read(path).unwrap())
}

/// What cert-manager leaves: the Secret of a Certificate, and the CA where the annotation asks for it.
fn issue(site: &Site, authority: &Authority, name: &str) {
    let files = authority.issue(&site.plane.root().join(name), &CertificateOptions::default());
    let Certificates { ca_file, cert_file, key_file } = &files;
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "keyhatch-serving", "namespace": "keyhatch"},
        "data": {"ca.crt": encoded(ca_file), "tls.crt": encoded(cert_file), "tls.key": encoded(key_file)},
    });
    let apply = ["apply", "--server-side", "--field-manager=cert-manager", "-f", "-"];
    site.plane.kubectl_in(&secret.to_string(), &apply).success().unwrap();
    for (kind, name) in
        [("validatingwebhookconfiguration", "keyhatch"), ("mutatingwebhookconfiguration", "zz-keyhatch")]
    {
        let configuration = site.get(&[kind, name]);
        let wanted = &configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"];
        assert_eq!(wanted, "keyhatch/keyhatch-serving");
        let add = |index| json!({"op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": encoded(ca_file)});
        let patch: Value = (0..configuration["webhooks"].as_array().unwrap().len()).map(add).collect();
        let patch = ["patch", kind, name, "--type=json", "-p", &patch.to_string()];
        site.plane.kubectl(&patch).success().unwrap();
    }
}

#[test]
fn certificates_of_cert_manager_need_no_rights_and_leave_nothing() {
    let site = Site::start(&["--rights-check-interval=300ms"]);
    for args in
        [&["apply", "--server-side", "-f", "-"][..], &["wait", "--for=condition=Established", "-f", "-"]]
    {
        site.plane.kubectl_in(CERT_MANAGER, args).success().unwrap();
    }
    site.plane.kubectl(&["apply", "--server-side", "-k", "manifests/crds"]).success().unwrap();
    site.manifests("manifests");
    let folder = site.plane.root().join("deploy");
    overlay(&folder, &["../manifests/overlays/standalone"], &["../manifests/components/cert-manager"]);
    site.apply(&folder, &["--server-side"]);
    // The name that the Certificate asks for is the one that the API server will call.
    let certificate = site.get(&["certificate", "keyhatch-serving", "-n", "keyhatch"]);
    assert_eq!(certificate["spec"]["dnsNames"], json!(["keyhatch.keyhatch.svc"]));

    let authority = Authority::new();
    issue(&site, &authority, "first");
    site.wait_rolled_out();
    site.wait_judged(true);
    site.wait_said(200, "[+] rights ok");
    let reviews = Reviews::start(&site.plane);
    // Renewed by a CA that kept its key, and applied again: the injector's field stays.
    issue(&site, &authority, "second");
    site.apply(&folder, &["--server-side"]);
    reviews.wait_for_more(20);
    let seen = reviews.end();
    assert!(seen.lost.is_empty() && seen.open.is_empty(), "{seen:?}");

    let left = |kind: &str| -> Vec<Value> {
        let list = site.get(&[kind, "-n", "keyhatch"]);
        list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].clone()).collect()
    };
    assert_eq!((left("secrets"), left("leases")), (vec!["keyhatch-serving".into()], Vec::new()));
    site.plane.kubectl(&["delete", "validatingwebhookconfiguration", "keyhatch"]).success().unwrap();
    site.plane.kubectl(&["delete", "-k", folder.to_str().unwrap(), "--ignore-not-found"]).success().unwrap();
    wait_until(SOON, "all pods to end", || {
        if site.node.health().is_empty() { Ok(()) } else { Err(format!("{:?}", site.node.health())) }
    });
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}
