//! Who only holds connections, or does not take answers, keeps nobody out and holds nothing for long.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::routing::get;
use keyhatch::accept::{Limits, Phase, Signals, serve};
use keyhatch::tls::CertificateFiles;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::client::{self, Connection, Tls};
use crate::support::certificates::{CertificateOptions, certificates};
use crate::support::process::Guardian;

const PLACES: usize = 16;
/// What the slow answer takes.
const SLOW: Duration = Duration::from_secs(3);
/// More than what the kernel keeps for a client that does not read.
const LARGE: usize = 64 << 20;

struct Server {
    host: String,
    ca_file: PathBuf,
    runtime: Option<Runtime>,
    _phase: watch::Sender<Phase>,
    _folder: Guardian,
}

impl Server {
    /// `request`: how long one may take, until its answer is taken.
    fn start(request: Duration) -> Self {
        let folder = Guardian::new().unwrap();
        let files = certificates(folder.root(), &CertificateOptions::default());
        let pair = CertificateFiles { cert: files.cert_file, key: files.key_file, ca: None };
        let certificate = pair.load(SystemTime::now()).unwrap();
        let (phase, phases) = watch::channel(Phase::Serving);
        let signals = Signals { tls: watch::channel(Some(certificate)).1, phase: phases };
        let long = Duration::from_secs(3600);
        let limits = Limits { head: long, age: long, connections: PLACES, request };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/large", get(|| async { vec![b'x'; LARGE] }))
            .route("/slow", get(|| async { tokio::time::sleep(SLOW).await }));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        runtime.spawn(serve(listener, router, limits, signals));
        Self { host, ca_file: files.ca_file, runtime: Some(runtime), _phase: phase, _folder: folder }
    }

    fn connect(&self, protocols: &[&str]) -> Connection<Tls> {
        client::connect(&self.host, &self.ca_file, protocols).unwrap()
    }

    #[track_caller]
    fn assert_answers(&self) {
        let started = Instant::now();
        let answer = self.connect(&[]).ask(request("/")).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "here"));
        assert!(started.elapsed() < Duration::from_secs(5), "answered only after {:?}", started.elapsed());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: k\r\n\r\n")
}

#[test]
fn who_only_holds_connections_keeps_nobody_out() {
    let server = Server::start(10 * SLOW);
    let mut slow = server.connect(&[]);
    slow.send(request("/slow")).unwrap();
    let mut silent = Vec::new();
    // Of HTTP/2 the beginning is said by both sides, or by none; and some do not even shake hands.
    for number in 0..3 * PLACES {
        let mut connection = server.connect(&[if number % 2 == 0 { "h2" } else { "http/1.1" }]);
        if number % 4 == 0 {
            connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00").unwrap();
        }
        silent.push(connection);
    }
    let deaf: Vec<_> = (0..PLACES).map(|_| client::tcp(&server.host).unwrap()).collect();
    server.assert_answers();
    assert_eq!(slow.answer().unwrap().status, 200, "whoever is being answered keeps his place");
    drop((silent, deaf));
    server.assert_answers();
}

#[test]
fn an_answer_that_is_not_taken_ends_with_its_connection() {
    let patience = Duration::from_secs(1);
    let server = Server::start(patience);
    let mut lazy = server.connect(&[]);
    lazy.send(request("/large")).unwrap();
    let mut good = server.connect(&[]);
    good.send(request("/large")).unwrap();
    assert_eq!(good.answer().unwrap().body.len(), LARGE);
    // To look would be to take it.
    thread::sleep(3 * patience);
    let taken = lazy.wait_closed().unwrap().len();
    assert!(taken < LARGE, "{taken}");
    server.assert_answers();
}
