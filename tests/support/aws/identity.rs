//! Who calls: access keys, the users and roles behind them, and the sessions of roles that were assumed.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};

use k8s_openapi::jiff::Timestamp;

use super::iam::{Context, Policy};

/// An access key id with its secret.
#[derive(Clone, Debug)]
pub(crate) struct AccessKey {
    pub(crate) secret: String,
    /// Of a session's key only.
    pub(crate) session: Option<Session>,
    pub(crate) identity: Identity,
}

/// What makes a session's key different.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) token: String,
    pub(crate) expires: Timestamp,
}

/// A caller whose signature was right.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) account: String,
    pub(crate) principal: Principal,
    /// As `sts:GetCallerIdentity` says it.
    pub(crate) user_id: String,
    /// The session's.
    pub(crate) tags: BTreeMap<String, String>,
    /// Keys of the tags that a chained session takes over.
    pub(crate) transitive: BTreeSet<String>,
    /// The policy handed over with AssumeRole: a session may do no more than this.
    pub(crate) session_policy: Option<Policy>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Principal {
    User(String),
    Role { name: String, path: String, session: String },
}

impl Identity {
    /// As `sts:GetCallerIdentity` and refusals name it.
    pub(crate) fn arn(&self) -> String {
        let account = &self.account;
        match &self.principal {
            Principal::User(name) => format!("arn:aws:iam::{account}:user/{name}"),
            Principal::Role { name, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{name}/{session}")
            }
        }
    }

    /// Every ARN by which a policy can name exactly this caller.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = vec![self.arn()];
        if let Principal::Role { name, path, .. } = &self.principal {
            names.push(role_arn(&self.account, path, name));
        }
        names
    }

    /// `aws:PrincipalArn` is the role, not the session.
    pub(crate) fn context(&self, region: &str) -> Context {
        let mut context = Context::default();
        context.set("aws:PrincipalArn", self.names().pop().unwrap_or_default());
        context.set("aws:PrincipalAccount", self.account.as_str());
        context.set("aws:userid", self.user_id.as_str());
        context.set("aws:RequestedRegion", region);
        if let Principal::User(name) = &self.principal {
            context.set("aws:username", name.as_str());
        }
        for (key, value) in &self.tags {
            context.set(&format!("aws:PrincipalTag/{key}"), value.as_str());
        }
        context
    }
}

/// `path` begins and ends with a slash.
pub(crate) fn role_arn(account: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:role{path}{name}")
}

/// Letters and digits that nobody had before.
pub(crate) fn random_text(length: usize) -> String {
    const DIGITS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut text = String::new();
    while text.len() < length {
        let mut number = RandomState::new().hash_one(text.len());
        for _ in 0..12.min(length - text.len()) {
            let digit = usize::try_from(number % 36).unwrap_or_default();
            text.push(DIGITS.get(digit).copied().map_or('A', char::from));
            number /= 36;
        }
    }
    text
}
