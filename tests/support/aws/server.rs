//! Sockets: HTTP/1.1 on a free port of 127.0.0.1, with connections that can be reset in the middle of a request.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Request};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::pipeline::Service;

/// A running server; it stops, with its connections, when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

/// The switch by which a handler resets the connection it answers on.
#[derive(Clone, Default)]
pub(crate) struct Connection(Arc<(AtomicBool, Notify)>);

impl Connection {
    pub(crate) fn reset(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_one();
    }
}

impl Server {
    pub(crate) fn start(service: Arc<Service>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("aws")
            .enable_all()
            .build()?;
        // Not `block_on`: a test that starts it may be asynchronous itself.
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(accept(listener, service));
        Ok(Self { address, runtime: Some(runtime) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not waited for: a server may be dropped where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn accept(listener: TcpListener, service: Arc<Service>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, Arc::clone(&service)))),
            // No file descriptors left, say.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, service: Arc<Service>) {
    drop(stream.set_nodelay(true));
    let connection = Connection::default();
    let router =
        Router::new().fallback(answer).layer(Extension(service)).layer(Extension(connection.clone()));
    let socket = TokioIo::new(Socket { stream, connection: connection.clone() });
    let builder = Builder::new(TokioExecutor::new()).http1_only();
    tokio::select! {
        _ = builder.serve_connection(socket, TowerToHyperService::new(router)) => {}
        () = connection.0.1.notified() => {}
    }
}

async fn answer(
    Extension(service): Extension<Arc<Service>>,
    Extension(connection): Extension<Connection>,
    request: Request,
) -> Response {
    service.answer(request, &connection).await
}

/// A stream that ends with a reset rather than a close when its connection says so.
struct Socket {
    stream: TcpStream,
    connection: Connection,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.connection.0.0.load(Ordering::Acquire) {
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
