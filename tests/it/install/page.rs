//! The commands of docs/operate.md and docs/pods.md, in the order of the page, as its reader would run them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::upgrade::next_release;
use super::{SOON, Site};
use crate::support::kubectl::wait_until;
use crate::support::manifests::copy;

/// What a team has that must survive Keyhatch: an object, its Secret, and a definition for it.
const OBJECTS: &str = "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a, namespace: team}
spec:
  secretStoreRef: {name: aws}
  data: [{secretKey: a, remoteRef: {key: a}}]
---
apiVersion: v1
kind: Secret
metadata: {name: a, namespace: team}
stringData: {a: kept}
";

/// A block of commands.
struct Block {
    page: &'static str,
    heading: String,
    line: usize,
    commands: String,
}

/// The `sh` blocks of a page, but for those that a comment excludes.
fn blocks(page: &'static str) -> Vec<Block> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let (mut blocks, mut heading, mut open) = (Vec::new(), String::new(), None);
    let mut is_excluded = false;
    for (number, line) in text.lines().enumerate() {
        match (line, &mut open) {
            ("```", Some(_)) => {
                blocks.extend(open.take().filter(|_| !is_excluded));
                is_excluded = false;
            }
            (line, Some(Block { commands, .. })) => *commands += &format!("{line}\n"),
            ("```sh", None) => {
                let heading = heading.clone();
                open = Some(Block { page, heading, line: number + 1, commands: String::new() });
            }
            (line, None) => {
                is_excluded |= line.starts_with("<!-- not run: ");
                if let Some(text) = line.strip_prefix("## ") {
                    heading = text.to_owned();
                }
            }
        }
    }
    blocks
}

/// Somebody's shell: the manifests beside it, kubectl and keyhatch on its path.
fn run(site: &Site, block: &Block) -> String {
    let output = Command::new("/bin/sh")
        .args(["-eu", "-c", &block.commands])
        .current_dir(site.plane.root().join("work"))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", site.plane.root().join("bin").display()))
        .env("KUBECONFIG", site.plane.kubeconfig())
        .env("HOME", site.plane.root())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let place = format!("{}:{}: {}", block.page, block.line, block.commands);
    assert!(output.status.success(), "{place}{stdout}{stderr}\n{}", site.node.logs());
    stdout + &stderr
}

/// The reader's folder, and the programs on his path.
fn desk(site: &Site) {
    let root = site.plane.root();
    fs::create_dir_all(root.join("work")).unwrap();
    fs::create_dir_all(root.join("bin")).unwrap();
    symlink(site.plane.kubectl_file(), root.join("bin/kubectl")).unwrap();
    symlink(env!("CARGO_BIN_EXE_keyhatch"), root.join("bin/keyhatch")).unwrap();
}

/// Puts the manifests of a release beside the reader's kustomization.
fn put(site: &Site, release: &Path) {
    let place = site.plane.root().join("work/manifests");
    drop(fs::remove_dir_all(&place));
    copy(release, &place);
}

#[test]
fn the_page_about_operating_is_true() {
    let site = Site::start(&["--lease-duration=3s", "--drain-delay=4s"]);
    desk(&site);
    let (present, next) = (site.manifests("present"), site.manifests("next"));
    next_release(&next);
    put(&site, &present);
    site.plane.create_namespace("team");

    let mut kept = None;
    for block in blocks("docs/operate.md") {
        match block.heading.as_str() {
            "Upgrade" => put(&site, &next),
            "Roll back" => put(&site, &present),
            "Uninstall" if kept.is_none() => kept = Some(objects(&site)),
            _ => {}
        }
        if block.commands.contains("grep 'did you mean") {
            site.wait_judged(true);
        }
        let said = run(&site, &block);
        if block.commands.contains("delete validatingwebhookconfiguration") {
            site.wait_judged(false);
        }
        let has = |words: &str| block.commands.contains(words);
        if has("-n keyhatch KEYHATCH_ENFORCE=warn")
            || block.heading == "Certificates"
            || has("manifests/crds")
        {
            wait_until(SOON, "every entry to show our CA, if there are any", || is_healed(&site));
        }
        if has("manifests/crds") && kept.is_none() {
            let apply = ["apply", "--server-side", "-f", "-"];
            site.plane.kubectl_in(OBJECTS, &apply).success().unwrap();
        }
        if has("get namespaces,") {
            assert_eq!(said.trim(), "No resources found");
        }
    }
    assert_eq!(objects(&site), kept.expect("objects before"));
    for (what, namespace) in [("secret", "keyhatch"), ("lease", "keyhatch")] {
        let left = site.plane.kubectl(&["get", what, "-n", namespace, "-o", "name"]).success().unwrap();
        assert_eq!(left, "", "{what}");
    }
    wait_until(SOON, "all pods to end", || {
        if site.node.health().is_empty() { Ok(()) } else { Err(format!("{:?}", site.node.health())) }
    });
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

#[test]
fn the_page_about_pods_leads_to_one_that_is_injected() {
    // AWS is away, which is nothing that a pod is told about when it is admitted.
    let nobody = "http://127.0.0.1:1";
    let site = Site::start(&["--secretsmanager-endpoint", nobody, "--sts-endpoint", nobody]);
    desk(&site);
    put(&site, &site.manifests("present"));
    for block in blocks("docs/pods.md") {
        let said = run(&site, &block);
        assert!(!said.contains("Warning:"), "{}:{}: {said}", block.page, block.line);
        if block.commands.contains("rollout status") {
            wait_until(SOON, "every entry to show our CA", || is_healed(&site));
            site.wait_judged(true);
        }
        if block.commands.contains("create namespace") {
            wait_until(SOON, "the ServiceAccount", || {
                site.plane.kubectl(&["get", "serviceaccount", "default", "-n", "team-a"]).success()
            });
        }
    }
    let pod = site.get(&["pod", "hello", "-n", "team-a"]);
    let agent = &pod["spec"]["initContainers"][0];
    assert_eq!(agent["image"], "registry.example.com/keyhatch:0.1.0");
    assert_eq!(pod["spec"]["containers"][0]["command"][0], "/secrets/.keyhatch-agent");
    assert_eq!(site.node.crashes(), Vec::<String>::new());
}

fn is_healed(site: &Site) -> Result<(), String> {
    let entries = site.plane.kubectl(&["get", "validatingwebhookconfigurations", "-o", "name"]).success()?;
    if entries.is_empty() || site.entries().iter().all(|(_, is_shown)| *is_shown) {
        Ok(())
    } else {
        Err(entries)
    }
}

/// Definitions, objects and Secrets, as the API server has them.
fn objects(site: &Site) -> Vec<String> {
    let version = |args: &[&str]| {
        let args = [
            &["get"],
            args,
            &["-o", "jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{'\\n'}{end}"],
        ]
        .concat();
        site.plane.kubectl(&args).success().unwrap()
    };
    vec![version(&["crds"]), version(&["externalsecrets", "-n", "team"]), version(&["secrets", "-n", "team"])]
}

#[test]
fn other_pages_are_linked_and_exist() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for page in ["operate.md", "pods.md", "failures.md", "permissions.md"] {
        let text = fs::read_to_string(docs.join(page)).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            assert!(link.starts_with("https://") || docs.join(file).exists(), "{page} links to {link}");
        }
    }
}
