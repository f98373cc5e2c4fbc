//! What a test or a demo sets up in an account: secrets, users with keys, roles, token issuers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::DEFAULT_REGION;
use super::iam::Policy;
use super::identity::{AccessKey, Identity, Principal, random_text, role_arn};
use super::pipeline::{Service, State};
use super::secret::{CURRENT, Content, Secret};
use super::world::{Judge, Provider, Review, Role};

/// An account, of which the world holds the state; cheap to clone.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(super) service: Arc<Service>,
}

/// What a caller signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
}

/// A policy that allows everything.
pub(crate) fn allow_all() -> Value {
    json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
}

/// A trust policy that names principals by ARN or account.
pub(crate) fn trust(principals: &[&str]) -> Value {
    let action = ["sts:AssumeRole", "sts:TagSession"];
    json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": action}})
}

impl Account {
    /// Keys of a user who may do everything.
    pub(crate) fn keys(&self) -> Keys {
        self.user("admin", &[allow_all()])
    }

    /// New keys of a user, who may do what `policies` allow and nothing else; made, or changed, by this call.
    pub(crate) fn user(&self, name: &str, policies: &[Value]) -> Keys {
        let keys =
            Keys { id: format!("AKIA{}", random_text(16)), secret: random_text(40), session_token: None };
        let mut state = self.service.state();
        state.world.account(&self.id).users.insert(name.to_owned(), parse(policies));
        let identity = Identity {
            account: self.id.clone(),
            principal: Principal::User(name.to_owned()),
            user_id: format!("AIDA{}", random_text(17)),
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            session_policy: None,
        };
        let key = AccessKey { secret: keys.secret.clone(), session: None, identity };
        state.world.keys.insert(keys.id.clone(), key);
        keys
    }

    /// A role under `/` or a path of its own (`team/reader`), made or replaced; answers its ARN.
    pub(crate) fn role(&self, name: &str, trust: &Value, policies: &[Value]) -> String {
        let (path, name) = name.rsplit_once('/').map_or_else(
            || ("/".to_owned(), name),
            |(path, name)| (format!("/{}/", path.trim_matches('/')), name),
        );
        let role = Role {
            id: format!("AROA{}", random_text(17)),
            path: path.clone(),
            trust: parse_one(trust),
            policies: parse(policies),
            max_session: 3600,
        };
        self.service.state().world.account(&self.id).roles.insert(name.to_owned(), role);
        role_arn(&self.id, &path, name)
    }

    /// Whom a role trusts from now on. Sessions that exist go on.
    pub(crate) fn set_trust(&self, role: &str, trust: &Value) {
        self.change_role(role, |role| role.trust = parse_one(trust));
    }

    /// What a role may do from now on, in sessions that exist as well.
    pub(crate) fn set_role_policies(&self, role: &str, policies: &[Value]) {
        self.change_role(role, |role| role.policies = parse(policies));
    }

    /// The longest session of a role, in seconds.
    pub(crate) fn set_max_session(&self, role: &str, seconds: u32) {
        self.change_role(role, |role| role.max_session = seconds);
    }

    /// Removes a role, and with it the sessions that it has.
    pub(crate) fn remove_role(&self, name: &str) {
        let state = &mut *self.service.state();
        state.world.account(&self.id).roles.remove(name);
        state.world.keys.retain(|_, key| {
            let is_of =
                |principal: &Principal| matches!(principal, Principal::Role { name: of, .. } if of == name);
            key.identity.account != self.id || !is_of(&key.identity.principal)
        });
    }

    /// Removes an access key.
    pub(crate) fn revoke(&self, keys: &Keys) {
        self.service.state().world.keys.remove(&keys.id);
    }

    /// Trusts tokens of `issuer` (with `https://`) that are signed with a key of a JSON Web Key Set.
    pub(crate) fn trust_issuer(&self, issuer: &str, audiences: &[&str], keys: Value) {
        self.provider(issuer, audiences, Judge::Keys(keys));
    }

    /// Trusts tokens of `issuer` that `review` finds good; it answers the claims, with `sub` and `aud`.
    pub(crate) fn trust_reviewed_issuer(&self, issuer: &str, audiences: &[&str], review: Review) {
        self.provider(issuer, audiences, Judge::Review(review));
    }

    /// A secret with a text, in the default region; a new current version when it is there already. Answers its ARN.
    pub(crate) fn secret(&self, name: &str, text: &str) -> String {
        self.secret_in(DEFAULT_REGION, name, Content::Text(text.to_owned()))
    }

    /// The same in another region, or with bytes.
    pub(crate) fn secret_in(&self, region: &str, name: &str, content: Content) -> String {
        let state = &mut *self.service.state();
        let now = state.world.now();
        let place = state.world.find(&self.id, region, name);
        let secrets = &mut state.world.account(&self.id).secrets;
        let at = place.map_or_else(
            || {
                secrets.push(Secret::new(&self.id, region, name, now));
                secrets.len() - 1
            },
            |place| place.at,
        );
        let secret = secrets.get_mut(at).expect("the secret that was just found or made");
        let token = super::answer::request_id();
        let put = secret.put(&token, content, BTreeSet::from([CURRENT.to_owned()]), now);
        put.expect("room for a version");
        secret.arn()
    }

    /// Sets a tag of a secret in the default region.
    pub(crate) fn tag(&self, name: &str, key: &str, value: &str) {
        self.change_secret(name, |secret| drop(secret.tags.insert(key.to_owned(), value.to_owned())));
    }

    /// A secret of the default region as it is now.
    pub(crate) fn look(&self, name: &str) -> Option<Secret> {
        let state = self.service.state();
        let place = state.world.find(&self.id, DEFAULT_REGION, name)?;
        state.world.secret(&place).ok().cloned()
    }

    /// Changes a secret of the default region behind everybody's back.
    pub(crate) fn change_secret(&self, name: &str, change: impl FnOnce(&mut Secret)) {
        let state = &mut *self.service.state();
        let place = state.world.find(&self.id, DEFAULT_REGION, name).expect("the secret to change");
        change(state.world.secret_mut(&place).expect("the secret to change"));
    }

    /// Removes a secret of the default region at once.
    pub(crate) fn remove_secret(&self, name: &str) {
        let state: &mut State = &mut self.service.state();
        let place = state.world.find(&self.id, DEFAULT_REGION, name).expect("the secret to remove");
        state.world.account(&self.id).secrets.remove(place.at);
    }

    fn provider(&self, issuer: &str, audiences: &[&str], judge: Judge) {
        let audiences = audiences.iter().map(|&one| one.to_owned()).collect();
        let provider = Provider { audiences, judge };
        self.service.state().world.account(&self.id).providers.insert(issuer.to_owned(), provider);
    }

    fn change_role(&self, name: &str, change: impl FnOnce(&mut Role)) {
        let mut state = self.service.state();
        change(state.world.account(&self.id).roles.get_mut(name).expect("the role to change"));
    }
}

fn parse(policies: &[Value]) -> Vec<Policy> {
    policies.iter().map(parse_one).collect()
}

fn parse_one(policy: &Value) -> Policy {
    Policy::parse(&policy.to_string()).unwrap_or_else(|error| panic!("{policy} is no policy: {error}"))
}
