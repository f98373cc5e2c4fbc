//! Keyhatch: admission for AWS Secrets Manager through `external-secrets.io` resources.

pub mod api;
pub mod aws;
pub mod facts;
pub mod field;
pub mod finding;
pub mod go;
pub mod object;
pub mod rule;
pub mod suggest;
pub mod validate;
