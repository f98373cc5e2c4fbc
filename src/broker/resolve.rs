//! From what a pod may ask for to values: stores that it may use, references and ExternalSecrets through the source,
//! all at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use keyhatch_agent::{Mode, OnMissing};

use super::externals::{External, Externals};
use super::identity::Caller;
use super::live::Admitted;
use super::proof::{Proof, Prover};
use super::reason::{Denial, Reason};
use super::usage::Uses;
use super::why;
use crate::extract::Values;
use crate::grant::{Grant, MIN_REFRESH, Named};
use crate::reference::Store;
use crate::secret_value::SecretValue;
use crate::source::error::SourceError;
use crate::source::external::{Entry, Wanted};
use crate::source::plan::StoreId;
use crate::source::{Access, Entered, Source};

/// The oldest answer that a starting pod takes.
const STARTING: u64 = 60;

/// What is needed to resolve.
#[derive(Debug)]
pub(super) struct Resolver {
    pub(super) source: Source,
    pub(super) uses: Uses,
    pub(super) externals: Externals,
    pub(super) prover: Prover,
}

/// Everything that was asked for, by what asked.
#[derive(Debug)]
pub(super) struct Resolved {
    /// None: it is missing, and may be.
    pub(super) references: HashMap<Named, Option<(SecretValue, Proof)>>,
    /// By name.
    pub(super) externals: BTreeMap<String, Whole>,
}

/// An ExternalSecret's keys.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) version: String,
    pub(super) values: Values,
    pub(super) proofs: Vec<Proof>,
}

/// How old answers may be, which may be missing, and the ways through stores.
struct Asking {
    max_age: Option<Duration>,
    on_missing: OnMissing,
    accesses: BTreeMap<StoreKey, Arc<Access>>,
}

pub(super) type StoreKey = (&'static str, String);

impl Resolver {
    /// Resolves everything, or nothing.
    pub(super) async fn resolve(&self, caller: &Caller, admitted: &Admitted) -> Result<Resolved, Denial> {
        let Admitted { grant, mode, .. } = admitted;
        let externals = self.externals(caller, grant).await?;
        let references: BTreeMap<String, &Named> =
            references(grant).map(|it| (it.reference.to_string(), it)).collect();
        let entries = externals.iter().flat_map(|external| &external.entries).map(|entry| &entry.store);
        let stores: BTreeMap<StoreKey, &Store> = references
            .values()
            .map(|named| &named.store)
            .chain(entries)
            .map(|store| (key(store), store))
            .collect();
        let asking = Asking {
            max_age: Some(max_age(*mode, grant.refresh)),
            on_missing: grant.on_missing,
            accesses: self.accesses(caller, stores).await?,
        };
        let single = join_all(references.into_values().map(|named| self.reference(&asking, named)));
        let whole = join_all(externals.iter().map(|external| self.whole(&asking, external)));
        let (single, whole) = tokio::join!(single, whole);
        Ok(Resolved {
            references: single.into_iter().collect::<Result<_, _>>()?,
            externals: whole.into_iter().collect::<Result<_, _>>()?,
        })
    }

    async fn externals(&self, caller: &Caller, grant: &Grant) -> Result<Vec<Arc<External>>, Denial> {
        let env = grant.external_secret_env.iter().map(|external| &external.name);
        let names: BTreeSet<&String> = grant.external_secrets.iter().chain(env).collect();
        let read = join_all(names.into_iter().map(|name| self.externals.get(&caller.namespace, name)));
        read.await.into_iter().collect()
    }

    async fn accesses(
        &self,
        caller: &Caller,
        stores: BTreeMap<StoreKey, &Store>,
    ) -> Result<BTreeMap<StoreKey, Arc<Access>>, Denial> {
        let accesses = stores.into_iter().map(|(key, store)| self.access(caller, key, store));
        join_all(accesses).await.into_iter().collect()
    }

    /// The way through a store that a caller's ServiceAccount may use.
    pub(super) async fn access(
        &self,
        caller: &Caller,
        key: StoreKey,
        store: &Store,
    ) -> Result<(StoreKey, Arc<Access>), Denial> {
        let id = StoreId::seen_from(&caller.namespace, store.kind, &store.name);
        self.uses.check(caller, &id).await?;
        let access = self.source.access(&id, &caller.namespace).await;
        Ok((key, access.map_err(|error| why::denial(store.kind, &error))?))
    }

    async fn reference(
        &self,
        asking: &Asking,
        named: &Named,
    ) -> Result<(Named, Option<(SecretValue, Proof)>), Denial> {
        let access = asking.access(&named.store)?;
        let resolved = self.source.resolve(access, &named.reference, asking.max_age).await;
        let value = match resolved {
            Ok(resolved) => Some((resolved.value, self.prover.prove(access, &resolved.answer))),
            Err(error) if asking.may_miss(&error) => None,
            Err(error) => return Err(why::of_reference(&named.store, &named.reference, &error)),
        };
        Ok((named.clone(), value))
    }

    async fn whole(&self, asking: &Asking, external: &External) -> Result<(String, Whole), Denial> {
        let External { name, version, entries, .. } = external;
        let read = join_all(entries.iter().map(|entry| self.entry(asking, name, entry)));
        let mut whole = Whole { version: version.clone(), values: Values::new(), proofs: Vec::new() };
        for entry in read.await {
            let (values, proofs) = entry?;
            whole.values.extend(values);
            whole.proofs.extend(proofs);
        }
        Ok((name.clone(), whole))
    }

    async fn entry(
        &self,
        asking: &Asking,
        name: &str,
        entry: &Entry,
    ) -> Result<(Values, Vec<Proof>), Denial> {
        let access = asking.access(&entry.store)?;
        match self.source.entry(access, &entry.wanted, asking.max_age).await {
            Ok(Entered { values, answers }) => {
                let proofs = answers.iter().map(|answer| self.prover.prove(access, answer)).collect();
                Ok((values, proofs))
            }
            // A search finds what there is: nothing of it may be missing.
            Err(error) if asking.may_miss(&error) && !matches!(entry.wanted, Wanted::Find { .. }) => {
                Ok((Values::new(), Vec::new()))
            }
            Err(error) => Err(why::of_external(name, &entry.store, &error)),
        }
    }
}

impl Asking {
    fn access(&self, store: &Store) -> Result<&Arc<Access>, Denial> {
        let missing = || Denial::new(Reason::StoreNotFound, format!("{} was not asked for", store.name));
        self.accesses.get(&key(store)).ok_or_else(missing)
    }

    /// What is not there may be left out; what is denied may not.
    fn may_miss(&self, error: &SourceError) -> bool {
        match self.on_missing {
            OnMissing::Fail => false,
            OnMissing::Skip => matches!(why::reason(error), Reason::SecretNotFound | Reason::PropertyMissing),
        }
    }
}

pub(super) fn key(store: &Store) -> StoreKey {
    (store.kind.as_str(), store.name.clone())
}

fn references(grant: &Grant) -> impl Iterator<Item = &Named> {
    grant.files.values().chain(grant.env.values().flat_map(BTreeMap::values))
}

/// How old an answer may be: half of a sidecar's refresh, which it spends half of waiting, or a minute for a pod that
/// starts.
fn max_age(mode: Mode, refresh: Option<u64>) -> Duration {
    let seconds = match (mode, refresh) {
        (Mode::Sidecar, Some(refresh)) => refresh.max(MIN_REFRESH) / 2,
        (Mode::Sidecar | Mode::Init, _) => STARTING,
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_takes_what_is_no_older_than_half_its_refresh() {
        for (mode, refresh, seconds) in [
            (Mode::Sidecar, Some(300), 150),
            (Mode::Sidecar, Some(1), 5),
            (Mode::Sidecar, None, 60),
            (Mode::Init, Some(300), 60),
            (Mode::Init, None, 60),
        ] {
            assert_eq!(max_age(mode, refresh).as_secs(), seconds, "{mode:?} {refresh:?}");
        }
    }
}
