//! Loops: objects that say how something shall be, and what keeps it so. This is what they stand on.
//!
//! - [`queue`]: which object is due, and who works on it
//! - [`turns`]: one at a time for what several objects share
//! - [`watched`]: objects, as a watch keeps them
//! - [`conditions`]: what a status says (pure); [`write`](mod@write): statuses and finalizers, under the leader's guard

pub mod conditions;
pub mod queue;
pub mod turns;
pub mod watched;
pub mod write;
