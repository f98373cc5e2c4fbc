//! What `keyhatch check` and its neighbours are given: files that are none, text that is no YAML, clusters
//! that are not there, readers that leave.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::server::keyhatch;
use crate::command::{Ended, keyhatch_with};
use crate::support::certificates::{CertificateOptions, certificates};
use crate::support::kubectl::wait_until;
use crate::support::process::Guardian;

const GOOD: &str = "tests/data/base/SecretStore.yaml";

/// Runs `keyhatch check` and asserts how it ends.
#[track_caller]
fn assert_check(stdin: &str, args: &[&str], code: i32, words: &str) {
    let args = [&["check"], args].concat();
    let ended = keyhatch_with(stdin, &args, &[]);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let Ended { stdout, stderr, .. } = &ended;
    assert!(stdout.contains(words) || stderr.contains(words), "{words:?} is not in {ended:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A file of a folder that goes when the test ends.
fn file(folder: &Guardian, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.root().join(name);
    fs::write(&path, text).unwrap();
    path
}

fn folder() -> Guardian {
    Guardian::new().unwrap()
}

/// Aliases that stand for ten thousand million values.
fn bomb() -> String {
    let mut text = String::from(
        "apiVersion: external-secrets.io/v1\nkind: SecretStore\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n",
    );
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{inner}]\n");
    }
    text
}

#[test]
fn the_exit_code_says_whether_all_is_well_wrong_or_unreadable() {
    let bad = fs::read_to_string(GOOD).unwrap().replace("eu-central-1", "us-esat-1");
    assert_check("", &[GOOD], 0, "1 file, 1 object: no errors, no warnings");
    assert_check(&bad, &["-"], 1, "-:8: error: SecretStore team-a/aws: spec.provider.aws.region");
    assert_check("a: [1\n", &["-", GOOD], 2, "-:1: unreadable: not YAML");
    assert_check("", &[], 2, "required arguments were not provided");
    assert_check("", &["--colour", GOOD], 2, "unexpected argument '--colour'");
    assert_check("", &["--cluster", GOOD], 2, "cannot be used with");
    assert_check("", &["-o", "xml", GOOD], 2, "invalid value 'xml'");
}

#[test]
fn paths_that_cannot_be_read_are_named_with_their_cause() {
    let folder = folder();
    let latin = file(&folder, "latin.yaml", b"a: caf\xe9\n");
    let utf16 = file(&folder, "utf16.yaml", b"\xff\xfea\0:\0 \0");
    let link = folder.root().join("link.yaml");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for (path, words) in [
        (Path::new("no/such.yaml"), "no/such.yaml:1: unreadable: cannot be read: No such file"),
        (&latin, "latin.yaml:1: unreadable: is not UTF-8 text"),
        (&utf16, "utf16.yaml:1: unreadable: is not UTF-8 text"),
        (&link, "link.yaml:1: unreadable: cannot be read: No such file"),
        (Path::new("Cargo.toml/x"), "Not a directory"),
        (Path::new(""), "cannot be read"),
    ] {
        assert_check("", &[path.to_str().unwrap()], 2, words);
    }
}

#[test]
fn folders_that_contain_themselves_are_searched_once() {
    let folder = folder();
    file(&folder, "store.yaml", fs::read(GOOD).unwrap());
    for name in ["a", "b"] {
        std::os::unix::fs::symlink(".", folder.root().join(name)).unwrap();
    }
    let mut process = folder.spawn("check", keyhatch().arg("check").arg(folder.root())).unwrap();
    let ended = || process.ended().ok_or_else(|| "still searching".into());
    wait_until(Duration::from_secs(5), "the search ends", ended);
    assert!(process.log().ends_with("1 file, 1 object: no errors, no warnings\n"), "{}", process.log());
}

#[test]
fn input_without_objects_is_not_wrong() {
    let folder = folder();
    let empty = file(&folder, "empty.yaml", "");
    let others = file(&folder, "others.yaml", "apiVersion: v1\nkind: Pod\n---\n---\n# nothing\n...\n");
    for path in [folder.root(), &empty, &others] {
        assert_check("", &[path.to_str().unwrap()], 0, "no objects");
    }
    assert_check("", &["-"], 2, "no manifests found");
    assert_check("just text\n", &["-"], 2, "is no Kubernetes object");
    assert_check("- a\n- b\n", &["-"], 2, "is no Kubernetes object");
}

#[test]
fn templates_that_are_not_rendered_are_recognised() {
    let text =
        "{{- if .Values.enabled }}\napiVersion: external-secrets.io/v1\nkind: SecretStore\n{{- end }}\n";
    assert_check(text, &["-"], 2, "an unrendered Helm template");
    assert_check("a: {{ .Values.x }}\n", &["-"], 2, "helm template . | keyhatch check -");
}

#[test]
fn bombs_are_refused_before_they_go_off() {
    let deep = |unit: &str| unit.repeat(100_000);
    let wide = "a: &a {x: 1}\nb:\n".to_owned() + &"- *a\n".repeat(300_000);
    for (text, words) in [
        (bomb(), "its anchors and aliases stand for more than 200000 values"),
        (wide, "its anchors and aliases stand for more than 200000 values"),
        (deep("["), "-:1: unreadable"),
        (deep("{a: "), "-:1: unreadable"),
        (deep("- "), "-:1: unreadable"),
        (deep("? "), "-:1: unreadable"),
        (deep("&a [*a, "), "-:1: unreadable"),
        (deep("!!x "), "-:1: unreadable"),
        ("a: &a [*a]\n".into(), "an alias inside the value that it stands for"),
        ("<<: *a\n".into(), "-:1: unreadable"),
    ] {
        let started = Instant::now();
        assert_check(&text, &["-"], 2, words);
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "{:?} took {:?}",
            &text[..20],
            started.elapsed()
        );
    }
}

/// Checks the cluster of a kubeconfig.
fn check_cluster(environment: &[(&str, &str)], args: &[&str]) -> Ended {
    let ended = keyhatch_with("", &[&["check", "--cluster"], args].concat(), environment);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.starts_with("keyhatch: "), "{ended:?}");
    ended
}

#[test]
fn a_kubeconfig_that_points_nowhere_is_a_clear_error() {
    let folder = folder();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!(
        "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: u}}}}], \
         users: [{{name: u, user: {{token: t}}}}], clusters: [{{name: c, cluster: {{server: 'https://{port}'}}}}]}}"
    );
    let missing = folder.root().join("missing");
    for (path, words) in [
        (missing, "no usable kubeconfig: "),
        (folder.root().to_owned(), "no usable kubeconfig: "),
        (file(&folder, "text", "not a kubeconfig"), "no usable kubeconfig: "),
        (file(&folder, "empty", ""), "no usable kubeconfig: "),
        (file(&folder, "binary", [0, 159, 146, 150]), "no usable kubeconfig: "),
        (
            file(&folder, "context", closed.replace("current-context: c", "current-context: x")),
            "no usable kubeconfig: ",
        ),
        (file(&folder, "server", closed.replace("https://", "nonsense://")), "nonsense"),
        (file(&folder, "closed", &closed), "onnection refused"),
    ] {
        let path = path.to_str().unwrap();
        for ended in
            [check_cluster(&[("KUBECONFIG", path)], &[]), check_cluster(&[], &["--kubeconfig", path])]
        {
            assert!(ended.stderr.contains(words), "{path}: {words:?} is not in {}", ended.stderr);
        }
    }
    check_cluster(&[], &[]);
    check_cluster(&[("KUBECONFIG", "")], &[]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for args in [
        &["crds"][..],
        &["explain"],
        &["explain", "--markdown"],
        &["check", "-o", "sarif", "examples"],
        &["--help"],
    ] {
        let mut child = keyhatch().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert!(output.status.code().is_some_and(|code| code < 2), "{args:?}: {:?}", output.status);
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    for args in [&["crds"][..], &["explain"], &["check", GOOD]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = keyhatch().args(args).stdout(full).output().unwrap();
        assert!(!output.status.success(), "{args:?}: {:?}", output.status);
        assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{args:?}: {output:?}");
    }
}

#[test]
fn a_webhook_configuration_needs_a_url_and_a_ca() {
    let folder = folder();
    let tls = certificates(folder.root(), &CertificateOptions::default());
    let text = file(&folder, "text", "no certificate");
    let run = |url: &str, ca: &Path| {
        keyhatch_with("", &["webhook-config", "--url", url, "--ca-file", ca.to_str().unwrap()], &[])
    };
    for url in [
        "",
        "10.0.0.7",
        "http://10.0.0.7",
        "https://",
        "https:///x",
        "https://a/b",
        "https://a?x",
        "https://u@a",
        "https://a b",
    ] {
        let ended = run(url, &tls.ca_file);
        assert_eq!(ended.code, Some(2), "{url}: {ended:?}");
        assert!(ended.stderr.contains("write https://HOST:PORT"), "{url}: {ended:?}");
    }
    for (ca, words) in [
        (Path::new("no/such.crt"), "--ca-file no/such.crt: No such file"),
        (folder.root(), "Is a directory"),
        (&text, "holds no certificate in PEM form"),
        (&tls.key_file, "holds no certificate in PEM form"),
    ] {
        let ended = run("https://10.0.0.7:10250", ca);
        assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words:?} is not in {ended:?}");
    }
    assert_eq!(run("https://10.0.0.7:10250", &tls.ca_file).code, Some(0));
    assert_eq!(keyhatch_with("", &["webhook-config"], &[]).code, Some(2), "no --url");
}
