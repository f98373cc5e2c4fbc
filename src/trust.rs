//! Keyhatch's own certificates: one CA and one leaf, kept in a Secret that every replica serves from.
//!
//! The Secret carries an explicit [`State`], and each step of a rotation changes one thing only: a second CA comes
//! into the bundle; once that bundle has been in the webhook configuration for a while, it signs the leaf; once no
//! leaf of the first CA is valid any more, the first goes. `plan` decides the step, [`keeper`] takes it under the
//! leader's guard, [`follow`] serves what the Secret holds, and [`shown`] tells whether clients have been told to trust it.

mod advance;
mod bundle;
pub mod follow;
mod issue;
pub mod keeper;
mod plan;
mod secret;
pub mod shown;

use std::time::Duration;

use thiserror::Error;

/// How long things last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A leaf; it is renewed at half of it.
    pub leaf: Duration,
    /// A CA; its successor is introduced when two thirds of it have passed.
    pub ca: Duration,
    /// A new CA signs only after its bundle has been visible for this long.
    pub settle: Duration,
}

/// Where things are.
#[derive(Clone, Debug)]
pub struct Names {
    /// Our namespace.
    pub namespace: String,
    /// The Secret that holds CA and leaf.
    pub secret: String,
    /// The ValidatingWebhookConfiguration whose `caBundle` is kept.
    pub webhook: String,
    /// The MutatingWebhookConfiguration of pods, whose `caBundle` is kept, too, if there is one.
    pub pod_webhook: String,
    /// What the leaf is valid for: names and addresses.
    pub hosts: Vec<String>,
}

/// Where a rotation of the CA stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// One CA, which signs.
    OneCa,
    /// A second CA is in the bundle, seen there since this Unix time if at all; the first signs.
    TwoCas {
        /// When the webhook configuration was first seen with both.
        visible_since: Option<i64>,
    },
    /// The second CA signs; the first stays until its last leaf has expired.
    Switched {
        /// Unix time of the first leaf of the second CA.
        since: i64,
    },
}

/// A certificate with its private key, both PEM, and what the certificate says.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate.
    pub cert: String,
    /// The private key.
    pub key: String,
    /// Unix time from which it is valid.
    pub not_before: i64,
    /// Unix time until which it is valid.
    pub not_after: i64,
}

/// What the Secret holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Where a rotation stands.
    pub state: State,
    /// The CA; in [`State::Switched`] the old one.
    pub ca: Pair,
    /// The CA to come, outside [`State::OneCa`].
    pub next: Option<Pair>,
    /// What is served.
    pub leaf: Pair,
}

impl Trust {
    /// What clients must trust, in PEM form: both CAs while there are two.
    pub fn bundle(&self) -> String {
        let next = self.next.as_ref().map(|next| next.cert.as_str()).unwrap_or_default();
        format!("{}{next}", self.ca.cert)
    }
}

/// Only what is public is printed.
impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cert: _, key: _, not_before, not_after } = self;
        f.debug_struct("Pair")
            .field("not_before", not_before)
            .field("not_after", not_after)
            .finish_non_exhaustive()
    }
}

/// Why a Secret of ours cannot be used. It is made anew.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Damage {
    /// A key is absent or not text.
    #[error("key {0} is missing")]
    Missing(&'static str),
    /// A certificate or key cannot be parsed.
    #[error("key {0} holds no usable PEM")]
    Pem(&'static str),
    /// The state is none of ours.
    #[error("state {0:?} is not known")]
    State(String),
    /// The leaf was signed by a CA that is not in the Secret.
    #[error("the certificate in tls.crt was not signed by the CA beside it")]
    ForeignLeaf,
}
