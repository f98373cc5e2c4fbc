//! What an ExternalSecret and its Secret in the cluster come to: objects and values in, what is to be done out. Pure. The
//! rules are External Secrets Operator's, so that either of the two goes on where the other ended.
//!
//! - [`due`]: whether it is to be fetched again; [`windows`]: when it may be
//! - [`names`]: the names by which a Secret is known as somebody's
//! - [`owned`]: what of an object is one field manager's
//! - [`target`]: the Secret as it should be

pub mod due;
pub mod names;
pub mod owned;
pub mod target;
pub mod windows;
