//! The health listener: whoever connects is served, whoever connects and says nothing is let go.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

/// Connections at the same time. One more ends the oldest: an answer takes no time, so the oldest is one that
/// waits, and a probe must never wait behind it.
const CONNECTIONS: usize = 128;
/// For the head of each request.
const HEAD: Duration = Duration::from_secs(10);
/// Nobody needs a connection for longer; also bounds a client that does not read its answer.
const AGE: Duration = Duration::from_secs(60);
/// After this an accept that failed (no file descriptors left, say) is tried again.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    let mut by_age: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                by_age.retain(|connection| !connection.is_finished());
                if by_age.len() >= CONNECTIONS
                    && let Some(oldest) = by_age.pop_front()
                {
                    oldest.abort();
                }
                by_age.push_back(connections.spawn(connection(stream, router.clone())));
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection on the health listener");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, router: Router) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Ok(Err(error)) = timeout(AGE, serving).await {
        debug!(%error, "a connection to the health listener ended early");
    }
}
