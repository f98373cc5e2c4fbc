//! What is around a value: tags, the resource policy, and copies in other regions.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};

use super::described::replica;
use super::value::wordless;
use super::{Operation, Remote};
use crate::push::attributes::Policy;
use crate::push::remote::Replica;
use crate::source::error::SourceError;
use crate::source::quota::Limited;

/// Where a copy shall be, and with which key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaRegion {
    /// The region.
    pub region: String,
    /// The key that encrypts it there; `aws/secretsmanager` if it is not said.
    pub kms_key_id: Option<String>,
}

const TAG: Operation = Operation::repeatable("TagResource", Limited::Tags);
const UNTAG: Operation = Operation::repeatable("UntagResource", Limited::Tags);
const GET_POLICY: Operation = Operation::repeatable("GetResourcePolicy", Limited::Policy);
const PUT_POLICY: Operation = Operation::repeatable("PutResourcePolicy", Limited::Policy);
const DELETE_POLICY: Operation = Operation::repeatable("DeleteResourcePolicy", Limited::Policy);
// A copy that is there already is refused, and so may be one to remove that is not.
const REPLICATE: Operation = Operation::once("ReplicateSecretToRegions", Limited::Write);
const REMOVE_REPLICAS: Operation = Operation::once("RemoveRegionsFromReplication", Limited::Write);

impl Remote {
    /// Sets tags; others stay.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn tag(&self, id: &str, wanted: &BTreeMap<String, String>) -> Result<(), SourceError> {
        let tags = tags(wanted);
        let answer = self.change(TAG, id, |client| {
            client.tag_resource().secret_id(id).set_tags(Some(tags.clone())).send()
        });
        self.source.heeded(&self.access, answer.await.map(drop))
    }

    /// Removes tags; one that is not there is no mistake.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn untag(&self, id: &str, keys: &[String]) -> Result<(), SourceError> {
        let answer = self.change(UNTAG, id, |client| {
            client.untag_resource().secret_id(id).set_tag_keys(Some(keys.to_vec())).send()
        });
        self.source.heeded(&self.access, answer.await.map(drop))
    }

    /// The resource policy, as text in JSON; none if there is none.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn policy(&self, id: &str) -> Result<Option<String>, SourceError> {
        let answer = self.call(GET_POLICY, id, |client| client.get_resource_policy().secret_id(id).send());
        let policy = answer.await.map(|answer| answer.resource_policy.filter(|text| !text.is_empty()));
        self.source.heeded(&self.access, policy)
    }

    /// Sets the resource policy.
    ///
    /// # Errors
    /// AWS's, classified; [`Class::Invalid`](crate::aws::failure::Class::Invalid) for what is no policy, or a public one.
    pub async fn put_policy(&self, id: &str, policy: &Policy) -> Result<(), SourceError> {
        let Policy { text, block_public, is_secret } = policy;
        let answer = self.change(PUT_POLICY, id, |client| {
            let request = client.put_resource_policy().secret_id(id).resource_policy(text);
            request.set_block_public_policy(*block_public).send()
        });
        let answer = answer.await.map(drop);
        // A Secret may hold something else by mistake, and AWS's words name parts of what they are about.
        let answer = if *is_secret { wordless(answer, "the policy, which is in a Secret") } else { answer };
        self.source.heeded(&self.access, answer)
    }

    /// Removes the resource policy; there need be none.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn delete_policy(&self, id: &str) -> Result<(), SourceError> {
        let answer =
            self.change(DELETE_POLICY, id, |client| client.delete_resource_policy().secret_id(id).send());
        self.source.heeded(&self.access, answer.await.map(drop))
    }

    /// Copies a secret to more regions. Answers all its copies; AWS makes them later, and their status says how far it is.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn replicate(&self, id: &str, to: &[ReplicaRegion]) -> Result<Vec<Replica>, SourceError> {
        let to = regions(to);
        let answer = self.change(REPLICATE, id, |client| {
            let request = client.replicate_secret_to_regions().secret_id(id);
            request.set_add_replica_regions(Some(to.clone())).send()
        });
        let replicas = answer.await.map(|answer| answer.replication_status.unwrap_or_default());
        let replicas = replicas.map(|replicas| replicas.into_iter().map(replica).collect());
        self.source.heeded(&self.access, replicas)
    }

    /// Removes copies. Answers those that stay.
    ///
    /// # Errors
    /// AWS's, classified.
    pub async fn remove_replicas(&self, id: &str, from: &[String]) -> Result<Vec<Replica>, SourceError> {
        let answer = self.change(REMOVE_REPLICAS, id, |client| {
            let request = client.remove_regions_from_replication().secret_id(id);
            request.set_remove_replica_regions(Some(from.to_vec())).send()
        });
        let replicas = answer.await.map(|answer| answer.replication_status.unwrap_or_default());
        let replicas = replicas.map(|replicas| replicas.into_iter().map(replica).collect());
        self.source.heeded(&self.access, replicas)
    }
}

pub(super) fn tags(wanted: &BTreeMap<String, String>) -> Vec<Tag> {
    wanted.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

pub(super) fn regions(wanted: &[ReplicaRegion]) -> Vec<ReplicaRegionType> {
    let region = |ReplicaRegion { region, kms_key_id }: &ReplicaRegion| {
        ReplicaRegionType::builder().region(region).set_kms_key_id(kms_key_id.clone()).build()
    };
    wanted.iter().map(region).collect()
}
