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
            while !self.is_over.load(Ordering::Relaxed) && !self.review(&mut connection) {}
        }
    }
}

#[test]
fn every_review_is_answered_while_a_replica_leaves() {
    let staying = Server::start(&[]);
    let certificates = staying.certificates.clone();
    let mut leaving =
        Server::start_with(keyhatch, FLAGS, Guardian::new().unwrap(), Authority::new(), certificates);
    let balancer = Balancer::start_with(LAG);
    let backend = |server: &Server| Backend {
        address: server.host.clone(),
        health: format!("http://{}", server.health),
    };
    balancer.set(vec![backend(&staying), backend(&leaving)]);
    let address = balancer.address.to_string();
    wait_until(Duration::from_secs(30), "the forwarder to know both", || {
        client::connect(&address, &staying.certificates.ca_file, &[]).map(drop).map_err(|e| e.to_string())
    });

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
        let is_broken = || threads.iter().any(|thread| thread.is_finished());
        wait_until(Duration::from_secs(30), "both to answer", || {
            let counts = load.servers.map(|server| server.count("Allowed"));
            if counts.iter().all(|count| *count > 20) || is_broken() {
                Ok(())
            } else {
                Err(format!("{counts:?}"))
            }
        });
        let at_signal = load.servers[1].count("Allowed");
        load.servers[1].signal("TERM");
        let signalled = Instant::now();
        let mut seen = at_signal;
        while signalled.elapsed() < LAG && !is_broken() {
            seen = load.servers[1].count("Allowed");
        }
        wait_until(Duration::from_secs(30), "the replica to end", || {
            match client::tcp(&load.servers[1].host) {
                Ok(_) if !is_broken() => Err("still there".into()),
                _ => Ok(()),
            }
        });
        let answered = load.answered();
        wait_until(Duration::from_secs(30), "the other to go on", || {
            if load.answered() > answered + 20 || is_broken() { Ok(()) } else { Err("silence".into()) }
        });
        load.is_over.store(true, Ordering::Relaxed);
        (at_signal, seen)
    });
    println!(
        "{} reviews, {} by the one that left after SIGTERM, {} said close",
        load.answered(),
        seen - at_signal,
        load.last.load(Ordering::Relaxed)
    );
    assert!(seen > at_signal + 20, "only {} reviews came to it after the signal", seen - at_signal);
    assert!(load.last.load(Ordering::Relaxed) > 20, "answers that said close");
    assert_eq!(leaving.end(Duration::from_secs(20)).code(), Some(0));
}
