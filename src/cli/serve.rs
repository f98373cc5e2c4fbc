//! `keyhatch serve`: flags to [`Config`], then the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Failure;
use super::certificates::{CertificateFlags, duration_flag, positive_duration};
use super::injection::InjectionFlags;
use super::loops::LoopFlags;
use super::pods::PodFlags;
use super::rules::RuleFlags;
use crate::policy::{Enforce, Preflight};
use crate::server::admission::AdmissionConfig;
use crate::server::{self, Config, FlowConfigs};
use crate::telemetry::{self, LogFormat};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Flow {
    /// Answer the API server's reviews.
    Admission,
    /// Give pods their secrets.
    Pods,
    /// Keep what objects say, if this replica leads.
    Loops,
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// What is done: admission answers the API server's reviews; pods gives pods their secrets, and loops
    /// keeps what objects say; both need rights of their own. Keyhatch's own certificates are kept by those that answer
    /// reviews; others serve what those keep.
    #[arg(
        long,
        value_enum,
        value_name = "FLOWS",
        value_delimiter = ',',
        default_value = "admission",
        env = "KEYHATCH_FLOWS"
    )]
    flows: Vec<Flow>,
    /// What is done besides: for manifests that add a flow and do not know which others there are.
    #[arg(long, value_enum, value_name = "FLOWS", value_delimiter = ',', env = "KEYHATCH_MORE_FLOWS")]
    more_flows: Vec<Flow>,
    /// Where the API server calls, over TLS.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:10250", env = "KEYHATCH_WEBHOOK_LISTEN")]
    webhook_listen: SocketAddr,
    /// Where probes and Prometheus call: /healthz, /readyz?verbose, /metrics, in plain HTTP.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", env = "KEYHATCH_HEALTH_LISTEN")]
    health_listen: SocketAddr,
    #[command(flatten)]
    certificates: CertificateFlags,
    /// The kubeconfig of the cluster, instead of the one that Keyhatch runs in. With a cluster, objects are judged by
    /// what is known of the stores that they name.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// How long connections are still accepted after SIGTERM, until nobody sends any more.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration_flag)]
    drain_delay: Duration,
    /// How often Keyhatch asks whether it has the rights and the kinds that it needs; /readyz?verbose tells.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = positive_duration)]
    rights_check_interval: Duration,
    /// What happens to objects with mistakes: deny refuses them, warn admits and counts them.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_ENFORCE")]
    enforce: Enforce,
    #[command(flatten)]
    rules: RuleFlags,
    /// What happens to a pod whose secrets AWS does not give now: warn tells, deny also refuses the pods that somebody makes by
    /// hand. Only where the flows admission and pods run together; otherwise nobody is there to ask.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_PREFLIGHT")]
    preflight: Preflight,
    #[command(flatten)]
    injection: InjectionFlags,
    #[command(flatten)]
    pods: PodFlags,
    #[command(flatten)]
    loops: LoopFlags,
    /// Also look at Secrets, ConfigMaps and ServiceAccounts (names of keys, never values), and warn about those that are
    /// missing. Needs the right to list and watch them in all namespaces.
    #[arg(long, env = "KEYHATCH_CLUSTER_CHECKS")]
    cluster_checks: bool,
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
            flows,
            more_flows,
            webhook_listen,
            health_listen,
            certificates,
            kubeconfig,
            drain_delay,
            rights_check_interval,
            enforce,
            rules,
            preflight,
            injection,
            pods,
            loops,
            cluster_checks,
            log_format,
            log_level,
        } = self;
        let flows = [flows, more_flows].concat();
        if preflight == Preflight::Deny && !flows.contains(&Flow::Pods) {
            return Err("--preflight=deny needs --flows=admission,pods: AWS is asked by the flow pods".into());
        }
        let _logging = telemetry::init(log_format, &log_level);
        let leadership = certificates.leadership();
        let answers_reviews = flows.contains(&Flow::Admission);
        let installation = injection.installation(String::new())?;
        let flows = FlowConfigs {
            pods: flows.contains(&Flow::Pods).then(|| pods.config(installation.allow_shared_pid)),
            admission: answers_reviews.then(|| AdmissionConfig {
                listen: webhook_listen,
                settings: rules.settings(enforce, loops.adopt),
                cluster_checks,
                preflight,
                installation,
            }),
            loops: flows.contains(&Flow::Loops).then(|| loops.config(leadership.of_loops())),
            secrets: pods.secrets(),
        };
        let config = Config {
            health_listen,
            certificates: certificates.into_source(answers_reviews),
            leadership,
            kubeconfig,
            drain_delay,
            rights_check_interval,
            flows,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(runtime.block_on(server::serve(config))?)
    }
}
