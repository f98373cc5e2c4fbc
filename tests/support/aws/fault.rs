//! What goes wrong on demand, by operation.

use std::collections::BTreeMap;
use std::time::Duration;

use super::operation::Operation;

/// What happens to a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Answered as ever, this much later.
    Latency(Duration),
    /// `ThrottlingException` (STS: `Throttling`), with HTTP 400, for a share of the calls, 0.0 to 1.0, evenly spread.
    Throttle { share: f64 },
    /// This HTTP status with a code; nothing has an effect.
    Error { status: u16, code: &'static str },
    /// HTTP 500 `InternalServiceError` (STS: `InternalFailure`).
    ServerError,
    /// Taken, never answered.
    Hang,
    /// The connection is reset before anything has an effect.
    Reset,
    /// The call has its effect, then the connection is reset: the caller cannot know.
    LoseAnswer,
    /// The call has its effect; half of the answer's bytes, then the connection ends.
    Truncate,
    /// HTTP 200 with a page of HTML, and no effect.
    NotJson,
    /// HTTP 200 with `{}`, or an XML element without content, and no effect.
    Empty,
}

/// The faults that are switched on.
#[derive(Debug, Default)]
pub(crate) struct Faults(BTreeMap<Operation, Vec<Planned>>);

#[derive(Debug)]
struct Planned {
    fault: Fault,
    /// How often it still happens; `None` is for ever.
    left: Option<usize>,
    /// Calls so far, of which a share is met.
    calls: u32,
}

impl Faults {
    pub(crate) fn add(&mut self, operation: Operation, fault: Fault, times: Option<usize>) {
        self.0.entry(operation).or_default().push(Planned { fault, left: times, calls: 0 });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The faults that meet the next call, in the order in which they were switched on.
    pub(crate) fn next(&mut self, operation: Operation) -> Vec<Fault> {
        let planned = self.0.entry(operation).or_default();
        let met = planned.iter_mut().filter_map(Planned::meet).collect();
        planned.retain(|one| one.left != Some(0));
        met
    }
}

impl Planned {
    fn meet(&mut self) -> Option<Fault> {
        if let Fault::Throttle { share } = self.fault {
            // Hardly more than nothing is added because ten times 0.3 is less than 3.
            let met = |calls: u32| (f64::from(calls) * share + 1e-9).floor();
            self.calls += 1;
            if met(self.calls) == met(self.calls - 1) {
                return None;
            }
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(self.fault.clone())
    }
}
