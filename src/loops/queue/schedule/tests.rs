//! The schedule against a model that looks at everything: slow, and hard to get wrong.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Add { key: u8, after: u64 },
    Take,
    End { which: usize, outcome: Outcome },
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    let outcome = prop_oneof![
        Just(Outcome::Done),
        Just(Outcome::Failed),
        (0..20_u64).prop_map(|seconds| Outcome::After(Duration::from_secs(seconds))),
    ];
    prop_oneof![
        (0..6_u8, prop_oneof![Just(0), 0..20_u64]).prop_map(|(key, after)| Act::Add { key, after }),
        Just(Act::Take),
        (any::<usize>(), outcome).prop_map(|(which, outcome)| Act::End { which, outcome }),
        (0..15_u64).prop_map(Act::Wait),
    ]
}

/// What is right of a key: when it is due, how often it failed, whether it is worked on.
#[derive(Clone, Copy, Debug, Default)]
struct Right {
    due: Option<Instant>,
    failures: u32,
    is_running: bool,
}

proptest! {
    #[test]
    fn keys_are_worked_on_when_they_are_due_by_one_at_a_time_and_none_is_forgotten(
        acts in prop::collection::vec(act(), 0..120)
    ) {
        let (mut schedule, mut now) = (Schedule::default(), Instant::now());
        let mut right: BTreeMap<u8, Right> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Wait(seconds) => now += Duration::from_secs(seconds),
                Act::Add { key, after } => {
                    let at = now + Duration::from_secs(after);
                    schedule.add(key, at, now);
                    let right = right.entry(key).or_default();
                    right.due = Some(right.due.map_or(at, |due| due.min(at)));
                }
                Act::Take => {
                    let is_due = |right: &Right| !right.is_running && right.due.is_some_and(|due| due <= now);
                    match schedule.next(now) {
                        None => prop_assert!(!right.values().any(is_due), "{right:?}"),
                        Some(key) => {
                            let right = right.entry(key).or_default();
                            prop_assert!(is_due(right), "{key}: {right:?}");
                            (right.is_running, right.due) = (true, None);
                        }
                    }
                }
                Act::End { which, outcome } => {
                    let running: Vec<u8> =
                        right.iter().filter(|(_, right)| right.is_running).map(|(key, _)| *key).collect();
                    if running.is_empty() { continue }
                    let key = running[which % running.len()];
                    schedule.end(&key, outcome, now, |pause| pause);
                    let right = right.entry(key).or_default();
                    right.is_running = false;
                    let again = match outcome {
                        Outcome::Done => None,
                        Outcome::After(pause) => Some(now + pause),
                        Outcome::Failed => Some(now + Duration::from_secs(300.min(1 << right.failures.min(9)))),
                    };
                    right.failures = if outcome == Outcome::Failed { right.failures + 1 } else { 0 };
                    right.due = right.due.into_iter().chain(again).min();
                }
            }
            let waiting = right.values().filter(|right| !right.is_running).filter_map(|right| right.due);
            prop_assert_eq!(schedule.depth(now), waiting.clone().filter(|due| *due <= now).count());
            prop_assert_eq!(schedule.next_due(), waiting.filter(|due| *due > now).min());
        }
        let known = right.values().filter(|right| right.is_running || right.due.is_some()).count();
        prop_assert_eq!(schedule.entries.len(), known, "nothing is kept of what nobody waits for");
    }
}

#[test]
fn pauses_double_from_a_second_to_five_minutes() {
    let pauses = [0, 1, 2, 8, 9, 40, u32::MAX].map(|failures| pause_after(failures).as_secs());
    assert_eq!(pauses, [1, 2, 4, 256, 300, 300, 300]);
}

#[test]
fn who_came_first_is_worked_on_first() {
    let (mut schedule, now) = (Schedule::default(), Instant::now());
    let second = Duration::from_secs(1);
    for (key, at) in [("late", now + 2 * second), ("now", now), ("soon", now + second), ("now, too", now)] {
        schedule.add(key, at, now);
    }
    let order: Vec<_> = std::iter::from_fn(|| schedule.next(now + 3 * second)).collect();
    assert_eq!(order, ["now", "now, too", "soon", "late"]);
}
