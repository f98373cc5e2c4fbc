//! The Deployment's pod on a real node of this machine: a kubelet runs it, and what it finds is what it says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Paint;
use crate::pod::EXAMPLE;
use crate::support::control_plane::ControlPlane;
use crate::support::machine::{self, Machine};

/// Starts a node that has the images of the example and of the agent.
pub(crate) fn start(plane: &ControlPlane, agent: &Path) -> Result<Machine, String> {
    eprintln!("starting containerd, a kubelet and a scheduler ...");
    let (web, keyhatch) = (plane.root().join("web.tar"), plane.root().join("agent.tar"));
    let program = machine::repository().join("tests/cluster/dev/web");
    machine::archive(&web, "registry.example.com/web:1", &[program, PathBuf::from("/bin/busybox")])?;
    machine::archive(&keyhatch, "docker.io/library/keyhatch:0.1.0", &[agent.to_owned()])?;
    Machine::start(plane, &[web, keyhatch])
}

/// Applies the example, and shows what its pod says and has.
pub(crate) fn show(plane: &ControlPlane, paint: &Paint) -> Result<bool, String> {
    let example = fs::read_to_string(machine::repository().join(EXAMPLE))
        .map_err(|error| format!("{EXAMPLE}: {error}"))?;
    // There is no network of pods here.
    let example = example.replace("    spec:\n      sec", "    spec:\n      hostNetwork: true\n      sec");
    let output = plane.kubectl_in(&example, &["apply", "-f", "-"]);
    println!();
    let command = format!("kubectl apply -f {EXAMPLE}   # with hostNetwork: true, on a node of this machine");
    paint.transcript(&command, &output.stdout, &output.stderr);
    output.success()?;
    let status = ["rollout", "status", "deployment/web", "--timeout=120s"];
    let logs = ["logs", "deployment/web", "-c", "app"];
    let list = "exec deployment/web -c app -- /busybox ls -lA /secrets/..data/ /secrets/..data/.keyhatch/";
    let mut said = String::new();
    for args in [&status[..], &logs, &list.split(' ').collect::<Vec<_>>()] {
        let output = plane.kubectl(args);
        println!();
        paint.transcript(&format!("kubectl {}", args.join(" ")), &output.stdout, &output.stderr);
        said += &output.success()?;
    }
    Ok(["started: ", "db.json", "app.env"].iter().all(|word| said.contains(word)))
}
