//! Where a value came from, for the ETag and the audit; never the value.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;

use crate::cache::{Answer, Served, Value};
use crate::source::Access;

/// One of AWS's answers that was used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Proof {
    /// The store.
    pub(super) store: String,
    /// As whom AWS was asked.
    pub(super) identity: String,
    /// The secret.
    pub(super) arn: Arc<str>,
    /// VersionId; for tags, which have none, what changes with them.
    pub(super) version: String,
    /// `hit`, `miss` or `stale`.
    pub(super) served: &'static str,
}

/// Makes proofs. The key is new in every process, so that what stands for tags tells nothing about them.
#[derive(Debug)]
pub(super) struct Prover(hmac::Key);

impl Prover {
    /// With a key of its own.
    pub(super) fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// That an answer was used.
    pub(super) fn prove(&self, access: &Access, answer: &Answer) -> Proof {
        let version = match (&answer.payload.version_id, &answer.payload.value) {
            (Some(id), _) => id.to_string(),
            (None, Value::Tags(tags)) => {
                let mut context = hmac::Context::with_key(&self.0);
                tags.iter().for_each(|(key, value)| {
                    context.update(&key.len().to_be_bytes());
                    context.update(key.as_bytes());
                    context.update(&value.len().to_be_bytes());
                    context.update(value.as_bytes());
                });
                format!("tags-{}", hex(context.sign().as_ref()))
            }
            (None, Value::Text(_) | Value::Binary(_)) => String::new(),
        };
        Proof {
            store: access.store.to_string(),
            identity: access.title.clone(),
            arn: Arc::clone(&answer.payload.arn),
            version,
            served: match answer.served {
                Served::Hit | Served::Negative => "hit",
                Served::Miss => "miss",
                Served::Stale => "stale",
            },
        }
    }
}

/// The ETag of an answer, piece by piece. A piece cannot be mistaken for two.
pub(super) struct Tag(Context);

impl Tag {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.0.update(&text.len().to_be_bytes());
        self.0.update(text.as_bytes());
        self
    }

    pub(super) fn proofs(&mut self, proofs: &[Proof]) -> &mut Self {
        self.text(&proofs.len().to_string());
        for Proof { store: _, identity: _, arn, version, served: _ } in proofs {
            self.text(arn).text(version);
        }
        self
    }

    /// With the quotes that HTTP wants.
    pub(super) fn finish(self) -> String {
        format!("\"{}\"", hex(self.0.finish().as_ref()))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_depends_on_versions_and_not_on_how_they_were_served() {
        let proof = |arn: &str, version: &str, served| Proof {
            store: "s".into(),
            identity: "i".into(),
            arn: arn.into(),
            version: version.into(),
            served,
        };
        let tag = |request: &str, proofs: &[Proof]| {
            let mut tag = Tag::new();
            tag.text(request).proofs(proofs);
            tag.finish()
        };
        let first = tag("r", &[proof("a", "1", "hit")]);
        assert_eq!(first, tag("r", &[proof("a", "1", "stale")]));
        assert_eq!(first.len(), 34);
        for other in [
            tag("r", &[proof("a", "2", "hit")]),
            tag("q", &[proof("a", "1", "hit")]),
            tag("r", &[proof("a1", "", "hit")]),
            tag("r", &[]),
        ] {
            assert_ne!(first, other);
        }
    }
}
