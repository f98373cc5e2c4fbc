//! Keyhatch: admission for AWS Secrets Manager through `external-secrets.io` resources.
