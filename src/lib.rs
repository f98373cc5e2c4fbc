//! Keyhatch: admission for AWS Secrets Manager through `external-secrets.io` resources.

pub mod api;
pub mod aws;
pub mod go;
pub mod suggest;
