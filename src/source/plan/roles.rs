//! The roles that a store assumes, the tags of the last, and the name of their sessions.

use super::{Role, StoreId};
use crate::api::secret_store::{AwsProvider, SessionTagsPolicy};

/// The roles that a store assumes, in order.
pub(super) fn roles(store: &StoreId, aws: &AwsProvider, consumer: &str) -> Vec<Role> {
    let plain = |arn: &String| Role { arn: arn.clone(), ..Role::default() };
    let mut roles: Vec<Role> = aws.additional_roles.iter().filter(|arn| !arn.is_empty()).map(plain).collect();
    if !aws.role.is_empty() {
        roles.push(Role {
            arn: aws.role.clone(),
            external_id: Some(aws.external_id.clone()).filter(|id| !id.is_empty()),
            tags: tags(store, aws, consumer),
            transitive: aws.transitive_tag_keys.clone(),
        });
    }
    roles
}

/// The built-in tags cannot be overridden: a policy that trusts them must be able to.
fn tags(store: &StoreId, aws: &AwsProvider, consumer: &str) -> Vec<(String, String)> {
    let own = [
        ("esoNamespace", consumer),
        ("esoStoreName", store.name.as_str()),
        ("esoStoreKind", store.kind.as_str()),
    ];
    let own_tags = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    match aws.session_tags_policy {
        SessionTagsPolicy::None => {
            aws.session_tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
        }
        SessionTagsPolicy::Simple => own_tags.into(),
        SessionTagsPolicy::Custom => {
            let custom = aws.custom_session_tags.iter().filter(|(key, value)| {
                !key.is_empty() && !value.is_empty() && own.iter().all(|(name, _)| name != key)
            });
            own_tags.into_iter().chain(custom.map(|(key, value)| (key.clone(), value.clone()))).collect()
        }
    }
}

/// The longest session name that AWS takes.
const MAX_SESSION_NAME: usize = 64;

/// `keyhatch-NAMESPACE-STORE`; a longer one is cut and told apart by a sum of all of it.
pub(super) fn session_name(namespace: &str, store: &str) -> String {
    let name = format!("keyhatch-{namespace}-{store}");
    if name.len() <= MAX_SESSION_NAME {
        return name;
    }
    let sum = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, b| (sum ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let kept: String = name.chars().take(MAX_SESSION_NAME - 9).collect();
    format!("{kept}-{:08x}", sum >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_fit_aws_and_stay_apart() {
        let long = |end: &str| session_name("a-namespace-of-a-team", &format!("{}{end}", "store".repeat(12)));
        assert_eq!(long("a").len(), 64);
        assert_ne!(long("a"), long("b"));
        assert_eq!(session_name("team-a", "aws"), "keyhatch-team-a-aws");
    }
}
