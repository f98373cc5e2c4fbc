//! A client that sends any bytes, and reads answers one by one from a connection that stays open.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use crate::support::http;

/// A TLS connection.
pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Whatever the server answers, it answers by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with what was read ahead of the answer.
pub(crate) struct Connection<S> {
    pub(crate) stream: S,
    ahead: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says that the server will close the connection.
    pub(crate) is_last: bool,
    pub(crate) body: String,
}

impl Answer {
    /// The `response` of the AdmissionReview that every answer to a review is.
    #[track_caller]
    pub(crate) fn response(&self) -> Value {
        let mut review: Value =
            serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1", "{self:?}");
        assert_eq!(review["kind"], "AdmissionReview", "{self:?}");
        review["response"].take()
    }

    #[track_caller]
    pub(crate) fn assert_allowed(&self) {
        assert_eq!((self.status, &self.response()["allowed"]), (200, &Value::Bool(true)), "{self:?}");
    }

    /// An AdmissionReview that refuses with this code, in words that contain these.
    #[track_caller]
    pub(crate) fn assert_refused(&self, code: u16, words: &str) {
        let response = self.response();
        assert_eq!(response["allowed"], false, "{self:?}");
        assert_eq!(response["status"]["code"], code, "{self:?}");
        let message = response["status"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
}

/// A connection to `HOST:PORT` over TLS, the handshake done; `protocols` are offered in ALPN.
pub(crate) fn connect(host: &str, ca_file: &Path, protocols: &[&str]) -> io::Result<Connection<Tls>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).expect("a CA file") {
        roots.add(certificate.expect("PEM")).expect("a CA");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's own protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
    let mut stream = StreamOwned::new(connection, tcp(host)?);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Connection::new(stream))
}

/// A TCP connection to `HOST:PORT`.
pub(crate) fn tcp(host: &str) -> io::Result<TcpStream> {
    let stream = http::connect(host).map_err(io::Error::other)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// Sends and reads the answer.
    pub(crate) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Result<Answer, String> {
        self.send(bytes).map_err(|error| format!("cannot send: {error}"))?;
        self.answer()
    }

    /// Reads one answer; whatever follows it stays for the next.
    pub(crate) fn answer(&mut self) -> Result<Answer, String> {
        let end = loop {
            if let Some(at) = self.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.ahead[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status")?;
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(Ok(0), str::parse).map_err(|_| "no length")?;
        let is_last = head.lines().any(|line| line == "connection: close");
        self.ahead.drain(..end);
        while self.ahead.len() < length {
            self.more()?;
        }
        let body = self.ahead.drain(..length).collect();
        Ok(Answer { status, is_last, body: String::from_utf8(body).map_err(|_| "no UTF-8")? })
    }

    fn more(&mut self) -> Result<(), String> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err("the server closed the connection".into()),
            Ok(length) => {
                self.ahead.extend_from_slice(&buffer[..length]);
                Ok(())
            }
            Err(error) => Err(format!("cannot read: {error}")),
        }
    }

    /// Waits until the server closes the connection; answers what it sent before.
    pub(crate) fn wait_closed(mut self) -> Result<Vec<u8>, String> {
        match self.stream.read_to_end(&mut self.ahead) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err("still open".into()),
            _ => Ok(self.ahead),
        }
    }
}

/// A review as an HTTP request; more headers end in `\r\n` each.
pub(crate) fn post(path: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: keyhatch\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
