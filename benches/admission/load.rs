//! The load: eight TLS connections, each with one review after the other.
//!
//! Hand-written HTTP/1.1, so that the client takes as little as possible of the cores it shares with the
//! server. Every answer is compared with the expected one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::reviews::{Answers, Review};
use crate::servers::Server;
use crate::support::http;

const CONNECTIONS: usize = 8;

/// A review that is sent over and over, and its answer.
pub(crate) struct Load {
    /// What follows the `host` header.
    request: String,
    target: String,
    answers: Answers,
}

/// One server under load for a while.
pub(crate) struct Sample {
    pub(crate) per_second: f64,
    /// The server's CPU time for one review.
    pub(crate) cpu: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Load {
    /// The headers are the API server's.
    pub(crate) fn new(review: &Review, answers: Answers) -> Self {
        let request = format!(
            "user-agent: kube-apiserver-admission\r\ncontent-length: {}\r\naccept: application/json, */*\r\n\
             content-type: application/json\r\naccept-encoding: gzip\r\n\r\n{}",
            review.body.len(),
            review.body
        );
        Self { request, target: review.target(), answers }
    }

    /// Calls a server on all connections at once. Handshakes and the first answers are not counted.
    pub(crate) fn run(&self, server: &Server, duration: Duration) -> Result<Sample, String> {
        let failed = |error| format!("{}: {error}\n{}", server.name, server.log());
        let request = format!("POST {} HTTP/1.1\r\nhost: {}\r\n", self.target, server.address);
        let request = request + &self.request;
        let Answers { baseline, keyhatch } = &self.answers;
        let answer = if server.name == "baseline" { baseline } else { keyhatch };
        let connect = || {
            let mut connection = Connection::open(server)?;
            connection.call(&request, answer).map(|()| connection)
        };
        let connections: Result<Vec<_>, String> = (0..CONNECTIONS).map(|_| connect()).collect();
        let mut connections = connections.map_err(failed)?;
        let cpu = server.cpu()?;
        let started = Instant::now();
        let latencies = thread::scope(|scope| {
            let call = |connection| call_until(connection, &request, answer, started + duration);
            let running: Vec<_> =
                connections.iter_mut().map(|connection| scope.spawn(move || call(connection))).collect();
            let joined = running.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err("a connection's thread panicked".to_owned()))
            });
            joined.collect::<Result<Vec<_>, String>>()
        });
        let latencies = latencies.map_err(failed)?.concat();
        Ok(Sample::new(latencies, started.elapsed(), server.cpu()?.saturating_sub(cpu)))
    }
}

/// Calls until the time is over; answers how long each call took.
fn call_until(
    connection: &mut Connection,
    request: &str,
    answer: &str,
    end: Instant,
) -> Result<Vec<Duration>, String> {
    let mut latencies = Vec::new();
    let mut started = Instant::now();
    while started < end {
        connection.call(request, answer)?;
        let ended = Instant::now();
        latencies.push(ended - started);
        started = ended;
    }
    Ok(latencies)
}

impl Sample {
    fn new(mut latencies: Vec<Duration>, wall: Duration, cpu: Duration) -> Self {
        latencies.sort_unstable();
        let count = latencies.len().max(1);
        let at = |percent: usize| latencies.get(count * percent / 100).map_or(0.0, micros);
        Self {
            per_second: latencies.len() as f64 / wall.as_secs_f64(),
            cpu: micros(&cpu) / count as f64,
            p50: at(50),
            p99: at(99),
        }
    }
}

/// Microseconds, the unit of everything that is printed.
pub(crate) fn micros(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// What was read of the present answer.
    answer: Vec<u8>,
}

impl Connection {
    fn open(server: &Server) -> Result<Self, String> {
        let stream = http::connect_tls(&server.address.to_string(), &server.ca_file)?;
        stream.sock.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, answer: Vec::with_capacity(4096) })
    }

    /// Sends a request and waits for its answer, which must be `wanted` with status 200.
    fn call(&mut self, request: &str, wanted: &str) -> Result<(), String> {
        let sent = self.stream.write_all(request.as_bytes()).and_then(|()| self.stream.flush());
        sent.map_err(|error| format!("cannot send a review: {error}"))?;
        self.answer.clear();
        let mut piece = [0; 4096];
        loop {
            let read = self.stream.read(&mut piece).map_err(|error| format!("no answer: {error}"))?;
            if read == 0 {
                return Err("the connection ended without an answer".to_owned());
            }
            self.answer.extend_from_slice(piece.get(..read).unwrap_or_default());
            let head = self.answer.windows(4).position(|window| window == b"\r\n\r\n");
            let Some(body) = head.and_then(|end| self.answer.get(end + 4..)) else { continue };
            // The answer is known, so its length need not be looked up in the headers.
            if body.len() >= wanted.len() {
                let is_fine = self.answer.starts_with(b"HTTP/1.1 200 ") && body == wanted.as_bytes();
                let text = || String::from_utf8_lossy(&self.answer).into_owned();
                return if is_fine { Ok(()) } else { Err(format!("another answer: {}", text())) };
            }
            if !self.answer.starts_with(b"HTTP/1.1 200 ") {
                return Err(format!("another answer: {}", String::from_utf8_lossy(&self.answer)));
            }
        }
    }
}
