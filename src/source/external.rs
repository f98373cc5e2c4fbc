//! What an ExternalSecret reads: its spec in, one entry for each thing that is read through a store out. Pure.

use thiserror::Error;

use crate::api::data_from::{DataFrom, Find, Rewrite};
use crate::api::external_secret::{Data, ExternalSecretSpec};
use crate::api::remote_ref::{NullBytePolicy, RemoteRef, SourceRef};
use crate::reference::{QueryError, ReferenceError, SecretQuery, SecretRef, Store};

/// One thing that is read.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it stands, `spec.data[0]`.
    pub at: String,
    /// Through this store.
    pub store: Store,
    /// What.
    pub wanted: Wanted,
}

/// What is read of a store.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// One value, for one key.
    Value {
        /// The key.
        key: String,
        /// What is read.
        reference: SecretRef,
        /// Whether null bytes may be in it.
        null_bytes: NullBytePolicy,
    },
    /// Every key of one secret.
    Extract {
        /// What is read.
        reference: SecretRef,
        /// As it was written: conversion, decoding and null bytes.
        remote: RemoteRef,
        /// What becomes of the keys.
        rewrites: Vec<Rewrite>,
    },
    /// Every secret that matches.
    Find {
        /// The search.
        query: SecretQuery,
        /// As it was written: conversion, decoding and null bytes.
        find: Find,
        /// What becomes of the keys.
        rewrites: Vec<Rewrite>,
    },
}

/// Why an ExternalSecret cannot be read without the operator.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ExternalError {
    #[error("{0} is not supported by Keyhatch; leave it out, or read through a store of the operator")]
    Unsupported(&'static str),
    #[error("{0}: no store is named, here or in spec.secretStoreRef")]
    NoStore(String),
    #[error("{at}: {cause}")]
    Reference { at: String, cause: ReferenceError },
    #[error("{at}: {cause}")]
    Query { at: String, cause: QueryError },
}

/// Everything that is read, in the order in which later keys win over earlier ones.
///
/// # Errors
/// What needs the operator, or cannot be read by anybody.
pub fn entries(spec: &ExternalSecretSpec) -> Result<Vec<Entry>, ExternalError> {
    if spec.target.template.is_some() {
        return Err(ExternalError::Unsupported("spec.target.template"));
    }
    if spec.target.manifest.is_some() {
        return Err(ExternalError::Unsupported("spec.target.manifest"));
    }
    let whole = spec.data_from.iter().enumerate().map(|(index, whole)| from_whole(spec, index, whole));
    let single = spec.data.iter().enumerate().map(|(index, data)| from_data(spec, index, data));
    whole.chain(single).collect()
}

fn from_data(spec: &ExternalSecretSpec, index: usize, data: &Data) -> Result<Entry, ExternalError> {
    let at = format!("spec.data[{index}]");
    let Data { secret_key, remote_ref, source_ref } = data;
    let store = store(spec, source_ref.as_ref(), &at)?;
    let wanted = Wanted::Value {
        key: secret_key.clone(),
        reference: reference(&store, remote_ref, format!("{at}.remoteRef"))?,
        null_bytes: remote_ref.null_byte_policy.unwrap_or(NullBytePolicy::Ignore),
    };
    Ok(Entry { at, store, wanted })
}

fn from_whole(spec: &ExternalSecretSpec, index: usize, whole: &DataFrom) -> Result<Entry, ExternalError> {
    let at = format!("spec.dataFrom[{index}]");
    let DataFrom { extract, find, rewrite, source_ref } = whole;
    let store = store(spec, source_ref.as_ref(), &at)?;
    let rewrites = rewrite.clone();
    let wanted = match (extract, find) {
        (Some(remote), _) => Wanted::Extract {
            reference: reference(&store, remote, format!("{at}.extract"))?,
            remote: remote.clone(),
            rewrites,
        },
        (None, Some(find)) => {
            let query = SecretQuery::try_from(find);
            let query = query.map_err(|cause| ExternalError::Query { at: format!("{at}.find"), cause })?;
            Wanted::Find { query, find: find.clone(), rewrites }
        }
        (None, None) => {
            return Err(ExternalError::Unsupported("an entry of dataFrom without extract or find"));
        }
    };
    Ok(Entry { at, store, wanted })
}

/// The entry's own store, or the one of all entries.
fn store(spec: &ExternalSecretSpec, own: Option<&SourceRef>, at: &str) -> Result<Store, ExternalError> {
    if own.is_some_and(|own| own.generator_ref.is_some()) {
        return Err(ExternalError::Unsupported("a generator"));
    }
    let named = own.and_then(|own| own.store_ref.as_ref()).or(spec.secret_store_ref.as_ref());
    let named = named.filter(|store| !store.name.is_empty());
    named.map(Store::from).ok_or_else(|| ExternalError::NoStore(at.to_owned()))
}

fn reference(store: &Store, remote: &RemoteRef, at: String) -> Result<SecretRef, ExternalError> {
    SecretRef::from_remote(Some(store.clone()), remote)
        .map_err(|cause| ExternalError::Reference { at, cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spec: &str) -> String {
        let spec: ExternalSecretSpec = serde_json::from_str(spec).unwrap();
        let tell = |Entry { store, wanted, .. }: &Entry| match wanted {
            Wanted::Value { key, reference, .. } => format!("{key}={reference}"),
            Wanted::Extract { reference, rewrites, .. } => format!("*={reference} {}", rewrites.len()),
            Wanted::Find { query, .. } => format!("?={:?} of {}", query.path, store.name),
        };
        match entries(&spec) {
            Ok(entries) => entries.iter().map(tell).collect::<Vec<_>>().join(", "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_entry_is_read_through_its_store_and_single_values_come_last() {
        let text = told(
            r#"{"secretStoreRef":{"name":"aws"},
            "data":[{"secretKey":"a","remoteRef":{"key":"x","property":"p"}},
                    {"secretKey":"b","remoteRef":{"key":"y","version":"AWSPREVIOUS"},
                     "sourceRef":{"storeRef":{"name":"all","kind":"ClusterSecretStore"}}}],
            "dataFrom":[{"extract":{"key":"z"},"rewrite":[{"regexp":{"source":"a","target":"b"}}]},
                        {"find":{"path":"dev/","tags":{"team":"a"}}}]}"#,
        );
        let expected =
            r#"*=aws::z 1, ?=Some("dev/") of aws, a=aws::x#p, b=cluster/all::y?version=AWSPREVIOUS"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn what_needs_the_operator_is_named() {
        for (spec, message) in [
            (
                r#"{"secretStoreRef":{"name":"aws"},"target":{"template":{}}}"#,
                "spec.target.template is not supported by Keyhatch; leave it out, or read through a store of the operator",
            ),
            (
                r#"{"dataFrom":[{"sourceRef":{"generatorRef":{"kind":"Password","name":"p"}}}]}"#,
                "a generator is not supported by Keyhatch; leave it out, or read through a store of the operator",
            ),
            (
                r#"{"data":[{"secretKey":"a","remoteRef":{"key":"x"}}]}"#,
                "spec.data[0]: no store is named, here or in spec.secretStoreRef",
            ),
            (
                r#"{"secretStoreRef":{"name":"aws"},"data":[{"secretKey":"a","remoteRef":{"key":""}}]}"#,
                "spec.data[0].remoteRef: name the secret",
            ),
            (
                r#"{"secretStoreRef":{"name":"aws"},"dataFrom":[{"find":{"path":"a"}}]}"#,
                "spec.dataFrom[0].find: searches by name or tags; a path alone is none",
            ),
        ] {
            assert_eq!(told(spec), message);
        }
    }
}
