//! The fields of a PushSecretMetadata's spec: what each may hold, and how each is read when something is odd about it.

use smol_str::SmolStr;

use super::json::{Json, Members};
use super::rules::{
    METADATA_FIELD, PUSH_DESCRIPTION, PUSH_FORMAT, PUSH_KMS_KEY, PUSH_TAG, REPLICA_REGION,
    REPLICA_REGION_UNKNOWN, RESOURCE_POLICY,
};
use super::{FIELDS, unknown_field, value_in_short};
use crate::api::push_metadata::{PolicySource, PushFormat, PushSecretMetadata, ResourcePolicy, Tags};
use crate::aws::region::{self, Region};
use crate::aws::{kms, secret_name, tags};
use crate::field::Field;
use crate::finding::Report;
use crate::suggest;
use crate::validate::store::misspelt_region;

/// Reads the spec; `at` is where its fields stand.
pub(super) fn read(members: &Members<'_>, at: &Field<'_>, report: &mut Report) -> PushSecretMetadata {
    let mut out = PushSecretMetadata::default();
    for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let at = at.key(key);
        let field = FIELDS.iter().find(|field| field.eq_ignore_ascii_case(key));
        match field.copied() {
            Some("secretPushFormat") => {
                check_letter_case(key, &at, report);
                out.secret_push_format = read_format(value, &at, report);
            }
            Some("description") => out.description = read_description(value, &at, report),
            Some("kmsKeyId") => out.kms_key_id = read_kms_key(value, &at, report),
            Some("tags") => out.tags = read_tags(value, &at, report),
            Some("resourcePolicy") => out.resource_policy = read_policy(value, &at, report),
            Some("replicationLocations") => out.replication_locations = read_regions(value, &at, report),
            _ => {}
        }
    }
    for key in members
        .iter()
        .map(|(key, _)| key)
        .filter(|key| !FIELDS.iter().any(|field| field.eq_ignore_ascii_case(key)))
    {
        unknown_field(key, &FIELDS, at, report);
    }
    out
}

/// Judges what was read without anything odd; `at` is where the spec stands.
pub(super) fn check(spec: &PushSecretMetadata, at: &Field<'_>, report: &mut Report) {
    let PushSecretMetadata {
        secret_push_format: _,
        description,
        kms_key_id,
        tags,
        resource_policy,
        replication_locations,
    } = spec;
    if let Some(description) = description {
        check_description(description, &at.key("description"), report);
    }
    if let Some(key) = kms_key_id {
        check_kms_key(key, &at.key("kmsKeyId"), report);
    }
    if let Some(tags) = tags {
        let at = at.key("tags");
        tags.into_iter().for_each(|(key, value)| check_tag(key, value, &at.key(key), report));
        check_tag_count(tags.len(), &at, report);
    }
    if let Some(policy) = resource_policy {
        let at = at.key("resourcePolicy");
        match &policy.policy_source_ref {
            Some(source) => check_source(source, &at.key("policySourceRef"), report),
            None => tell_missing_source(&at, report),
        }
    }
    if let Some(regions) = replication_locations {
        let at = at.key("replicationLocations");
        check_region_count(regions.len(), &at, report);
        for (index, name) in regions.iter().enumerate().take(MAX_REGIONS) {
            check_region(name, regions.get(..index).unwrap_or_default(), &at.index(index), report);
        }
    }
}

/// The other fields are found in any letter case, always.
fn check_letter_case(key: &str, at: &Field<'_>, report: &mut Report) {
    if key != "secretPushFormat" {
        let cause = "did you mean secretPushFormat? When a secret is changed, the operator looks for this name in this \
                     letter case, and otherwise writes SecretBinary";
        report.text(&METADATA_FIELD, at, key, cause);
    }
}

fn read_format(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<PushFormat> {
    match text(value, at, report)? {
        "binary" => Some(PushFormat::Binary),
        "string" => Some(PushFormat::String),
        other => {
            report.text(
                &PUSH_FORMAT,
                at,
                other,
                "the formats are binary (SecretBinary) and string (SecretString)",
            );
            None
        }
    }
}

fn read_description(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<SmolStr> {
    let description = text(value, at, report)?;
    check_description(description, at, report);
    Some(description.into())
}

fn check_description(description: &str, at: &Field<'_>, report: &mut Report) {
    if description.len() <= secret_name::MAX_DESCRIPTION {
        return; // a character has at least one byte
    }
    let length = description.chars().count();
    if length > secret_name::MAX_DESCRIPTION {
        let cause = format!(
            "a description has at most {} characters, this has {length}",
            secret_name::MAX_DESCRIPTION
        );
        report.text(&PUSH_DESCRIPTION, at, description, cause);
    }
}

fn read_kms_key(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<SmolStr> {
    let key = text(value, at, report)?;
    check_kms_key(key, at, report);
    Some(key.into())
}

fn check_kms_key(key: &str, at: &Field<'_>, report: &mut Report) {
    if !key.is_empty() && !kms::is_key(key) {
        report.text(&PUSH_KMS_KEY, at, key, kms::FORMS);
    }
}

fn read_tags(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<Tags> {
    let members = object(value, at, report)?;
    let mut out = Vec::new();
    for (key, value) in members {
        let at = at.key(key);
        let Some(value) = text(value, &at, report) else { continue };
        check_tag(key, value, &at, report);
        out.push((key.as_ref().into(), value.into()));
    }
    let tags: Tags = out.into_iter().collect();
    check_tag_count(tags.len(), at, report);
    Some(tags)
}

fn check_tag(key: &str, value: &str, at: &Field<'_>, report: &mut Report) {
    if key == tags::MANAGED_BY {
        let cause = "the operator sets managed-by to recognise its own secrets; remove it";
        report.text(&PUSH_TAG, at, value, cause);
    } else if let Err(error) = tags::check(key, value) {
        report.text(&PUSH_TAG, at, value, error.to_string());
    }
}

fn check_tag_count(count: usize, at: &Field<'_>, report: &mut Report) {
    if count >= tags::MAX_TAGS {
        let cause = "a secret has at most 50 tags, and managed-by is one of them";
        report.value(&PUSH_TAG, at, format_args!("{count} tags"), cause);
    }
}

fn read_policy(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<ResourcePolicy> {
    let mut policy = ResourcePolicy::default();
    for (key, value) in object(value, at, report)? {
        let at_key = at.key(key);
        if key.eq_ignore_ascii_case("blockPublicPolicy") {
            match value {
                Json::Bool(block) => policy.block_public_policy = Some(*block),
                Json::Null => {}
                other => {
                    report.value(&METADATA_FIELD, &at_key, value_in_short(other), "must be true or false")
                }
            }
        } else if key.eq_ignore_ascii_case("policySourceRef") {
            policy.policy_source_ref = read_policy_source(value, &at_key, report);
        } else {
            unknown_field(key, &["blockPublicPolicy", "policySourceRef"], at, report);
        }
    }
    if policy.policy_source_ref.is_none() {
        tell_missing_source(at, report);
    }
    Some(policy)
}

fn tell_missing_source(at: &Field<'_>, report: &mut Report) {
    let cause = "a policy needs its text: policySourceRef: {kind: ConfigMap, name: NAME, key: KEY}";
    report.missing(&RESOURCE_POLICY, &at.key("policySourceRef"), cause);
}

fn read_policy_source(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<PolicySource> {
    if value.is_null() {
        return None;
    }
    let mut source = PolicySource::default();
    for (key, value) in object(value, at, report)? {
        let at_key = at.key(key);
        let place = match key.to_ascii_lowercase().as_str() {
            "kind" => &mut source.kind,
            "name" => &mut source.name,
            "key" => &mut source.key,
            _ => {
                unknown_field(key, &["kind", "name", "key"], at, report);
                continue;
            }
        };
        if let Some(value) = text(value, &at_key, report) {
            *place = value.into();
        }
    }
    check_source(&source, at, report);
    Some(source)
}

fn check_source(source: &PolicySource, at: &Field<'_>, report: &mut Report) {
    match source.kind.as_str() {
        "ConfigMap" | "Secret" => {}
        "" => report.missing(&RESOURCE_POLICY, &at.key("kind"), "ConfigMap or Secret"),
        other => {
            let cause = match suggest::nearest(other, ["ConfigMap", "Secret"]) {
                Some(near) => format!("did you mean {near}? Letter case counts"),
                None => "a policy is kept in a ConfigMap or Secret".to_owned(),
            };
            report.text(&RESOURCE_POLICY, &at.key("kind"), other, cause);
        }
    }
    for (name, value) in [("name", &source.name), ("key", &source.key)] {
        if value.is_empty() {
            report.missing(
                &RESOURCE_POLICY,
                &at.key(name),
                format!("the {name} that holds the policy's text"),
            );
        }
    }
}

fn read_regions(value: &Json<'_>, at: &Field<'_>, report: &mut Report) -> Option<Vec<SmolStr>> {
    let Json::List(items) = value else {
        report.value(&METADATA_FIELD, at, value_in_short(value), "must be a list of regions");
        return None;
    };
    check_region_count(items.len(), at, report);
    let mut out: Vec<SmolStr> = Vec::new();
    for (index, item) in items.iter().enumerate().take(MAX_REGIONS) {
        let at = at.index(index);
        let Some(name) = text(item, &at, report) else { continue };
        check_region(name, &out, &at, report);
        out.push(name.into());
    }
    Some(out)
}

/// `before` are the regions that are listed before this one.
fn check_region(name: &str, before: &[SmolStr], at: &Field<'_>, report: &mut Report) {
    if !region::is_listed(name) {
        check_odd_region(name, at, report);
    }
    if before.iter().any(|region| region == name) {
        report.text(&REPLICA_REGION, at, name, "listed twice; AWS takes each region once");
    }
}

fn check_odd_region(name: &str, at: &Field<'_>, report: &mut Report) {
    match region::parse(name) {
        Region::Known(_) if region::without_fips(name) != name => {
            let cause =
                format!("a replica is in a region, not at an endpoint; write {}", region::without_fips(name));
            report.text(&REPLICA_REGION, at, name, cause);
        }
        Region::Known(_) => {}
        Region::Plausible(_) => {
            let cause = "not a region that this release knows; right if AWS has opened it since";
            report.text(&REPLICA_REGION_UNKNOWN, at, name, cause);
        }
        Region::Misspelt(suggestion) => report.text(&REPLICA_REGION, at, name, misspelt_region(&suggestion)),
    }
}

fn check_region_count(count: usize, at: &Field<'_>, report: &mut Report) {
    if count > MAX_REGIONS {
        report.value(
            &REPLICA_REGION,
            at,
            format_args!("{count} regions"),
            "more than AWS has; list each once",
        );
    }
}

/// More than AWS has; further ones are not looked at.
const MAX_REGIONS: usize = 64;

fn text<'a>(value: &'a Json<'a>, at: &Field<'_>, report: &mut Report) -> Option<&'a str> {
    let text = value.as_str();
    if text.is_none() {
        report.value(&METADATA_FIELD, at, value_in_short(value), "must be a text; put it in quotes");
    }
    text
}

fn object<'a>(value: &'a Json<'a>, at: &Field<'_>, report: &mut Report) -> Option<&'a Members<'a>> {
    let members = value.as_object();
    if members.is_none() {
        report.value(&METADATA_FIELD, at, value_in_short(value), "must be an object");
    }
    members
}
