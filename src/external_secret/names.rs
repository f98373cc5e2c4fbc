//! Names on the Secrets that ExternalSecrets keep: the operator's, since dashboards, policies and the operator itself
//! look for them.

use crate::object_hash::object_hash;

/// On every ExternalSecret: whoever deletes it has its Secret looked at first.
pub const FINALIZER: &str = "externalsecrets.external-secrets.io/externalsecret-cleanup";
/// Label of every Secret that is kept; its value is `true`.
pub const MANAGED: &str = "reconcile.external-secrets.io/managed";
/// Label that tells the owner, by [`owner`].
pub const CREATED_BY: &str = "reconcile.external-secrets.io/created-by";
/// Annotation with the hash of the data as it was written.
pub const DATA_HASH: &str = "reconcile.external-secrets.io/data-hash";

/// API group and kind of whoever owns a Secret.
pub const API_VERSION: &str = "external-secrets.io/v1";
/// The kind of the owner.
pub const KIND: &str = "ExternalSecret";

/// The field manager of an ExternalSecret. Long names are hashed: those that would make more than 63 characters.
pub fn field_manager(name: &str) -> String {
    const PREFIX: &str = "externalsecrets.external-secrets.io/";
    match PREFIX.len() + name.len() {
        0..=63 => format!("{PREFIX}{name}"),
        _ => format!("{PREFIX}sha3/{}", object_hash(name.as_bytes())),
    }
}

/// The value of [`CREATED_BY`].
pub fn owner(namespace: &str, name: &str) -> String {
    object_hash(format!("{namespace}/{name}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_manager_has_the_name_or_its_hash() {
        let longest = "n".repeat(27);
        assert_eq!(field_manager(&longest), format!("externalsecrets.external-secrets.io/{longest}"));
        let hashed = field_manager("hello there, and so on, and on");
        assert!(hashed.starts_with("externalsecrets.external-secrets.io/sha3/"), "{hashed}");
        assert_eq!(hashed.len(), 97);
        assert_eq!(
            field_manager(&"n".repeat(28)),
            format!("externalsecrets.external-secrets.io/sha3/{}", object_hash("n".repeat(28).as_bytes()))
        );
    }
}
