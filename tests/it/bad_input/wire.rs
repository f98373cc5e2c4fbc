//! Broken HTTP, broken TLS and broken connections: the server answers what it can, and goes on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection};

use super::client::{self, Connection, post};
use super::server::{JSON, PATH, Server, bad, good, keyhatch, shared};
use crate::support::certificates::CertificateOptions;
use crate::support::kubectl::wait_until;

/// The head of a review whose body is chunked.
fn chunked() -> String {
    format!("POST {PATH} HTTP/1.1\r\nhost: k\r\n{JSON}transfer-encoding: chunked\r\n\r\n")
}

fn chunks(body: &str, size: usize) -> String {
    let pieces = body.as_bytes().chunks(size);
    pieces.map(|piece| format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece))).collect()
}

/// What a client that knows the server says first.
fn hello() -> Vec<u8> {
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let mut client =
        ClientConnection::new(std::sync::Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[test]
fn a_body_over_the_limit_is_refused_in_words_under_its_uid() {
    let server = shared();
    let mut large = good();
    large["request"]["options"] = "a".repeat(9 << 20).into();
    let body = large.to_string().replacen(r#"{"kind""#, r#"{"request":{"uid":"1-2-3"},"kind""#, 1);
    for request in
        [post(PATH, JSON, &body), format!("{}{}0\r\n\r\n", chunked(), chunks(&body, 1 << 20)).into_bytes()]
    {
        let answer = server.ask(request);
        assert_eq!((answer.status, &answer.response()["uid"]), (200, &"1-2-3".into()));
        answer.assert_refused(413, "the AdmissionReview has more than 8388608 bytes");
    }
    server.assert_works();
}

#[test]
fn a_body_without_end_is_cut_off() {
    let mut connection = shared().connect();
    connection.send(chunked()).unwrap();
    let piece = chunks(&"a".repeat(1 << 20), 1 << 20);
    let is_cut = (0..100).any(|_| connection.send(&piece).is_err());
    assert!(is_cut, "the server reads for ever");
    shared().assert_works();
}

#[test]
fn chunked_reviews_are_read_to_their_end() {
    let (good, server) = (good().to_string(), shared());
    for (size, end) in [(1, "0\r\n\r\n"), (100, "0\r\nx-trailer: 1\r\n\r\n"), (9_999, "0;a=b\r\n\r\n")] {
        server.ask(format!("{}{}{end}", chunked(), chunks(&good, size))).assert_allowed();
    }
    for rest in
        ["zz\r\n{}\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffff1\r\n", "2\r\n{}}}\r\n0\r\n\r\n", "\r\n\r\n"]
    {
        assert_eq!(server.ask(format!("{}{rest}", chunked())).status, 400, "{rest:?}");
    }
    server.assert_works();
}

#[test]
fn a_client_that_leaves_early_is_forgotten() {
    let (body, server) = (good().to_string(), shared());
    let whole = post(PATH, JSON, &body);
    for end in [1, 40, whole.len() - body.len(), whole.len() - 5] {
        let mut connection = server.connect();
        connection.send(&whole[..end]).unwrap();
        connection.stream.sock.shutdown(std::net::Shutdown::Both).unwrap();
    }
    let mut connection = server.connect();
    connection.send(format!("{}5\r\n{{\"a", chunked())).unwrap();
    drop(connection);
    let mut connection = server.connect();
    connection.send(&whole).unwrap();
    drop(connection); // before its answer
    server.assert_works();
}

#[test]
fn requests_that_are_no_http_are_refused() {
    let long = format!("GET / HTTP/1.1\r\nhost: k\r\nx: {}\r\n\r\n", "a".repeat(600_000));
    let many = format!("GET / HTTP/1.1\r\nhost: k\r\n{}\r\n", "x: y\r\n".repeat(200));
    let lengths =
        format!("POST {PATH} HTTP/1.1\r\nhost: k\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{{}}1");
    for request in [
        "\0\0\0\0\r\n\r\n",
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nhost: k\r\n\r\n",
        "GET / HTTP/1.1\r\nhost k\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: k\r\ncontent-length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: k\r\ncontent-length: 99999999999999999999\r\n\r\n",
        &long,
        &many,
        &lengths,
    ] {
        let status = shared().ask(request).status;
        assert!(
            [400, 404, 414, 431].contains(&status),
            "{status} to {:?}",
            &request[..request.len().min(60)]
        );
    }
    shared().assert_works();
}

#[test]
fn a_body_with_two_lengths_is_no_way_to_smuggle_a_request() {
    let smuggled = post(PATH, JSON, good().to_string());
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: k\r\n{JSON}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut connection = shared().connect();
    let answer = connection.ask([head.as_bytes(), b"0\r\n\r\n", &smuggled].concat()).unwrap();
    assert_eq!(answer.status, 400, "{answer:?}");
    shared().assert_works();
}

#[test]
fn pipelined_requests_are_answered_in_turn_until_one_is_garbage() {
    let (good, bad) = (post(PATH, JSON, good().to_string()), post(PATH, JSON, bad().to_string()));
    let mut connection = shared().connect();
    connection.send([good.as_slice(), &bad, &good, b"garbage\r\n\r\n", &good].concat()).unwrap();
    connection.answer().unwrap().assert_allowed();
    connection.answer().unwrap().assert_refused(422, "us-esat-1");
    connection.answer().unwrap().assert_allowed();
    assert_eq!(connection.answer().unwrap().status, 400);
    assert_eq!(connection.wait_closed(), Ok(Vec::new()));
    shared().assert_works();
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let body = good().to_string();
    let whole = post(PATH, &format!("{JSON}expect: 100-continue\r\n"), &body);
    let mut connection = shared().connect();
    let (head, _) = whole.split_at(whole.len() - body.len());
    assert_eq!(connection.ask(head).unwrap().status, 100);
    connection.ask(&body).unwrap().assert_allowed();
}

#[test]
fn plain_http_and_garbage_on_the_tls_port_are_hung_up_on() {
    let random: Vec<u8> = (0..4096_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let heartbeat = b"\x18\x03\x02\x00\x03\x01\x40\x00".to_vec();
    for bytes in
        [post(PATH, JSON, good().to_string()), random, heartbeat, vec![0; 1000], vec![22, 3, 1, 255, 255]]
    {
        let mut connection = Connection::new(client::tcp(&shared().host).unwrap());
        connection.send(&bytes).unwrap();
        connection.stream.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = connection.wait_closed().unwrap();
        assert!(!answer.starts_with(b"HTTP"), "an answer without TLS");
    }
    shared().assert_works();
}

#[test]
fn truncated_handshakes_are_hung_up_on() {
    let hello = hello();
    for end in [1, 5, 6, hello.len() / 2, hello.len() - 1, hello.len()] {
        let mut stream = client::tcp(&shared().host).unwrap();
        stream.write_all(&hello[..end]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap_or_default(); // a reset is an end, too
    }
    shared().assert_works();
}

#[test]
fn a_client_without_a_common_protocol_is_told_so() {
    let error = client::connect(&shared().host, &shared().certificates.ca_file, &["spdy/3"]).err().unwrap();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    shared().assert_works();
}

#[test]
fn two_hundred_connections_are_served_at_once() {
    let mut connections: Vec<_> = (0..200).map(|_| shared().connect()).collect();
    thread::scope(|scope| {
        for connection in &mut connections {
            scope.spawn(|| connection.ask(post(PATH, JSON, good().to_string())).unwrap().assert_allowed());
        }
    });
    shared().assert_works();
}

/// `keyhatch` that may open few files.
fn poor() -> Command {
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(keyhatch().get_program());
    command
}

#[test]
fn a_server_without_free_descriptors_waits_for_some() {
    let server = Server::start_as(poor, &[], &CertificateOptions::default());
    let connections: Vec<TcpStream> = (0..100).map(|_| client::tcp(&server.host).unwrap()).collect();
    drop(connections);
    let works = || {
        let connection = client::connect(&server.host, &server.certificates.ca_file, &[]);
        let mut connection = connection.map_err(|error| error.to_string())?;
        connection.ask(post(PATH, JSON, good().to_string()))
    };
    wait_until(Duration::from_secs(90), "a review is answered", works).assert_allowed();
    server.assert_works();
}
