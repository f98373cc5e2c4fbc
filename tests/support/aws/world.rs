//! Everything that AWS remembers: accounts with their users, roles and secrets, and the access keys of all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::AwsError;
use super::iam::Policy;
use super::identity::{AccessKey, Identity, Principal, role_arn};
use super::secret::Secret;

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) accounts: BTreeMap<String, AccountState>,
    pub(crate) keys: HashMap<String, AccessKey>,
    /// How far its clock is ahead of the machine's.
    pub(crate) ahead: SignedDuration,
}

#[derive(Debug, Default)]
pub(crate) struct AccountState {
    pub(crate) users: BTreeMap<String, Vec<Policy>>,
    pub(crate) roles: BTreeMap<String, Role>,
    /// By issuer.
    pub(crate) providers: BTreeMap<String, Provider>,
    /// Oldest first.
    pub(crate) secrets: Vec<Secret>,
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    /// `AROA…`, new with every role that is made.
    pub(crate) id: String,
    /// Begins and ends with a slash.
    pub(crate) path: String,
    pub(crate) trust: Policy,
    pub(crate) policies: Vec<Policy>,
    /// Seconds; an hour unless it is set.
    pub(crate) max_session: u32,
}

impl Role {
    pub(crate) fn arn(&self, account: &str, name: &str) -> String {
        role_arn(account, &self.path, name)
    }
}

/// An OpenID Connect provider that an account trusts.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) audiences: Vec<String>,
    pub(crate) judge: Judge,
}

/// Says what a token claims, or what is wrong with it. A token of another issuer is wrong.
pub(crate) type Review = Arc<dyn Fn(&str) -> Result<Value, String> + Send + Sync>;

/// Who checks a web identity token's signature and age.
#[derive(Clone)]
pub(crate) enum Judge {
    /// We do, with a JSON Web Key Set.
    Keys(Value),
    /// Somebody else, such as an API server's TokenReview.
    Review(Review),
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("audiences", &self.audiences).finish_non_exhaustive()
    }
}

impl World {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::now().checked_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// The policies that the caller has now: a change reaches sessions that exist already.
    pub(crate) fn policies(&self, identity: &Identity) -> &[Policy] {
        let Some(account) = self.accounts.get(&identity.account) else { return &[] };
        match &identity.principal {
            Principal::User(name) => account.users.get(name).map_or(&[], Vec::as_slice),
            Principal::Role { name, .. } => account.roles.get(name).map_or(&[], |role| &role.policies),
        }
    }

    /// Removes what is past its deletion date.
    pub(crate) fn expire(&mut self) {
        let now = self.now();
        for account in self.accounts.values_mut() {
            account.secrets.retain(|secret| secret.deletion.is_none_or(|date| date > now));
        }
    }

    /// Finds a secret by name, ARN or ARN without its suffix, as seen from an account and a region. Answers
    /// where it is, so that the caller can look and change.
    pub(crate) fn find(&self, account: &str, region: &str, id: &str) -> Option<Place> {
        let arn = id.strip_prefix("arn:").map(|arn| arn.splitn(5, ':').collect::<Vec<_>>());
        let (account, name) = match arn.as_deref() {
            Some([_, "secretsmanager", of, account, rest]) if *of == region => {
                (*account, rest.strip_prefix("secret:")?)
            }
            Some(_) => return None,
            None => (account, id),
        };
        let secrets = &self.accounts.get(account)?.secrets;
        let found = |wanted: &dyn Fn(&Secret) -> bool| {
            secrets.iter().position(|secret| wanted(secret) && secret.is_in(region))
        };
        let by_name = || found(&|secret| secret.name == name);
        let complete = |secret: &Secret| {
            let short = name.strip_suffix(&secret.suffix).and_then(|name| name.strip_suffix('-'));
            short == Some(secret.name.as_str())
        };
        let at = if arn.is_some() { found(&complete).or_else(by_name)? } else { by_name()? };
        Some(Place { account: account.to_owned(), at })
    }

    pub(crate) fn secret(&self, place: &Place) -> Result<&Secret, AwsError> {
        let account = self.accounts.get(&place.account);
        account.and_then(|account| account.secrets.get(place.at)).ok_or_else(AwsError::not_found)
    }

    pub(crate) fn secret_mut(&mut self, place: &Place) -> Result<&mut Secret, AwsError> {
        let account = self.accounts.get_mut(&place.account);
        account.and_then(|account| account.secrets.get_mut(place.at)).ok_or_else(AwsError::not_found)
    }

    pub(crate) fn account(&mut self, id: &str) -> &mut AccountState {
        self.accounts.entry(id.to_owned()).or_default()
    }
}

/// Where a secret is, while the lock is held.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) at: usize,
}
