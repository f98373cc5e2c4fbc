//! A real node below a control plane: containerd, kubelet and scheduler, as root on Linux (see `tests/node/node.sh`).
//!
//! It lives as long as its standard input is open, so it ends with this process however this process ends; processes
//! and mounts are gone with it, because they were in namespaces of their own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::control_plane::ControlPlane;
use super::process::{free_address, next_number};

/// A running node, or one that is switched off.
pub(crate) struct Machine {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    root: PathBuf,
}

impl Machine {
    /// Starts a node that has these image archives and the image of pause; answers when the kubelet was started.
    pub(crate) fn start(plane: &ControlPlane, images: &[PathBuf]) -> Result<Self, String> {
        let programs = programs()?;
        // Below the control plane's folder the paths of sockets would be too long.
        let root = std::env::temp_dir().join(format!("khn-{}-{}", std::process::id(), next_number()));
        fs::create_dir_all(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let client_ca = plane.kubelet_clients().join("clients.crt");
        let pause = root.join("pause.tar");
        archive(&pause, "docker.io/local/pause:1", &[programs.join("pause")])?;
        let log = fs::File::create(root.join("node.log")).map_err(|error| error.to_string())?;
        let mut child = Command::new(repository().join("tests/node/node.sh"))
            .args([root.as_path(), &programs, &plane.kubeconfig(), &client_ca])
            .arg(free_address()?.port().to_string())
            .arg(&pause)
            .args(images)
            // Whoever interrupts this process's group must not keep the script from cleaning up.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("cannot start a node: {error}"))?;
        let (commands, answers) = (child.stdin.take(), child.stdout.take());
        let answers = BufReader::new(answers.ok_or("no output")?);
        let mut machine = Self { child, commands, answers, root };
        machine.answer()?;
        Ok(machine)
    }

    /// Everything on the node ends at once, as when the power goes.
    pub(crate) fn switch_off(&mut self) -> Result<(), String> {
        self.tell("stop")
    }

    /// The node starts again, with the files that it had.
    pub(crate) fn switch_on(&mut self) -> Result<(), String> {
        self.tell("start")
    }

    /// Logs of kubelet, containerd and scheduler, and of all containers.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.clone()
    }

    /// The cgroup of all its containers.
    pub(crate) fn group(&self) -> String {
        format!("keyhatch-node-{}", self.child.id())
    }

    fn tell(&mut self, command: &str) -> Result<(), String> {
        let commands = self.commands.as_mut().ok_or("the node is ending")?;
        writeln!(commands, "{command}").map_err(|error| error.to_string())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<(), String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(|error| error.to_string())?;
        if line.trim() == "done" {
            return Ok(());
        }
        let log = fs::read_to_string(self.root.join("node.log")).unwrap_or_default();
        Err(format!("the node ended early: {line}{log}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.commands.take(); // the node's standard input ends, and so does the node
        let _ = self.child.wait();
    }
}

/// Whether this user can run a node.
pub(crate) fn is_possible() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// Writes an image archive as `make image` does.
pub(crate) fn archive(to: &Path, name: &str, programs: &[PathBuf]) -> Result<(), String> {
    let output = Command::new(repository().join("manifests/image/archive.sh"))
        .arg(to)
        .arg(name)
        .args(programs)
        .output()
        .map_err(|error| format!("archive.sh: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("archive.sh: {said}"))
}

/// Keeps what helps to find out why a test failed, in target/e2e; answers its end.
pub(crate) fn keep(name: &str, all: &str) -> String {
    let folder = repository().join("target/e2e");
    let _ = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(format!("{name}.txt")), all));
    let lines: Vec<&str> = all.lines().collect();
    lines.get(lines.len().saturating_sub(80)..).unwrap_or_default().join("\n")
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn programs() -> Result<PathBuf, String> {
    let folder = repository().join("target/node");
    let folder = folder.canonicalize().map_err(|_| "target/node is missing: run `make node` first")?;
    folder.join("kubelet").exists().then_some(folder).ok_or_else(|| "run `make node` first".to_owned())
}
