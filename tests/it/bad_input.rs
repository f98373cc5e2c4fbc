//! What anybody may send, and what may be wrong around the server: each a clear error, and never its end.
//!
//! - [`reviews`]: bodies that are no good review
//! - [`objects`]: reviews of objects that are no good objects
//! - [`wire`]: broken HTTP, broken TLS, broken connections
//! - [`http2`]: the same through HTTP/2
//! - [`slow`], [`places`]: clients that wait, or keep the server waiting
//! - [`ending`]: signals, with and without work under way
//! - [`health`]: the health listener, and the log
//! - [`files`]: what `keyhatch check` and its neighbours are given
//!
//! [`server`] starts the real server alone, [`client`] speaks to it in raw bytes.

pub(crate) mod client;
mod ending;
mod files;
mod health;
mod http2;
mod objects;
mod places;
mod reviews;
pub(crate) mod server;
mod slow;
mod wire;
