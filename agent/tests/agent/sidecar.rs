//! `sidecar`: files follow what the broker says, and stay when it says nothing.

use std::fs;

use keyhatch_agent::{Invocation, Mode};

use crate::server::{Authority, Server, refusal};
use crate::{Pod, invocation, until};

const REQUEST: &str = r#"{"files":{"db":{"from":"aws::db"}},"refresh":1}"#;

#[test]
fn a_new_value_is_written_and_an_old_one_stays_while_nobody_answers() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[("db", "1")], &server.roots(), "\"1\"");
    let mut running = pod.spawn(&invocation(Mode::Sidecar, &server, REQUEST));
    until("first", || pod.file("db").as_deref() == Some("1"));
    until("asked with the etag", || server.asked().last().unwrap().contains("\"1\""));
    let shown = fs::read_link(pod.path("secrets/..data")).unwrap();

    server.be_down(true);
    until("said", || pod.said().contains("the files stay as they are"));
    server.be_down(false);
    until("said once", || pod.said().contains("the broker answers again"));
    assert_eq!(fs::read_link(pod.path("secrets/..data")).unwrap(), shown, "written without need");

    server.says(403, refusal("StoreUseDenied", "no longer", true), None);
    until("denied", || pod.said().contains("denied: no longer (StoreUseDenied); the files stay as they are"));
    assert_eq!(pod.file("db").as_deref(), Some("1"));

    server.gives(&[("db", "2"), ("new", "3")], &server.roots(), "\"2\"");
    until("second", || pod.file("db").as_deref() == Some("2") && pod.file("new").is_some());
    running.signal("-TERM");
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
    let said = pod.said();
    assert!(!said.contains("hunter2"));
    // Each trouble and each end of one is said once, however often it was met.
    assert_eq!(said.matches("the broker answers again").count(), 2, "{said}");
    assert_eq!(said.matches("denied: no longer").count(), 1, "{said}");
}

#[test]
fn two_authorities_later_it_still_trusts_the_broker_also_when_it_restarts_between() {
    let (pod, server) = (Pod::new(), Server::new());
    let (second, third) = (Authority::new(), Authority::new());
    let first = invocation(Mode::Sidecar, &server, REQUEST);
    server.gives(&[("db", "1")], &format!("{}{}", first.roots, second.pem), "\"1\"");
    let mut running = pod.spawn(&first);
    until("1", || pod.file("db").as_deref() == Some("1"));

    server.sign_with(&second, None);
    server.gives(&[("db", "2")], &format!("{}{}", second.pem, third.pem), "\"2\"");
    until("2", || pod.file("db").as_deref() == Some("2"));
    running.signal("-KILL");
    running.child.wait().unwrap();

    server.sign_with(&third, None);
    server.gives(&[("db", "3")], &third.pem, "\"3\"");
    let _restarted = pod.spawn(&first);
    until("3", || pod.file("db").as_deref() == Some("3"));
}

/// Files and trust are two writes; whoever is ended between them, or can only make the first, goes on.
#[test]
fn trust_is_kept_also_when_the_files_cannot_be_written() {
    let (pod, server) = (Pod::new(), Server::new());
    let second = Authority::new();
    let first = invocation(Mode::Sidecar, &server, REQUEST);
    server.gives(&[("db", "1")], &server.roots(), "\"1\"");
    let mut running = pod.spawn(&first);
    until("1", || pod.file("db").as_deref() == Some("1"));

    // A file cannot be a folder, too.
    server.gives(&[("db", "2"), ("db/x", "2")], &format!("{}{}", first.roots, second.pem), "\"2\"");
    until("said", || pod.said().contains("the files stay as they are"));
    running.signal("-KILL");
    running.child.wait().unwrap();

    server.sign_with(&second, None);
    server.gives(&[("db", "3")], &second.pem, "\"3\"");
    let _restarted = pod.spawn(&first);
    until("3", || pod.file("db").as_deref() == Some("3"));
}

#[test]
fn an_authority_that_left_the_bundle_is_no_longer_trusted() {
    let (pod, server) = (Pod::new(), Server::new());
    let second = Authority::new();
    let first = invocation(Mode::Sidecar, &server, REQUEST);
    server.gives(&[("db", "1")], &second.pem, "\"1\"");
    let _running = pod.spawn(&first);
    until("refused", || pod.said().contains("tls: "));
    assert_eq!(pod.file("db").as_deref(), Some("1"));
}

#[test]
fn a_restarted_sidecar_with_files_starts_without_a_broker() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[("db", "1")], &server.roots(), "\"1\"");
    let first = Invocation { deadline: 0, ..invocation(Mode::Sidecar, &server, REQUEST) };
    {
        let _running = pod.spawn(&first);
        until("1", || pod.file("db").as_deref() == Some("1"));
    }
    server.be_down(true);
    assert!(pod.is_ready());
    let mut restarted = pod.spawn(&first);
    until("said", || pod.said().contains("the files stay as they are"));
    assert!(restarted.child.try_wait().unwrap().is_none(), "it gave up");
    restarted.signal("-TERM");
    assert_eq!(restarted.child.wait().unwrap().code(), Some(0));
}

/// As an earlier program may have left it that was ended between its two steps.
#[test]
fn a_name_that_leads_nowhere_is_made_by_the_next_start() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[("db", "1"), ("other", "1")], &server.roots(), "\"1\"");
    let init = invocation(Mode::Init, &server, REQUEST);
    assert!(pod.run(&init).status.success());
    fs::remove_file(pod.path("secrets/other")).unwrap();
    // It has no version of the answer, either: that is kept last.
    fs::remove_file(pod.path("secrets/.keyhatch-state")).unwrap();
    assert!(pod.run(&init).status.success());
    assert_eq!(pod.file("other").as_deref(), Some("1"));
}

/// Bars: 5 MiB resident, 1.5 of them its own. Only the optimised program's other pages say anything.
#[test]
fn waiting_takes_little_memory() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[("db", &"x".repeat(50_000))], &server.roots(), "\"1\"");
    let running = pod.spawn(&invocation(Mode::Sidecar, &server, REQUEST));
    until("asked three times", || server.asked().len() >= 3);
    let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let kib = |name: &str| -> u64 {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let (resident, own) = (kib("VmRSS:"), kib("RssAnon:"));
    println!("resident {resident} KiB, {own} of them its own");
    assert!(own <= 1536, "{own} KiB of its own");
    let is_debug = std::env::var_os("KEYHATCH_AGENT").is_none();
    assert!(is_debug || resident <= 5 * 1024, "{resident} KiB resident");
}

/// Of the volume the broker leaves so much to the program. Only the optimised one's size says anything.
#[test]
fn the_program_is_no_larger_than_the_broker_counts() {
    let Some(program) = std::env::var_os("KEYHATCH_AGENT") else { return };
    let size = fs::metadata(program).unwrap().len();
    println!("{size} bytes");
    assert!(size <= keyhatch_agent::layout::PROGRAM_SIZE, "{size} bytes");
}
