//! PushSecrets, kept pushed: each by itself, from what it names to its status.
//!
//! ```text
//! follow: changes ─▶ queue ─▶ reconcile: stores, Secrets ─▶ one: wanted ─▶ examine ─▶ apply ─▶ status
//! ```
//!
//! Only stores that are ours count, and only PushSecrets that name one; all others are somebody else's.

mod affected;
mod apply;
mod audit;
mod begin;
mod error;
mod examine;
mod follow;
mod key;
mod memory;
mod one;
mod preview;
mod reconcile;
mod secret;
mod sources;
mod status;
mod store_finalizer;
mod stores;

pub(super) use follow::Loop;
pub use preview::preview;
