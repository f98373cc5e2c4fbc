//! The operations that are answered: from the wire's name, to the IAM action, to the quota they share.

use std::fmt;

macro_rules! operations {
    ($($service:ident { $($name:ident),* $(,)? })*) => {
        /// An operation, under AWS's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) enum Operation { $($($name),*),* }

        impl Operation {
            /// Every operation.
            pub(crate) const ALL: &'static [Self] = &[$($(Self::$name),*),*];

            /// AWS's name, as in `X-Amz-Target`, `Action` and IAM.
            pub(crate) fn name(self) -> &'static str {
                match self { $($(Self::$name => stringify!($name)),*),* }
            }

            /// Whose it is.
            pub(crate) fn service(self) -> Service {
                match self { $($(Self::$name => Service::$service),*),* }
            }
        }
    };
}

operations! {
    SecretsManager {
        BatchGetSecretValue, CreateSecret, DeleteResourcePolicy, DeleteSecret, DescribeSecret, GetResourcePolicy,
        GetSecretValue, ListSecretVersionIds, ListSecrets, PutResourcePolicy, PutSecretValue,
        RemoveRegionsFromReplication, ReplicateSecretToRegions, RestoreSecret, TagResource, UntagResource,
        UpdateSecret, UpdateSecretVersionStage,
    }
    Sts { AssumeRole, AssumeRoleWithWebIdentity, GetCallerIdentity }
}

/// A service, which is also a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// AWS JSON 1.1.
    SecretsManager,
    /// AWS query: a form in, XML out.
    Sts,
}

impl Service {
    /// In the credential scope of a signature, and before the colon of an IAM action.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Sts => "sts",
        }
    }
}

impl Operation {
    pub(crate) fn parse(service: Service, name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.service() == service && one.name() == name)
    }

    /// `secretsmanager:GetSecretValue`.
    pub(crate) fn action(self) -> String {
        format!("{}:{}", self.service().signing_name(), self.name())
    }

    /// Whether it changes a secret.
    pub(crate) fn is_write(self) -> bool {
        match self {
            Self::BatchGetSecretValue
            | Self::DescribeSecret
            | Self::GetResourcePolicy
            | Self::GetSecretValue
            | Self::ListSecretVersionIds
            | Self::ListSecrets
            | Self::AssumeRole
            | Self::AssumeRoleWithWebIdentity
            | Self::GetCallerIdentity => false,
            Self::CreateSecret
            | Self::DeleteResourcePolicy
            | Self::DeleteSecret
            | Self::PutResourcePolicy
            | Self::PutSecretValue
            | Self::RemoveRegionsFromReplication
            | Self::ReplicateSecretToRegions
            | Self::RestoreSecret
            | Self::TagResource
            | Self::UntagResource
            | Self::UpdateSecret
            | Self::UpdateSecretVersionStage => true,
        }
    }

    /// Calls per second of one account in one region, and the group that shares them.
    ///
    /// Source: Secrets Manager User Guide, "Secrets Manager quotas", API rate quotas. STS's are left out: they
    /// are high and shared by the whole account.
    pub(crate) fn quota(self) -> Option<(&'static str, u32)> {
        match self {
            Self::DescribeSecret | Self::GetSecretValue => Some(("read", 10_000)),
            Self::BatchGetSecretValue => Some(("batch", 100)),
            Self::ListSecrets => Some(("list", 100)),
            Self::ListSecretVersionIds => Some(("versions", 50)),
            Self::CreateSecret => Some(("create", 50)),
            Self::DeleteSecret => Some(("delete", 50)),
            Self::RestoreSecret => Some(("restore", 50)),
            Self::PutSecretValue
            | Self::UpdateSecret
            | Self::UpdateSecretVersionStage
            | Self::ReplicateSecretToRegions
            | Self::RemoveRegionsFromReplication => Some(("write", 50)),
            Self::TagResource | Self::UntagResource => Some(("tags", 50)),
            Self::GetResourcePolicy | Self::PutResourcePolicy | Self::DeleteResourcePolicy => {
                Some(("policy", 50))
            }
            Self::AssumeRole | Self::AssumeRoleWithWebIdentity | Self::GetCallerIdentity => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
