//! The end of the server: at once when nothing is under way, and never without the answers it owes.

use std::time::{Duration, Instant};

use super::client::{self, post};
use super::server::{JSON, PATH, Server, bad, good};
use crate::support::http;
use crate::support::kubectl::wait_until;

const SOON: Duration = Duration::from_secs(3);
const AT_ONCE: &[&str] = &["--drain-delay", "0s"];

#[track_caller]
fn assert_ends_well(mut server: Server, limit: Duration) {
    assert_eq!(server.end(limit).code(), Some(0), "{}", server.log());
    assert_eq!(server.errors(), Vec::<String>::new());
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Waits until `/readyz` says that the server is about to end.
#[track_caller]
fn wait_draining(server: &Server) {
    let draining = || match http::get(&format!("http://{}/readyz", server.health))? {
        answer if answer.status == 503 && answer.body.contains("[-] shutdown failed: shutting down") => {
            Ok(())
        }
        answer => Err(format!("{answer:?}")),
    };
    wait_until(SOON, "the server says that it ends", draining);
}

#[test]
fn a_signal_ends_an_idle_server_at_once() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(AT_ONCE);
        server.review(good().to_string()).assert_allowed();
        server.signal(signal);
        assert_ends_well(server, SOON);
    }
}

#[test]
fn whoever_comes_within_the_delay_is_answered_and_a_second_signal_ends_it() {
    let server = Server::start(&["--drain-delay", "60s"]);
    server.signal("TERM");
    wait_draining(&server);
    server.review(good().to_string()).assert_allowed();
    server.review(bad().to_string()).assert_refused(422, "us-esat-1");
    server.signal("TERM");
    assert_ends_well(server, SOON);
}

#[test]
fn connections_that_do_nothing_do_not_hold_up_the_end() {
    let server = Server::start(AT_ONCE);
    let mut idle = server.connect();
    idle.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed();
    let unused = server.connect();
    server.signal("TERM");
    assert_ends_well(server, SOON);
    drop((idle, unused));
}

#[test]
fn a_review_under_way_is_answered_before_the_end() {
    let server = Server::start(AT_ONCE);
    let request = post(PATH, JSON, bad().to_string());
    let (first, rest) = request.split_at(request.len() - 20);
    let mut connection = server.connect();
    connection.send(first).unwrap();
    // Another review on another connection is answered when the first must have been read.
    server.assert_works();
    server.signal("TERM");
    wait_draining(&server);
    let refused = || client::tcp(&server.host).map_or(Ok(()), |_| Err("still listening".to_owned()));
    wait_until(SOON, "no more connections are taken", refused);
    connection.ask(rest).unwrap().assert_refused(422, "us-esat-1");
    assert_ends_well(server, SOON);
}

#[test]
fn clients_that_never_finish_do_not_hold_up_the_end_for_ever() {
    let server = Server::start(AT_ONCE);
    let request = post(PATH, JSON, good().to_string());
    let mut body = server.connect();
    body.send(&request[..request.len() - 1]).unwrap();
    let mut head = server.connect();
    head.send("POST / HTTP/1.1\r\n").unwrap();
    let handshake = client::tcp(&server.host).unwrap();
    let started = Instant::now();
    server.signal("TERM");
    assert_ends_well(server, Duration::from_secs(13));
    assert!(started.elapsed() < Duration::from_secs(13));
    drop((body, head, handshake));
}
