//! The flags about certificates, of `serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::certificates::Certificates;
use crate::go::duration;
use crate::leader::Candidate;
use crate::server::leadership::Leadership;
use crate::tls::CertificateFiles;
use crate::trust::{Lifetimes, Names};

/// Where the serving certificate comes from: files, or Keyhatch's own CA in a Secret.
#[derive(Debug, Args)]
pub(super) struct CertificateFlags {
    /// Serving certificate in PEM form, leaf first. Read again when it changes. Without it Keyhatch makes its own.
    #[arg(long, value_name = "FILE", env = "KEYHATCH_TLS_CERT_FILE", requires = "tls_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// Its private key in PEM form.
    #[arg(long, value_name = "FILE", env = "KEYHATCH_TLS_KEY_FILE", requires = "tls_cert_file")]
    tls_key_file: Option<PathBuf>,
    /// Certificates of the authorities that clients must trust, in PEM form; pods are told. Not needed without
    /// --tls-cert-file, nor without the flow pods.
    #[arg(long, value_name = "FILE", env = "KEYHATCH_TLS_CA_FILE", requires = "tls_cert_file")]
    tls_ca_file: Option<PathBuf>,
    /// How often the certificate's files are looked at, such as 30s.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = positive_duration)]
    tls_reload_interval: Duration,
    /// Namespace of the Secret and the Lease.
    #[arg(long, value_name = "NAME", default_value = "keyhatch", env = "POD_NAMESPACE")]
    namespace: String,
    /// Secret that holds Keyhatch's own CA and certificate.
    #[arg(long, value_name = "NAME", default_value = "keyhatch-tls")]
    tls_secret: String,
    /// What its own certificate is valid for, a name or an address. Can be repeated.
    #[arg(long = "tls-host", value_name = "HOST", default_values = ["keyhatch.keyhatch.svc"])]
    tls_hosts: Vec<String>,
    /// Webhook configuration whose caBundle is kept.
    #[arg(long, value_name = "NAME", default_value = "keyhatch")]
    webhook_configuration: String,
    /// The same of pods, if there is one.
    #[arg(long, value_name = "NAME", default_value = "zz-keyhatch")]
    pod_webhook_configuration: String,
    /// Lifetime of its own certificate, which is renewed at half of it.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = positive_duration)]
    leaf_lifetime: Duration,
    /// Lifetime of its own CA, whose successor is introduced after two thirds of it.
    #[arg(long, value_name = "DURATION", default_value = "8760h", value_parser = positive_duration)]
    ca_lifetime: Duration,
    /// A new CA signs only after it has been trusted for so long.
    #[arg(long, value_name = "DURATION", default_value = "168h", value_parser = positive_duration)]
    ca_settle: Duration,
    /// Name of this replica in the Lease of whoever writes.
    #[arg(long, value_name = "NAME", default_value = "keyhatch", env = "POD_NAME")]
    identity: String,
    /// How long the Lease lasts without renewal.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = lease_duration)]
    lease_duration: Duration,
}

impl CertificateFlags {
    /// Where the certificate comes from; whether this process may keep our own, or serves what others keep.
    pub(super) fn into_source(self, may_keep: bool) -> Certificates {
        if let (Some(cert), Some(key)) = (self.tls_cert_file, self.tls_key_file) {
            return Certificates::Files {
                files: CertificateFiles { cert, key, ca: self.tls_ca_file },
                every: self.tls_reload_interval,
            };
        }
        let names = Names {
            namespace: self.namespace,
            secret: self.tls_secret,
            webhook: self.webhook_configuration,
            pod_webhook: self.pod_webhook_configuration,
            hosts: self.tls_hosts,
        };
        if !may_keep {
            return Certificates::Followed { names, leaf: self.leaf_lifetime };
        }
        Certificates::SelfManaged {
            names,
            lifetimes: Lifetimes { leaf: self.leaf_lifetime, ca: self.ca_lifetime, settle: self.ca_settle },
        }
    }

    /// How it is decided who writes, certificates and whatever else only one may.
    pub(super) fn leadership(&self) -> Leadership {
        let candidate = Candidate {
            lease: "keyhatch".into(),
            // A process that was stopped and one that took its pod's name must not take each other for themselves.
            identity: format!("{}_{}", self.identity, uuid_like()),
            duration: self.lease_duration,
            margin: self.lease_duration / 5,
        };
        Leadership { namespace: self.namespace.clone(), candidate }
    }
}

/// Different in every process: the hash of nothing, by the process's own random keys.
fn uuid_like() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// A Go duration of whole seconds: a Lease has no smaller ones.
fn lease_duration(text: &str) -> Result<Duration, String> {
    match duration_flag(text)? {
        duration if duration.as_secs() == 0 || duration.subsec_nanos() != 0 => {
            Err("must be whole seconds".into())
        }
        duration => Ok(duration),
    }
}

/// A Go duration that is not negative.
pub(super) fn duration_flag(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).map_err(|error| error.to_string())?;
    u64::try_from(parsed.0).map(Duration::from_nanos).map_err(|_| "must not be negative".into())
}

/// A Go duration of more than nothing.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    duration_flag(text).and_then(|duration| match duration {
        Duration::ZERO => Err("must be more than 0".into()),
        duration => Ok(duration),
    })
}
