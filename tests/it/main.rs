//! Everything that is tested from outside: rules on manifests, the command, and a real API server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

mod dependencies;
mod go_parity;
mod layers;
mod rules;
