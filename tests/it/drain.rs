//! The end of one of two replicas, while a forwarder that has not heard of it goes on sending it new connections.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bad_input::client::{self, Connection, Tls, post};
use crate::bad_input::server::{JSON, PATH, Server, good, keyhatch};
use crate::support::balancer::{Backend, Balancer};
use crate::support::certificates::Authority;
use crate::support::kubectl::wait_until;
use crate::support::process::Guardian;

/// How late the forwarder learns that a replica is not ready any more.
const LAG: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(90);
const FLAGS: &[&str] = &["--drain-delay", "9s"];

/// Reviews through the forwarder, until told to stop.
struct Load<'a> {
    address: String,
    servers: [&'a Server; 2],
    is_over: AtomicBool,
    answered: AtomicUsize,
    last: AtomicUsize,
}

impl Load<'_> {
    fn connect(&self) -> Connection<Tls> {
        client::connect(&self.address, &self.servers[0].certificates.ca_file, &["http/1.1"])
            .unwrap_or_else(|error| panic!("after {} reviews: {error}", self.answered()))
    }

    fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Sends one review; answers whether the connection is to be closed.
    fn review(&self, connection: &mut Connection<Tls>) -> bool {
        let answer = connection.ask(post(PATH, JSON, good().to_string()));
        let answer = answer.unwrap_or_else(|error| panic!("after {} reviews: {error}", self.answered()));
        answer.assert_allowed();
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.last.fetch_add(usize::from(answer.is_last), Ordering::Relaxed);
        answer.is_last
    }

    /// A connection for each review.
    fn new_connections(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.review(&mut self.connect());
        }
    }

    /// A connection for as long as the server keeps it.
    fn kept_connections(&self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let mut connection = self.connect();
            let mut is_last = false;
            while !is_last && !self.is_over.load(Ordering::Relaxed) {
                is_last = self.review(&mut connection);
            }
        }
    }
}

/// A server that stays, one that will leave with the same certificate, and a forwarder that knows both.
fn start() -> (Server, Server, String) {
    let staying = Server::start(&[]);
    let certificates = staying.certificates.clone();
    let leaving =
        Server::start_with(keyhatch, FLAGS, Guardian::new().unwrap(), Authority::new(), certificates);
    let balancer = Balancer::start_with(LAG);
    let backend = |server: &Server| Backend {
        address: server.host.clone(),
        health: format!("http://{}", server.health),
    };
    balancer.set(vec![backend(&staying), backend(&leaving)]);
    let address = balancer.address.to_string();
    wait_until(LIMIT, "the forwarder to know both", || {
        client::connect(&address, &staying.certificates.ca_file, &[]).map(drop).map_err(|e| e.to_string())
    });
    (staying, leaving, address)
}

/// Ends one server in the middle of the load; answers how many reviews it had answered at the signal, and how many
/// when the forwarder had heard of it.
fn end_one(load: &Load<'_>, is_broken: impl Fn() -> bool) -> (u64, u64) {
    let [_, leaving] = load.servers;
    wait_until(LIMIT, "both to answer", || {
        let counts = load.servers.map(|server| server.count("Allowed"));
        if counts.iter().all(|count| *count > 20) || is_broken() {
            Ok(())
        } else {
            Err(format!("{counts:?}"))
        }
    });
    let at_signal = leaving.count("Allowed");
    leaving.signal("TERM");
    let signalled = Instant::now();
    let mut seen = at_signal;
    while signalled.elapsed() < LAG && !is_broken() {
        seen = leaving.count("Allowed");
    }
    wait_until(LIMIT, "the replica to end", || match client::tcp(&leaving.host) {
        Ok(_) if !is_broken() => Err("still there".into()),
        _ => Ok(()),
    });
    let answered = load.answered();
    wait_until(LIMIT, "the other to go on", || {
        if load.answered() > answered + 20 || is_broken() { Ok(()) } else { Err("silence".into()) }
    });
    (at_signal, seen)
}

#[test]
fn every_review_is_answered_while_a_replica_leaves() {
    let (staying, mut leaving, address) = start();
    let load = Load {
        address,
        servers: [&staying, &leaving],
        is_over: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
        last: AtomicUsize::new(0),
    };
    let (at_signal, seen) = std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| load.new_connections()),
            scope.spawn(|| load.new_connections()),
            scope.spawn(|| load.kept_connections()),
            scope.spawn(|| load.kept_connections()),
        ];
        let counts = end_one(&load, || threads.iter().any(|thread| thread.is_finished()));
        load.is_over.store(true, Ordering::Relaxed);
        counts
    });
    let (answered, last) = (load.answered(), load.last.load(Ordering::Relaxed));
    println!(
        "{answered} reviews, {} by the one that left after SIGTERM, {last} said close",
        seen - at_signal
    );
    assert!(seen > at_signal + 20, "only {} reviews came to it after the signal", seen - at_signal);
    assert!(last > 20, "only {last} answers said close");
    assert_eq!(leaving.end(LIMIT).code(), Some(0));
}
