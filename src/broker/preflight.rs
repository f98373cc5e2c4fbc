//! Preflight: what a pod will ask for is looked up while it is reviewed, so that who wrote it hears of what is not there.
//! Whether a secret is there and which keys it has at its top are told, to whom may use the store; never more: whoever
//! may have a query answered learns of a value bit by bit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde::de::IgnoredAny;
use tokio::time::timeout_at;

use super::identity::Caller;
use super::reason::{Denial, Reason};
use super::resolve::{Resolver, StoreKey, key};
use super::why;
use crate::admission::Miss;
use crate::cache::Answer;
use crate::inject::Code;
use crate::reference::{Content, SecretRef, Store};
use crate::source::error::SourceError;
use crate::source::{Access, document};

/// References about which AWS is asked for one review.
const MOST: usize = 20;

/// What is looked up, and for whom.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The pod's namespace.
    pub namespace: String,
    /// The ServiceAccount that it will run as.
    pub account: String,
    /// What it will ask for.
    pub references: Vec<SecretRef>,
    /// Whether AWS may be asked. Otherwise only what it said before is told.
    pub may_ask: bool,
    /// When the answer is no longer waited for.
    pub until: Instant,
}

impl Resolver {
    /// What has no value now, as far as that is found out in time. Whatever cannot be found out is none of it.
    pub(super) async fn preflight(&self, wanted: &Wanted) -> Vec<Miss> {
        let until = wanted.until.into();
        let Ok(accesses) = timeout_at(until, self.reachable(wanted)).await else { return Vec::new() };
        let mut misses = Vec::new();
        let mut unknown = Vec::new();
        for (index, reference) in wanted.references.iter().enumerate() {
            let Some((store, access)) =
                reference.store.as_ref().and_then(|it| accesses.get_key_value(&key(it)))
            else {
                continue;
            };
            match access {
                Err(denial) => misses.extend(miss(index, denial)),
                Ok(access) => match self.source.known(access, reference) {
                    Some(answer) => misses.extend(judge(index, reference, answer)),
                    None => unknown.push((index, reference, access, store)),
                },
            }
        }
        let may_ask = if wanted.may_ask { MOST } else { 0 };
        let asking = unknown.into_iter().take(may_ask).map(|(index, reference, access, _)| async move {
            judge(index, reference, self.source.answer(access, reference, None).await)
        });
        let mut asking: FuturesUnordered<_> = asking.collect();
        while let Ok(Some(found)) = timeout_at(until, asking.next()).await {
            misses.extend(found);
        }
        misses.sort_by_key(|miss| miss.index);
        misses
    }

    /// The way through each store, for this ServiceAccount.
    async fn reachable(&self, wanted: &Wanted) -> BTreeMap<StoreKey, Result<Arc<Access>, Denial>> {
        let caller = Caller::before_its_pod(&wanted.namespace, &wanted.account);
        let stores: BTreeMap<StoreKey, &Store> =
            wanted.references.iter().filter_map(|it| it.store.as_ref()).map(|it| (key(it), it)).collect();
        let caller = &caller;
        let ways = stores.into_iter().map(|(key, store)| async move {
            (key.clone(), self.access(caller, key, store).await.map(|(_, access)| access))
        });
        join_all(ways).await.into_iter().collect()
    }
}

/// What a denial is told as; what may pass by itself, or is told by other rules, is not.
fn miss(index: usize, denial: &Denial) -> Option<Miss> {
    let code = match denial.reason {
        Reason::StoreUseDenied => Code::StoreUseDenied,
        Reason::SecretNotFound => Code::SecretNotFound,
        Reason::PropertyMissing => Code::PropertyMissing,
        Reason::AwsDenied | Reason::AwsIdentityRefused => Code::AwsDenied,
        _ => return None,
    };
    Some(Miss { index, code, cause: denial.message.clone() })
}

fn judge(index: usize, reference: &SecretRef, answer: Result<Answer, SourceError>) -> Option<Miss> {
    let kind = reference.store.as_ref()?.kind;
    match answer {
        Err(error) => miss(index, &why::denial(kind, &error)),
        Ok(answer) => {
            let top = reference.property.as_deref().filter(|_| reference.content != Content::Tags);
            let property = top.filter(|property| !has(document(&answer.payload).expose(), property))?;
            let cause = format!("the secret has no {property:?}, or is no JSON object");
            Some(Miss { index, code: Code::PropertyMissing, cause })
        }
    }
}

/// Whether a document can have a property: one that is no plain name, or a document that nobody reads here, can.
fn has(document: &[u8], property: &str) -> bool {
    const MEANS_MORE: [char; 15] =
        ['|', '#', '*', '?', '@', '\\', '!', '{', '}', '[', ']', '(', ')', '"', '%'];
    if property.contains(MEANS_MORE) {
        return true;
    }
    let top = property.split('.').next().unwrap_or_default();
    match serde_json::from_slice::<HashMap<String, IgnoredAny>>(document) {
        Ok(members) => members.contains_key(property) || members.contains_key(top),
        // An array has elements by number; anything else that is whole has no members.
        Err(error) => !error.is_data() || document.trim_ascii_start().starts_with(b"["),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_at_the_top_are_judged() {
        let document = br#"{"user": "app", "a.b": 1, "deep": {"x": 1}, "\u0065scaped": 1}"#;
        for (property, is_there) in [
            ("user", true),
            ("a.b", true),
            ("deep.x", true),
            ("deep.y", true),
            ("escaped", true),
            ("usr", false),
            ("a.c", false),
            ("us*r", true),
            ("list.#(a==1)", true),
            ("@this", true),
        ] {
            assert_eq!(has(document, property), is_there, "{property}");
        }
        for (document, is_there) in [
            (&b"\"text\""[..], false),
            (b"12", false),
            (b" [1]", true),
            (b"{\"user\": ", true),
            (b"{\"other\": 1", true),
            (b"", true),
            (b"text", true),
        ] {
            assert_eq!(has(document, "user"), is_there, "{document:?}");
        }
    }
}
