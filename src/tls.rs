//! The serving certificate: read from files, checked before it is used, swapped under the running server.
//!
//! Files are re-read on a timer and compared: the kubelet replaces a mounted Secret by swapping a symbolic
//! link, which file watches miss (kubernetes/kubernetes#111947).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use thiserror::Error;
use tracing::{error, info};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Where the serving certificate is.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// PEM: the leaf first, then what links it to the CA.
    pub cert: PathBuf,
    /// PEM: the leaf's private key.
    pub key: PathBuf,
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
    /// A file has no PEM of the wanted kind.
    #[error("{}: holds no {wanted} in PEM form", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// `certificate` or `private key`.
        wanted: &'static str,
    },
    /// The leaf is no X.509 certificate.
    #[error("{}: its first certificate cannot be parsed", path.display())]
    Parse {
        /// Which.
        path: PathBuf,
    },
    /// The leaf is not valid now.
    #[error("{}: the certificate {problem}; renew it", path.display())]
    NotValid {
        /// Which.
        path: PathBuf,
        /// `expired at …` or `is valid from …`.
        problem: String,
    },
    /// Certificate and key do not belong together, or the key is of no kind that rustls serves.
    #[error("{} and {}: not a usable pair: {source}", cert.display(), key.display())]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// A certificate that can be served.
#[derive(Debug)]
pub struct Certificate {
    config: Arc<ServerConfig>,
    /// Unix time at which it expires.
    pub not_after: i64,
}

impl CertificateFiles {
    /// Reads and checks the certificate.
    ///
    /// # Errors
    /// If the files cannot be served at `now`; the message names the file and the cause.
    pub fn load(&self, now: SystemTime) -> Result<Certificate, CertificateError> {
        let Self { cert, key } = self;
        let (cert_pem, key_pem) = self.read()?;
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&cert_pem)
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::Pem { path: cert.clone(), wanted: "certificate" })?;
        let Some(leaf) = chain.first() else {
            return Err(CertificateError::Pem { path: cert.clone(), wanted: "certificate" });
        };
        let not_after = check_validity(leaf, cert, now)?;
        let private = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|_| CertificateError::Pem { path: key.clone(), wanted: "private key" })?;
        let pair = CertifiedKey::from_der(chain, private, &aws_lc_rs::default_provider())
            .map_err(|source| CertificateError::Pair { cert: cert.clone(), key: key.clone(), source })?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Certificate { config: Arc::new(config), not_after })
    }

    fn read(&self) -> Result<(Vec<u8>, Vec<u8>), CertificateError> {
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|source| CertificateError::Read { path: path.clone(), source })
        };
        Ok((read(&self.cert)?, read(&self.key)?))
    }
}

impl Certificate {
    /// The TLS side of a server that serves this certificate.
    pub fn into_server(self) -> RustlsConfig {
        RustlsConfig::from_config(self.config)
    }

    /// Swaps this certificate into a running server.
    pub fn swap_into(self, server: &RustlsConfig) {
        server.reload_from_config(self.config);
    }
}

/// Serves new files when they change, until the process ends. What cannot be served is reported once and
/// left alone: the certificate before stays.
pub async fn follow(
    files: CertificateFiles,
    server: RustlsConfig,
    every: Duration,
    mut served: impl FnMut(i64),
) {
    let mut last = files.read().ok();
    let mut timer = tokio::time::interval(every);
    loop {
        timer.tick().await;
        let present = files.read().ok();
        if present == last {
            continue;
        }
        last = present;
        match files.load(SystemTime::now()) {
            Ok(certificate) => {
                info!(not_after = certificate.not_after, "serving the new certificate");
                served(certificate.not_after);
                certificate.swap_into(&server);
            }
            Err(error) => error!(%error, "the new certificate cannot be served; the one before stays"),
        }
    }
}

/// Answers the leaf's end of validity as Unix time.
fn check_validity(leaf: &CertificateDer<'_>, path: &Path, now: SystemTime) -> Result<i64, CertificateError> {
    let parsed = X509Certificate::from_der(leaf);
    let (_, parsed) = parsed.map_err(|_| CertificateError::Parse { path: path.to_owned() })?;
    let validity = parsed.validity();
    let now =
        now.duration_since(UNIX_EPOCH).ok().and_then(|t| i64::try_from(t.as_secs()).ok()).unwrap_or_default();
    let problem = if now > validity.not_after.timestamp() {
        format!("expired at {}", validity.not_after)
    } else if now < validity.not_before.timestamp() {
        format!("is valid only from {}", validity.not_before)
    } else {
        return Ok(validity.not_after.timestamp());
    };
    Err(CertificateError::NotValid { path: path.to_owned(), problem })
}
