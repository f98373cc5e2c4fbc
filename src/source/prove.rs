//! What a proof of a store's credentials comes to.

use crate::aws::failure::Failure;

/// What AWS says of a store's own credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They are accepted.
    Accepted {
        /// Who that is, as a person would say it.
        who: String,
    },
    /// AWS could not be asked, and they may be good.
    Unanswered(Failure),
    /// There are none: each consumer is somebody else to AWS.
    Referent,
}
