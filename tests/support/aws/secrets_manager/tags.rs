//! TagResource and UntagResource.

use std::collections::BTreeMap;

use keyhatch::aws::tags::{self, MAX_TAGS, TagError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{AwsError, Desk, Operation};
use crate::support::aws::iam::Context;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

pub(super) fn tag_resource(desk: &mut Desk<'_>, input: &TagResource) -> Result<Value, AwsError> {
    let added = check(&input.tags)?;
    let mut context = desk.context(&[]);
    add_to(&mut context, &added);
    let place = desk.open_primary_in(Operation::TagResource, &input.secret_id, context)?;
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    let new = added.keys().filter(|key| !secret.tags.contains_key(*key)).count();
    if secret.tags.len() + new > MAX_TAGS {
        return Err(too_many());
    }
    secret.tags.extend(added);
    secret.changed = now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag_resource(desk: &mut Desk<'_>, input: &UntagResource) -> Result<Value, AwsError> {
    if let Some(reserved) = input.tag_keys.iter().find(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(refused(reserved, &TagError::Reserved));
    }
    let mut context = desk.context(&[]);
    context.set_all("aws:TagKeys", input.tag_keys.clone());
    let place = desk.open_primary_in(Operation::UntagResource, &input.secret_id, context)?;
    let now = desk.now;
    let secret = desk.world.secret_mut(&place)?;
    secret.check_present()?;
    secret.tags.retain(|key, _| !input.tag_keys.contains(key));
    secret.changed = now;
    Ok(json!({}))
}

/// Tags by key; a key that is there twice, or breaks AWS's bounds, is refused.
pub(super) fn check(tags: &[Tag]) -> Result<BTreeMap<String, String>, AwsError> {
    let mut by_key = BTreeMap::new();
    for Tag { key, value } in tags {
        tags::check(key, value).map_err(|error| refused(key, &error))?;
        if by_key.insert(key.clone(), value.clone()).is_some() {
            return Err(AwsError::invalid_parameter(format!("The tag key {key} is there more than once.")));
        }
    }
    if by_key.len() > MAX_TAGS {
        return Err(too_many());
    }
    Ok(by_key)
}

fn too_many() -> AwsError {
    AwsError::invalid_parameter(format!("A secret has at most {MAX_TAGS} tags."))
}

fn refused(key: &str, error: &TagError) -> AwsError {
    AwsError::invalid_parameter(format!("Tag {key:?}: {error}"))
}

/// `aws:RequestTag/KEY` and `aws:TagKeys`.
pub(super) fn add_to(context: &mut Context, tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        context.set(&format!("aws:RequestTag/{key}"), value.as_str());
    }
    if !tags.is_empty() {
        context.set_all("aws:TagKeys", tags.keys().cloned().collect());
    }
}
