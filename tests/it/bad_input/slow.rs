//! Clients that wait, or keep the server waiting: each is let go, and nobody else waits for it.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::client::{self, Connection, post};
use super::server::{JSON, PATH, Server, good, shared};

/// A client has ten seconds for what it begins; some more on a busy machine.
const FREED: Duration = Duration::from_secs(14);

/// The head of a review that announces more than follows.
fn head(query: &str, length: usize) -> String {
    format!("POST {PATH}{query} HTTP/1.1\r\nhost: k\r\n{JSON}content-length: {length}\r\n\r\n")
}

#[track_caller]
fn assert_freed<S: Read + Write>(connections: Vec<(&str, Connection<S>)>, since: Instant) {
    for (name, connection) in connections {
        connection.wait_closed().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(since.elapsed() < FREED, "{name} was let go only after {:?}", since.elapsed());
    }
}

#[test]
fn silent_clients_are_let_go() {
    let (server, since) = (shared(), Instant::now());
    let begin = |bytes: &str| {
        let mut connection = server.connect();
        connection.send(bytes).unwrap();
        connection
    };
    let mut idle = server.connect();
    idle.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed();
    let connections = vec![
        ("no request", server.connect()),
        ("half a request line", begin("POST /val")),
        ("half a head", begin("POST / HTTP/1.1\r\nhost: k\r\n")),
        ("a head without its body", begin(&head("", 100))),
        ("half a body", begin(&(head("", 100) + "{\"kind\""))),
        (
            "half a chunk",
            begin(&format!(
                "POST {PATH} HTTP/1.1\r\nhost: k\r\n{JSON}transfer-encoding: chunked\r\n\r\n5\r\n{{"
            )),
        ),
        ("an idle connection", idle),
    ];
    let silent = Connection::new(client::tcp(&server.host).unwrap());
    let mut hello = Connection::new(client::tcp(&server.host).unwrap());
    hello.send(b"\x16\x03\x01\x02\x00\x01").unwrap();
    assert_freed(connections, since);
    assert_freed(vec![("no handshake", silent), ("half a handshake", hello)], since);
    server.assert_works();
}

#[test]
fn a_body_that_does_not_come_in_time_is_told_so() {
    let mut connection = shared().connect();
    let answer = connection.ask(head("?timeout=1s", 100)).unwrap();
    let message = answer.response()["status"]["message"].to_string();
    assert!(answer.status == 200 && message.contains("did not arrive in time"), "{answer:?}");
    shared().assert_works();
}

#[test]
fn clients_that_announce_much_and_send_nothing_do_not_keep_others_waiting() {
    let server = Server::start(&[]);
    let hold = |_| {
        let mut connection = server.connect();
        connection.send(head("?timeout=30s", 8 << 20)).unwrap();
        connection
    };
    let held: Vec<_> = (0..20).map(hold).collect();
    let started = Instant::now();
    server.ask(post(&format!("{PATH}?timeout=5s"), JSON, good().to_string())).assert_allowed();
    assert!(started.elapsed() < Duration::from_secs(4), "answered only after {:?}", started.elapsed());
    drop(held);
    server.assert_works();
}

#[test]
fn a_body_that_comes_byte_by_byte_is_read() {
    let body = good().to_string();
    let mut connection = shared().connect();
    connection.send(head("", body.len())).unwrap();
    for byte in body.bytes() {
        connection.send([byte]).unwrap();
    }
    connection.answer().unwrap().assert_allowed();
}

#[test]
fn a_client_that_does_not_read_its_answers_does_not_hold_the_others() {
    let requests = post(PATH, JSON, good().to_string()).repeat(200);
    let mut connection = shared().connect();
    connection.send(requests).unwrap();
    shared().assert_works();
    for _ in 0..200 {
        connection.answer().unwrap().assert_allowed();
    }
}
