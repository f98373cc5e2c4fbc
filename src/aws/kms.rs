//! KMS keys as Secrets Manager takes them: a key id, an alias, or the ARN of either.
//!
//! Source: Secrets Manager API Reference, `CreateSecret` (KmsKeyId); KMS API Reference, `CreateAlias`.

use super::arn;
use super::region;
use super::secret_name::is_uuid;

/// What to write; the check has no more to say.
pub const FORMS: &str =
    "a KMS key is a key id, alias/NAME, or the ARN of one: arn:aws:kms:REGION:ACCOUNT:key/ID";

/// Whether the text can name a KMS key.
pub fn is_key(text: &str) -> bool {
    match arn::parse(text) {
        Some(arn) => {
            arn::PARTITIONS.contains(&arn.partition)
                && arn.service == "kms"
                && region::may_exist(arn.region)
                && arn.account.len() == 12
                && arn.account.bytes().all(|b| b.is_ascii_digit())
                && (arn.resource.strip_prefix("key/").is_some_and(is_key_id) || is_alias(arn.resource))
        }
        None => is_key_id(text) || is_alias(text),
    }
}

fn is_key_id(text: &str) -> bool {
    is_uuid(text)
        || text
            .strip_prefix("mrk-")
            .is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_alias(text: &str) -> bool {
    text.len() <= 256
        && text.strip_prefix("alias/").is_some_and(|name| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_four_forms() {
        for key in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "alias/aws/secretsmanager",
            "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-cn:kms:cn-north-1:123456789012:alias/team",
        ] {
            assert!(is_key(key), "{key}");
        }
        for text in [
            "",
            "team",
            "alias/",
            "alias/a b",
            "aws/secretsmanager",
            "arn:aws:kms:us-east-1:1234:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws:iam::123456789012:role/x",
        ] {
            assert!(!is_key(text), "{text}");
        }
    }
}
