//! The flags about AWS and about what is kept of its answers, of `serve` and, in part, of `resolve`.

use std::time::Duration;

use clap::Args;

use super::certificates::{duration_flag, positive_duration};
use crate::cache::Limits;
use crate::quantity;
use crate::source::clients::ClientConfig;
use crate::source::plan::Ambient;

/// Where AWS is, and who may ask it as this process.
#[derive(Debug, Args)]
pub(super) struct AwsFlags {
    /// Which stores without auth may use the AWS identity of this process.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_AMBIENT_CREDENTIALS")]
    pub(super) ambient_credentials: Ambient,
    /// Endpoint of Secrets Manager, instead of AWS's own.
    #[arg(long, value_name = "URL", env = "AWS_SECRETSMANAGER_ENDPOINT")]
    secretsmanager_endpoint: Option<String>,
    /// Endpoint of STS, instead of AWS's own.
    #[arg(long, value_name = "URL", env = "AWS_STS_ENDPOINT")]
    sts_endpoint: Option<String>,
}

impl AwsFlags {
    /// Where AWS is.
    pub(super) fn clients(&self) -> ClientConfig {
        ClientConfig {
            secrets_manager_endpoint: self.secretsmanager_endpoint.clone(),
            sts_endpoint: self.sts_endpoint.clone(),
            ..ClientConfig::default()
        }
    }
}

/// What is kept of AWS's answers, and how changes of credentials are noticed.
#[derive(Debug, Args)]
pub(super) struct CacheFlags {
    /// The oldest answer that is given while AWS cannot be reached.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration_flag)]
    max_stale: Duration,
    /// How long an answer is kept after it was last asked for.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = positive_duration)]
    cache_idle: Duration,
    /// How long it is believed that there is no such secret.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration_flag)]
    cache_not_found: Duration,
    /// How long it is believed that a secret may not be read.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration_flag)]
    cache_denied: Duration,
    /// Bytes of all answers that are kept.
    #[arg(long, value_name = "BYTES", default_value = "64Mi", value_parser = quantity::bytes)]
    cache_bytes: u64,
    /// Bytes of the answers that are kept for one store.
    #[arg(long, value_name = "BYTES", default_value = "16Mi", value_parser = quantity::bytes)]
    cache_bytes_per_store: u64,
    /// Watch the Secrets and ServiceAccounts that stores name, so that a change counts at once and not within ten
    /// seconds. Needs the right to list them, which is the right to read all.
    #[arg(long, env = "KEYHATCH_WATCH_CREDENTIALS")]
    pub(super) watch_credentials: bool,
}

impl CacheFlags {
    /// The limits of the cache.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            idle: self.cache_idle,
            max_stale: self.max_stale,
            not_found: self.cache_not_found,
            denied: self.cache_denied,
            bytes: self.cache_bytes,
            bytes_per_store: self.cache_bytes_per_store,
            ..Limits::default()
        }
    }
}
