//! A broker that says what a test wants: TLS with an authority of its own, one answer a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The name that certificates are made for: no dns knows it, so the address is dialled.
const NAME: &str = "keyhatch-broker.keyhatch-system.svc";

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let name = format!("authority {:x?}", key.public_key_raw().get(..8));
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn leaf(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }
}

/// What the broker says next, and what it was asked.
struct Script {
    tls: Arc<ServerConfig>,
    answer: (u16, String, Option<String>),
    /// Of the last answers, after which nobody is served.
    asked: Vec<String>,
    is_down: bool,
}

/// Serves until the test's process ends.
pub(crate) struct Server {
    address: SocketAddr,
    authority: Authority,
    script: Arc<Mutex<Script>>,
}

impl Server {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let authority = Authority::new();
        let answer = (503, refusal("Starting", "nothing yet", false), None);
        let script = Script { tls: authority.leaf(NAME), answer, asked: Vec::new(), is_down: false };
        let script = Arc::new(Mutex::new(script));
        let shared = Arc::clone(&script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, authority, script }
    }

    pub(crate) fn authority(&self) -> String {
        format!("{NAME}:{}", self.address.port())
    }

    pub(crate) fn roots(&self) -> String {
        self.authority.pem.clone()
    }

    /// From now on its certificates are this authority's, for this name.
    pub(crate) fn sign_with(&self, authority: &Authority, name: Option<&str>) {
        self.script.lock().unwrap().tls = authority.leaf(name.unwrap_or(NAME));
    }

    pub(crate) fn says(&self, status: u16, body: String, etag: Option<&str>) {
        self.script.lock().unwrap().answer = (status, body, etag.map(str::to_owned));
    }

    /// Files and roots.
    pub(crate) fn gives(&self, files: &[(&str, &str)], roots: &str, etag: &str) {
        let encode = |text: &str| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, text);
        let files: serde_json::Map<_, _> =
            files.iter().map(|(name, text)| ((*name).to_owned(), encode(text).into())).collect();
        let env = serde_json::json!({"app": {"PASSWORD": encode("hunter2 \"quoted\"\nline")}});
        let body = serde_json::json!({"files": files, "env": env, "roots": roots});
        self.says(200, body.to_string(), Some(etag));
    }

    pub(crate) fn be_down(&self, is_down: bool) {
        self.script.lock().unwrap().is_down = is_down;
    }

    /// The heads of all requests.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

pub(crate) fn refusal(reason: &str, message: &str, denied: bool) -> String {
    serde_json::json!({"reason": reason, "message": message, "denied": denied}).to_string()
}

fn serve(stream: TcpStream, script: &Mutex<Script>) {
    let (tls, is_down) = {
        let script = script.lock().unwrap();
        (Arc::clone(&script.tls), script.is_down)
    };
    if is_down {
        return;
    }
    let mut stream = StreamOwned::new(ServerConnection::new(tls).unwrap(), stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let (status, body, etag) = {
        let mut script = script.lock().unwrap();
        script.asked.push(head.clone());
        script.answer.clone()
    };
    let is_same = etag.as_ref().is_some_and(|etag| head.contains(etag.as_str()));
    let (status, body) = if is_same { (304, String::new()) } else { (status, body) };
    let etag = etag.map(|etag| format!("ETag: {etag}\r\n")).unwrap_or_default();
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} X\r\n{etag}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.conn.send_close_notify();
    let _ = stream.flush();
}
