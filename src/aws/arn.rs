//! Amazon Resource Names, and the two kinds that manifests hold: roles and secrets.
//!
//! Source: IAM User Guide, "IAM identifiers" (names, paths, partitions); Secrets Manager User Guide, "ARN".

use thiserror::Error;

use super::region;

/// The partitions that ARNs begin with.
pub const PARTITIONS: &[&str] =
    &["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// The parts of an ARN, as they stand: `arn:partition:service:region:account:resource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// `iam`, `secretsmanager`, …
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
    /// What the service names, `role/path/name`.
    pub resource: &'a str,
}

/// Why a text is no usable ARN. The message says what to write.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ArnError {
    /// Not of the form at all.
    #[error("not an ARN; write arn:aws:iam::123456789012:role/NAME")]
    NotAnArn,
    /// The partition is not one of AWS's.
    #[error("{0:?} is no AWS partition; the partitions are aws, aws-cn, aws-us-gov, aws-iso* and aws-eusc")]
    Partition(String),
    /// The account is not twelve digits.
    #[error("{0:?} is no account id: an account id has 12 digits")]
    Account(String),
    /// Another service or region than the kind of ARN has.
    #[error("an ARN of {found:?} where one of {wanted:?} is needed")]
    Service {
        /// What stands there.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
    /// IAM is global: its ARNs have no region.
    #[error("IAM is global, so its ARNs have no region: leave {0:?} out (two colons in a row)")]
    IamRegion(String),
    /// An IAM ARN, but not of a role.
    #[error("{found} is not a role; {advice}")]
    NotARole {
        /// `user/alice`.
        found: String,
        /// What to write.
        advice: &'static str,
    },
    /// The role's name or path has characters that IAM does not allow.
    #[error("a role's name has 1 to 64 of A-Z a-z 0-9 + = , . @ _ - after an optional path")]
    RoleName,
    /// A Secrets Manager ARN without a secret's name.
    #[error("an ARN of Secrets Manager ends in :secret:NAME")]
    NotASecret,
    /// The form of ECS task definitions, which name a part of the secret behind its name.
    #[error("{after:?} after the secret's name is the form of ECS; write key: {arn}{fields}")]
    EcsForm {
        /// What follows the name, `:username::`.
        after: String,
        /// The ARN without it.
        arn: String,
        /// Where its parts belong.
        fields: String,
    },
    /// A region that cannot exist.
    #[error("{0:?} is no AWS region")]
    Region(String),
    /// A Secrets Manager ARN without a region.
    #[error("an ARN of Secrets Manager names a region: arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME")]
    NoRegion,
}

/// Reads the parts of an ARN; `None` if the text does not begin with `arn:` or has too few parts.
pub fn parse(text: &str) -> Option<Arn<'_>> {
    let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
    Some(Arn {
        partition: parts.next()?,
        service: parts.next()?,
        region: parts.next()?,
        account: parts.next()?,
        resource: parts.next()?,
    })
}

/// Reads the ARN of an IAM role, in any partition and with any path.
///
/// # Errors
/// Says which part is wrong.
pub fn role(text: &str) -> Result<Arn<'_>, ArnError> {
    let arn = parse(text).ok_or(ArnError::NotAnArn)?;
    check_partition(&arn)?;
    if arn.service == "sts" {
        return Err(not_a_role(
            &arn,
            "give the role itself, arn:aws:iam::ACCOUNT:role/NAME, not a session of it",
        ));
    }
    if arn.service != "iam" {
        return Err(ArnError::Service { found: arn.service.to_owned(), wanted: "iam" });
    }
    if !arn.region.is_empty() {
        return Err(ArnError::IamRegion(arn.region.to_owned()));
    }
    check_account(&arn)?;
    let Some(path) = arn.resource.strip_prefix("role/") else {
        return Err(not_a_role(&arn, "only roles can be assumed: arn:aws:iam::ACCOUNT:role/NAME"));
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let named = matches!(name.len(), 1..=64) && name.bytes().all(is_iam_name_byte);
    let pathed = path.len() <= 512 + 64 && path.bytes().all(|b| b.is_ascii_graphic());
    if named && pathed { Ok(arn) } else { Err(ArnError::RoleName) }
}

/// Reads the ARN of a secret, complete or without the six characters that AWS adds.
///
/// # Errors
/// Says which part is wrong.
pub fn secret(text: &str) -> Result<Arn<'_>, ArnError> {
    let arn = parse(text).ok_or(ArnError::NotASecret)?;
    check_partition(&arn)?;
    if arn.service != "secretsmanager" {
        return Err(ArnError::Service { found: arn.service.to_owned(), wanted: "secretsmanager" });
    }
    if arn.region.is_empty() {
        return Err(ArnError::NoRegion);
    }
    if !region::may_exist(arn.region) {
        return Err(ArnError::Region(arn.region.to_owned()));
    }
    check_account(&arn)?;
    match arn.resource.strip_prefix("secret:") {
        Some(name) if super::secret_name::check(name).is_ok() => Ok(arn),
        Some(name) => Err(ecs_form(text, name).unwrap_or(ArnError::NotASecret)),
        None => Err(ArnError::NotASecret),
    }
}

/// `NAME:json-key:version-stage:version-id`, where ECS takes a part of a secret.
fn ecs_form(text: &str, resource: &str) -> Option<ArnError> {
    let (name, parts) = resource.split_once(':')?;
    let after = format!(":{parts}");
    let mut parts = parts.split(':');
    let (property, stage, id) = (parts.next()?, parts.next()?, parts.next()?);
    if super::secret_name::check(name).is_err() || parts.next().is_some() {
        return None;
    }
    let version = if id.is_empty() { stage.to_owned() } else { format!("uuid/{id}") };
    let fields: String = [("property", property), ("version", &version)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| format!(", {field}: {value}"))
        .collect();
    let arn = text.strip_suffix(&after)?.to_owned();
    Some(ArnError::EcsForm { after, arn, fields })
}

fn check_partition(arn: &Arn<'_>) -> Result<(), ArnError> {
    if PARTITIONS.contains(&arn.partition) {
        Ok(())
    } else {
        Err(ArnError::Partition(arn.partition.to_owned()))
    }
}

fn check_account(arn: &Arn<'_>) -> Result<(), ArnError> {
    let is_account = arn.account.len() == 12 && arn.account.bytes().all(|b| b.is_ascii_digit());
    if is_account { Ok(()) } else { Err(ArnError::Account(arn.account.to_owned())) }
}

fn not_a_role(arn: &Arn<'_>, advice: &'static str) -> ArnError {
    ArnError::NotARole { found: arn.resource.chars().take(80).collect(), advice }
}

fn is_iam_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_every_partition_and_with_paths_are_accepted() {
        for role_arn in [
            "arn:aws:iam::123456789012:role/team-b",
            "arn:aws:iam::123456789012:role/aws-service-role/x.amazonaws.com/Name_1",
            "arn:aws-cn:iam::123456789012:role/a+b=c,d.e@f-g",
            "arn:aws-us-gov:iam::123456789012:role/x",
            "arn:aws-iso-b:iam::123456789012:role/x",
            "arn:aws-eusc:iam::123456789012:role/x",
        ] {
            assert!(role(role_arn).is_ok(), "{role_arn}");
        }
    }

    #[test]
    fn what_cannot_be_assumed_is_refused() {
        for (text, part) in [
            ("team-b", "not an ARN"),
            ("arn:aws:iam::123456789012", "not an ARN"),
            ("arn:aws:iam::123456789012:user/alice", "user/alice is not a role"),
            ("arn:aws:iam::123456789012:instance-profile/x", "is not a role"),
            ("arn:aws:sts::123456789012:assumed-role/x/session", "not a session"),
            ("arn:aws:iam::12345678901:role/x", "12 digits"),
            ("arn:aws:iam:us-east-1:123456789012:role/x", "no region"),
            ("arn:amazon:iam::123456789012:role/x", "no AWS partition"),
            ("arn:aws:s3:::bucket", "\"s3\""),
            ("arn:aws:iam::123456789012:role/", "1 to 64"),
            ("arn:aws:iam::123456789012:role/a b", "1 to 64"),
        ] {
            let error = role(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_are_named_by_arn() {
        assert!(secret("arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf").is_ok());
        assert_eq!(
            secret("arn:aws:ssm:eu-central-1:123456789012:parameter/x"),
            Err(ArnError::Service { found: "ssm".into(), wanted: "secretsmanager" })
        );
        assert_eq!(secret("arn:aws:secretsmanager:eu-central-1:123456789012:x"), Err(ArnError::NotASecret));
    }

    #[test]
    fn the_form_of_ecs_is_taken_apart() {
        let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf";
        for (after, fields) in [
            (":user::", ", property: user"),
            (":user:AWSPREVIOUS:", ", property: user, version: AWSPREVIOUS"),
            (":::5d0e", ", version: uuid/5d0e"),
        ] {
            let message = secret(&format!("{arn}{after}")).unwrap_err().to_string();
            assert!(message.ends_with(&format!("write key: {arn}{fields}")), "{message}");
        }
        assert_eq!(secret(&format!("{arn}:user")), Err(ArnError::NotASecret));
    }
}
