//! Steps and changes in words. Values are never shown, only how many bytes they have.

use crate::push::attributes::Change;
use crate::push::remote::Content;
use crate::push::removal;
use crate::push::value::Step;
use crate::source::remote::Deletion;

/// What becomes of a value.
pub(super) fn value(step: &Step) -> String {
    match step {
        Step::Nothing | Step::Read => "as it should be".to_owned(),
        Step::Create { content, .. } => format!("to be created: {}", size(content)),
        Step::Put { content, .. } => format!("a new version: {}", size(content)),
        Step::Restore => "to be restored, and then looked at again".to_owned(),
    }
}

/// What becomes of what is wanted no more.
pub(super) fn removed(step: &removal::Step, deletion: Deletion) -> String {
    match (step, deletion) {
        (removal::Step::Nothing | removal::Step::Read, _) => "gone, or not ours".to_owned(),
        (removal::Step::Put { content, .. }, _) => {
            format!("properties to be removed: {} left", size(content))
        }
        (removal::Step::Delete { .. }, Deletion::Force) => "to be deleted at once".to_owned(),
        (removal::Step::Delete { .. }, Deletion::Window(days)) => {
            format!("to be deleted, with {days} days to restore it")
        }
        (removal::Step::Delete { .. }, Deletion::DefaultWindow) => {
            "to be deleted, with 30 days to restore it".to_owned()
        }
    }
}

fn size(content: &Content) -> String {
    match content {
        Content::Text(value) => format!("{} bytes of text", value.len()),
        Content::Binary(value) => format!("{} bytes, binary", value.len()),
    }
}

/// What is changed beside a value.
pub(super) fn changed(change: &Change) -> String {
    match change {
        Change::Update { description, kms_key_id } => {
            let description = description.as_ref().map(|text| format!("description {text:?}"));
            let key = kms_key_id.as_ref().map(|key| format!("key {key}"));
            [description, key].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        Change::Untag(keys) => format!("without tags {}", keys.join(", ")),
        Change::Tag(tags) => {
            let tags: Vec<_> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("tags {}", tags.join(", "))
        }
        Change::RemoveReplicas(regions) => format!("no replica in {}", regions.join(", ")),
        Change::Replicate { regions, .. } => format!("replicas in {}", regions.join(", ")),
        Change::PutPolicy(_) => "another resource policy".to_owned(),
        Change::DeletePolicy => "no resource policy".to_owned(),
    }
}
