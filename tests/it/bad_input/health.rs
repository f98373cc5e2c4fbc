//! The health listener beside clients that say nothing, and a log that nobody reads.

use std::process::Command;
use std::time::{Duration, Instant};

use super::client::{self, Connection, post};
use super::server::{JSON, PATH, Server, bad, shared};
use crate::support::certificates::CertificateOptions;

/// Ten seconds for the head of a request; some more on a busy machine.
const FREED: Duration = Duration::from_secs(14);

#[test]
fn a_probe_that_says_nothing_is_let_go() {
    let since = Instant::now();
    let silent = Connection::new(client::tcp(&shared().health).unwrap());
    let mut half = Connection::new(client::tcp(&shared().health).unwrap());
    half.send("GET /readyz HTTP/1.1\r\n").unwrap();
    for (name, connection) in [("silent", silent), ("half a head", half)] {
        connection.wait_closed().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(since.elapsed() < FREED, "{name} was let go only after {:?}", since.elapsed());
    }
}

#[test]
fn many_silent_probes_leave_room_for_one_that_asks() {
    let server = Server::start(&[]);
    let held: Vec<_> = (0..400).map(|_| client::tcp(&server.health).unwrap()).collect();
    let started = Instant::now();
    assert_eq!(server.get("/readyz"), "ok\n");
    assert!(started.elapsed() < Duration::from_secs(5), "answered only after {:?}", started.elapsed());
    server.assert_works();
    drop(held);
}

/// `keyhatch` with its output in a pipe to another command.
fn piped_to(reader: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    let script = format!("\"$0\" \"$@\" 2>&1 | {reader}");
    command.env_clear().args(["-c", &script, env!("CARGO_BIN_EXE_keyhatch")]);
    command
}

/// Each of these reviews is a line of log: more than a pipe holds.
fn assert_goes_on(server: &Server) {
    let request = post(PATH, JSON, bad().to_string());
    let mut connection = server.connect();
    for _ in 0..1500 {
        connection.ask(&request).unwrap().assert_refused(422, "us-esat-1");
    }
    server.assert_works();
}

#[test]
fn a_log_whose_reader_is_gone_does_not_matter() {
    let options = CertificateOptions::default();
    assert_goes_on(&Server::start_as(|| piped_to("true"), &[], &options));
}

#[test]
fn a_log_that_nobody_reads_does_not_matter() {
    let options = CertificateOptions::default();
    assert_goes_on(&Server::start_as(|| piped_to("sleep 600"), &[], &options));
}
