//! The flows that are wanted, as one: their counters, their rights, and both until the end.

use std::sync::Arc;

use super::admission::{Admission, AdmissionConfig};
use super::pods::{Pods, PodsConfig};
use super::{ServeError, Shared};
use crate::broker::Reviews;
use crate::metrics::Metrics;
use crate::needs::rights::Right;

/// All that are wanted, ready to serve.
pub(super) struct Flows {
    admission: Option<Admission>,
    pods: Option<Pods>,
    /// Where admission finds the broker.
    reviews: Reviews,
}

impl Flows {
    /// Takes their addresses, and makes the counters of all.
    pub(super) fn new(
        admission: Option<AdmissionConfig>,
        pods: Option<PodsConfig>,
    ) -> Result<(Self, Arc<Metrics>), ServeError> {
        let mut metrics = Metrics::default();
        let pods = pods.map(|config| Pods::new(config, &mut metrics)).transpose()?;
        let metrics = Arc::new(metrics);
        let reviews = Reviews::default();
        let start = |config| Admission::new(config, reviews.clone(), Arc::clone(&metrics));
        let admission = admission.map(start).transpose()?;
        Ok((Self { admission, pods, reviews }, metrics))
    }

    /// Whether clients have to be told whom to trust.
    pub(super) fn needs_roots(&self) -> bool {
        self.pods.is_some()
    }

    /// What they do in the cluster.
    pub(super) fn rights(&self) -> Vec<Right> {
        let Self { admission, pods, reviews: _ } = self;
        let admission = admission.as_ref().map(Admission::rights).unwrap_or_default();
        [admission, pods.as_ref().map(Pods::rights).unwrap_or_default()].concat()
    }

    /// Serves until the end of the last.
    pub(super) async fn serve(self, shared: &Shared) -> Result<(), ServeError> {
        let Self { admission, pods, reviews } = self;
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
        tokio::try_join!(admission, pods).map(drop)
    }
}
