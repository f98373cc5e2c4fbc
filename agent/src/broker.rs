//! One question to the broker over TLS, and what came of it. Nothing of an answer is ever quoted.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyhatch_agent::{ANSWER_PATH, Answer, Invocation, Refusal};
use rustls::crypto::CryptoProvider;
use thiserror::Error;
use ureq::http::{StatusCode, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::transport::DefaultConnector;
use zeroize::Zeroizing;

use crate::resolver::ServiceResolver;

/// To connect, and to agree on keys.
const CONNECT: Duration = Duration::from_secs(5);
/// For all of a question: the broker may have to ask AWS first.
const WHOLE: Duration = Duration::from_secs(30);
/// The largest answer: as large as a volume may be, in base64.
const LIMIT: u64 = 64 * 1024 * 1024;

/// The broker, as a pod knows it.
pub(crate) struct Broker {
    authority: String,
    address: Option<IpAddr>,
    provider: Arc<CryptoProvider>,
}

/// What the broker said.
pub(crate) enum Fetched {
    /// What is there is what should be there.
    Same,
    /// Something else.
    New {
        /// All of it.
        answer: Answer,
        /// Its version, to ask whether there is another.
        etag: Option<String>,
    },
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub(crate) enum NoAnswer {
    /// No authority to trust.
    #[error("--roots holds no certificate to trust the broker by")]
    Roots,
    /// The name is unknown.
    #[error("dns: {authority} is not known here, and there is no --broker-address")]
    Name {
        /// Host and port.
        authority: String,
    },
    /// Nobody listens, or nothing gets there.
    #[error("connection: {authority} cannot be reached{}: {cause}", name_note(*is_name_unknown))]
    Connection {
        /// Host and port.
        authority: String,
        /// Whether dns failed, too, and the address was dialled.
        is_name_unknown: bool,
        /// What the system says.
        cause: String,
    },
    /// Somebody else answered, or our authorities are too old.
    #[error("tls: {authority} is not trusted: {cause}")]
    Tls {
        /// Host and port.
        authority: String,
        /// What is wrong with its certificate.
        cause: String,
    },
    /// Something that is no answer.
    #[error("{authority} answered {status} with something that is no answer of a broker")]
    Unreadable {
        /// Host and port.
        authority: String,
        /// The HTTP status.
        status: StatusCode,
    },
    /// A broker's no.
    #[error("{}: {} ({})", word(*denied), message, reason)]
    Refused {
        /// A word for programs.
        reason: String,
        /// A sentence for people.
        message: String,
        /// Whether somebody decided so.
        denied: bool,
    },
}

fn name_note(is_name_unknown: bool) -> &'static str {
    if is_name_unknown { " (dns does not know it, its address was dialled)" } else { "" }
}

fn word(denied: bool) -> &'static str {
    if denied { "denied" } else { "unavailable" }
}

impl Broker {
    /// Knows where the broker is, and asks nothing yet.
    pub(crate) fn new(invocation: &Invocation) -> Self {
        Self {
            authority: invocation.broker.clone(),
            address: invocation.broker_address.as_deref().and_then(|address| address.parse().ok()),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        }
    }

    /// A number in 0..1 that differs from pod to pod.
    pub(crate) fn chance(&self) -> f64 {
        let mut bytes = [0; 4];
        match self.provider.secure_random.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 0.5,
        }
    }

    /// Asks with this token, trusting these roots; `etag` says what is there already.
    pub(crate) fn fetch(&self, token: &str, roots: &str, etag: Option<&str>) -> Result<Fetched, NoAnswer> {
        let is_name_unknown = Arc::new(AtomicBool::default());
        let client = self.client(roots, Arc::clone(&is_name_unknown))?;
        let uri = format!("https://{}{ANSWER_PATH}", self.authority);
        let bearer = Zeroizing::new(format!("Bearer {token}"));
        let mut request = client.get(uri).header(header::AUTHORIZATION, bearer.as_str());
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let failed = |error| self.no_answer(&error, is_name_unknown.load(Ordering::Relaxed));
        let mut response = request.call().map_err(failed)?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Same);
        }
        let etag =
            response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let body = response.body_mut().with_config().limit(LIMIT).read_to_vec().map_err(failed)?;
        let body = Zeroizing::new(body);
        let unreadable = || NoAnswer::Unreadable { authority: self.authority.clone(), status };
        if status == StatusCode::OK {
            let answer = serde_json::from_slice(&body).map_err(|_| unreadable())?;
            return Ok(Fetched::New { answer, etag });
        }
        let Refusal { reason, message, denied } = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        Err(NoAnswer::Refused { reason, message, denied })
    }

    /// A client for one question: between two of them, minutes pass, and the roots may change.
    fn client(&self, roots: &str, is_name_unknown: Arc<AtomicBool>) -> Result<ureq::Agent, NoAnswer> {
        let roots = certificates(roots);
        if roots.is_empty() {
            return Err(NoAnswer::Roots);
        }
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::clone(&self.provider))
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            .proxy(None)
            .max_redirects(0)
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_connect(Some(CONNECT))
            .timeout_global(Some(WHOLE))
            .user_agent(concat!("keyhatch-agent/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = ServiceResolver { address: self.address, has_failed: is_name_unknown };
        Ok(ureq::Agent::with_parts(config, DefaultConnector::default(), resolver))
    }

    /// Sorts by what people do about it: look at dns, at the network, or at certificates.
    fn no_answer(&self, error: &ureq::Error, is_name_unknown: bool) -> NoAnswer {
        let authority = self.authority.clone();
        if let Some(tls) = tls_error(error) {
            return NoAnswer::Tls { authority, cause: tls.to_string() };
        }
        if is_name_unknown && self.address.is_none() {
            return NoAnswer::Name { authority };
        }
        let cause = match error {
            ureq::Error::ConnectionFailed => "nobody listens there".to_owned(),
            ureq::Error::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        NoAnswer::Connection { authority, is_name_unknown, cause }
    }
}

fn certificates(pem: &str) -> Vec<Certificate<'static>> {
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    };
    parse_pem(pem.as_bytes()).filter_map(certificate).collect()
}

/// What TLS says, wherever the client put it.
fn tls_error(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| {
            inner.downcast_ref().or_else(|| inner.source().and_then(|source| source.downcast_ref()))
        }),
        _ => None,
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("authority", &self.authority).finish_non_exhaustive()
    }
}
