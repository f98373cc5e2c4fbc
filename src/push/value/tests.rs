//! The planner against a small model of AWS's versions: it is what the planner says that is tested, so the model only
//! keeps what AWS documents (a token is a version's id; a known id changes nothing; stages move).

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::api::push_metadata::{PushFormat, PushSecretMetadata};
use crate::push::document::{Change, Edit, Property};
use crate::push::remote::{CURRENT, MANAGER, PREVIOUS};

/// One secret.
#[derive(Default)]
struct Aws {
    described: Option<Described>,
    versions: BTreeMap<String, Content>,
    /// Questions and writes so far.
    reads: usize,
    writes: usize,
}

impl Aws {
    fn make_current(&mut self, version: &str) {
        let described = self.described.as_mut().unwrap();
        let old = described.current().map(str::to_owned);
        described.stages.values_mut().for_each(Vec::clear);
        if let Some(old) = old.filter(|old| old != version) {
            described.stages.insert(old, vec![PREVIOUS.into()]);
        }
        described.stages.insert(version.to_owned(), vec![CURRENT.into()]);
    }

    /// False: AWS knows that version already.
    fn put(&mut self, token: &str, content: &Content) -> bool {
        if let Some(known) = self.versions.get(token) {
            assert!(known.is(content), "one token, two contents");
            return false;
        }
        self.versions.insert(token.to_owned(), content.clone());
        self.make_current(token);
        self.writes += 1;
        true
    }

    fn current(&self) -> Option<Current> {
        let version_id = self.described.as_ref()?.current()?.to_owned();
        let content = self.versions.get(&version_id)?.clone();
        Some(Current { version_id, content })
    }

    /// What the loop does: asks, and does as the planner says.
    fn push(&mut self, target: &Target, intent: Intent, known: &mut Option<Known>, tokens: &Tokens) {
        let mut current = None;
        for _ in 0..6 {
            let described = self.described.clone();
            let observed =
                Observed { described: described.as_ref(), current: current.as_ref(), known: known.as_ref() };
            match step(target, intent, observed, tokens).unwrap() {
                Step::Nothing => {
                    if let Some(version) = described.as_ref().and_then(Described::current) {
                        *known = Some(Known::new(version, &target.edit, tokens));
                    }
                    return;
                }
                Step::Read => {
                    self.reads += 1;
                    current = self.current();
                }
                Step::Create { content, token } => {
                    let tags = [("managed-by".to_owned(), MANAGER.to_owned())].into();
                    self.described = Some(Described { tags, ..Described::default() });
                    assert!(self.put(&token, &content));
                }
                Step::Put { content, tokens: ids } => {
                    current = None;
                    assert!(ids.iter().any(|id| self.put(id, &content)), "no token that AWS does not know");
                }
                Step::Restore => self.described.as_mut().unwrap().deleted_at = None,
            }
        }
        panic!("no end");
    }
}

fn target(change: Change) -> Target {
    let edit = Edit { change, format: Some(PushFormat::String) };
    Target { name: "db".into(), edit, metadata: PushSecretMetadata::default(), entries: BTreeMap::new() }
}

fn whole(value: &str) -> Target {
    target(Change::Whole { key: "k".into(), value: value.to_owned().into() })
}

fn property(path: &str, value: &str) -> Target {
    let property = Property { path: path.into(), key: "k".into(), value: value.to_owned().into() };
    target(Change::Properties { set: vec![property], remove: Vec::new() })
}

const ALWAYS: Intent = Intent { update_policy: UpdatePolicy::Replace, has_changed: false };

#[test]
fn there_and_back_is_three_versions_and_the_last_is_current() {
    let (mut aws, mut known, tokens) = (Aws::default(), None, Tokens::new(b"key"));
    for value in ["a", "b", "a"] {
        aws.push(&whole(value), ALWAYS, &mut known, &tokens);
    }
    assert_eq!((aws.versions.len(), aws.writes), (3, 3));
    assert_eq!(aws.current().unwrap().content.value().expose(), b"a");
}

#[test]
fn who_moves_a_stage_back_is_overruled_by_a_new_version() {
    let (mut aws, mut known, tokens) = (Aws::default(), None, Tokens::new(b"key"));
    aws.push(&whole("a"), ALWAYS, &mut known, &tokens);
    let first = aws.current().unwrap().version_id;
    aws.push(&whole("b"), ALWAYS, &mut known, &tokens);
    for versions in [3, 4] {
        aws.make_current(&first);
        aws.push(&whole("b"), ALWAYS, &mut known, &tokens);
        assert_eq!(aws.current().unwrap().content.value().expose(), b"b");
        assert_eq!(aws.versions.len(), versions);
    }
}

#[test]
fn nothing_changed_is_known_without_reading_but_for_properties_after_a_restart() {
    let tokens = Tokens::new(b"key");
    for (target, reads) in [(whole("a"), 0), (property("p", "a"), 1)] {
        let (mut aws, mut known) = (Aws::default(), None);
        aws.push(&target, ALWAYS, &mut known, &tokens);
        aws.reads = 0;
        aws.push(&target, ALWAYS, &mut known, &tokens);
        assert_eq!((aws.reads, aws.writes), (0, 1));
        aws.push(&target, ALWAYS, &mut None, &tokens);
        assert_eq!((aws.reads, aws.writes), (reads, 1));
    }
}

#[test]
fn what_is_not_ours_or_was_deleted_by_somebody_is_left_alone() {
    let tokens = Tokens::new(b"key");
    let ours: BTreeMap<_, _> = [("managed-by".to_owned(), MANAGER.to_owned())].into();
    let stages: BTreeMap<_, _> = [("v".to_owned(), vec![CURRENT.to_owned()])].into();
    let secret = |tags: &BTreeMap<_, _>, deleted_at| Described {
        tags: tags.clone(),
        deleted_at,
        stages: stages.clone(),
        ..Described::default()
    };
    let none = BTreeMap::new();
    let changed = Intent { has_changed: true, ..ALWAYS };
    let only_new = Intent { update_policy: UpdatePolicy::IfNotExists, ..ALWAYS };
    for (described, intent, expected) in [
        (secret(&none, None), ALWAYS, "NotManaged"),
        (secret(&none, Some(1)), changed, "NotManaged"),
        (secret(&ours, Some(1)), ALWAYS, "Deleted"),
        (secret(&ours, Some(1)), changed, "Restore"),
        (secret(&ours, Some(1)), Intent { has_changed: true, ..only_new }, "Restore"),
        (secret(&none, None), only_new, "Nothing"),
        (secret(&ours, None), ALWAYS, "Read"),
    ] {
        let observed = Observed { described: Some(&described), current: None, known: None };
        let told = match step(&whole("a"), intent, observed, &tokens) {
            Ok(step) => format!("{step:?}"),
            Err(cause) => format!("{cause:?}"),
        };
        assert_eq!(told, expected, "{described:?}");
    }
}

#[derive(Clone, Debug)]
enum Event {
    Push(usize),
    Restart,
    Rewrite(usize),
    MoveBack(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..6_usize).prop_map(Event::Push),
        1 => Just(Event::Restart),
        1 => (0..3_usize).prop_map(Event::Rewrite),
        1 => (0..4_usize).prop_map(Event::MoveBack),
    ]
}

proptest! {
    /// Whatever others do in between: what was pushed is what is there, with one version at most, and none if it was
    /// there before.
    #[test]
    fn a_push_ends_with_what_is_wanted_and_writes_once_at_most(events in proptest::collection::vec(event(), 1..25)) {
        let tokens = Tokens::new(b"key");
        let targets =
            [whole("a"), whole("b"), whole("{\"p\":\"a\"}"), property("p", "a"), property("p", "b"), property("q", "a")];
        let (mut aws, mut known) = (Aws::default(), None);
        for event in events {
            match event {
                Event::Push(index) => {
                    let target = &targets[index];
                    let before = aws.current();
                    let is_json = before.as_ref().is_none_or(|one| serde_json::from_slice::<serde_json::Value>(one.content.value().expose()).is_ok());
                    if target.edit.needs_current() && !is_json {
                        continue;
                    }
                    let wanted = target.edit.apply(before.as_ref().map(|one| &one.content)).unwrap();
                    let writes = aws.writes;
                    aws.push(target, ALWAYS, &mut known, &tokens);
                    let is_new = !before.is_some_and(|one| one.content.is(&wanted));
                    prop_assert_eq!(aws.writes - writes, usize::from(is_new));
                    prop_assert!(aws.current().unwrap().content.is(&wanted));
                }
                Event::Restart => known = None,
                Event::Rewrite(index) if aws.described.is_some() => {
                    let id = format!("foreign-{}", aws.versions.len());
                    let text = ["x", "{}", "{\"p\":\"b\",\"z\":1}"][index];
                    aws.put(&id, &Content::Text(text.to_owned().into()));
                }
                Event::MoveBack(index) if !aws.versions.is_empty() => {
                    let version = aws.versions.keys().nth(index % aws.versions.len()).unwrap().clone();
                    aws.make_current(&version);
                }
                Event::Rewrite(_) | Event::MoveBack(_) => {}
            }
        }
    }
}
