//! `keyhatch serve`: flags to [`Config`], then the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Failure;
use super::rules::RuleFlags;
use crate::go::duration;
use crate::policy::Enforce;
use crate::server::{self, Config};
use crate::telemetry::{self, LogFormat};
use crate::tls::CertificateFiles;

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where the API server calls, over TLS.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:10250", env = "KEYHATCH_WEBHOOK_LISTEN")]
    webhook_listen: SocketAddr,
    /// Where probes and Prometheus call: /healthz, /readyz?verbose, /metrics, in plain HTTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "KEYHATCH_HEALTH_LISTEN")]
    health_listen: SocketAddr,
    /// Serving certificate in PEM form, leaf first. Read again when it changes.
    #[arg(long, value_name = "FILE", env = "KEYHATCH_TLS_CERT_FILE")]
    tls_cert_file: PathBuf,
    /// Its private key in PEM form.
    #[arg(long, value_name = "FILE", env = "KEYHATCH_TLS_KEY_FILE")]
    tls_key_file: PathBuf,
    /// How often the certificate's files are looked at, such as 30s.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = positive_duration)]
    tls_reload_interval: Duration,
    /// What happens to objects with mistakes: deny refuses them, warn admits and counts them.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_ENFORCE")]
    enforce: Enforce,
    #[command(flatten)]
    rules: RuleFlags,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_LOG_FORMAT")]
    log_format: LogFormat,
    /// Least important level that is logged: error, warn, info or debug (debug tells admitted objects, too).
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "KEYHATCH_LOG_LEVEL",
          value_parser = ["error", "warn", "info", "debug"])]
    log_level: String,
}

impl Serve {
    /// Serves until the process is told to end.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self {
            webhook_listen,
            health_listen,
            tls_cert_file,
            tls_key_file,
            tls_reload_interval,
            enforce,
            rules,
            log_format,
            log_level,
        } = self;
        telemetry::init(log_format, &log_level);
        let config = Config {
            webhook_listen,
            health_listen,
            certificate: CertificateFiles { cert: tls_cert_file, key: tls_key_file },
            certificate_interval: tls_reload_interval,
            settings: rules.settings(enforce),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(server::serve(config))?;
        Ok(())
    }
}

/// A Go duration of more than nothing.
fn positive_duration(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).map_err(|error| error.to_string())?;
    match u64::try_from(parsed.0) {
        Ok(nanoseconds) if nanoseconds > 0 => Ok(Duration::from_nanos(nanoseconds)),
        _ => Err("must be more than 0".into()),
    }
}
