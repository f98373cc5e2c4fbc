//! A rule in, the kinds whose objects can break it out: what the documentation says of it.

use super::duration::DURATION;
use super::external_secret::GENERATOR_KIND;
use super::rewrite::{REWRITE_COLLIDES, REWRITE_GROUP};
use super::selector::LABEL_SELECTOR;
use super::{REGEXP, TEMPLATE, fan_out, known, store, template};
use crate::api::Kind;
use crate::rule::Rule;
use Kind::{
    ClusterExternalSecret, ClusterPushSecret, ClusterSecretStore, ExternalSecret, PushSecret, SecretStore,
};

/// Whatever refers to a store, or has a template.
const USERS: &[Kind] = &[ExternalSecret, ClusterExternalSecret, PushSecret, ClusterPushSecret];

/// The kinds whose objects can break a rule. Most rules are about a spec that two kinds share: one for a namespace,
/// one for many.
pub fn kinds(rule: &Rule) -> &'static [Kind] {
    let is_one_of = |rules: &[&Rule]| rules.iter().any(|other| other.id == rule.id);
    if is_one_of(&crate::object::rules()) || is_one_of(&[&DURATION, &REGEXP, &known::STORE_CONTROLLER]) {
        return &Kind::ALL;
    }
    if is_one_of(&[&LABEL_SELECTOR]) {
        return &[SecretStore, ClusterSecretStore, ClusterExternalSecret, PushSecret, ClusterPushSecret];
    }
    if is_one_of(template::SHARED_RULES) || is_one_of(known::RULES_OF_USERS) {
        return USERS;
    }
    if is_one_of(&[&TEMPLATE, &GENERATOR_KIND, &REWRITE_GROUP, &REWRITE_COLLIDES]) {
        return USERS;
    }
    if is_one_of(fan_out::RULES) || is_one_of(known::RULES_OF_FAN_OUT) {
        return &[ClusterExternalSecret, ClusterPushSecret];
    }
    if is_one_of(&[&known::TEMPLATE_SOURCE]) {
        return &[ExternalSecret, PushSecret];
    }
    let is_of_one =
        is_one_of(store::RULES_OF_ONE_KIND) || known::rules_of_one_kind().any(|one| one.id == rule.id);
    match rule.kind {
        Some(SecretStore) if is_of_one => &[SecretStore],
        Some(ClusterSecretStore) if is_of_one => &[ClusterSecretStore],
        Some(ExternalSecret) if is_of_one => &[ExternalSecret],
        Some(PushSecret) if is_of_one => &[PushSecret],
        Some(SecretStore | ClusterSecretStore) => &[SecretStore, ClusterSecretStore],
        Some(ExternalSecret | ClusterExternalSecret) => &[ExternalSecret, ClusterExternalSecret],
        Some(PushSecret | ClusterPushSecret) => &[PushSecret, ClusterPushSecret],
        None => &[],
    }
}
