//! The flags about what is put into pods, of `serve` and `inject`.

use clap::Args;

use crate::inject::Installation;

/// What is put into pods.
#[derive(Debug, Args)]
pub(super) struct InjectionFlags {
    /// Image of keyhatch-agent, which brings pods their secrets. Without it pods that ask for secrets are refused.
    #[arg(long, value_name = "IMAGE", env = "KEYHATCH_AGENT_IMAGE")]
    agent_image: Option<String>,
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
    /// Whether pods may share their process namespace.
    pub(super) fn allows_shared_pid(&self) -> bool {
        self.allow_shared_pid
    }

    /// What is put into pods that trust these authorities.
    pub(super) fn installation(self, roots: String) -> Installation {
        Installation {
            image: self.agent_image.filter(|image| !image.is_empty()),
            broker: self.broker_name,
            broker_address: self.broker_address.map(|address| address.to_string()),
            roots,
            allow_shared_pid: self.allow_shared_pid,
            kubernetes: None,
        }
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
