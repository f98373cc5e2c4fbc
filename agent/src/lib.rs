//! What webhook, broker and agent say to each other. The webhook writes an [`Invocation`] into a pod, the broker reads
//! it there and sends an [`Answer`], or a [`Refusal`], to the agent in that pod.
//!
//! A package of its own, so that the agent is built from little and stays small.

mod answer;
pub mod env_file;
mod invocation;
pub mod layout;
mod request;

pub use answer::{ANSWER_PATH, Answer, Content, Refusal};
pub use invocation::{Invocation, InvocationError, Mode};
pub use request::{ExternalSecret, File, OnMissing, Permissions, Request};

/// The audience of the token by which a pod shows who it is.
pub const AUDIENCE: &str = "keyhatch.dev/broker";
