//! A Deployment that asks for secrets, and what its pod finds, where there is no node: the injected container's program is
//! run on this machine, with the arguments and the token that it would have in the pod.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::control_plane::ControlPlane;
use crate::support::kubectl::poll;
use crate::{NAMESPACE, Paint};

pub(crate) const EXAMPLE: &str = "examples/pods/web.yaml";
const LIMIT: Duration = Duration::from_secs(60);

/// Applies the example, and shows the files of its pod, without what is in them.
pub(crate) fn show(plane: &ControlPlane, agent: &Path, paint: &Paint) -> Result<bool, String> {
    let output = plane.kubectl(&["apply", "-f", EXAMPLE]);
    println!();
    paint.transcript(&format!("kubectl apply -f {EXAMPLE}"), &output.stdout, &output.stderr);
    output.success()?;
    let pod = poll(LIMIT, "the Deployment has a pod", || {
        let text = plane.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]).success()?;
        let list: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        list.pointer("/items/0").cloned().ok_or_else(|| "none yet".to_owned())
    })?;
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let status = "jsonpath={.metadata.annotations.keyhatch\\.dev/status}{\"\\n\"}";
    let output = plane.kubectl(&["get", "pod", name, "-o", status]);
    println!();
    paint.transcript(&format!("kubectl get pod {name} -o {status}"), &output.stdout, &output.stderr);
    let folder = plane.root().join("secrets");
    run(plane, agent, &pod, name, &folder)?;
    println!();
    let files = list(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    paint.transcript("ls -lA /secrets/..data/ /secrets/..data/.keyhatch/ # in the pod", &files, "");
    Ok(files.contains("db.json") && files.contains("app.env"))
}

/// The injected container, as the kubelet would run it.
fn run(plane: &ControlPlane, agent: &Path, pod: &Value, name: &str, folder: &Path) -> Result<(), String> {
    let audience = format!("--audience={}", keyhatch_agent::AUDIENCE);
    let bound = format!("--bound-object-name={name}");
    let token = ["create", "token", "default", "-n", NAMESPACE, &audience, "--bound-object-kind=Pod", &bound];
    let token_file = plane.root().join("token");
    fs::write(&token_file, plane.kubectl(&token).success()?).map_err(|error| error.to_string())?;
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let args = pod.pointer("/spec/initContainers/0/args").and_then(Value::as_array);
    let args = args.into_iter().flatten().filter_map(Value::as_str);
    let mut child = Command::new(agent)
        .args(args)
        .env("KEYHATCH_DIRECTORY", folder)
        .env("KEYHATCH_TOKEN_FILE", &token_file)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{}: {error}", agent.display()))?;
    let is_there = poll(LIMIT, "the files are there", || {
        if folder.join("..data").exists() { Ok(()) } else { Err("not yet".to_owned()) }
    });
    child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
    is_there
}

fn list(folder: &Path) -> std::io::Result<String> {
    let mut lines = String::new();
    for below in ["..data", "..data/.keyhatch"] {
        for entry in fs::read_dir(folder.join(below))? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                let mode = metadata.permissions().mode() & 0o7777;
                lines.push_str(&format!("{mode:04o} {:>4} bytes  {name}\n", metadata.len()));
            }
        }
    }
    Ok(lines)
}
