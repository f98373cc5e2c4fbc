//! Finds the broker: by its Service's name, else by the Service's address. Certificates are checked against the name
//! either way, so a wrong address can refuse service and nothing else.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Names first, and the address behind them.
#[derive(Debug)]
pub(crate) struct ServiceResolver {
    /// The ClusterIP.
    pub(crate) address: Option<IpAddr>,
    /// Whether the last name was not found: an error message needs it.
    pub(crate) has_failed: Arc<AtomicBool>,
}

impl Resolver for ServiceResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let named = DefaultResolver::default().resolve(uri, config, timeout);
        self.has_failed.store(named.is_err(), Ordering::Relaxed);
        let (Some(address), Some(port)) = (self.address, uri.port_u16()) else {
            return named;
        };
        let mut all = named.unwrap_or_else(|_| self.empty());
        let address = SocketAddr::new(address, port);
        if !all.contains(&address) {
            all.push(address);
        }
        Ok(all)
    }
}
