//! A secret with its versions, and the rules that move staging labels: pure, no call knows how.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::error::AwsError;
use super::identity::random_text;

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";

/// Secrets Manager User Guide, "Secrets Manager quotas".
const MOST_VERSIONS: usize = 100;
const MOST_STAGES: usize = 20;
/// A version younger than this is not removed to make room.
const YOUNG: Duration = Duration::from_secs(24 * 60 * 60);

/// A secret, in the region where it was made.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
    /// The six characters after the name in the ARN.
    pub(crate) suffix: String,
    pub(crate) description: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) policy: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) accessed: Option<Timestamp>,
    /// After this a secret that is marked for deletion is gone.
    pub(crate) deletion: Option<Timestamp>,
    pub(crate) replicas: Vec<Replica>,
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
}

/// A copy in another region.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    pub(crate) region: String,
    pub(crate) kms_key_id: Option<String>,
    /// Why there is no copy, after all.
    pub(crate) failure: Option<String>,
}

/// A version, which never changes but for its labels.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) content: Content,
    pub(crate) stages: BTreeSet<String>,
    pub(crate) created: Timestamp,
    pub(crate) accessed: Option<Timestamp>,
}

/// What was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Text(String),
    Binary(Vec<u8>),
}

/// What a token led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    New,
    /// The same token with the same content as before: nothing happened.
    Repeated,
}

impl Secret {
    /// A secret without a version.
    pub(crate) fn new(account: &str, region: &str, name: &str, now: Timestamp) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.to_owned(),
            suffix: random_text(6),
            description: None,
            kms_key_id: None,
            tags: BTreeMap::new(),
            policy: None,
            created: now,
            changed: now,
            accessed: None,
            deletion: None,
            replicas: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// The ARN in `region`: a replica differs in nothing else.
    pub(crate) fn arn_in(&self, region: &str) -> String {
        let Self { account, name, suffix, .. } = self;
        let partition = partition(region);
        format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
    }

    /// The ARN where it was made.
    pub(crate) fn arn(&self) -> String {
        self.arn_in(&self.region)
    }

    /// Whether it can be read in `region`.
    pub(crate) fn is_in(&self, region: &str) -> bool {
        let copied = |one: &Replica| one.region == region && one.failure.is_none();
        self.region == region || self.replicas.iter().any(copied)
    }

    /// # Errors
    /// When it is marked for deletion.
    pub(crate) fn check_present(&self) -> Result<(), AwsError> {
        self.deletion.map_or(Ok(()), |_| Err(AwsError::marked_for_deletion()))
    }

    pub(crate) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|one| one.id == id)
    }

    pub(crate) fn staged(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|one| one.stages.contains(stage))
    }

    /// Adds a version under a token; the first one of a secret is current whatever else it is labelled.
    ///
    /// # Errors
    /// When the token has other content already, or there is no room for a version or a label.
    pub(crate) fn put(
        &mut self,
        token: &str,
        content: Content,
        mut stages: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Put, AwsError> {
        if let Some(version) = self.version(token) {
            return if version.content == content {
                Ok(Put::Repeated)
            } else {
                Err(AwsError::exists(format!(
                    "The operation failed because the version {token} already exists and holds another value."
                )))
            };
        }
        if self.versions.is_empty() {
            stages.insert(CURRENT.to_owned());
        }
        self.make_room(now)?;
        let version =
            Version { id: token.to_owned(), content, stages: BTreeSet::new(), created: now, accessed: None };
        self.versions.push(version);
        for stage in stages {
            self.move_stage(&stage, Some(token));
        }
        self.changed = now;
        Ok(Put::New)
    }

    /// Takes a label from the version that has it and gives it to another one or to none.
    pub(crate) fn move_stage(&mut self, stage: &str, to: Option<&str>) {
        let from = self.staged(stage).map(|one| one.id.clone());
        if from.as_deref() == to {
            return;
        }
        self.label(stage, to);
        if stage == CURRENT {
            self.label(PREVIOUS, from.as_deref());
        }
    }

    /// How many labels there are on all versions.
    pub(crate) fn check_stages(&self, added: &BTreeSet<String>) -> Result<(), AwsError> {
        let labels: BTreeSet<&String> =
            self.versions.iter().flat_map(|one| &one.stages).chain(added).collect();
        if labels.len() > MOST_STAGES {
            return Err(AwsError::limit("You have reached the limit of staging labels on this secret."));
        }
        Ok(())
    }

    fn label(&mut self, stage: &str, to: Option<&str>) {
        for version in &mut self.versions {
            if Some(version.id.as_str()) == to {
                version.stages.insert(stage.to_owned());
            } else {
                version.stages.remove(stage);
            }
        }
    }

    /// Old versions without a label go when there are too many; young ones stay, and then there is no room.
    fn make_room(&mut self, now: Timestamp) -> Result<(), AwsError> {
        while self.versions.len() >= MOST_VERSIONS {
            let old = |one: &Version| {
                one.stages.is_empty() && now.duration_since(one.created).unsigned_abs() >= YOUNG
            };
            let Some(at) = self.versions.iter().position(old) else {
                return Err(AwsError::limit("You have reached the limit of versions of this secret."));
            };
            self.versions.remove(at);
        }
        Ok(())
    }
}

/// `aws`, `aws-cn`, `aws-us-gov`.
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}
