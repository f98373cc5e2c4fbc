//! What is to be done about a remote secret's value: the target, what AWS says and what is remembered in, one step out.
//! `Read` means that GetSecretValue has to be asked, and then this once more.

use crate::api::push_secret::UpdatePolicy;

use super::error::Cause;
use super::known::Known;
use super::remote::{Content, Current, Described};
use super::token::{ATTEMPTS, Tokens};
use super::wanted::Target;

/// What is known of a remote secret.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// DescribeSecret's answer; none: there is no such secret.
    pub described: Option<&'a Described>,
    /// GetSecretValue's answer, once it was asked.
    pub current: Option<&'a Current>,
    /// What is remembered.
    pub known: Option<&'a Known>,
}

/// What the PushSecret says, and what it has to do with a secret that is marked for deletion.
#[derive(Clone, Copy, Debug)]
pub struct Intent {
    /// Whether existing secrets are changed.
    pub update_policy: UpdatePolicy,
    /// Whether the entry is new, or the PushSecret changed since it was last pushed.
    pub has_changed: bool,
}

impl Intent {
    /// Whether a secret that is there stays as it is.
    pub fn leaves_existing_alone(&self) -> bool {
        self.update_policy == UpdatePolicy::IfNotExists
    }
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// It is as it should be, or is left as it is.
    Nothing,
    /// What it holds has to be read first.
    Read,
    /// It does not exist.
    Create {
        /// What it is to hold.
        content: Content,
        /// The id of its first version.
        token: String,
    },
    /// Its current version is to be replaced.
    Put {
        /// What it is to hold.
        content: Content,
        /// Ids for the new version: AWS takes one that it knows for a repetition, and then the next one is tried.
        tokens: Vec<String>,
    },
    /// It waits for its deletion, and is wanted again.
    Restore,
}

/// Decides.
///
/// # Errors
/// What cannot be written, and secrets that are somebody else's.
pub fn step(target: &Target, intent: Intent, observed: Observed<'_>, tokens: &Tokens) -> Result<Step, Cause> {
    let Target { name, edit, .. } = target;
    let Some(described) = observed.described else {
        let content = edit.apply(None)?;
        let token = tokens.token(name, None, &content, 0);
        return Ok(Step::Create { content, token });
    };
    if described.deleted_at.is_some() {
        return match (described.is_managed(), intent.has_changed) {
            (false, _) => Err(Cause::NotManaged),
            (true, false) => Err(Cause::Deleted),
            (true, true) => Ok(Step::Restore),
        };
    }
    if intent.leaves_existing_alone() {
        return Ok(Step::Nothing);
    }
    if !described.is_managed() {
        return Err(Cause::NotManaged);
    }
    if observed.known.is_some_and(|known| known.proves(described, edit, tokens)) {
        return Ok(Step::Nothing);
    }
    if !edit.needs_current() && tokens.prove(name, described, &edit.apply(None)?) {
        return Ok(Step::Nothing);
    }
    if described.current().is_some() && observed.current.is_none() {
        return Ok(Step::Read);
    }
    let current = observed.current;
    let content = edit.apply(current.map(|current| &current.content))?;
    if current.is_some_and(|current| edit.is_met(&current.content, &content)) {
        return Ok(Step::Nothing);
    }
    Ok(put(name, described, current, content, tokens))
}

/// The step that replaces the current version. The version that was read is the one that is replaced: it is older than
/// what DescribeSecret said, if somebody was faster.
pub(super) fn put(
    name: &str,
    described: &Described,
    current: Option<&Current>,
    content: Content,
    tokens: &Tokens,
) -> Step {
    let replaced = current.map(|current| current.version_id.as_str()).or_else(|| described.current());
    let tokens = (0..ATTEMPTS).map(|attempt| tokens.token(name, replaced, &content, attempt)).collect();
    Step::Put { content, tokens }
}

#[cfg(test)]
#[path = "value/tests.rs"]
mod tests;
