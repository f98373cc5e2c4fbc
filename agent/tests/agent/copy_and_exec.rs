//! `copy` and `exec`: a container's own program starts with its variables, and notices nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use keyhatch_agent::Mode;

use crate::server::Server;
use crate::{Pod, invocation, program};

fn exec(pod: &Pod, args: &[&str]) -> Output {
    let file = format!("--env-file={}", pod.path("env").display());
    Command::new(program()).args(["exec", &file, "--"]).args(args).env("KEPT", "yes").output().unwrap()
}

#[test]
fn a_pod_with_variables_finds_the_program_in_its_volume() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[], &server.roots(), "\"1\"");
    let request = r#"{"env":{"app":{"PASSWORD":"aws::db#password"}}}"#;
    assert!(pod.run(&invocation(Mode::Init, &server, request)).status.success());
    let copied = pod.path("secrets/.keyhatch-agent");
    assert_eq!(fs::metadata(&copied).unwrap().permissions().mode() & 0o7777, 0o555);
    let file = format!("--env-file={}", pod.path("secrets/.keyhatch/app.env").display());
    let output = Command::new(&copied).args(["exec", &file, "--", "sh", "-c", "echo \"$PASSWORD\""]).output();
    assert_eq!(output.unwrap().stdout, b"hunter2 \"quoted\"\nline\n");
    // Again, as after a restart.
    assert!(pod.run(&invocation(Mode::Init, &server, request)).status.success());

    let copy = pod.path("elsewhere");
    assert!(pod.command(&["copy", copy.to_str().unwrap()]).status().unwrap().success());
    assert_eq!(fs::read(&copy).unwrap(), fs::read(program()).unwrap());
}

#[test]
fn the_program_is_the_same_process_with_the_same_input_and_the_same_exit_code() {
    let pod = Pod::new();
    fs::write(pod.path("env"), "A=1 2\0B=\0KEPT=replaced\0").unwrap();
    let script = "echo \"[$A][$B][$KEPT][$$]\"; readlink /proc/self/fd/0; cat; exit 42";
    fs::write(pod.path("input"), "from stdin").unwrap();
    let child = Command::new(program())
        .args(["exec", &format!("--env-file={}", pod.path("env").display()), "--", "sh", "-c", script])
        .stdin(fs::File::open(pod.path("input")).unwrap())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    let expected = format!("[1 2][][replaced][{id}]\n{}\nfrom stdin", pod.path("input").display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(42));
}

#[test]
fn a_reference_in_the_environment_is_replaced_or_taken_away() {
    let pod = Pod::new();
    fs::write(pod.path("env"), "A=value\0").unwrap();
    let file = format!("--env-file={}", pod.path("env").display());
    let output = Command::new(program())
        .args(["exec", &file, "--", "sh", "-c", "echo \"[$A][${B-none}][$C]\""])
        .envs([("A", "keyhatch:aws::a"), ("B", "keyhatch:aws::missing"), ("C", "a keyhatch:x")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "[value][none][a keyhatch:x]\n");
}

#[test]
fn signals_are_what_they_were() {
    let pod = Pod::new();
    fs::write(pod.path("env"), "").unwrap();
    let masks = "grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";
    let plain = Command::new("sh").args(["-c", masks]).output().unwrap();
    let through = exec(&pod, &["sh", "-c", masks]);
    assert_eq!(String::from_utf8(through.stdout).unwrap(), String::from_utf8(plain.stdout).unwrap());
    let killed = exec(&pod, &["sh", "-c", "kill -TERM $$"]);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(15));
}

#[test]
fn a_program_that_cannot_start_is_named_with_a_shells_code() {
    let pod = Pod::new();
    fs::write(pod.path("env"), "SECRET=hunter2\0").unwrap();
    fs::write(pod.path("text"), "x").unwrap();
    let text = pod.path("text");
    for (args, code, said) in [
        (vec!["/no/such/program"], 127, "/no/such/program: No such file"),
        (vec![text.to_str().unwrap()], 126, "Permission denied"),
        (vec![], 2, "exec --env-file=FILE -- COMMAND [ARG]…"),
    ] {
        let output = exec(&pod, &args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(said) && !told.contains("hunter2"), "{told}");
    }
    let many: String = (0..40).map(|n| format!("V{n}={}\0", "x".repeat(100_000))).collect();
    fs::write(pod.path("env"), many).unwrap();
    let told = String::from_utf8(exec(&pod, &["true"]).stderr).unwrap();
    assert!(told.contains("longer than the kernel takes; use files"), "{told}");
    fs::write(pod.path("env"), "hunter2").unwrap();
    let output = exec(&pod, &["true"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the file is none of variables") && !told.contains("hunter2"), "{told}");
    fs::remove_file(pod.path("env")).unwrap();
    assert_eq!(exec(&pod, &["true"]).status.code(), Some(1));
}
