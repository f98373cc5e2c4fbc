//! The log of calls: every request that was understood, also those that were refused or broken on purpose.

use std::time::{Duration, Instant};

use super::operation::Operation;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// The ARN of the caller as AWS sees it; empty for a caller that is not known.
    pub(crate) identity: String,
    pub(crate) account: String,
    pub(crate) region: String,
    /// `SecretId`, `Name` or `RoleArn` of the request; for a batch its ids, joined by commas.
    pub(crate) target: String,
    pub(crate) request_id: String,
    pub(crate) at: Instant,
    /// The code that it was refused with, once it was answered.
    pub(crate) refused: Option<String>,
}

/// Calls in the order in which they arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(pub(crate) Vec<Call>);

impl Calls {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Those of an operation, under AWS's name.
    pub(crate) fn of(&self, operation: &str) -> Self {
        self.only(|call| call.operation.name() == operation)
    }

    /// Those whose caller's ARN contains `identity`.
    pub(crate) fn by(&self, identity: &str) -> Self {
        self.only(|call| call.identity.contains(identity))
    }

    /// Those about a secret or role, as the request named it.
    pub(crate) fn about(&self, target: &str) -> Self {
        self.only(|call| call.target.split(',').any(|one| one == target))
    }

    /// Those that were answered with success, or have not been answered yet.
    pub(crate) fn granted(&self) -> Self {
        self.only(|call| call.refused.is_none())
    }

    /// Those that change something.
    pub(crate) fn writes(&self) -> Self {
        self.only(|call| call.operation.is_write())
    }

    /// Name and number of calls, by operation.
    pub(crate) fn by_operation(&self) -> Vec<(&'static str, usize)> {
        let count = |one: &Operation| (one.name(), self.of(one.name()).count());
        Operation::ALL.iter().map(count).filter(|&(_, count)| count > 0).collect()
    }

    /// The most calls that came within one second, whenever it began.
    pub(crate) fn most_in_a_second(&self) -> usize {
        let second = Duration::from_secs(1);
        let within =
            |from: Instant| self.0.iter().filter(|call| (from..from + second).contains(&call.at)).count();
        self.0.iter().map(|call| within(call.at)).max().unwrap_or_default()
    }

    fn only(&self, wanted: impl Fn(&Call) -> bool) -> Self {
        Self(self.0.iter().filter(|&call| wanted(call)).cloned().collect())
    }
}
