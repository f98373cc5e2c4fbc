//! What the Secret holds after a step: new certificates, or the same in another state.

use super::plan::{Step, signing_ca};
use super::{Lifetimes, Pair, State, Trust, issue};

/// Takes a step; none if nothing changes.
///
/// # Errors
/// If a certificate cannot be made.
pub(super) fn advance(
    step: Step,
    trust: Option<Trust>,
    hosts: &[String],
    lifetimes: &Lifetimes,
    now: i64,
) -> Result<Option<Trust>, rcgen::Error> {
    let Lifetimes { leaf, ca, .. } = *lifetimes;
    let signed = |ca: &Pair| issue::leaf(ca, hosts, leaf, now);
    Ok(Some(match (step, trust) {
        (Step::Create, _) => {
            let ca = issue::ca(ca, now)?;
            Trust { state: State::OneCa, leaf: signed(&ca)?, ca, next: None }
        }
        (_, None) | (Step::Nothing, _) => return Ok(None),
        (Step::RenewLeaf, Some(trust)) => Trust { leaf: signed(signing_ca(&trust))?, ..trust },
        (Step::IntroduceCa, Some(trust)) => {
            Trust { state: State::TwoCas { visible_since: None }, next: Some(issue::ca(ca, now)?), ..trust }
        }
        (Step::NoteVisible, Some(trust)) => {
            Trust { state: State::TwoCas { visible_since: Some(now) }, ..trust }
        }
        (Step::Switch, Some(trust)) => {
            let state = State::Switched { since: now };
            let switched = Trust { state, ..trust };
            Trust { leaf: signed(signing_ca(&switched))?, ..switched }
        }
        (Step::DropOldCa, Some(trust)) => {
            Trust { state: State::OneCa, ca: signing_ca(&trust).clone(), next: None, leaf: trust.leaf }
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trust::plan::plan;

    const HOUR: i64 = 3600;
    const LIFETIMES: Lifetimes = Lifetimes {
        leaf: Duration::from_secs(24 * 3600),
        ca: Duration::from_secs(60 * 24 * 3600),
        settle: Duration::from_secs(7 * 24 * 3600),
    };

    /// Takes every step that is due at this time; the configuration always shows the bundle.
    fn settle(mut trust: Option<Trust>, now: i64) -> (Trust, Vec<Step>) {
        let mut steps = Vec::new();
        loop {
            let step = plan(trust.as_ref(), trust.is_some(), &LIFETIMES, now);
            let Some(next) = advance(step, trust.clone(), &["localhost".into()], &LIFETIMES, now).unwrap()
            else {
                return (trust.unwrap(), steps);
            };
            steps.push(step);
            assert!(steps.len() < 5, "no end: {steps:?}");
            trust = Some(next);
        }
    }

    #[test]
    fn a_clock_that_jumps_an_hour_at_any_time_leaves_what_is_valid() {
        let start = 1_800_000_000;
        // Every hour and a half of a whole rotation; a jump at each of them, and back.
        let (mut trust, _) = settle(None, start);
        for now in (start..start + 60 * 24 * HOUR).step_by(5400) {
            let (before, _) = settle(Some(trust), now);
            for jump in [HOUR, -HOUR] {
                let (jumped, steps) = settle(Some(before.clone()), now + jump);
                // Only within the first hour of a CA is it from the future, and trusted by nobody.
                let is_young = signing_ca(&before).not_before > now + jump;
                assert_eq!(steps.contains(&Step::Create), is_young, "{jump} at {}: {steps:?}", now - start);
                let (back, _) = settle(Some(jumped.clone()), now);
                for (trust, now) in [(&jumped, now + jump), (&back, now)] {
                    let ca = signing_ca(trust);
                    assert!(trust.leaf.not_before <= now && now < trust.leaf.not_after, "{trust:?} at {now}");
                    assert!(ca.not_before <= now && now < ca.not_after, "{trust:?} at {now}");
                    assert!(trust.bundle().contains(&ca.cert), "{trust:?}");
                }
            }
            trust = before;
        }
    }
}
