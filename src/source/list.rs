//! ListSecrets, page by page: what AWS can filter in, names, ARNs and tags out.
//!
//! AWS matches prefixes, and keys of tags apart from their values, so its filters only make the list shorter: what
//! was asked for is checked again on what it answers.

use std::collections::BTreeMap;
use std::time::Instant;

use aws_sdk_secretsmanager::operation::RequestId;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};

use super::batch::Lane;
use super::error::{failure, malformed};
use super::quota::Limited;
use crate::aws::failure::Failure;
use crate::extract::Filters;

/// A secret, without its value.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    /// Its name.
    pub(super) name: String,
    /// Its tags.
    pub(super) tags: BTreeMap<String, String>,
}

/// The most that AWS lists in one call.
const PAGE: i32 = 100;
/// A list that does not end is a fault of the other side.
const MAX_PAGES: usize = 10_000;

/// Lists all secrets that AWS's filters let through.
pub(super) async fn list(lane: &Lane, wanted: &Filters) -> Result<Vec<Listed>, Failure> {
    let client = lane.session.client().await?;
    let filters = Some(filters(wanted)).filter(|filters| !filters.is_empty());
    let mut listed = Vec::new();
    let mut next = None;
    for _ in 0..MAX_PAGES {
        lane.admitted(Limited::List).await;
        let started = Instant::now();
        let request =
            client.list_secrets().max_results(PAGE).set_filters(filters.clone()).set_next_token(next);
        let answer = request.send().await.map_err(|error| failure(OPERATION, "secrets", &error));
        let answer = lane.calls.done(OPERATION, || "secrets".to_owned(), started, answer);
        let answer = lane.checked(answer).await?;
        let request_id = answer.request_id().map(str::to_owned);
        for entry in answer.secret_list.unwrap_or_default() {
            let what = "a listed secret without a name";
            let name =
                entry.name.ok_or_else(|| malformed(OPERATION, "secrets", request_id.as_deref(), what))?;
            let tags = entry.tags.unwrap_or_default().into_iter();
            let tags = tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect();
            listed.push(Listed { name, tags });
        }
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(listed);
        }
    }
    Err(malformed(OPERATION, "secrets", None, "the list does not end"))
}

const OPERATION: &str = "ListSecrets";

fn filters(wanted: &Filters) -> Vec<Filter> {
    let Filters { name, tag_keys, tag_values } = wanted;
    let filter = |key: &FilterNameStringType, values: &mut dyn Iterator<Item = &String>| {
        let values = values.filter(|value| is_filter_value(value));
        values.map(|value| Filter::builder().key(key.clone()).values(value).build()).collect::<Vec<_>>()
    };
    [
        filter(&FilterNameStringType::Name, &mut name.iter()),
        filter(&FilterNameStringType::TagKey, &mut tag_keys.iter()),
        filter(&FilterNameStringType::TagValue, &mut tag_values.iter()),
    ]
    .concat()
}

/// What AWS takes as a value to filter by. A `!` in front would mean the opposite.
fn is_filter_value(value: &str) -> bool {
    let is_taken = |b: u8| b.is_ascii_alphanumeric() || b" :_@/+=.-!".contains(&b);
    matches!(value.len(), 1..=512) && !value.starts_with('!') && value.bytes().all(is_taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_aws_understands_is_a_filter() {
        let wanted = Filters {
            name: Some("team-a/".into()),
            tag_keys: vec!["größe".into(), "env".into()],
            tag_values: vec!["!x".into(), "prod".into(), String::new()],
        };
        let told: Vec<_> = filters(&wanted)
            .iter()
            .map(|filter| format!("{}={}", filter.key().unwrap(), filter.values().join(",")))
            .collect();
        assert_eq!(told, ["name=team-a/", "tag-key=env", "tag-value=prod"]);
    }
}
