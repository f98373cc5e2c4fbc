//! One remote secret, looked at: what AWS says of it, and everything that is to be done. Nothing is changed here, so
//! that a dry run and a push see the same.

use crate::push::Cause;
use crate::push::attributes::{self, Policy};
use crate::push::known::Known;
use crate::push::remote::{Current, Described};
use crate::push::removal::{self, Removal};
use crate::push::token::Tokens;
use crate::push::value::{self, Intent, Observed, Step};
use crate::push::wanted::Target;
use crate::source::remote::Remote;

use super::error::PushError;

/// What is to be done about a target.
#[derive(Debug)]
pub(super) struct Examined {
    /// DescribeSecret's answer.
    pub(super) described: Option<Described>,
    /// What becomes of the value; never [`Step::Read`].
    pub(super) value: Step,
    /// What becomes of all else, unless the value's step makes the secret or brings it back.
    pub(super) changes: Vec<attributes::Change>,
    /// What cannot be done beside the value.
    pub(super) problems: Vec<PushError>,
}

/// What a PushSecret says of the resource policy of a target.
#[derive(Clone, Debug)]
pub(super) enum WantedPolicy {
    /// Nothing, and never did: whatever there is, is somebody else's.
    Unmanaged,
    /// Nothing any more: ours is to go.
    Gone,
    /// This one.
    This {
        /// The policy.
        policy: Policy,
        /// Where it was read, for errors.
        place: String,
    },
    /// One that cannot be read.
    Broken(PushError),
}

/// Looks at a target.
pub(super) async fn target(
    remote: &Remote,
    target: &Target,
    intent: Intent,
    policy: &WantedPolicy,
    known: Option<&Known>,
    tokens: &Tokens,
) -> Result<Examined, PushError> {
    let described = remote.describe(&target.name).await?;
    let mut value = decide(target, intent, described.as_ref(), None, known, tokens)?;
    if matches!(value, Step::Read) {
        let current = remote.current(&target.name).await?;
        value = decide(target, intent, described.as_ref(), current.as_ref(), known, tokens)?;
    }
    if matches!(value, Step::Read) {
        // It had a value a moment ago.
        return Err(PushError::Vanished);
    }
    let mut examined = Examined { described, value, changes: Vec::new(), problems: Vec::new() };
    let is_left_alone = intent.leaves_existing_alone() && examined.described.is_some();
    if !is_left_alone && !matches!(examined.value, Step::Restore) {
        examined.look_around(remote, target, policy).await;
    }
    Ok(examined)
}

fn decide(
    target: &Target,
    intent: Intent,
    described: Option<&Described>,
    current: Option<&Current>,
    known: Option<&Known>,
    tokens: &Tokens,
) -> Result<Step, Cause> {
    value::step(target, intent, Observed { described, current, known }, tokens)
}

impl Examined {
    /// What is to be done beside the value.
    async fn look_around(&mut self, remote: &Remote, target: &Target, policy: &WantedPolicy) {
        if let Some(described) = &self.described {
            self.changes = attributes::changes(&target.metadata, described);
            let failed = attributes::failed_replicas(&target.metadata, described);
            self.problems.extend(failed.map(PushError::Replicas));
        }
        match policy {
            WantedPolicy::Unmanaged => {}
            WantedPolicy::Gone if self.described.is_some() => {
                self.changes.push(attributes::Change::DeletePolicy)
            }
            WantedPolicy::Gone => {}
            WantedPolicy::Broken(error) => self.problems.push(error.clone()),
            WantedPolicy::This { policy, place } => {
                let there = match &self.described {
                    Some(described) => remote.policy(&described.arn).await,
                    None => Ok(None),
                };
                let change = there.map_err(PushError::from).and_then(|there| {
                    attributes::policy_change(policy, place, there.as_deref()).map_err(PushError::from)
                });
                match change {
                    Ok(change) => self.changes.extend(change),
                    Err(error) => self.problems.push(error),
                }
            }
        }
    }
}

/// Looks at what is to go.
pub(super) async fn removal(
    remote: &Remote,
    name: &str,
    removal: &Removal,
    tokens: &Tokens,
) -> Result<(Option<Described>, removal::Step), PushError> {
    let described = remote.describe(name).await?;
    let mut step = removal::step(name, removal, described.as_ref(), None, tokens)?;
    if matches!(step, removal::Step::Read) {
        let current = remote.current(name).await?;
        if current.is_none() {
            return Err(PushError::Vanished);
        }
        step = removal::step(name, removal, described.as_ref(), current.as_ref(), tokens)?;
    }
    Ok((described, step))
}
