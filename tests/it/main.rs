//! Everything that is tested from outside: rules on manifests, the command, and a real API server.
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

mod admission;
mod adoption;
mod aws_behaviour;
mod aws_fake;
mod aws_sdk;
mod bad_input;
mod broker;
mod certificates;
mod check;
mod command;
mod crds;
mod dependencies;
mod drain;
mod external_secrets;
mod facts;
mod fan_out;
mod fuzz;
mod generated;
mod go_documents;
mod go_parity;
mod install;
mod layers;
mod leadership;
mod loops;
mod outage;
mod picture;
mod pods;
mod push;
mod ratchet;
mod rules;
mod source;
mod stopped;
mod stores;
mod trust;
