//! `keyhatch webhook-config`: the configurations for a server that the API server reaches by URL or as a Service.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::Failure;
use crate::webhook_config::{self, Address, Target};

/// Flags of `webhook-config`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  keyhatch webhook-config --service keyhatch/keyhatch | kubectl apply -f -
  keyhatch webhook-config --url https://10.0.0.7:10250 --ca-file ca.crt | kubectl apply -f -")]
pub(super) struct WebhookConfig {
    /// Where the API server reaches the server: https://HOST:PORT.
    #[arg(long, value_name = "URL", value_parser = https_url, required_unless_present = "service")]
    url: Option<String>,
    /// The Service in front of the server, at port 443; its namespace is spared.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = service, conflicts_with = "url")]
    service: Option<(String, String)>,
    /// The CA that signed the serving certificate, in PEM form; not needed if Keyhatch makes its own certificate,
    /// for then it keeps the configuration's caBundle itself.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Let namespaces decide for themselves, with the label keyhatch.dev/enforce: warn or deny.
    #[arg(long)]
    allow_namespace_enforce: bool,
}

impl WebhookConfig {
    /// Prints both configurations, as one List.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { url, service, ca_file, allow_namespace_enforce } = self;
        let address = match &service {
            Some((namespace, name)) => Address::Service { namespace, name },
            None => Address::Url(url.as_deref().unwrap_or_default()),
        };
        let bundle = ca_file.as_deref().map(read_ca).transpose()?;
        let target = Target { address, ca_bundle: bundle.as_deref(), allow_namespace_enforce };
        let config = webhook_config::list(&target);
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &config)?;
        writeln!(out)?;
        Ok(())
    }
}

/// The CA's file, in base64.
fn read_ca(path: &Path) -> Result<String, Failure> {
    let ca = fs::read(path).map_err(|error| format!("--ca-file {}: {error}", path.display()))?;
    if !String::from_utf8_lossy(&ca).contains("-----BEGIN CERTIFICATE-----") {
        return Err(format!("--ca-file {}: holds no certificate in PEM form", path.display()).into());
    }
    Ok(STANDARD.encode(ca))
}

/// The API server calls nothing but https, without a query.
fn https_url(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").unwrap_or_default().trim_end_matches('/');
    let is_plain = !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    if is_plain { Ok(text.to_owned()) } else { Err("write https://HOST:PORT".into()) }
}

/// Two words, as kubectl writes an object of a namespace.
fn service(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write NAMESPACE/NAME".into()),
    }
}
