//! When to ask again: pure, so that every path of it is a row in a table.

use std::time::Duration;

use keyhatch_agent::{Invocation, Mode};

/// The first pause after a failure; each next one is twice as long.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause after a failure.
const LONGEST: Duration = Duration::from_secs(30);

/// What comes after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// All is done.
    End,
    /// The deadline has come and there is nothing yet.
    GiveUp,
    /// Try again after this long.
    Wait(Duration),
}

/// The rhythm of one agent.
#[derive(Debug)]
pub(crate) struct Pace {
    refresh: Option<Duration>,
    deadline: Duration,
    /// Whether there are files: who has some never gives up.
    is_filled: bool,
    failures: u32,
}

impl Pace {
    /// A sidecar that is started again finds its files.
    pub(crate) fn new(invocation: &Invocation, is_filled: bool) -> Self {
        let is_sidecar = matches!(invocation.mode, Mode::Sidecar);
        let refresh = invocation.request.refresh.filter(|_| is_sidecar).map(Duration::from_secs);
        let deadline = Duration::from_secs(invocation.deadline);
        Self { refresh, deadline, is_filled: is_filled && is_sidecar, failures: 0 }
    }

    /// After a try. `chance` is in 0..1: without it a thousand pods that started together would ask together for ever.
    pub(crate) fn next(&mut self, elapsed: Duration, has_succeeded: bool, chance: f64) -> Next {
        if has_succeeded {
            self.failures = 0;
            self.is_filled = true;
            // `refresh` is a promise, and what the broker says may be half as old as that. Earlier, never later.
            let pause = |refresh: Duration| Next::Wait((refresh / 2).mul_f64(1.0 - chance / 10.0));
            return self.refresh.map_or(Next::End, pause);
        }
        if !self.is_filled && elapsed >= self.deadline {
            return Next::GiveUp;
        }
        let longest = self.refresh.map_or(LONGEST, |refresh| refresh.clamp(FIRST, LONGEST));
        let pause = FIRST.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let pause = pause.mul_f64(1.0 - chance / 2.0);
        let left = self.deadline.saturating_sub(elapsed);
        Next::Wait(if self.is_filled { pause } else { pause.min(left) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyhatch_agent::Request;
    use proptest::prelude::*;

    fn pace(mode: Mode, refresh: Option<u64>, is_filled: bool) -> Pace {
        let request = Request { refresh, ..Request::default() };
        let invocation = Invocation {
            mode,
            request,
            broker: "b:1".into(),
            broker_address: None,
            roots: String::new(),
            deadline: 60,
        };
        Pace::new(&invocation, is_filled)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn init_ends_with_the_first_answer_and_gives_up_at_its_deadline() {
        assert_eq!(pace(Mode::Init, Some(300), false).next(SECOND, true, 0.5), Next::End);
        let mut failing = pace(Mode::Init, None, false);
        assert_eq!(failing.next(SECOND, false, 0.0), Next::Wait(FIRST));
        assert_eq!(failing.next(SECOND, false, 0.0), Next::Wait(SECOND));
        assert_eq!(failing.next(60 * SECOND, false, 0.0), Next::GiveUp);
    }

    #[test]
    fn a_sidecar_with_files_never_gives_up() {
        let mut restarted = pace(Mode::Sidecar, Some(10), true);
        assert_eq!(restarted.next(3600 * SECOND, false, 0.0), Next::Wait(FIRST));
        let mut started = pace(Mode::Sidecar, Some(10), false);
        assert_eq!(started.next(60 * SECOND, false, 0.0), Next::GiveUp);
        assert_eq!(started.next(60 * SECOND, true, 0.0), Next::Wait(5 * SECOND));
        assert_eq!(started.next(90 * SECOND, false, 0.0), Next::Wait(FIRST));
    }

    proptest! {
        #[test]
        fn pauses_are_bounded(tries in proptest::collection::vec((any::<bool>(), 0.0..1.0f64), 1..60)) {
            let mut pace = pace(Mode::Sidecar, Some(10), true);
            for (has_succeeded, chance) in tries {
                let Next::Wait(pause) = pace.next(Duration::ZERO, has_succeeded, chance) else { panic!("ended") };
                prop_assert!(pause >= FIRST / 2 && pause <= 10 * SECOND, "{pause:?}");
            }
        }
    }
}
