//! The flows that are wanted, as one: their counters, their rights, and both until the end.

use std::sync::Arc;

use futures_util::FutureExt;

use super::admission::Admission;
use super::loops::Loops;
use super::pods::Pods;
use super::secrets::Secrets;
use super::{FlowConfigs, ServeError, Shared};
use crate::broker::Reviews;
use crate::metrics::Metrics;
use crate::needs::rights::Right;

/// All that are wanted, ready to serve.
pub(super) struct Flows {
    admission: Option<Admission>,
    pods: Option<Pods>,
    loops: Option<Loops>,
    /// Where admission finds the broker.
    reviews: Reviews,
}

impl Flows {
    /// Takes their addresses, and makes the counters of all.
    pub(super) fn new(configs: FlowConfigs) -> Result<(Self, Arc<Metrics>), ServeError> {
        let FlowConfigs { admission, pods, loops, secrets } = configs;
        let mut metrics = Metrics::default();
        let has_pods = pods.is_some();
        let (pods, loops) = if has_pods || loops.is_some() {
            let secrets = Arc::new(Secrets::new(secrets, &mut metrics));
            let pods = pods.map(|config| Pods::new(&config, Arc::clone(&secrets), &mut metrics));
            let loops = loops.map(|config| Loops::new(config, secrets, has_pods, &mut metrics));
            (pods.transpose()?, loops)
        } else {
            (None, None)
        };
        let metrics = Arc::new(metrics);
        let reviews = Reviews::default();
        let start = |config| Admission::new(config, reviews.clone(), Arc::clone(&metrics));
        let admission = admission.map(start).transpose()?;
        Ok((Self { admission, pods, loops, reviews }, metrics))
    }

    /// Whether clients have to be told whom to trust.
    pub(super) fn needs_roots(&self) -> bool {
        self.pods.is_some()
    }

    /// Whether one of them writes what only the leader may.
    pub(super) fn have_to_write(&self) -> bool {
        self.loops.is_some()
    }

    /// What they do in the cluster.
    pub(super) fn rights(&self) -> Vec<Right> {
        let Self { admission, pods, loops, reviews: _ } = self;
        let admission = admission.as_ref().map(Admission::rights).unwrap_or_default();
        let pods = pods.as_ref().map(Pods::rights).unwrap_or_default();
        [admission, pods, loops.as_ref().map(Loops::rights).unwrap_or_default()].concat()
    }

    /// Serves until the end of the last.
    pub(super) async fn serve(self, shared: &Shared) -> Result<(), ServeError> {
        let Self { admission, pods, loops, reviews } = self;
        let admission = async {
            if let Some(admission) = admission {
                admission.serve(shared).await;
            }
            Ok(())
        };
        let pods = async {
            match pods {
                Some(pods) => pods.serve(shared, reviews).await,
                None => Ok(()),
            }
        };
        let loops = async {
            match loops {
                Some(loops) => loops.serve(shared).await,
                None => Ok(()),
            }
        };
        // Each on the heap: as one, their states and those of everything below them would be copied through the stack.
        tokio::try_join!(admission.boxed_local(), pods.boxed_local(), loops.boxed_local()).map(drop)
    }
}
