//! AWS's own words, read from text and judged without asking AWS: regions, ARNs, names, tags, keys.

pub mod arn;
mod ascii;
pub mod failure;
pub mod kms;
pub mod region;
pub mod secret_name;
pub mod tags;
