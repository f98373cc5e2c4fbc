//! The flags about what is put into pods, of `serve` and `inject`.

use clap::Args;

use crate::inject::Installation;
use crate::inject::resources::{Amounts, Resources, ResourcesError};

/// What is put into pods.
#[derive(Debug, Args)]
pub(super) struct InjectionFlags {
    /// Image of keyhatch-agent, which brings pods their secrets. Without it pods that ask for secrets are refused.
    #[arg(long, value_name = "IMAGE", env = "KEYHATCH_AGENT_IMAGE")]
    agent_image: Option<String>,
    /// What the agent requests, where that is not the usual: cpu=10m,memory=16Mi,ephemeral-storage=16Mi.
    #[arg(long, value_name = "NAME=AMOUNT,…", env = "KEYHATCH_AGENT_REQUESTS")]
    agent_requests: Option<Amounts>,
    /// What the agent is limited to, where that is not the usual: cpu=200m,memory=48Mi,ephemeral-storage=16Mi. What pods
    /// are given counts as its memory.
    #[arg(long, value_name = "NAME=AMOUNT,…", env = "KEYHATCH_AGENT_LIMITS")]
    agent_limits: Option<Amounts>,
    /// Where the agent asks: the name in the broker's certificate, and its port.
    #[arg(long, value_name = "HOST:PORT", default_value = "keyhatch.keyhatch.svc:10251", value_parser = host_port,
          env = "KEYHATCH_BROKER_NAME")]
    broker_name: String,
    /// The address of that Service, for pods that cannot resolve names; the kubelet knows it.
    #[arg(long, value_name = "IP", env = "KEYHATCH_SERVICE_HOST")]
    broker_address: Option<std::net::IpAddr>,
    /// Also inject into pods whose containers see each other's processes, and so each other's secrets; and give them
    /// secrets, where the flow pods runs.
    #[arg(long, env = "KEYHATCH_ALLOW_SHARED_PID")]
    allow_shared_pid: bool,
}

impl InjectionFlags {
    /// What is put into pods that trust these authorities.
    ///
    /// # Errors
    /// Resources that no container can have.
    pub(super) fn installation(self, roots: String) -> Result<Installation, ResourcesError> {
        let (requests, limits) = (self.agent_requests, self.agent_limits);
        Ok(Installation {
            image: self.agent_image.filter(|image| !image.is_empty()),
            resources: Resources::new(requests.unwrap_or_default(), limits.unwrap_or_default())?,
            broker: self.broker_name,
            broker_address: self.broker_address.map(|address| address.to_string()),
            roots,
            allow_shared_pid: self.allow_shared_pid,
            kubernetes: None,
        })
    }
}

fn host_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
            Ok(text.to_owned())
        }
        _ => Err("write HOST:PORT".into()),
    }
}
