//! What both ways of assuming a role share: bounds of the parameters, and the credentials of the session.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::{Form, validation};
use crate::support::aws::answer::element;
use crate::support::aws::error::AwsError;
use crate::support::aws::iam::Policy;
use crate::support::aws::identity::{AccessKey, Identity, Principal, Session, random_text};
use crate::support::aws::world::Role;

const DEFAULT_SECONDS: u32 = 3600;
/// Of a session that was assumed by a session.
const MOST_CHAINED_SECONDS: u32 = 3600;

/// A session that may begin.
pub(super) struct Start<'a> {
    pub(super) account: String,
    pub(super) role_name: String,
    pub(super) role: &'a Role,
    pub(super) name: String,
    pub(super) seconds: u32,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) transitive: BTreeSet<String>,
    pub(super) policy: Option<Policy>,
}

/// # Errors
/// When AWS would not take the name.
pub(super) fn name(form: &Form) -> Result<String, AwsError> {
    let name = form.need("RoleSessionName")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if (2..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(name.to_owned());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: [\\w+=,.@-]* and have a length of 2 to 64"
    )))
}

/// How long, in seconds.
pub(super) fn seconds(form: &Form, role: &Role, chained: bool) -> Result<u32, AwsError> {
    let seconds = match form.get("DurationSeconds") {
        None => DEFAULT_SECONDS,
        Some(text) => text.parse().map_err(|_| validation(format!("DurationSeconds is {text}")))?,
    };
    if chained && seconds > MOST_CHAINED_SECONDS {
        return Err(validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds < 900 {
        return Err(validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member \
             must have value greater than or equal to 900"
        )));
    }
    if seconds > role.max_session {
        return Err(validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(seconds)
}

/// The session policy that is handed over.
pub(super) fn policy(form: &Form) -> Result<Option<Policy>, AwsError> {
    let parse =
        |text| Policy::parse(text).map_err(|error| AwsError::new(400, "MalformedPolicyDocument", error));
    form.get("Policy").map(parse).transpose()
}

/// Makes the credentials; answers the elements that say them, and the key to remember.
pub(super) fn begin(start: Start<'_>, now: Timestamp) -> Result<(String, String, AccessKey), AwsError> {
    let Start { account, role_name, role, name, seconds, tags, transitive, policy } = start;
    let expires = now
        .checked_add(SignedDuration::from_secs(i64::from(seconds)))
        .map_err(|error| validation(error.to_string()))?;
    let user_id = format!("{}:{name}", role.id);
    let principal = Principal::Role { name: role_name, path: role.path.clone(), session: name };
    let identity = Identity { account, principal, user_id, tags, transitive, session_policy: policy };
    let session = Session { token: random_text(160), expires };
    let key = AccessKey { secret: random_text(40), session: Some(session.clone()), identity };
    let id = format!("ASIA{}", random_text(16));
    let credentials = [
        element("AccessKeyId", &id),
        element("SecretAccessKey", &key.secret),
        element("SessionToken", &session.token),
        element("Expiration", &format!("{expires:.0}")),
    ]
    .concat();
    let user =
        [element("AssumedRoleId", &key.identity.user_id), element("Arn", &key.identity.arn())].concat();
    let content =
        format!("<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>");
    Ok((content, id, key))
}
