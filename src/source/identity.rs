//! Who asks AWS: everything that AWS would check, as one keyed hash. Two that AWS could tell apart are never the same
//! identity, so that what is kept for one is never served to the other. Pure; the key is new in every process.

use std::fmt;

use aws_lc_rs::hmac::{self, Context, HMAC_SHA256, Key};

use super::plan::Role;
use crate::secret_value::SecretValue;

/// Somebody to AWS. The hash tells nothing about the credentials.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity([u8; 16]);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Makes identities. The key makes a hash of guessable credentials useless to whoever sees one.
#[derive(Debug)]
pub struct Identifier(Key);

/// The first credentials, as AWS sees them.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// Access keys: all parts together, so that a known id with a wrong secret is somebody else.
    Keys {
        /// The access key id.
        access_key_id: &'a SecretValue,
        /// The secret access key.
        secret_access_key: &'a SecretValue,
        /// The session token.
        session_token: Option<&'a SecretValue>,
    },
    /// A ServiceAccount whose token is exchanged for a role.
    ServiceAccount {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
        /// Its UID: one that was deleted and made again is somebody else.
        uid: &'a str,
        /// Audiences of the token, in order.
        audiences: &'a [String],
        /// The role.
        role_arn: &'a str,
    },
    /// Keyhatch's own, by where it has it from.
    Own {
        /// The source.
        source: &'a str,
    },
}

impl Identifier {
    /// With a key of its own.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn new() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key)?;
        Ok(Self(Key::new(HMAC_SHA256, &key)))
    }

    /// The identity of first credentials and of the roles assumed after them. `session_name` is what trust policies
    /// see of us (`sts:RoleSessionName`); it counts wherever STS is asked.
    pub fn identify(&self, origin: Origin<'_>, roles: &[Role], session_name: &str) -> Identity {
        let mut hash = Hash(Context::with_key(&self.0));
        let mut asks_sts = !roles.is_empty();
        match origin {
            Origin::Keys { access_key_id, secret_access_key, session_token } => {
                hash.text("keys").bytes(access_key_id.expose()).bytes(secret_access_key.expose());
                hash.optional(session_token.map(SecretValue::expose));
            }
            Origin::ServiceAccount { namespace, name, uid, audiences, role_arn } => {
                asks_sts = true;
                hash.text("service account").text(namespace).text(name).text(uid).text(role_arn);
                hash.count(audiences.len());
                audiences.iter().for_each(|audience| {
                    hash.text(audience);
                });
            }
            Origin::Own { source } => {
                hash.text("own").text(source);
            }
        }
        hash.count(roles.len());
        roles.iter().for_each(|role| hash.role(role));
        hash.optional(asks_sts.then_some(session_name.as_bytes()));
        hash.identity()
    }
}

/// Parts go in with their length, so that no two lists of parts read the same.
struct Hash(Context);

impl Hash {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len());
        self.0.update(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_be_bytes());
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        self.count(usize::from(bytes.is_some()));
        if let Some(bytes) = bytes {
            self.bytes(bytes);
        }
    }

    fn role(&mut self, role: &Role) {
        let Role { arn, external_id, tags, transitive } = role;
        self.text(arn).optional(external_id.as_deref().map(str::as_bytes));
        // Their order means nothing to AWS.
        let mut tags: Vec<_> = tags.iter().collect();
        tags.sort_unstable();
        self.count(tags.len());
        tags.iter().for_each(|(key, value)| {
            self.text(key).text(value);
        });
        let mut transitive: Vec<_> = transitive.iter().collect();
        transitive.sort_unstable();
        self.count(transitive.len());
        transitive.iter().for_each(|key| {
            self.text(key);
        });
    }

    fn identity(self) -> Identity {
        let tag: hmac::Tag = self.0.sign();
        let mut identity = [0; 16];
        identity.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        Identity(identity)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::from(text.to_owned())
    }

    fn role(change: impl FnOnce(&mut Role)) -> Role {
        let mut role = Role { arn: "arn:a".into(), ..Role::default() };
        change(&mut role);
        role
    }

    fn account<'a>(
        namespace: &'a str,
        uid: &'a str,
        audiences: &'a [String],
        role_arn: &'a str,
    ) -> Origin<'a> {
        Origin::ServiceAccount { namespace, name: "reader", uid, audiences, role_arn }
    }

    #[test]
    fn whatever_aws_can_tell_apart_is_another_identity() {
        let identifier = Identifier::new().unwrap();
        let (id, secret, wrong, token) = (value("AKIA"), value("s3cret"), value("s3creT"), value("t"));
        let keys = |secret_access_key, session_token| Origin::Keys {
            access_key_id: &id,
            secret_access_key,
            session_token,
        };
        let (one, two) = (["sts".to_owned()], ["sts".to_owned(), "x".to_owned()]);
        let tag = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let plain = role(|_| ());
        let cases: Vec<(Origin<'_>, Vec<Role>)> = vec![
            (keys(&secret, None), vec![]),
            (keys(&wrong, None), vec![]),
            (keys(&secret, Some(&token)), vec![]),
            (Origin::Own { source: "own" }, vec![]),
            (Origin::Own { source: "other" }, vec![]),
            (account("a", "1", &one, "arn:a"), vec![]),
            (account("b", "1", &one, "arn:a"), vec![]),
            (account("a", "2", &one, "arn:a"), vec![]),
            (account("a", "1", &two, "arn:a"), vec![]),
            (account("a", "1", &one, "arn:b"), vec![]),
            (keys(&secret, None), vec![plain.clone()]),
            (keys(&secret, None), vec![plain.clone(), plain]),
            (keys(&secret, None), vec![role(|role| role.external_id = Some("x".into()))]),
            (keys(&secret, None), vec![role(|role| role.external_id = Some(String::new()))]),
            (keys(&secret, None), vec![role(|role| role.tags = vec![tag("a", "b")])]),
            (keys(&secret, None), vec![role(|role| role.tags = vec![tag("a", "bc")])]),
            (keys(&secret, None), vec![role(|role| role.tags = vec![tag("ab", "c")])]),
            (keys(&secret, None), vec![role(|role| role.transitive = vec!["a".into(), "b".into()])]),
            (keys(&secret, None), vec![role(|role| role.transitive = vec!["ab".into()])]),
        ];
        let mut seen = HashSet::new();
        for (origin, roles) in &cases {
            let identity = identifier.identify(*origin, roles, "session");
            assert!(seen.insert(identity), "{origin:?} {roles:?}");
            assert_eq!(identifier.identify(*origin, roles, "session"), identity);
            let asks_sts = !roles.is_empty() || matches!(origin, Origin::ServiceAccount { .. });
            let renamed = identifier.identify(*origin, roles, "another session");
            assert_eq!(renamed != identity, asks_sts, "{origin:?} {roles:?}");
        }
    }

    #[test]
    fn the_order_of_tags_means_nothing_and_the_key_is_new_in_every_process() {
        let tag = |k: &str, v: &str| (k.to_owned(), v.to_owned());
        let one = role(|role| role.tags = vec![tag("a", "1"), tag("b", "2")]);
        let other = role(|role| role.tags = vec![tag("b", "2"), tag("a", "1")]);
        let identifier = Identifier::new().unwrap();
        let own = Origin::Own { source: "own" };
        let identify = |identifier: &Identifier, role| identifier.identify(own, &[role], "s");
        assert_eq!(identify(&identifier, one.clone()), identify(&identifier, other));
        assert_ne!(identify(&identifier, one.clone()), identify(&Identifier::new().unwrap(), one));
    }
}
