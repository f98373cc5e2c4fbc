//! Keyhatch: admission for AWS Secrets Manager through `external-secrets.io` resources.
//!
//! # The map
//!
//! ```text
//! admission   API server ──AdmissionReview──▶ webhook ─▶ admission ─▶ object ─▶ validate ─▶ Decision ─▶ answer
//! pods        pod ─▶ inject: annotations ─▶ request ─▶ plan ─▶ patch | findings
//! check       files | cluster ─▶ check ─▶ object ─▶ validate ─▶ Outcome ─▶ text | JSON | SARIF
//! secrets     reference ─▶ source: store ─▶ identity ─▶ cache | AWS ─▶ extract ─▶ value
//! pods        token ─▶ broker: identity ─▶ grant ─▶ source ─▶ files and variables
//! loops       watch ─▶ loops: queue ─▶ reconcile: observe ─▶ plan ─▶ apply, under the leader's guard ─▶ status
//! trust       leader ─▶ keeper: observe Secret and configuration ─▶ plan ─▶ one step; every replica follows
//! ```
//!
//! Words, which know nothing of each other: [`api`] (the six kinds), [`aws`] (regions, ARNs, names, tags),
//! [`go`] (durations, regular expressions, templates, cron, gjson), [`mod@bounded`], [`field`], [`finding`], [`rule`],
//! [`facts`], [`policy`], [`quantity`], [`secret_value`], [`suggest`], [`yaml`]; and made of these, [`mod@reference`] (what is asked
//! for).
//!
//! Certificates: [`certificates`] (files or own), [`tls`] (one that can be served), [`trust`] (our own CA and leaf),
//! [`leader`] (who may write them).
//!
//! Decisions, which are pure: [`object`] (text to type), [`validate`] (type to findings), [`admission`]
//! (review to decision), [`observe`] (objects to what others are judged by), [`extract`] (document to values), [`inject`] (pod
//! to plan), [`grant`] (what a pod asks for to what it may have), [`external_secret`] (values to a Secret).
//!
//! Secrets: [`source`] (as whom, and by which calls), [`cache`] (what was answered before, and to whom).
//!
//! Edges, which do I/O: [`webhook`], [`broker`], [`facts_watch`], [`shared_facts`], [`watching`], [`needs`], [`accept`],
//! [`server`], [`tls`], [`health`], [`metrics`], [`telemetry`], [`check`], [`cli`]; [`loops`] (what keeps the world as objects say),
//! [`events`] (what is told about them), [`jitter`]. A module uses its own rank or a lower one; `tests/it/layers.rs` holds that line.

pub mod accept;
pub mod admission;
pub mod api;
pub mod aws;
pub mod bounded;
pub mod broker;
pub mod cache;
pub mod certificates;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod events;
pub mod external_secret;
pub mod extract;
pub mod facts;
pub mod facts_watch;
pub mod field;
pub mod finding;
pub mod go;
pub mod grant;
pub mod health;
pub mod inject;
pub mod jitter;
pub mod leader;
pub mod loops;
pub mod metrics;
pub mod needs;
pub mod object;
pub mod object_hash;
pub mod observe;
pub mod policy;
pub mod push;
pub mod quantity;
pub mod reference;
pub mod rule;
pub mod secret_value;
pub mod server;
pub mod shared_facts;
pub mod source;
pub mod suggest;
pub mod telemetry;
pub mod tls;
pub mod trust;
pub mod validate;
pub mod watching;
pub mod webhook;
pub mod webhook_config;
pub mod yaml;
