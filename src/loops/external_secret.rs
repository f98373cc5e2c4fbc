//! ExternalSecrets, kept as Secrets: each by itself, from what it names to its status.
//!
//! ```text
//! follow: changes ─▶ queue ─▶ reconcile: whose, due ─▶ rounds: fetched together ─▶ fetch: values ─▶ target ─▶ secret ─▶ status
//! ```
//!
//! Only ExternalSecrets whose stores are ours count; all others are somebody else's.

mod audit;
mod error;
mod fetch;
mod follow;
mod memory;
mod reconcile;
mod rounds;
mod secret;
mod status;
mod stores;
mod tell;

pub(super) use follow::Loop;
