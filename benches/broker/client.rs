//! Hand-written HTTP/1.1 over TLS, so that the client takes as little as possible of the cores that it shares with the
//! server.

use std::path::Path;
use std::sync::Arc;

use keyhatch_agent::ANSWER_PATH;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where the broker is, and whom to trust.
#[derive(Clone)]
pub(crate) struct Address {
    host: Arc<str>,
    connector: TlsConnector,
}

/// A connection that is kept.
pub(crate) struct Connection {
    host: Arc<str>,
    stream: TlsStream<TcpStream>,
    answer: Vec<u8>,
}

impl Address {
    pub(crate) fn new(host: &str, ca_file: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca_file).expect("a CA file") {
            roots.add(certificate.expect("PEM")).expect("a certificate");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions of TLS").with_root_certificates(roots).with_no_client_auth();
        Self { host: host.into(), connector: TlsConnector::from(Arc::new(config)) }
    }

    pub(crate) async fn connect(&self) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(&*self.host).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
        let stream = self.connector.connect(name, stream).await?;
        Ok(Connection { host: Arc::clone(&self.host), stream, answer: Vec::with_capacity(8192) })
    }
}

impl Connection {
    /// The status of the answer to a token.
    pub(crate) async fn ask(&mut self, token: &str) -> std::io::Result<u16> {
        let host = &self.host;
        let request =
            format!("GET {ANSWER_PATH} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\r\n");
        self.send(&request).await
    }

    /// The status of the answer to a JSON text.
    pub(crate) async fn post(&mut self, path: &str, json: &str) -> std::io::Result<u16> {
        let (host, length) = (&self.host, json.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        );
        self.send(&request).await
    }

    async fn send(&mut self, request: &str) -> std::io::Result<u16> {
        self.stream.write_all(request.as_bytes()).await?;
        self.answer.clear();
        while !is_whole(&self.answer) {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let status = self.answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(status.and_then(|status| status.parse().ok()).unwrap_or_default())
    }
}

fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
    answer.len() >= end + 4 + length
}
