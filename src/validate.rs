//! An object in, findings out: every mistake of the object at once.
//!
//! Admission, `keyhatch check` and the loops judge objects here, by the same functions with which they
//! later use them. Pure: what is known of other objects is an argument ([`Context`]).

mod duration;
mod external_secret;
mod fan_out;
mod kinds;
mod known;
mod push_secret;
mod rewrite;
mod selector;
mod store;
mod template;

use serde::de::DeserializeOwned;

use crate::api::Kind;
use crate::api::cluster_external_secret::ClusterExternalSecretSpec;
use crate::api::cluster_push_secret::ClusterPushSecretSpec;
use crate::api::common::StoreRef;
use crate::api::external_secret::ExternalSecretSpec;
use crate::api::push_secret::PushSecretSpec;
use crate::api::secret_store::{Adopt, ClusterSecretStoreSpec, SecretStoreSpec};
use crate::facts::{Facts, Provider};
use crate::field::Field;
use crate::finding::{Finding, Report};
use crate::object::{Object, Once, Unreadable};
use crate::policy::Policy;
use crate::rule::{Level, Reason, Rule};

use duration::DURATION;
pub use kinds::kinds;
pub(crate) use known::pushes;
pub use known::rules_about;
pub(crate) use push_secret::push_metadata;
use selector::LABEL_SELECTOR;
pub(crate) use selector::{NOT_A_VALUE, is_label_key, is_label_value};

/// What rules may depend on beside the object itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What the operator of this installation allows.
    pub settings: &'a Settings,
    /// What is known of other objects.
    pub facts: &'a Facts,
}

/// What the operator of this installation allows.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether ExternalSecrets may write other kinds than Secret (`--unsafe-allow-generic-targets`).
    pub allow_generic_targets: bool,
    /// Whose PushSecrets the flow loops takes care of (`--adopt`).
    pub adopt: Adopt,
    /// Rules that are turned down or off (`--rule`, `--enforce`).
    pub policy: Policy,
}

/// The object that is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    kind: Kind,
    /// Absent for objects of the cluster, and in files that leave it to `kubectl -n`.
    namespace: Option<&'a str>,
    /// Absent where the API server makes one up.
    name: Option<&'a str>,
    /// Whether a store that is not known is taken for one of AWS Secrets Manager.
    unknown_is_aws: bool,
}

impl<'a> Subject<'a> {
    fn of<S>(object: &'a Object<'_, S>) -> Self {
        let (namespace, name) = (object.namespace(), object.own_name());
        Self { kind: object.kind, namespace, name, unknown_is_aws: true }
    }

    /// Whether rules of AWS apply to what a store of this provider takes or gives.
    fn may_be_aws(&self, provider: Provider) -> bool {
        match provider {
            Provider::Aws => true,
            Provider::Other => false,
            Provider::Unknown => self.unknown_is_aws,
        }
    }
}

/// Judges one object. A store that is not known is taken for one of AWS Secrets Manager.
///
/// # Errors
/// If the spec has no readable form at all (nested too deep, say).
pub fn validate(object: &Object<'_>, context: &Context<'_>) -> Result<Report, Unreadable> {
    judge(object, context, true)
}

/// Whether one of the mistakes would be none if the stores that are not known were another provider's.
pub(crate) fn hangs_on_unknown_store(
    object: &Object<'_>,
    mistakes: &[Finding],
    context: &Context<'_>,
) -> bool {
    let elsewhere = judge(object, context, false);
    elsewhere.is_ok_and(|elsewhere| elsewhere.lacks_any(mistakes))
}

fn judge(object: &Object<'_>, context: &Context<'_>, unknown_is_aws: bool) -> Result<Report, Unreadable> {
    fn typed<T: Spec>(
        object: &Object<'_>,
        context: &Context<'_>,
        unknown_is_aws: bool,
    ) -> Result<Report, Unreadable> {
        let subject = Subject { unknown_is_aws, ..Subject::of(object) };
        object.judge(|spec: &T, report| spec.check(&subject, context, report))
    }
    let judge = match object.kind {
        Kind::SecretStore => typed::<SecretStoreSpec>,
        Kind::ClusterSecretStore => typed::<ClusterSecretStoreSpec>,
        Kind::ExternalSecret => typed::<ExternalSecretSpec>,
        Kind::ClusterExternalSecret => typed::<ClusterExternalSecretSpec>,
        Kind::PushSecret => typed::<PushSecretSpec>,
        Kind::ClusterPushSecret => typed::<ClusterPushSecretSpec>,
    };
    Ok(judge(object, context, unknown_is_aws)?.leveled(&context.settings.policy))
}

/// Whether there is nothing to tell about an object; if not, [`validate`] tells it.
pub(crate) fn is_silent<T: Spec>(object: &Object<'_, Once<T>>, context: &Context<'_>) -> bool {
    let subject = Subject::of(object);
    let report = object.judge_once(|spec: &T, report| spec.check(&subject, context, report));
    report.is_some_and(|report| report.leveled(&context.settings.policy).is_empty())
}

/// The spec of one of our kinds.
pub(crate) trait Spec: DeserializeOwned + Default {
    /// All rules about it. Answers whether fields that it does not know are ours to judge, too.
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool;
}

impl Spec for SecretStoreSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        check_store(subject, self, context, report)
    }
}

impl Spec for ClusterSecretStoreSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        check_store(subject, &self.0, context, report)
    }
}

impl Spec for ExternalSecretSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        external_secret::check(subject, self, &SPEC, context, report);
        true
    }
}

impl Spec for ClusterExternalSecretSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        fan_out::check_external(subject, self, &SPEC, context, report);
        true
    }
}

impl Spec for PushSecretSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        push_secret::check(subject, self, &SPEC, context, report);
        true
    }
}

impl Spec for ClusterPushSecretSpec {
    fn check(&self, subject: &Subject<'_>, context: &Context<'_>, report: &mut Report) -> bool {
        fan_out::check_push(subject, self, &SPEC, context, report);
        true
    }
}

/// Where a spec stands.
const SPEC: Field<'static> = Field::Path("spec");

/// Answers whether the store's other fields are ours to judge, too.
fn check_store(
    subject: &Subject<'_>,
    spec: &SecretStoreSpec,
    context: &Context<'_>,
    report: &mut Report,
) -> bool {
    let is_ours = store::check(subject, spec, report);
    known::check_store(subject, spec, context, report);
    is_ours
}

impl Context<'_> {
    /// Whether rules of AWS apply to what is read or written through this store.
    fn may_be_aws(&self, subject: &Subject<'_>, store: Option<&StoreRef>) -> bool {
        subject.may_be_aws(
            store.map_or(Provider::Unknown, |store| self.facts.provider(subject.namespace, store)),
        )
    }
}

/// A regular expression that Go does not compile, wherever one can stand.
static REGEXP: Rule = Rule {
    id: "regexp",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The operator fails on every refresh.",
    fix: "Write Go's RE2: no look-around, no backreferences.",
    example: "dataFrom: [{find: {name: {regexp: '^(?=prod)'}}}]",
};

/// A template that Go does not parse, wherever one can stand.
static TEMPLATE: Rule = Rule {
    id: "template",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::ExternalSecret),
    why: "The operator fails on every refresh, and the status says only `could not apply template`.",
    fix: "Write Go's text/template with sprig's functions and the operator's own.",
    example: "target: {template: {data: {a: '{{ .password | b64 }}'}}}",
};

/// Every rule, in the order of the documentation.
pub fn rules() -> Vec<&'static Rule> {
    let everywhere = [&DURATION, &REGEXP, &LABEL_SELECTOR];
    let mut all = crate::object::rules();
    all.extend(everywhere);
    all.extend(store::rules());
    all.extend(external_secret::rules());
    all.extend(
        rewrite::RULES.iter().chain([&&TEMPLATE]).chain(template::RULES).chain(fan_out::RULES).copied(),
    );
    all.extend(push_secret::rules());
    all.extend(known::rules());
    all
}
