//! A TCP balancer in front of several replicas: takes connections on one port and hands each to a replica that was
//! ready when it was last asked. Like a Service, it learns of a change a little later than the replica does.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::http;

/// How late a balancer usually learns that a replica became ready or unready.
const LAG: Duration = Duration::from_secs(2);
const ASK_EVERY: Duration = Duration::from_millis(100);

/// A replica behind the balancer.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// `http://127.0.0.1:PORT`.
    pub(crate) health: String,
}

/// Runs until the process ends.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    backends: Arc<Mutex<Vec<Backend>>>,
}

impl Balancer {
    pub(crate) fn start() -> Self {
        Self::start_with(LAG)
    }

    /// One that learns of changes so much later: until then it sends new connections where none should go.
    pub(crate) fn start_with(lag: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let backends = Arc::new(Mutex::new(Vec::new()));
        let ready = Arc::new(Mutex::new(Vec::new()));
        thread::spawn({
            let (backends, ready) = (Arc::clone(&backends), Arc::clone(&ready));
            move || follow_readiness(&backends, &ready, lag)
        });
        thread::spawn(move || accept(&listener, &ready));
        Self { address, backends }
    }

    /// The replicas from now on.
    pub(crate) fn set(&self, backends: Vec<Backend>) {
        *self.backends.lock().expect("no panic") = backends;
    }
}

/// Publishes, after the lag, which replicas were ready.
fn follow_readiness(backends: &Mutex<Vec<Backend>>, ready: &Arc<Mutex<Vec<String>>>, lag: Duration) {
    loop {
        let present = backends.lock().expect("no panic").clone();
        let is_ready = |backend: &Backend| {
            http::get(&format!("{}/readyz", backend.health)).is_ok_and(|r| r.status == 200)
        };
        let now: Vec<String> = present.into_iter().filter(is_ready).map(|backend| backend.address).collect();
        let ready = Arc::clone(ready);
        thread::spawn(move || {
            thread::sleep(lag);
            *ready.lock().expect("no panic") = now;
        });
        thread::sleep(ASK_EVERY);
    }
}

fn accept(listener: &TcpListener, ready: &Mutex<Vec<String>>) {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    for client in listener.incoming().flatten() {
        let ready = ready.lock().expect("no panic").clone();
        let Some(address) = ready.get(NEXT.fetch_add(1, Ordering::Relaxed) % ready.len().max(1)) else {
            continue;
        };
        let Ok(server) = TcpStream::connect(address) else { continue };
        thread::spawn(move || splice(&client, &server));
    }
}

fn splice(client: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| copy(client, server));
        copy(server, client);
    });
}

fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
