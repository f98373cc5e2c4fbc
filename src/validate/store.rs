//! SecretStore and ClusterSecretStore: can anything be read from AWS with this?
//!
//! Stores of other providers, and of other AWS services, pass untouched.

mod auth;
mod session;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Subject, duration, selector};
use crate::api::Kind;
use crate::api::secret_store::{
    AwsProvider, NamespaceCondition, Provider, RetrySettings, SecretStoreSpec, SecretsManagerSettings,
};
use crate::aws::region::{self, Region, Suggestion};
use crate::aws::secret_name;
use crate::field::Field;
use crate::finding::Report;
use crate::go::regexp;
use crate::object::MISSPELT_FIELD;
use crate::rule::{Level, Reason, Rule};
use crate::suggest;

/// All rules about one store. Answers whether its other fields are ours to judge, too.
pub(super) fn check(subject: &Subject<'_>, spec: &SecretStoreSpec, report: &mut Report) -> bool {
    let is_others = is_of_others(spec);
    let is_typo = spec.provider.others.iter().any(|name| suggest::nearest(name, ["aws"]).is_some());
    if is_others && !is_typo {
        return false;
    }
    check_provider(&spec.provider, report);
    check_ours(subject, spec, report);
    true
}

/// A store of another provider, or of another service of AWS.
fn is_of_others(spec: &SecretStoreSpec) -> bool {
    let Provider { aws, others } = &spec.provider;
    spec.secrets_manager().is_none() && (aws.is_some() || others.len() == 1)
}

fn check_provider(provider: &Provider, report: &mut Report) {
    let at = Field::Root.key("spec");
    let at = at.key("provider");
    let Provider { aws, others } = provider;
    for name in others.iter().filter(|name| suggest::nearest(name, ["aws"]).is_some()) {
        report.missing(&MISSPELT_FIELD, &at.key(name), "did you mean aws?");
    }
    match usize::from(aws.is_some()) + others.len() {
        1 => {}
        0 => report.missing(
            &PROVIDER_CHOICE,
            &at,
            "a store needs one provider: aws: {service: SecretsManager, …}",
        ),
        _ => report.forbidden(&PROVIDER_CHOICE, &at, "a store has exactly one provider; keep one"),
    }
}

fn check_ours(subject: &Subject<'_>, spec: &SecretStoreSpec, report: &mut Report) {
    let Some(aws) = spec.secrets_manager() else { return };
    let SecretStoreSpec { controller: _, provider: _, retry_settings, refresh_interval, conditions } = spec;
    let at = Field::Root.key("spec");
    check_aws(subject, aws, &at.key("provider").key("aws"), report);
    if let Some(retry) = retry_settings {
        check_retry(retry, &at.key("retrySettings"), report);
    }
    if let Some(interval) = refresh_interval {
        check_interval(interval, &at.key("refreshInterval"), report);
    }
    if !conditions.is_empty() {
        check_conditions(subject, conditions, &at.key("conditions"), report);
    }
}

fn check_aws(subject: &Subject<'_>, aws: &AwsProvider, at: &Field<'_>, report: &mut Report) {
    let region = check_region(&aws.region, &at.key("region"), report);
    auth::check(subject, &aws.auth, &at.key("auth"), report);
    session::check(aws, region, at, report);
    if let Err(error) = secret_name::check_part(&aws.prefix) {
        report.text(&STORE_PREFIX, &at.key("prefix"), &aws.prefix, error.to_string());
    }
    if let Some(settings) = &aws.secrets_manager {
        check_deletion(settings, &at.key("secretsManager"), report);
    }
}

/// Checks a region's name; answers the partition of one that can exist.
fn check_region(name: &str, at: &Field<'_>, report: &mut Report) -> Option<&'static str> {
    if name.is_empty() {
        report.missing(&REGION_MISSING, at, "name the region of the secrets, such as eu-central-1");
        return None;
    }
    let cause = match region::parse(name) {
        Region::Known(partition) => return Some(partition),
        Region::Plausible(partition) => {
            let cause = "not a region that this release knows; right if AWS has opened it since";
            report.text(&REGION_UNKNOWN, at, name, cause);
            return Some(partition);
        }
        Region::Misspelt(suggestion) => misspelt_region(&suggestion),
    };
    report.text(&REGION_MISSPELT, at, name, cause);
    None
}

/// What to write instead of a region that is none; shared with replica regions.
pub(super) fn misspelt_region(suggestion: &Suggestion) -> String {
    match suggestion {
        Suggestion::DidYouMean(region) => format!("no AWS region has this name; did you mean {region}?"),
        Suggestion::ZoneOf(region) => format!("this is a zone, not a region; write {region}"),
        Suggestion::Nothing => {
            "no AWS region has this name; regions look like eu-central-1 or us-gov-west-1".into()
        }
    }
}

fn check_deletion(settings: &SecretsManagerSettings, at: &Field<'_>, report: &mut Report) {
    let SecretsManagerSettings { force_delete_without_recovery, recovery_window_in_days: days } = settings;
    if *days != 0 && !(7..=30).contains(days) {
        let cause = "AWS takes 7 to 30 days; leave it out for 30";
        report.value(&RECOVERY_WINDOW, &at.key("recoveryWindowInDays"), days, cause);
    }
    if *days != 0 && *force_delete_without_recovery {
        let cause = "forceDeleteWithoutRecovery deletes at once, so there is no window; keep one of the two";
        report.value(&RECOVERY_WINDOW, &at.key("recoveryWindowInDays"), days, cause);
    }
}

fn check_retry(retry: &RetrySettings, at: &Field<'_>, report: &mut Report) {
    if let Some(attempts) = retry.max_retries.filter(|attempts| *attempts <= 0) {
        let cause =
            "the number of attempts, the first included: 0 or less would retry without end; write 1 or more";
        report.value(&MAX_RETRIES, &at.key("maxRetries"), attempts, cause);
    }
    if let Some(interval) = &retry.retry_interval {
        duration::check(interval, &at.key("retryInterval"), report);
    }
}

/// Seconds as a number, or a duration as text.
fn check_interval(interval: &IntOrString, at: &Field<'_>, report: &mut Report) {
    match interval {
        IntOrString::Int(seconds) if *seconds < 0 => {
            report.value(&duration::DURATION, at, seconds, "a duration here must not be negative");
        }
        IntOrString::Int(_) => {}
        IntOrString::String(text) => {
            duration::check(text, at, report);
        }
    }
}

fn check_conditions(
    subject: &Subject<'_>,
    conditions: &[NamespaceCondition],
    at: &Field<'_>,
    report: &mut Report,
) {
    if subject.kind == Kind::SecretStore {
        let cause = "a SecretStore serves its own namespace alone and ignores conditions; remove them, or \
                     write a ClusterSecretStore";
        report.missing(&CONDITIONS_IGNORED, at, cause);
    }
    for (index, condition) in conditions.iter().enumerate() {
        let at = at.index(index);
        if let Some(labels) = &condition.namespace_selector {
            selector::check(labels, &at.key("namespaceSelector"), report);
        }
        for (index, pattern) in condition.namespace_regexes.iter().enumerate() {
            check_namespace_regex(pattern, &at.key("namespaceRegexes").index(index), report);
        }
    }
}

fn check_namespace_regex(pattern: &str, at: &Field<'_>, report: &mut Report) {
    match regexp::parse(pattern) {
        Err(error) => report.text(&super::REGEXP, at, pattern, error.to_string()),
        Ok(parsed) if parsed.is_anchored() => {}
        Ok(parsed) if parsed.matches_everything() => {
            let cause = "admits every namespace; if that is meant, leave the conditions out";
            report.text(&NAMESPACE_REGEX_UNANCHORED, at, pattern, cause);
        }
        // `^team-.*` is `^team-.*$`: a name has no line breaks.
        Ok(parsed) if parsed.reaches_both_ends() => {}
        Ok(_) => {
            let bare = pattern.trim_start_matches('^').trim_end_matches('$');
            let whole = if bare.contains('|') { format!("^({bare})$") } else { format!("^{bare}$") };
            let cause = format!("matches anywhere in a name, so more namespaces than meant; write {whole}");
            report.text(&NAMESPACE_REGEX_UNANCHORED, at, pattern, cause);
        }
    }
}

/// The rules of this file and of those below it.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().chain(auth::RULES).chain(session::RULES).copied()
}

/// Those that are about what stores of a namespace and stores of the cluster do not share.
pub(super) static RULES_OF_ONE_KIND: &[&Rule] =
    &[&auth::AUTH_NAMESPACE, &auth::AUTH_REFERENT, &CONDITIONS_IGNORED];

static RULES: &[&Rule] = &[
    &PROVIDER_CHOICE,
    &REGION_MISSING,
    &REGION_MISSPELT,
    &REGION_UNKNOWN,
    &STORE_PREFIX,
    &RECOVERY_WINDOW,
    &MAX_RETRIES,
    &CONDITIONS_IGNORED,
    &NAMESPACE_REGEX_UNANCHORED,
];

/// No provider, or several.
pub(crate) static PROVIDER_CHOICE: Rule = Rule {
    id: "provider-choice",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::SecretStore),
    why: "No controller knows what to do with the store.",
    fix: "Exactly one provider.",
    example: "provider: null",
};

/// No region.
pub(crate) static REGION_MISSING: Rule = Rule {
    id: "region-missing",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::SecretStore),
    why: "The operator falls back to its own environment, or fails on every request.",
    fix: "Name the region of the secrets.",
    example: "provider: {aws: {region: ''}}",
};

/// A region that cannot exist.
pub(crate) static REGION_MISSPELT: Rule = Rule {
    id: "region-misspelt",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The store reports Ready with static keys, and every read fails later with a DNS error.",
    fix: "Write a region's name as AWS does; an availability zone is not a region.",
    example: "provider: {aws: {region: eu-centrall-1}}",
};

/// A region that may exist by now.
pub(crate) static REGION_UNKNOWN: Rule = Rule {
    id: "region-unknown",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The name is made of known parts but is none that this release knows.",
    fix: "Check the name; nothing to do if AWS has opened the region since.",
    example: "provider: {aws: {region: eu-west-9}}",
};

/// A prefix that no secret's name can begin with.
pub(crate) static STORE_PREFIX: Rule = Rule {
    id: "store-prefix",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The prefix is put before every key: no secret has such a name.",
    fix: "Use A-Z a-z 0-9 / _ + = . @ - and at most 512 characters.",
    example: "provider: {aws: {prefix: 'team a/'}}",
};

/// A recovery window that AWS refuses.
pub(crate) static RECOVERY_WINDOW: Rule = Rule {
    id: "recovery-window",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "DeleteSecret refuses it: what a PushSecret should delete stays.",
    fix: "7 to 30 days, or forceDeleteWithoutRecovery, not both.",
    example: "provider: {aws: {secretsManager: {recoveryWindowInDays: 3}}}",
};

/// A number of attempts that means "for ever".
pub(crate) static MAX_RETRIES: Rule = Rule {
    id: "max-retries",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::SecretStore),
    why: "The number counts attempts; 0 or less is unlimited, so a failing call is repeated without end.",
    fix: "Write how often a call is made at most: 1 means no repetition.",
    example: "retrySettings: {maxRetries: 0}",
};

/// Conditions where they mean nothing.
pub(crate) static CONDITIONS_IGNORED: Rule = Rule {
    id: "conditions-ignored",
    level: Level::Deny,
    reason: Reason::Forbidden,
    kind: Some(Kind::SecretStore),
    why: "Conditions are read on a ClusterSecretStore only; here they protect nothing.",
    fix: "Remove them, or make it a ClusterSecretStore.",
    example: "conditions: [{namespaces: [team-a]}]",
};

/// A pattern that matches more than whole names.
pub(crate) static NAMESPACE_REGEX_UNANCHORED: Rule = Rule {
    id: "namespace-regex-unanchored",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::ClusterSecretStore),
    why: "`team-a` also lets in `my-team-ab`: whoever may make namespaces may use the store.",
    fix: "Begin with ^ and end with $, or with .* where anything may stand.",
    example: "conditions: [{namespaceRegexes: [team-a]}]",
};
