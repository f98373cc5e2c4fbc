//! Stands between one replica and the API server: plain HTTP on this side, TLS on the other, and it can fail.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Passes everything on.
    Pass,
    /// Takes everything and passes nothing on; what it holds arrives when it passes again.
    Hang,
    /// Resets connections, those there are and those to come.
    Reset,
    /// Ends connections, and answers requests on new ones with this code.
    Answer(u16),
}

/// Runs until the process ends.
pub(crate) struct Proxy {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    mode: watch::Sender<Mode>,
}

/// Where connections go.
#[derive(Clone)]
struct Target {
    address: String,
    connector: TlsConnector,
}

impl Proxy {
    /// Passes connections to `https://HOST:PORT`, whose certificate comes from `ca_file`.
    pub(crate) fn start(url: &str, ca_file: &Path) -> Self {
        let address = url.trim_start_matches("https://").to_owned();
        let target = Target { address, connector: connector(ca_file) };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let local: SocketAddr = listener.local_addr().expect("an address");
        let (mode, modes) = watch::channel(Mode::Pass);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(accept(listener, target, modes));
        });
        Self { url: format!("http://{local}"), mode }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

fn connector(ca_file: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).expect("a readable CA file") {
        roots.add(certificate.expect("PEM in the CA file")).expect("a certificate in the CA file");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's own protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn accept(listener: std::net::TcpListener, target: Target, modes: watch::Receiver<Mode>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        let (target, modes) = (target.clone(), modes.clone());
        tokio::spawn(async move { connection(client, &target, modes).await });
    }
}

async fn connection(mut client: TcpStream, target: &Target, mut modes: watch::Receiver<Mode>) {
    let mode = *modes.borrow_and_update();
    match mode {
        Mode::Pass => {}
        Mode::Hang => drop(modes.wait_for(|mode| *mode != Mode::Hang).await),
        Mode::Reset => return drop(client.set_zero_linger()),
        Mode::Answer(code) => return answer(&mut client, code).await,
    }
    let Ok(server) = TcpStream::connect(&target.address).await else { return };
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let Ok(server) = target.connector.connect(name, server).await else { return };
    let (from_server, to_server) = split(server);
    let hold = modes.clone();
    {
        let (from_client, to_client) = client.split();
        tokio::select! {
            () = pump(from_client, to_server, hold.clone()) => {}
            () = pump(from_server, to_client, hold) => {}
            _ = modes.wait_for(|mode| matches!(mode, Mode::Reset | Mode::Answer(_))) => {}
        }
    }
    if *modes.borrow() == Mode::Reset {
        drop(client.set_zero_linger());
    }
}

/// Copies until one side ends; holds what it has while the proxy hangs.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut modes: watch::Receiver<Mode>,
) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        drop(modes.wait_for(|mode| *mode != Mode::Hang).await);
        let bytes = buffer.get(..read).unwrap_or_default();
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

/// One answer to whatever comes first.
async fn answer(client: &mut TcpStream, code: u16) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match client.read_buf(&mut head).await {
            Ok(1..) => {}
            _ => return,
        }
    }
    let body = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Test","message":"as the test wants","code":{code}}}"#
    );
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {code} Status\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    drop(client.write_all(text.as_bytes()).await);
    drop(client.shutdown().await);
}
