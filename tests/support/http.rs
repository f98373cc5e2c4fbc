//! One HTTP/1.1 request over TCP or TLS, without a client library.
//!
//! Every request uses its own connection and reads the answer to its end. An answer whose length does not
//! match its `content-length`, or that is chunked, is an error rather than a shortened body.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

const TIMEOUT: Duration = Duration::from_secs(15);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header, named in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body of an answer with status 200, or else a message with the answer.
    pub(crate) fn ok(self) -> Result<String, String> {
        if self.status == 200 {
            Ok(self.body)
        } else {
            Err(format!("answers {}: {}", self.status, self.body))
        }
    }
}

/// `GET` of an `http://HOST:PORT/PATH`.
pub(crate) fn get(url: &str) -> Result<Response, String> {
    let (host, path) = split(url, "http://")?;
    exchange(connect(host)?, &get_request(host, path))
}

/// `GET` of an `https://HOST:PORT/PATH` whose certificate is checked against `ca_file`.
pub(crate) fn get_tls(url: &str, ca_file: &Path) -> Result<Response, String> {
    let (host, path) = split(url, "https://")?;
    exchange(connect_tls(host, ca_file)?, &get_request(host, path))
}

fn get_request(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
}

/// `POST` of a JSON text to an `https://HOST:PORT/PATH` whose certificate is checked against `ca_file`.
pub(crate) fn post_json(url: &str, ca_file: &Path, json: &str) -> Result<Response, String> {
    let (host, path) = split(url, "https://")?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
        json.len()
    );
    exchange(connect_tls(host, ca_file)?, &request)
}

/// Sends a request as it stands and reads the answer until the server closes the connection.
pub(crate) fn exchange(mut stream: impl Read + Write, request: &str) -> Result<Response, String> {
    let mut answer = Vec::new();
    stream.write_all(request.as_bytes()).map_err(|error| format!("cannot send the request: {error}"))?;
    match stream.read_to_end(&mut answer) {
        // A TLS connection that ends without saying so; the length of the body is checked below.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        result => drop(result.map_err(|error| format!("cannot read the answer: {error}"))?),
    }
    parse(&String::from_utf8_lossy(&answer))
}

/// A TCP connection to `HOST:PORT`.
pub(crate) fn connect(host: &str) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(host).map_err(|error| format!("cannot connect to {host}: {error}"))?;
    stream.set_read_timeout(Some(TIMEOUT)).expect("a read timeout");
    stream.set_write_timeout(Some(TIMEOUT)).expect("a write timeout");
    Ok(stream)
}

/// A TLS connection to `HOST:PORT`, whose certificate must come from `ca_file`; the handshake follows with
/// the first bytes written.
pub(crate) fn connect_tls(
    host: &str,
    ca_file: &Path,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider's own protocol versions")
        .with_root_certificates(roots(ca_file))
        .with_no_client_auth();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).to_owned();
    let name = ServerName::try_from(name).map_err(|error| format!("{host}: {error}"))?;
    let connection = ClientConnection::new(Arc::new(config), name).expect("a TLS client");
    Ok(StreamOwned::new(connection, connect(host)?))
}

fn roots(ca_file: &Path) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca_file).expect("a readable CA file") {
        roots.add(certificate.expect("PEM in the CA file")).expect("a certificate in the CA file");
    }
    roots
}

fn split<'a>(url: &'a str, scheme: &str) -> Result<(&'a str, &'a str), String> {
    let rest = url.strip_prefix(scheme).ok_or_else(|| format!("{url} does not begin with {scheme}"))?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    Ok((host, if path.is_empty() { "/" } else { path }))
}

fn parse(answer: &str) -> Result<Response, String> {
    let (head, body) =
        answer.split_once("\r\n\r\n").ok_or_else(|| format!("no end of headers in {answer:?}"))?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| format!("no status in {head:?}"))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let response = Response { status, headers, body: body.to_owned() };
    match response.header("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if length != body.len() => Err(format!("{} of {length} bytes", body.len())),
        _ if response.header("transfer-encoding").is_some() => Err("a chunked answer".to_owned()),
        _ => Ok(response),
    }
}
