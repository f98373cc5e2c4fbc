//! Throw-away certificate authorities and server certificates in PEM files.
//!
//! The defaults give what a TLS server on 127.0.0.1 needs; [`CertificateOptions`] makes the broken ones:
//! wrong names, expired, not yet valid, a key that belongs to another certificate. One [`Authority`] can
//! issue several times, which is how a rotation is tested.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What to write into a server certificate.
#[derive(Clone, Debug)]
pub(crate) struct CertificateOptions {
    /// DNS names and IP addresses.
    pub(crate) names: Vec<String>,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
    /// Write the key of another certificate into the key file.
    pub(crate) mismatched_key: bool,
}

impl Default for CertificateOptions {
    fn default() -> Self {
        let now = SystemTime::now();
        Self {
            names: vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
            not_before: now - HOUR,
            not_after: now + 24 * HOUR,
            mismatched_key: false,
        }
    }
}

impl CertificateOptions {
    /// Was valid until an hour ago.
    pub(crate) fn expired() -> Self {
        let now = SystemTime::now();
        Self { not_before: now - 48 * HOUR, not_after: now - HOUR, ..Self::default() }
    }
}

/// The PEM files of a server: the authority's certificate, the server's certificate and its private key.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    pub(crate) ca_file: PathBuf,
    pub(crate) cert_file: PathBuf,
    pub(crate) key_file: PathBuf,
}

/// A certificate authority with its key in memory.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "keyhatch test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(CertifiedIssuer::self_signed(params, key()).expect("a self-signed authority"))
    }

    /// Writes `ca.crt`, `tls.crt` and `tls.key` to `dir`, which is created when missing.
    pub(crate) fn issue(&self, dir: &Path, options: &CertificateOptions) -> Certificates {
        let leaf_key = key();
        let leaf = leaf(options).signed_by(&leaf_key, &self.0).expect("a signed certificate");
        let written_key = if options.mismatched_key { key() } else { leaf_key };
        fs::create_dir_all(dir).expect("the folder for certificates");
        Certificates {
            ca_file: write(dir, "ca.crt", &self.0.pem()),
            cert_file: write(dir, "tls.crt", &leaf.pem()),
            key_file: write(dir, "tls.key", &written_key.serialize_pem()),
        }
    }
}

impl Authority {
    /// The same for whoever calls a server: `client.crt` and `client.key`.
    pub(crate) fn issue_client(&self, dir: &Path) -> Certificates {
        let key = key();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "keyhatch test client");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.0).expect("a signed certificate");
        fs::create_dir_all(dir).expect("the folder for certificates");
        Certificates {
            ca_file: write(dir, "clients.crt", &self.0.pem()),
            cert_file: write(dir, "client.crt", &certificate.pem()),
            key_file: write(dir, "client.key", &key.serialize_pem()),
        }
    }
}

/// Files of a new authority and one server certificate of it.
pub(crate) fn certificates(dir: &Path, options: &CertificateOptions) -> Certificates {
    Authority::new().issue(dir, options)
}

/// An ECDSA P-256 key, which every party here can read.
pub(crate) fn key() -> KeyPair {
    KeyPair::generate().expect("a key pair")
}

fn leaf(options: &CertificateOptions) -> CertificateParams {
    let mut params = CertificateParams::new(options.names.clone()).expect("valid names");
    // Not the issuer's name, or clients take the certificate for a self-signed one.
    params.distinguished_name.push(DnType::CommonName, "keyhatch test server");
    params.not_before = options.not_before.into();
    params.not_after = options.not_after.into();
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// Replaces the file in one step, as a server may be watching it.
fn write(dir: &Path, name: &str, pem: &str) -> PathBuf {
    let (file, new) = (dir.join(name), dir.join(format!("{name}.new")));
    fs::write(&new, pem).and_then(|()| fs::rename(&new, &file)).expect("a writable folder for certificates");
    file
}
