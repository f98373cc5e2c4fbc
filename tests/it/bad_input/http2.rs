//! HTTP/2, which the API server may speak: good and bad reviews, and frames that are no HTTP/2.
//!
//! The client is written out: enough of HTTP/2 for one request at a time, and free to break the rest.

use std::io::Read;

use serde_json::Value;

use super::client::{self, Connection, Tls};
use super::server::{PATH, bad, good, shared};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW: u8 = 8;
const CONTINUATION: u8 = 9;
const ACK_OR_END: u8 = 1;
const END_HEADERS: u8 = 4;
/// What a server takes in one frame unless it says otherwise.
const MAX_FRAME: usize = 16 << 10;

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that is written out: without index, without Huffman's code.
fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

fn head(stream: u32) -> Vec<u8> {
    let headers = [
        header(":method", "POST"),
        header(":scheme", "https"),
        header(":authority", "keyhatch"),
        header(":path", PATH),
        header("content-type", "application/json"),
    ];
    frame(HEADERS, END_HEADERS, stream, headers.concat())
}

fn body(stream: u32, text: &str) -> Vec<u8> {
    let pieces = text.as_bytes().chunks(MAX_FRAME).map(|piece| frame(DATA, 0, stream, piece));
    pieces.chain([frame(DATA, ACK_OR_END, stream, [])]).flatten().collect()
}

/// Requests that are taken back at once.
fn resets(count: u32) -> Vec<u8> {
    (0..count).flat_map(|n| [head(2 * n + 1), frame(RESET, 0, 2 * n + 1, [0, 0, 0, 8])].concat()).collect()
}

/// A connection on which both sides have introduced themselves.
fn connect() -> Connection<Tls> {
    let server = shared();
    let mut connection = client::connect(&server.host, &server.certificates.ca_file, &["h2"]).unwrap();
    assert_eq!(connection.stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    connection
        .send([PREFACE, &frame(SETTINGS, 0, 0, []), &frame(SETTINGS, ACK_OR_END, 0, [])].concat())
        .unwrap();
    connection
}

fn read_frame(connection: &mut Connection<Tls>) -> Option<Frame> {
    let mut head = [0; 9];
    connection.stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    connection.stream.read_exact(&mut payload).ok()?;
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// Reads the body of the answer on a stream.
#[track_caller]
fn answer(connection: &mut Connection<Tls>, stream: u32) -> Value {
    let mut body = Vec::new();
    while let Some(frame) = read_frame(connection) {
        assert_ne!(frame.kind, GO_AWAY, "{:?}", String::from_utf8_lossy(&frame.payload));
        if frame.kind == DATA && frame.stream == stream {
            body.extend(frame.payload);
            if frame.flags & ACK_OR_END != 0 {
                let mut review: Value = serde_json::from_slice(&body).unwrap();
                return review["response"].take();
            }
        }
    }
    panic!("the connection ended before the answer");
}

/// Sends frames after which nothing more can come, and waits for the end.
fn assert_hung_up_on(name: &str, frames: &[u8]) {
    let mut connection = connect();
    let is_sent = connection.send(frames).is_ok();
    while let Some(frame) = read_frame(&mut connection) {
        if frame.kind == GO_AWAY || frame.kind == RESET {
            return;
        }
    }
    assert!(connection.wait_closed().is_ok() || !is_sent, "{name}: still open");
}

#[test]
fn reviews_are_answered_side_by_side() {
    let (good, bad) = (good().to_string(), bad().to_string());
    let mut connection = connect();
    for first in [1, 5] {
        connection.send([head(first), head(first + 2), body(first + 2, &bad)].concat()).unwrap();
        let refused = answer(&mut connection, first + 2);
        assert_eq!((&refused["allowed"], &refused["status"]["code"]), (&false.into(), &422.into()));
        connection.send(body(first, &good)).unwrap();
        assert_eq!(answer(&mut connection, first)["allowed"], true);
    }
}

#[test]
fn streams_that_break_off_leave_their_neighbours_alone() {
    let mut connection = connect();
    for stream in (1..20).step_by(2) {
        connection
            .send([head(stream), frame(DATA, 0, stream, "{"), frame(RESET, 0, stream, [0, 0, 0, 8])].concat())
            .unwrap();
    }
    connection.send([head(21), body(21, &good().to_string())].concat()).unwrap();
    assert_eq!(answer(&mut connection, 21)["allowed"], true);
    connection.send([head(23), body(23, "nonsense")].concat()).unwrap();
    assert_eq!(answer(&mut connection, 23)["status"]["code"], 400);
    shared().assert_works();
}

#[test]
fn frames_that_are_no_http2_end_the_connection() {
    let open = frame(HEADERS, 0, 1, header(":method", "POST"));
    let flood = frame(CONTINUATION, 0, 1, header("x", &"y".repeat(100))).repeat(20_000);
    for (name, frames) in [
        ("a frame that is too large", frame(DATA, 0, 1, vec![0; 1 << 20])),
        ("data on no stream", frame(DATA, 0, 0, "{}")),
        ("data on a stream that was not opened", frame(DATA, 0, 7, "{}")),
        ("an even stream", head(2)),
        ("headers that cannot be decoded", frame(HEADERS, END_HEADERS, 1, [0xff; 64])),
        ("settings of an odd length", frame(SETTINGS, 0, 0, [1, 2, 3])),
        ("a window that overflows", frame(WINDOW, 0, 0, [0x7f, 0xff, 0xff, 0xff]).repeat(2)),
        ("a ping of the wrong length", frame(PING, 0, 0, [1])),
        ("headers without end", [open, flood].concat()),
        ("resets without end", resets(5_000)),
    ] {
        assert_hung_up_on(name, &frames);
    }
    shared().assert_works();
}

#[test]
fn a_client_that_takes_no_data_does_not_hold_the_others() {
    let mut connection = connect();
    connection.send(frame(SETTINGS, 0, 0, [0, 4, 0, 0, 0, 0])).unwrap();
    for stream in (1..200).step_by(2) {
        connection.send([head(stream), body(stream, &bad().to_string())].concat()).unwrap();
    }
    shared().assert_works();
}

#[test]
fn pings_without_end_are_answered_or_hung_up_on() {
    let mut connection = connect();
    let pings = frame(PING, 0, 0, [0; 8]).repeat(1_000);
    for _ in 0..20 {
        if connection.send(&pings).is_err() {
            break;
        }
    }
    shared().assert_works();
}
