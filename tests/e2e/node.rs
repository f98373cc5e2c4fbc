//! The node itself: it starts, runs a pod, is switched off and on, and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::control_plane::{ControlPlane, Options};
use crate::support::machine::{self, Machine};

const POD: &str = r#"
apiVersion: v1
kind: Pod
metadata: {name: hello}
spec:
  hostNetwork: true
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers:
  - {name: app, image: docker.io/local/busybox:1, imagePullPolicy: Never, command: [/busybox, echo, hello]}
"#;

fn busybox(folder: &Path) -> PathBuf {
    let archive = folder.join("busybox.tar");
    machine::archive(&archive, "docker.io/local/busybox:1", &[PathBuf::from("/bin/busybox")]).unwrap();
    archive
}

/// What a node could leave on this machine.
fn leftovers(root: &Path, group: &str) -> Vec<String> {
    let root = root.display().to_string();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mounts = mounts.lines().filter(|line| line.contains(&root)).map(str::to_owned);
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read_to_string(entry.ok()?.path().join("cmdline")).ok()?;
        line.contains(&root).then_some(line)
    });
    // Of either version of cgroups.
    let folders = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"].map(|folder| Path::new(folder).join(group));
    let groups =
        folders.into_iter().filter(|folder| folder.exists()).map(|folder| folder.display().to_string());
    mounts.chain(processes).chain(groups).collect()
}

#[test]
fn a_node_runs_pods_and_leaves_nothing_behind() {
    let plane = ControlPlane::start(&Options { node: true, ..Options::default() }).unwrap();
    let image = busybox(plane.root());
    let started = Instant::now();
    let mut machine = Machine::start(&plane, &[image]).unwrap();
    let wait = |what: &[&str]| plane.kubectl(&[&["wait", "--timeout=60s"], what].concat()).success().unwrap();
    until("the node is known", || plane.kubectl(&["get", "node", "127.0.0.1"]).success().is_ok());
    wait(&["--for=condition=Ready", "node/127.0.0.1"]);
    println!("node ready after {:?}", started.elapsed());

    until("accounts", || plane.kubectl(&["get", "serviceaccount", "default"]).success().is_ok());
    let started = Instant::now();
    plane.kubectl_in(POD, &["apply", "-f", "-"]).success().unwrap();
    wait(&["--for=jsonpath={.status.phase}=Succeeded", "pod/hello"]);
    println!("pod complete after {:?}", started.elapsed());
    assert_eq!(plane.kubectl(&["logs", "hello"]).success().unwrap(), "hello\n");

    machine.switch_off().unwrap();
    machine.switch_on().unwrap();
    plane.kubectl_in(&POD.replace("name: hello", "name: again"), &["apply", "-f", "-"]).success().unwrap();
    wait(&["--for=jsonpath={.status.phase}=Succeeded", "pod/again"]);
    let (root, group) = (machine.logs(), machine.group());
    drop(machine);
    assert_eq!(leftovers(&root, &group), Vec::<String>::new());
    assert!(!root.exists());
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(60), "not after 60 s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
