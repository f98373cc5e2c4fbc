//! Serves a router over TLS: takes connections, bounds them in number, time and age, and ends them politely.
//!
//! An old connection is told to go (GOAWAY, or `Connection: close` with its next answer) and finishes what it began,
//! so a client that never hangs up meets a rotated certificate all the same. The same happens at the end of the
//! process.

mod places;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;
use tracing::{debug, warn};

use crate::tls::Certificate;
use places::{Places, Seat};

/// How long and how often connections may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a TLS handshake, and for the head of each request.
    pub head: Duration,
    /// After this a connection is told to go.
    pub age: Duration,
    /// Connections at the same time; before there are so many, those that do nothing are told to go.
    pub connections: usize,
    /// For a request, until the last byte of its answer is taken: what takes longer ends with its connection.
    pub request: Duration,
}

/// What a listener is told from outside.
#[derive(Clone, Debug)]
pub struct Signals {
    /// The TLS side of new connections; none are taken before there is one.
    pub tls: watch::Receiver<Option<Certificate>>,
    /// How far the process is from its end.
    pub phase: watch::Receiver<Phase>,
}

/// How far the process is from its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not ending.
    #[default]
    Serving,
    /// Clients are being moved elsewhere: connections are taken, and soon told to go.
    Leaving,
    /// No new connections; those there are finish what they began.
    Ending,
}

/// A connection has this long for its first request before it is told to go.
const FIRST_REQUEST: Duration = Duration::from_secs(1);
/// A connection that was told to go, since others want its place, has this long.
const MAKE_ROOM: Duration = Duration::from_secs(1);
/// After this an accept that failed (no file descriptors left, say) is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until the phase is [`Phase::Ending`], then until the last connection has ended.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, signals: Signals) {
    let places = Places::new(limits.connections);
    let mut connections = JoinSet::new();
    let mut phase = signals.phase.clone();
    if signals.tls.clone().wait_for(Option::is_some).await.is_err() {
        return;
    }
    loop {
        // Whoever has connected before the end is served: the queue is emptied first.
        let stream = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            _ = phase.wait_for(|phase| *phase == Phase::Ending) => break,
            Some(_) = connections.join_next() => continue,
        };
        match stream {
            Ok((stream, peer)) => {
                let Some(seat) = places.take().await else { break };
                let (router, signals) = (router.clone(), signals.clone());
                connections.spawn(async move {
                    connection(stream, peer, &seat, router, limits, signals).await;
                    drop(seat);
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    seat: &Seat,
    router: Router,
    limits: Limits,
    mut signals: Signals,
) {
    let Some(Certificate { config, serial, .. }) = signals.tls.borrow().clone() else { return };
    let place = seat.place();
    let shaken = tokio::select! {
        shaken = timeout(limits.head, handshake(stream, config)) => shaken,
        () = place.wanted() => return debug!(%peer, "no TLS handshake yet, and others want the place"),
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(%peer, %error, "no TLS handshake"),
        Err(_) => return debug!(%peer, "no TLS handshake in time"),
    };
    debug!(%peer, serial, "a connection, with this leaf");
    let born = Instant::now();
    // The protocol is known from the handshake: while it is only being guessed from the first bytes, a connection
    // cannot be told to go and would just be cut off.
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if is_http2 { builder.http2_only() } else { builder.http1_only() };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).keep_alive_interval(limits.head);
    let began = *signals.phase.borrow_and_update();
    let is_last = Arc::new(AtomicBool::new(began != Phase::Serving && !is_http2));
    let answer = {
        let (place, is_last) = (Arc::clone(place), Arc::clone(&is_last));
        tower::service_fn(move |request| {
            watched::answer(router.clone(), place.begin(), Arc::clone(&is_last), request)
        })
    };
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(answer));
    tokio::pin!(serving);
    let leave = async {
        leave(&limits, &mut signals, &is_last, is_http2).await;
        sleep_until(born + FIRST_REQUEST).await;
    };
    let patience = tokio::select! {
        ended = serving.as_mut() => return tell_end(peer, ended),
        () = leave => limits.request,
        () = place.wanted() => MAKE_ROOM,
        () = place.stuck(limits.request) => return debug!(%peer, "an answer was not taken in time"),
    };
    serving.as_mut().graceful_shutdown();
    match timeout(patience, serving).await {
        Ok(ended) => tell_end(peer, ended),
        Err(_) => debug!(%peer, "a connection was told to go, and did not"),
    }
}

async fn handshake(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    drop(stream.set_nodelay(true));
    TlsAcceptor::from(config).accept(stream).await
}

/// Waits until a connection is to be told to go, because of its age or at the end.
async fn leave(limits: &Limits, signals: &mut Signals, is_last: &AtomicBool, is_http2: bool) {
    tokio::select! {
        () = sleep(limits.age) => {}
        _ = signals.phase.wait_for(|phase| *phase > Phase::Serving) => {}
    }
    if !is_http2 {
        // To close it would lose a request that is on its way. Its next answer says goodbye; if there is no next request,
        // the time for its head runs out.
        is_last.store(true, Ordering::Relaxed);
        drop(signals.phase.wait_for(|phase| *phase == Phase::Ending).await);
    }
}

fn tell_end<E: std::fmt::Display>(peer: SocketAddr, ended: Result<(), E>) {
    if let Err(error) = ended {
        debug!(%peer, %error, "a connection ended early");
    }
}
