//! Clients of Secrets Manager and STS: settings and credentials in, the SDK's clients out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};

use super::calls::Calls;
use crate::api::secret_store::RetrySettings;
use crate::go::duration;

/// Where AWS is, and how long it has to answer.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Instead of AWS's own endpoint of Secrets Manager; without it `AWS_ENDPOINT_URL*` count.
    pub secrets_manager_endpoint: Option<String>,
    /// Instead of AWS's own endpoint of STS.
    pub sts_endpoint: Option<String>,
    /// For one attempt.
    pub attempt_timeout: Duration,
    /// For a call with all its attempts.
    pub call_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            secrets_manager_endpoint: None,
            sts_endpoint: None,
            attempt_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(15),
        }
    }
}

/// What makes clients. They share connections.
pub(super) struct Clients {
    base: SdkConfig,
    config: ClientConfig,
    /// What is counted of every call.
    pub(super) calls: Arc<Calls>,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Attempts of a call, the first included, where the store does not say.
const ATTEMPTS: u32 = 6;
/// The pause before the second attempt; it doubles up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_secs(2);
/// Attempts where a store's retrySettings name a pause only.
const ATTEMPTS_WITH_INTERVAL: u32 = 3;

impl Clients {
    /// Reads the environment and the profile, as AWS's own tools do.
    pub(super) async fn load(config: ClientConfig, calls: Arc<Calls>) -> Self {
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .or_else(Region::from_static("us-east-1"));
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(config.attempt_timeout)
            .operation_timeout(config.call_timeout)
            .build();
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(region).timeout_config(timeouts);
        Self { base: loader.load().await, config, calls }
    }

    /// Keyhatch's own credentials, or the caller's.
    pub(super) fn own(&self) -> Option<SharedCredentialsProvider> {
        self.base.credentials_provider()
    }

    /// Where secrets of a region are, as a part of cache keys.
    pub(super) fn place(&self, region: &str) -> String {
        match &self.config.secrets_manager_endpoint {
            Some(endpoint) => format!("{region} {endpoint}"),
            None => region.to_owned(),
        }
    }

    pub(super) fn secrets_manager(
        &self,
        credentials: Credentials,
        region: &str,
        retry: Option<&RetrySettings>,
    ) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&self.base)
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials)
            .retry_config(retry_config(retry));
        if let Some(endpoint) = &self.config.secrets_manager_endpoint {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// A client of STS in a region; without credentials only a token can be exchanged.
    pub(super) fn sts(&self, credentials: Option<Credentials>, region: &str) -> aws_sdk_sts::Client {
        let mut config = aws_sdk_sts::config::Builder::from(&self.base)
            .region(Region::new(region.to_owned()))
            .retry_config(retry_config(None));
        config.set_credentials_provider(credentials.map(SharedCredentialsProvider::new));
        if let Some(endpoint) = &self.config.sts_endpoint {
            config = config.endpoint_url(endpoint);
        }
        aws_sdk_sts::Client::from_conf(config.build())
    }
}

/// Asks a provider for credentials now.
pub(super) async fn provide(provider: &SharedCredentialsProvider) -> Result<Credentials, String> {
    provider.provide_credentials().await.map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    })
}

/// A store's retrySettings: attempts in all, and a fixed pause; what it does not say is ours.
pub(super) fn retry_config(settings: Option<&RetrySettings>) -> RetryConfig {
    let interval = settings.and_then(|settings| settings.retry_interval.as_deref());
    let interval = interval.and_then(|text| duration::parse(text).ok());
    let interval = interval.and_then(|parsed| u64::try_from(parsed.0).ok()).filter(|nanos| *nanos > 0);
    let attempts = settings
        .and_then(|settings| settings.max_retries)
        .and_then(|attempts| u32::try_from(attempts).ok())
        .filter(|attempts| *attempts > 0);
    let config = RetryConfig::standard();
    match interval.map(Duration::from_nanos) {
        Some(pause) => config
            .with_max_attempts(attempts.unwrap_or(ATTEMPTS_WITH_INTERVAL))
            .with_initial_backoff(pause)
            .with_max_backoff(pause),
        None => config
            .with_max_attempts(attempts.unwrap_or(ATTEMPTS))
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(MAX_BACKOFF),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_says_how_often_and_with_which_pause() {
        let settings = |max_retries, interval: Option<&str>| RetrySettings {
            max_retries,
            retry_interval: interval.map(str::to_owned),
        };
        for (settings, attempts, pause) in [
            (settings(None, None), ATTEMPTS, FIRST_BACKOFF),
            (settings(Some(2), None), 2, FIRST_BACKOFF),
            (settings(None, Some("3s")), 3, Duration::from_secs(3)),
            (settings(Some(9), Some("1m")), 9, Duration::from_secs(60)),
            (settings(Some(-1), Some("0s")), ATTEMPTS, FIRST_BACKOFF),
            (settings(Some(0), Some("soon")), ATTEMPTS, FIRST_BACKOFF),
        ] {
            let config = retry_config(Some(&settings));
            assert_eq!((config.max_attempts(), config.initial_backoff()), (attempts, pause), "{settings:?}");
        }
    }
}
