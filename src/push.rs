//! What a PushSecret wants of Secrets Manager, and what is to be done about it: its spec, its Secrets and what AWS says
//! in, steps out. Pure.
//!
//! ```text
//! spec, Secrets, a store ─▶ wanted: a target for each remote secret, and entries that cannot be
//! target, DescribeSecret ─▶ value: nothing | read first | create | put | restore
//!                        ─▶ attributes: description, key, tags, policy, replicas
//! recorded ─▶ removal: what was pushed once and is wanted no more
//! ```
//!
//! Whatever is asked of AWS again and again is asked with DescribeSecret alone: a version's id says what it holds
//! ([`token`]), or it is remembered ([`known`]).

pub mod attributes;
pub mod document;
pub mod due;
mod error;
mod expand;
pub mod known;
pub mod pace;
pub mod record;
pub mod remote;
pub mod removal;
mod rename;
pub mod token;
pub mod value;
pub mod wanted;

pub use error::{Cause, EntryError};
