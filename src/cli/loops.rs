//! The flags about loops, of `serve`.

use std::time::Duration;

use clap::Args;

use super::certificates::positive_duration;
use crate::api::secret_store::Adopt;
use crate::loops::Settings;
use crate::server::leadership::Leadership;
use crate::server::loops::LoopsConfig;

/// Whose objects are kept as they say, and how.
#[derive(Debug, Args)]
pub(super) struct LoopFlags {
    /// Whose objects the flow loops takes care of: none but those of stores with spec.controller: keyhatch, or all that
    /// name no controller, too. Another operator must then not run.
    #[arg(long, value_enum, default_value_t, env = "KEYHATCH_ADOPT")]
    pub(super) adopt: Adopt,
    /// A key that changes all the time is pushed no more often than this, once it had a burst of changes. AWS keeps a
    /// version for a day and has room for 100: 72 a day leave some for bursts.
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = positive_duration)]
    min_push_interval: Duration,
    /// Objects that are worked on at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=256))]
    loop_workers: usize,
    /// Also serve metrics under the names of External Secrets Operator, for its dashboards. Not beside the operator: both
    /// would tell of the same objects.
    #[arg(long, env = "KEYHATCH_ESO_METRICS")]
    eso_metrics: bool,
}

impl LoopFlags {
    /// What the flow is started with.
    pub(super) fn config(&self, leadership: Leadership) -> LoopsConfig {
        let Self { adopt, min_push_interval, loop_workers, eso_metrics } = *self;
        LoopsConfig {
            eso_metrics,
            settings: Settings { adopt, min_push_interval, workers: loop_workers },
            namespace: leadership.namespace,
            lease: leadership.candidate.lease,
        }
    }
}
