//! What is due of certificates: pure, by what the Secret holds, what the webhook configuration shows, and the time.

use super::{Lifetimes, Pair, State, Trust};

/// One step. Leaf and CA never change in the same one, but for the very first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is due.
    Nothing,
    /// There is nothing usable: a CA and a leaf of it.
    Create,
    /// A new leaf of the CA that signs now.
    RenewLeaf,
    /// A second CA, which does not sign yet.
    IntroduceCa,
    /// Both CAs have been seen in the webhook configuration: from now the settling time runs.
    NoteVisible,
    /// A leaf of the second CA.
    Switch,
    /// The first CA goes.
    DropOldCa,
}

/// Decides the next step. `is_visible` says whether the webhook configuration shows the present bundle.
pub(super) fn plan(trust: Option<&Trust>, is_visible: bool, lifetimes: &Lifetimes, now: i64) -> Step {
    let Some(trust) = trust else { return Step::Create };
    let (leaf, settle) = (seconds(lifetimes.leaf), seconds(lifetimes.settle));
    let ca_in_use = signing_ca(trust);
    if now >= ca_in_use.not_after || now < ca_in_use.not_before {
        return Step::Create; // nothing that it signs can be trusted
    }
    match trust.state {
        // A switch comes before a renewal: it renews the leaf, too.
        State::TwoCas { visible_since: Some(since) } if is_visible && now >= since + settle => Step::Switch,
        _ if is_leaf_due(trust, leaf, now) => Step::RenewLeaf,
        State::OneCa if is_ca_due(&trust.ca, now) => Step::IntroduceCa,
        State::TwoCas { visible_since: None } if is_visible => Step::NoteVisible,
        State::Switched { since } if now >= since + leaf => Step::DropOldCa,
        State::OneCa | State::TwoCas { .. } | State::Switched { .. } => Step::Nothing,
    }
}

/// The CA whose leaves are served.
pub(super) fn signing_ca(trust: &Trust) -> &Pair {
    match (trust.state, &trust.next) {
        (State::Switched { .. }, Some(next)) => next,
        _ => &trust.ca,
    }
}

/// At half its life, when lifetimes were shortened, or when the clock is before its beginning.
fn is_leaf_due(trust: &Trust, lifetime: i64, now: i64) -> bool {
    let leaf = &trust.leaf;
    let half = leaf.not_before + (leaf.not_after - leaf.not_before) / 2;
    now >= half || now >= leaf.not_before + lifetime || now < leaf.not_before
}

fn is_ca_due(ca: &Pair, now: i64) -> bool {
    now >= ca.not_before + (ca.not_after - ca.not_before) / 3 * 2
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        leaf: Duration::from_secs(60),
        ca: Duration::from_secs(300),
        settle: Duration::from_secs(10),
    };

    fn pair(not_before: i64, not_after: i64) -> Pair {
        Pair { cert: String::new(), key: String::new(), not_before, not_after }
    }

    fn trust(state: State, leaf_from: i64) -> Trust {
        let next = (state != State::OneCa).then(|| pair(200, 500));
        Trust { state, ca: pair(0, 300), next, leaf: pair(leaf_from, leaf_from + 60) }
    }

    #[test]
    fn each_state_has_its_next_step() {
        let seen = State::TwoCas { visible_since: Some(205) };
        let unseen = State::TwoCas { visible_since: None };
        let switched = State::Switched { since: 220 };
        for (trust, is_visible, now, expected) in [
            (None, false, 0, Step::Create),
            (Some(trust(State::OneCa, 0)), true, 10, Step::Nothing),
            (Some(trust(State::OneCa, 0)), false, 30, Step::RenewLeaf),
            (Some(trust(State::OneCa, 0)), true, -5, Step::Create),
            (Some(trust(State::OneCa, 190)), true, 200, Step::IntroduceCa),
            (Some(trust(State::OneCa, 0)), true, 300, Step::Create),
            (Some(trust(unseen, 190)), false, 210, Step::Nothing),
            (Some(trust(unseen, 190)), true, 210, Step::NoteVisible),
            (Some(trust(seen, 190)), true, 214, Step::Nothing),
            (Some(trust(seen, 190)), true, 215, Step::Switch),
            (Some(trust(seen, 150)), true, 215, Step::Switch),
            (Some(trust(seen, 190)), false, 219, Step::Nothing),
            (Some(trust(seen, 150)), false, 215, Step::RenewLeaf),
            (Some(trust(switched, 255)), true, 279, Step::Nothing),
            (Some(trust(switched, 255)), true, 280, Step::DropOldCa),
            (Some(trust(switched, 220)), true, 251, Step::RenewLeaf),
        ] {
            assert_eq!(plan(trust.as_ref(), is_visible, &LIFETIMES, now), expected, "{trust:?} at {now}");
        }
    }
}
