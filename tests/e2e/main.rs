//! What only a real node can prove: pods are run by a kubelet, containerd and runc. Needs root on Linux.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that cannot go on fails"
)]

#[path = "../support.rs"]
mod support;

mod cluster;
mod cost;
mod deployment;
mod node;
mod pods;
mod ports;
mod site;
mod trouble;
