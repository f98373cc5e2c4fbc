//! What is to be done about a remote secret beside its value: description, key, tags, policy, replicas. What metadata
//! does not say is not managed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::api::push_metadata::{PolicySource, PushSecretMetadata, Tags};
use crate::aws::tags::MANAGED_BY;

use super::error::Cause;
use super::remote::{Described, MANAGER};

/// The key of secrets that name none.
pub const DEFAULT_KEY: &str = "alias/aws/secretsmanager";
/// The description of secrets that have none.
pub const DEFAULT_DESCRIPTION: &str = "secret 'managed-by:external-secrets'";

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// UpdateSecret.
    Update {
        /// A new description.
        description: Option<String>,
        /// Another key.
        kms_key_id: Option<String>,
    },
    /// UntagResource.
    Untag(Vec<String>),
    /// TagResource.
    Tag(BTreeMap<String, String>),
    /// RemoveRegionsFromReplication.
    RemoveReplicas(Vec<String>),
    /// ReplicateSecretToRegions.
    Replicate {
        /// Regions without a replica.
        regions: Vec<String>,
        /// The key for all of them.
        kms_key_id: Option<String>,
    },
    /// PutResourcePolicy.
    PutPolicy(Policy),
    /// DeleteResourcePolicy.
    DeletePolicy,
}

/// A policy that is wanted.
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its text: JSON, or nothing at all for no policy.
    pub text: String,
    /// Whether AWS refuses it if it opens the secret to everybody.
    pub block_public: Option<bool>,
    /// Whether it comes from a Secret: nothing of it may be told.
    pub is_secret: bool,
}

/// Without its text, which may come from a Secret.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("block_public", &self.block_public).finish_non_exhaustive()
    }
}

/// Tags of a secret that is made.
pub fn new_tags(metadata: &PushSecretMetadata) -> BTreeMap<String, String> {
    let tags = metadata.tags.iter().flatten().map(|(key, value)| (key.to_string(), value.to_string()));
    tags.chain([(MANAGED_BY.to_owned(), MANAGER.to_owned())]).collect()
}

/// Everything but the policy, which needs another question to AWS.
pub fn changes(metadata: &PushSecretMetadata, described: &Described) -> Vec<Change> {
    let mut changes: Vec<Change> = update(metadata, described).into_iter().collect();
    changes.extend(tags(metadata, described));
    changes.extend(replicas(metadata, described));
    changes
}

fn update(metadata: &PushSecretMetadata, described: &Described) -> Option<Change> {
    let description = metadata.description.as_deref().filter(|text| *text != described.description);
    let wanted_key = metadata.kms_key_id.as_deref();
    let has_key = described.kms_key_id.as_deref().unwrap_or(DEFAULT_KEY);
    let kms_key_id = wanted_key.filter(|wanted| !is_same_key(wanted, has_key));
    (description.is_some() || kms_key_id.is_some()).then(|| Change::Update {
        description: description.map(str::to_owned),
        kms_key_id: kms_key_id.map(str::to_owned),
    })
}

/// Whether two names are one key, as far as names tell: an ARN ends in what it names.
fn is_same_key(one: &str, other: &str) -> bool {
    fn resource(key: &str) -> &str {
        let resource = if key.starts_with("arn:") { key.splitn(6, ':').last().unwrap_or(key) } else { key };
        resource.strip_prefix("key/").unwrap_or(resource)
    }
    match (one.starts_with("arn:"), other.starts_with("arn:")) {
        (true, true) => one == other,
        _ => resource(one) == resource(other),
    }
}

/// The tags that metadata names are all that there are, but for AWS's own.
fn tags(metadata: &PushSecretMetadata, described: &Described) -> Vec<Change> {
    if metadata.tags.as_ref().is_none_or(Tags::is_empty) {
        return Vec::new();
    }
    let wanted = new_tags(metadata);
    let is_foreign = |key: &&String| !wanted.contains_key(*key) && !key.starts_with("aws:");
    let stale: Vec<String> = described.tags.keys().filter(is_foreign).cloned().collect();
    let differs = |(key, value): &(String, String)| described.tags.get(key) != Some(value);
    let new: BTreeMap<String, String> = wanted.clone().into_iter().filter(differs).collect();
    let untag = (!stale.is_empty()).then_some(Change::Untag(stale));
    let tag = (!new.is_empty()).then_some(Change::Tag(new));
    untag.into_iter().chain(tag).collect()
}

/// Replicas are made again only where there is none: one that failed says why, and is for people to look at.
fn replicas(metadata: &PushSecretMetadata, described: &Described) -> Vec<Change> {
    let Some(wanted) = &metadata.replication_locations else { return Vec::new() };
    let wanted: BTreeSet<&str> = wanted.iter().map(|region| region.as_str()).collect();
    let there: BTreeSet<&str> = described.replicas.iter().map(|replica| replica.region.as_str()).collect();
    let owned =
        |regions: Vec<&&str>| regions.into_iter().map(|region| (*region).to_owned()).collect::<Vec<_>>();
    let (gone, new) =
        (owned(there.difference(&wanted).collect()), owned(wanted.difference(&there).collect()));
    let kms_key_id =
        metadata.kms_key_id.as_ref().map(ToString::to_string).or_else(|| described.kms_key_id.clone());
    let remove = (!gone.is_empty()).then_some(Change::RemoveReplicas(gone));
    let replicate = (!new.is_empty()).then_some(Change::Replicate { regions: new, kms_key_id });
    remove.into_iter().chain(replicate).collect()
}

/// Replicas that AWS could not make.
pub fn failed_replicas(metadata: &PushSecretMetadata, described: &Described) -> Option<String> {
    metadata.replication_locations.as_ref()?;
    let failed = described.replicas.iter().filter(|replica| replica.status == "Failed");
    let told: Vec<String> =
        failed.map(|replica| format!("replica in {}: {}", replica.region, replica.message)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Where the policy is that metadata wants.
///
/// # Errors
/// If it does not say.
pub fn policy_source(metadata: &PushSecretMetadata) -> Result<Option<&PolicySource>, Cause> {
    let Some(policy) = &metadata.resource_policy else { return Ok(None) };
    policy.policy_source_ref.as_ref().map(Some).ok_or(Cause::NoPolicySource)
}

/// What is to be done about the policy: `there` is what AWS has.
///
/// # Errors
/// If the policy that is wanted is not JSON.
pub fn policy_change(wanted: &Policy, place: &str, there: Option<&str>) -> Result<Option<Change>, Cause> {
    if wanted.text.trim().is_empty() {
        return Ok(there.is_some().then_some(Change::DeletePolicy));
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let Some(document) = read(&wanted.text) else {
        return Err(Cause::PolicyNotJson { place: place.to_owned() });
    };
    let is_there = there.is_some_and(|there| read(there).as_ref() == Some(&document));
    Ok((!is_there).then(|| Change::PutPolicy(wanted.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::remote::Replica;

    fn metadata(text: &str) -> PushSecretMetadata {
        serde_json::from_str(text).unwrap()
    }

    fn described(tags: &[(&str, &str)], regions: &[&str]) -> Described {
        Described {
            description: "d".into(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            replicas: regions
                .iter()
                .map(|region| Replica { region: (*region).to_owned(), ..Replica::default() })
                .collect(),
            ..Described::default()
        }
    }

    #[test]
    fn what_metadata_does_not_say_is_left_alone() {
        let there = described(&[("managed-by", "external-secrets"), ("x", "y")], &["eu-west-1"]);
        for silent in
            ["{}", r#"{"tags":{}}"#, r#"{"description":"d"}"#, r#"{"kmsKeyId":"alias/aws/secretsmanager"}"#]
        {
            assert_eq!(changes(&metadata(silent), &there), [], "{silent}");
        }
    }

    #[test]
    fn tags_are_all_that_there_are_but_for_those_of_aws() {
        let there = described(
            &[("managed-by", "external-secrets"), ("aws:x", "1"), ("team", "a"), ("old", "1")],
            &[],
        );
        assert_eq!(
            changes(&metadata(r#"{"tags":{"team":"b","env":"prod"}}"#), &there),
            [
                Change::Untag(vec!["old".into()]),
                Change::Tag([("env".into(), "prod".into()), ("team".into(), "b".into())].into()),
            ]
        );
    }

    #[test]
    fn replicas_come_and_go_and_have_one_key() {
        let there = Described { kms_key_id: Some("k".into()), ..described(&[], &["eu-west-1", "us-east-1"]) };
        let wanted = metadata(r#"{"replicationLocations":["us-east-1","us-east-2"]}"#);
        assert_eq!(
            changes(&wanted, &there),
            [
                Change::RemoveReplicas(vec!["eu-west-1".into()]),
                Change::Replicate { regions: vec!["us-east-2".into()], kms_key_id: Some("k".into()) },
            ]
        );
        let none = changes(&metadata(r#"{"replicationLocations":[]}"#), &there);
        assert_eq!(none, [Change::RemoveReplicas(vec!["eu-west-1".into(), "us-east-1".into()])]);
    }

    #[test]
    fn a_key_has_several_names() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        let arn = format!("arn:aws:kms:eu-central-1:123456789012:key/{id}");
        for (one, other, same) in [
            (id, arn.as_str(), true),
            ("alias/a", "arn:aws:kms:eu-central-1:123456789012:alias/a", true),
            ("alias/a", "alias/b", false),
            (
                arn.as_str(),
                "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                false,
            ),
        ] {
            assert_eq!(is_same_key(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn policies_are_compared_by_what_they_say() {
        let wanted = |text: &str| Policy { text: text.into(), block_public: None, is_secret: false };
        let change = |text: &str, there| policy_change(&wanted(text), "ConfigMap p, key k", there);
        assert_eq!(change(r#"{"a":1,"b":2}"#, Some(r#"{ "b":2, "a":1 }"#)), Ok(None));
        assert_eq!(change("{}", None), Ok(Some(Change::PutPolicy(wanted("{}")))));
        assert_eq!(change(" ", Some("{}")), Ok(Some(Change::DeletePolicy)));
        assert_eq!(change("", None), Ok(None));
        assert!(change("{", None).is_err());
        assert!(!format!("{:?}", Change::PutPolicy(wanted("hunter2"))).contains("hunter2"));
    }
}
