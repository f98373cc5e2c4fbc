//! Version ids that say what a version holds, to whoever has the key, and nothing to anybody else.
//!
//! AWS makes a version only once for each ClientRequestToken, which becomes its id. The token is made of the secret's
//! name, of the version that is replaced, and of the new content. So a request that is sent twice makes one version;
//! going from A to B and back makes three; equal values in two secrets have different ids; and DescribeSecret alone
//! tells that nothing has changed.
//!
//! Source: Secrets Manager API Reference, `PutSecretValue` (ClientRequestToken: 32 to 64 characters).

use std::fmt;

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

use super::remote::{Content, Described};

/// How often a content may meet its own older version, and has to be written under another id.
pub const ATTEMPTS: u8 = 8;

/// Makes tokens.
pub struct Tokens(Key);

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// With a key that all replicas share.
    pub fn new(key: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, key))
    }

    /// The id of the version that replaces another in a secret. `attempt` tells apart those that were written when the
    /// same content had replaced the same version before.
    pub fn token(&self, name: &str, replaced: Option<&str>, content: &Content, attempt: u8) -> String {
        let (kind, value) = match content {
            Content::Text(value) => ("text", value),
            Content::Binary(value) => ("binary", value),
        };
        let mut hash = Hash(Context::with_key(&self.0));
        hash.part(name.as_bytes());
        hash.part(replaced.unwrap_or_default().as_bytes());
        hash.part(kind.as_bytes());
        hash.part(value.expose());
        hash.part(&[attempt]);
        uuid(hash.0.sign().as_ref())
    }

    /// Whether the current version holds this content, as far as its id tells.
    pub fn prove(&self, name: &str, described: &Described, content: &Content) -> bool {
        let Some(current) = described.current() else { return false };
        let made_of = |attempt| self.token(name, described.previous(), content, attempt) == current;
        (0..ATTEMPTS).any(made_of)
    }

    /// A digest for remembering in this process.
    pub(super) fn digest<'p>(&self, parts: impl IntoIterator<Item = &'p [u8]>) -> [u8; 16] {
        let mut hash = Hash(Context::with_key(&self.0));
        hash.part(b"digest");
        parts.into_iter().for_each(|part| hash.part(part));
        first_16(hash.0.sign().as_ref())
    }
}

struct Hash(Context);

impl Hash {
    /// Each part with its length, so that parts cannot be shifted.
    fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }
}

fn first_16(tag: &[u8]) -> [u8; 16] {
    let mut first = [0; 16];
    first.iter_mut().zip(tag).for_each(|(to, from)| *to = *from);
    first
}

/// In the form that AWS gives to ids of its own.
fn uuid(tag: &[u8]) -> String {
    let hex: String = first_16(tag).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut text = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn text(value: &str) -> Content {
        Content::Text(value.to_owned().into())
    }

    #[test]
    fn a_token_tells_apart_all_that_matters_and_nothing_else() {
        let tokens = Tokens::new(b"key");
        let binary = Content::Binary("a".to_owned().into());
        let all = [
            tokens.token("db", None, &text("a"), 0),
            tokens.token("db2", None, &text("a"), 0),
            tokens.token("db", Some("v1"), &text("a"), 0),
            tokens.token("db", None, &text("b"), 0),
            tokens.token("db", None, &binary, 0),
            tokens.token("db", None, &text("a"), 1),
            Tokens::new(b"other").token("db", None, &text("a"), 0),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(all.first(), Some(&tokens.token("db", None, &text("a"), 0)));
        assert!(all.iter().all(|token| (32..=64).contains(&token.len())), "{all:?}");
    }

    #[test]
    fn the_current_version_proves_its_content() {
        let tokens = Tokens::new(b"key");
        let first = tokens.token("db", None, &text("a"), 0);
        let second = tokens.token("db", Some(&first), &text("b"), 2);
        let described = Described {
            stages: [(first, vec!["AWSPREVIOUS".into()]), (second, vec!["AWSCURRENT".into()])].into(),
            ..Described::default()
        };
        assert!(tokens.prove("db", &described, &text("b")));
        assert!(!tokens.prove("db", &described, &text("a")));
        assert!(!tokens.prove("db", &Described::default(), &text("a")));
    }
}
