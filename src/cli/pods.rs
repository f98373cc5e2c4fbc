//! The flags about pods, of `serve`.

use std::net::SocketAddr;

use clap::Args;

use super::source::{AwsFlags, CacheFlags};
use crate::server::pods::PodsConfig;
use crate::server::secrets::SecretsConfig;

/// Where pods ask, and where their secrets come from.
#[derive(Debug, Args)]
pub(super) struct PodFlags {
    /// Where the agents in pods call, over TLS. Only with the flow pods.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:10251", env = "KEYHATCH_BROKER_LISTEN")]
    broker_listen: SocketAddr,
    #[command(flatten)]
    aws: AwsFlags,
    #[command(flatten)]
    cache: CacheFlags,
}

impl PodFlags {
    /// What the flow is started with.
    pub(super) fn config(&self, allow_shared_pid: bool) -> PodsConfig {
        PodsConfig { listen: self.broker_listen, allow_shared_pid }
    }

    /// Where secrets come from, of pods and of loops.
    pub(super) fn secrets(&self) -> SecretsConfig {
        SecretsConfig {
            clients: self.aws.clients(),
            ambient: self.aws.ambient_credentials,
            limits: self.cache.limits(),
            watch_credentials: self.cache.watch_credentials,
        }
    }
}
