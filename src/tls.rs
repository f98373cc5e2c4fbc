//! The serving certificate: read from files, checked before it is used, swapped under the running server.
//!
//! Files are re-read on a timer and compared: the kubelet replaces a mounted Secret by swapping a symbolic
//! link, which file watches miss (kubernetes/kubernetes#111947).

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use thiserror::Error;
use tracing::error;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where the serving certificate is.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// PEM: the leaf first, then what links it to the CA.
    pub cert: PathBuf,
    /// PEM: the leaf's private key.
    pub key: PathBuf,
    /// PEM: what clients must trust, for those whom we tell.
    pub ca: Option<PathBuf>,
}

/// Why a certificate cannot be served.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the files hold cannot be served.
    #[error("{} and {}: {problem}", cert.display(), key.display())]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        problem: PemError,
    },
}

/// Why a certificate and its key cannot be served.
#[derive(Debug, Error)]
pub enum PemError {
    /// No certificate in PEM form.
    #[error("there is no certificate in PEM form in the first")]
    NoCertificate,
    /// No private key in PEM form.
    #[error("there is no private key in PEM form in the second")]
    NoKey,
    /// The leaf is no X.509 certificate.
    #[error("the first certificate cannot be parsed")]
    Parse,
    /// The leaf is not valid now.
    #[error("the certificate {0}; renew it")]
    NotValid(String),
    /// Certificate and key do not belong together, or the key is of no kind that rustls serves.
    #[error("not a usable pair: {0}")]
    Pair(#[from] rustls::Error),
}

/// A certificate that can be served.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The TLS side of a server.
    pub config: Arc<ServerConfig>,
    /// The leaf's serial number, in hexadecimal.
    pub serial: String,
    /// Unix time at which it expires.
    pub not_after: i64,
    /// What clients must trust from now on, as PEM; empty if we are not told.
    pub roots: Arc<str>,
}

impl CertificateFiles {
    /// Reads and checks the certificate.
    ///
    /// # Errors
    /// If the files cannot be served at `now`; the message names the file and the cause.
    pub fn load(&self, now: SystemTime) -> Result<Certificate, CertificateError> {
        let Self { cert, key, ca: _ } = self;
        let Pem { cert: cert_pem, key: key_pem, roots } = self.read()?;
        let at = |problem| CertificateError::Unusable { cert: cert.clone(), key: key.clone(), problem };
        Certificate::from_pem(&cert_pem, &key_pem, &roots, now).map_err(at)
    }

    fn read(&self) -> Result<Pem, CertificateError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|source| CertificateError::Read { path: path.clone(), source })
        };
        let roots = self.ca.as_ref().map(read).transpose()?.unwrap_or_default();
        let roots = String::from_utf8_lossy(&roots).into_owned();
        Ok(Pem { cert: read(&self.cert)?, key: read(&self.key)?, roots })
    }
}

/// What the files hold.
#[derive(PartialEq, Eq)]
struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
    roots: String,
}

impl Certificate {
    /// Reads a certificate (leaf first) and its key, and checks that they can be served at `now`. `roots` is what
    /// clients must trust.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn from_pem(cert: &[u8], key: &[u8], roots: &str, now: SystemTime) -> Result<Self, PemError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert).collect();
        let chain = chain.map_err(|_| PemError::NoCertificate)?;
        let leaf = chain.first().ok_or(PemError::NoCertificate)?;
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| PemError::Parse)?;
        let (serial, not_after) = (parsed.raw_serial_as_string(), check_validity(&parsed, now)?);
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|_| PemError::NoKey)?;
        let pair = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())?;
        let resolver = Arc::new(SingleCertAndKey::from(pair));
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), serial, not_after, roots: roots.into() })
    }
}

/// Hands new files on when they change, until the process ends. What cannot be served is reported once and left
/// alone: the certificate before stays.
pub async fn follow(files: CertificateFiles, every: Duration, serve: impl Fn(Certificate)) {
    let mut served = files.read().ok();
    let mut told = String::new();
    let mut timer = tokio::time::interval(every);
    loop {
        timer.tick().await;
        let present = files.read().ok();
        if present == served {
            continue;
        }
        // Tried again every time: the pair may be half-written, or its time yet to come.
        match files.load(SystemTime::now()) {
            Ok(certificate) => {
                serve(certificate);
                served = present;
                told.clear();
            }
            Err(error) => {
                let text = error.to_string();
                if text != told {
                    error!(error = text, "the new certificate cannot be served; the one before stays");
                    told = text;
                }
            }
        }
    }
}

/// Answers the leaf's end of validity as Unix time.
fn check_validity(leaf: &X509Certificate<'_>, now: SystemTime) -> Result<i64, PemError> {
    let validity = leaf.validity();
    let now =
        now.duration_since(UNIX_EPOCH).ok().and_then(|t| i64::try_from(t.as_secs()).ok()).unwrap_or_default();
    if now > validity.not_after.timestamp() {
        return Err(PemError::NotValid(format!("expired at {}", validity.not_after)));
    }
    if now < validity.not_before.timestamp() {
        return Err(PemError::NotValid(format!("is valid only from {}", validity.not_before)));
    }
    Ok(validity.not_after.timestamp())
}
