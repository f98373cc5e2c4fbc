//! A store is handed over, and what its ExternalSecrets and PushSecret say is kept: Secrets here, secrets at AWS.

use std::fs;
use std::path::Path;

use crate::Paint;
use crate::aws::DemoAws;
use crate::support::control_plane::ControlPlane;
use crate::support::looper::Installation;

const KEPT: &str = "examples/loops/external-secrets.yaml";
const PUSHED: &str = "examples/loops/push-secret.yaml";
/// Stands for the id of a version in the example.
const VERSION: &str = "00000000-0000-4000-8000-000000000001";
/// What is in the Secrets in the end.
const EXPECTED: [&str; 8] = [
    "first=Ada",
    "second-friend=Grace",
    "owner=team-a",
    "now=new",
    "before=old",
    "by-id=old",
    "password=correct horse battery staple",
    "found-people={\"name\"",
];

/// Hands over, applies the examples, and shows what came of them.
pub(crate) fn show(
    keyhatch: &Path,
    plane: &ControlPlane,
    aws: &DemoAws,
    paint: &Paint,
) -> Result<bool, String> {
    let version = aws.furnish();
    let _looper = Installation::new(keyhatch, plane, &aws.aws().url(), &[])?.start()?;
    let mut said = String::new();
    let mut run = |args: &[&str], stdin: Option<&str>| -> Result<(), String> {
        let output = stdin.map_or_else(|| plane.kubectl(args), |stdin| plane.kubectl_in(stdin, args));
        println!();
        let quoted =
            |arg: &&str| if arg.contains(['{', ' ']) { format!("'{arg}'") } else { (*arg).to_owned() };
        let shown =
            args.iter().map(quoted).collect::<Vec<_>>().join(" ").replace("-f -", &format!("-f {KEPT}"));
        paint.transcript(&format!("kubectl {shown}"), &output.stdout, &output.stderr);
        said += &output.success()?;
        Ok(())
    };
    run(
        &["patch", "secretstore", "demo", "--type=merge", "-p", r#"{"spec":{"controller":"keyhatch"}}"#],
        None,
    )?;
    let kept = fs::read_to_string(KEPT).map_err(|error| format!("{KEPT}: {error}"))?;
    run(&["apply", "-f", "-"], Some(&kept.replace(VERSION, &version)))?;
    let objects = ["externalsecret/people", "externalsecret/versions", "externalsecret/whole"];
    run(&[&["wait", "--for=condition=Ready", "--timeout=60s"], &objects[..]].concat(), None)?;
    run(&["get", "secretstore", "demo"], None)?;
    let plain =
        r#"-o=go-template={{range $key, $value := .data}}{{$key}}={{base64decode $value}}{{"\n"}}{{end}}"#;
    for name in ["people", "versions", "whole"] {
        run(&["get", "secret", name, plain], None)?;
    }
    run(&["apply", "-f", PUSHED], None)?;
    run(&["wait", "--for=condition=Ready", "--timeout=60s", "pushsecret/made-here"], None)?;
    run(&["get", "pushsecret", "made-here"], None)?;
    Ok(EXPECTED.iter().all(|expected| said.contains(expected)) && aws.has_pushed())
}
