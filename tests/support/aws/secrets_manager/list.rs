//! ListSecrets, and the filters and pages that BatchGetSecretValue shares with it.
//!
//! Source: Secrets Manager API Reference, `Filter`: name, tag-key, tag-value, primary-region and owning-service match
//! by prefix and look at the case; all looks for words in every attribute, without the case; a leading `!`
//! negates. Filters are joined by and, the values of one by or. The page has description match by prefix as well;
//! moto's authors found by trying that it looks for words.

use serde::Deserialize;
use serde_json::{Value, json};

use super::read::{entry, set, stages};
use super::{AwsError, Desk, Secret};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListSecrets {
    #[serde(default)]
    filters: Vec<Filter>,
    include_planned_deletion: Option<bool>,
    max_results: Option<usize>,
    next_token: Option<String>,
    sort_order: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Filter {
    key: String,
    values: Vec<String>,
}

/// Which secrets are listed.
pub(super) struct Wanted<'a> {
    pub(super) filters: &'a [Filter],
    /// Also those that are marked for deletion.
    pub(super) planned_deletion: bool,
}

pub(super) fn list_secrets(desk: &mut Desk<'_>, input: &ListSecrets) -> Result<Value, AwsError> {
    desk.authorize_any("secretsmanager:ListSecrets")?;
    let planned_deletion = input.include_planned_deletion.unwrap_or_default();
    let wanted = Wanted { filters: &input.filters, planned_deletion };
    let mut secrets = matching(desk, &wanted)?;
    if input.sort_order.as_deref() == Some("desc") {
        secrets.reverse();
    }
    let most = input.max_results.unwrap_or(100);
    let (from, to) = bounds(secrets.len(), most, 100, input.next_token.as_deref())?;
    let say = |secret: &&Secret| {
        let mut said = entry(secret, desk.region);
        set(&mut said, "SecretVersionsToStages", Some(stages(secret)));
        said
    };
    let page: Vec<Value> = secrets.get(from..to).unwrap_or_default().iter().map(say).collect();
    let mut answer = json!({"SecretList": page});
    set(&mut answer, "NextToken", next_token(to, secrets.len()).map(Value::from));
    Ok(answer)
}

/// The ARNs of one page of the secrets that are wanted, and the token of the next page.
pub(super) fn page(
    desk: &Desk<'_>,
    wanted: &Wanted<'_>,
    size: usize,
    most: usize,
    token: Option<&str>,
) -> Result<(Vec<String>, Option<String>), AwsError> {
    let secrets = matching(desk, wanted)?;
    let (from, to) = bounds(secrets.len(), size, most, token)?;
    let page = secrets.get(from..to).unwrap_or_default();
    let arns = page.iter().map(|secret| secret.arn_in(desk.region)).collect();
    Ok((arns, next_token(to, secrets.len())))
}

fn matching<'a>(desk: &'a Desk<'_>, wanted: &Wanted<'_>) -> Result<Vec<&'a Secret>, AwsError> {
    if let Some(bad) = wanted.filters.iter().find(|filter| !KEYS.contains(&filter.key.as_str())) {
        let constraint = format!("Member must satisfy enum value set: {KEYS:?}, not {}", bad.key);
        return Err(AwsError::validation("filters.1.member.key", &constraint));
    }
    let secrets = desk.world.accounts.get(&desk.caller.account).map_or(&[][..], |account| &account.secrets);
    let listed = |secret: &&Secret| {
        secret.is_in(desk.region)
            && (wanted.planned_deletion || secret.deletion.is_none())
            && wanted.filters.iter().all(|filter| filter.matches(secret))
    };
    Ok(secrets.iter().filter(listed).collect())
}

const KEYS: &[&str] =
    &["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

impl Filter {
    fn matches(&self, secret: &Secret) -> bool {
        self.values.iter().any(|value| match value.strip_prefix('!') {
            Some(value) => !self.finds(secret, value),
            None => self.finds(secret, value),
        })
    }

    fn finds(&self, secret: &Secret, value: &str) -> bool {
        match self.key.as_str() {
            "name" => secret.name.starts_with(value),
            "description" => secret.description.as_deref().is_some_and(|text| has_words(text, value)),
            "tag-key" => secret.tags.keys().any(|key| key.starts_with(value)),
            "tag-value" => secret.tags.values().any(|text| text.starts_with(value)),
            "primary-region" => !secret.replicas.is_empty() && secret.region.starts_with(value),
            "all" => attributes(secret).any(|text| has_words(text, value)),
            // Nothing here belongs to a service.
            _ => false,
        }
    }
}

fn attributes(secret: &Secret) -> impl Iterator<Item = &str> {
    let tags = secret.tags.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]);
    [secret.name.as_str()].into_iter().chain(secret.description.as_deref()).chain(tags)
}

/// Whether each word that is looked for begins a word of the text.
fn has_words(text: &str, wanted: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| c.is_whitespace() || "/-_+=.@".contains(c));
        parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
    };
    let (text, wanted) = (words(text), words(wanted));
    !wanted.is_empty() && wanted.iter().all(|word| text.iter().any(|one| one.starts_with(word)))
}

/// From where to where a page goes. A token is nothing but the place where the last page ended.
pub(super) fn bounds(
    length: usize,
    size: usize,
    most: usize,
    token: Option<&str>,
) -> Result<(usize, usize), AwsError> {
    if size == 0 || size > most {
        let constraint = format!("Member must have value between 1 and {most}");
        return Err(AwsError::validation("maxResults", &constraint));
    }
    let from = match token {
        None => 0,
        Some(token) => {
            let at = token.strip_prefix(TOKEN).and_then(|at| at.parse::<usize>().ok());
            at.filter(|&at| at <= length).ok_or_else(AwsError::next_token)?
        }
    };
    Ok((from, length.min(from + size)))
}

pub(super) fn next_token(to: usize, length: usize) -> Option<String> {
    (to < length).then(|| format!("{TOKEN}{to}"))
}

const TOKEN: &str = "page-from-";
