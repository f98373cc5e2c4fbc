//! What a pod needs of others, judged by what is known of them. Without the fact, silence.

use super::{Code, Needs};
use crate::api::common::{StoreKind, StoreRef};
use crate::aws::{arn, region};
use crate::facts::{self, Facts, Lookup, Provider};
use crate::field::Field;
use crate::finding::Report;
use crate::reference::{SecretRef, Store};

/// Checks stores and ExternalSecrets that a pod of this namespace needs.
pub fn check(needs: &Needs, namespace: &str, facts: &Facts, report: &mut Report) {
    for (store, field) in &needs.stores {
        check_store(store, namespace, facts, &Field::Path(field), report);
    }
    for (reference, field) in &needs.references {
        check_arn(reference, namespace, facts, &Field::Path(field), report);
    }
    for (name, field) in &needs.external_secrets {
        if facts.external_secrets.get(namespace, name).is_absent() {
            let cause = "there is no ExternalSecret of this name in the pod's namespace";
            report.text(Code::ExternalSecretNotFound.rule(), &Field::Path(field), name, cause);
        }
    }
}

/// An ARN names its secret whole: the store must be of its region, and its prefix that of the secret's name.
fn check_arn(reference: &SecretRef, namespace: &str, facts: &Facts, at: &Field<'_>, report: &mut Report) {
    let (Some(store), Some(arn)) = (&reference.store, arn::parse(&reference.key)) else { return };
    let named = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
    let Some(known) = facts.store(Some(namespace), &named).found() else { return };
    if known.is_aws
        && let Err(outside) = reference.secret_id(&known.prefix)
    {
        report.text(Code::ArnPrefix.rule(), at, &reference.key, outside.to_string());
    }
    let region = region::without_fips(&known.region);
    if known.is_aws && !region.is_empty() && region != arn.region {
        let cause = format!(
            "store {store} reads region {region}, and the secret is in {}; name a store of that region",
            arn.region
        );
        report.text(Code::ArnRegion.rule(), at, &reference.key, cause);
    }
}

fn check_store(store: &Store, namespace: &str, facts: &Facts, at: &Field<'_>, report: &mut Report) {
    let reference = StoreRef { name: store.name.clone(), kind: Some(store.kind) };
    match facts.store(Some(namespace), &reference) {
        Lookup::Found(known) => check_found(store, known, namespace, facts, at, report),
        Lookup::Absent => {
            let other = match store.kind {
                StoreKind::SecretStore => StoreKind::ClusterSecretStore,
                StoreKind::ClusterSecretStore => StoreKind::SecretStore,
            };
            let elsewhere = StoreRef { name: store.name.clone(), kind: Some(other) };
            let meant = Store { kind: other, name: store.name.clone() };
            let cause = match facts.store(Some(namespace), &elsewhere).found() {
                Some(_) => format!("there is no such {}; did you mean {meant}?", store.kind.as_str()),
                None => {
                    format!("there is no such {} here; create it, or correct the name", store.kind.as_str())
                }
            };
            report.text(Code::StoreNotFound.rule(), at, &store.to_string(), cause);
        }
        Lookup::Unknown => {}
    }
}

fn check_found(
    store: &Store,
    known: &facts::Store,
    namespace: &str,
    facts: &Facts,
    at: &Field<'_>,
    report: &mut Report,
) {
    let name = store.to_string();
    if known.provider() == Provider::Other {
        let cause = "is no store of AWS Secrets Manager, which is all that pods are served from";
        return report.text(Code::StoreNotAllowed.rule(), at, &name, cause);
    }
    if store.kind == StoreKind::ClusterSecretStore
        && facts.admits(&known.conditions, namespace) == Some(false)
    {
        let cause = format!("the store's conditions do not admit namespace {namespace:?}");
        report.text(Code::StoreNotAllowed.rule(), at, &name, cause);
    }
    if known.is_ready == Some(false) {
        report.text(Code::StoreNotReady.rule(), at, &name, "is not ready; its status and events say why");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(region: &str, prefix: &str, key: &str) -> Vec<String> {
        let mut facts = Facts::default();
        let store = facts::Store {
            is_aws: true,
            region: region.into(),
            prefix: prefix.into(),
            ..facts::Store::default()
        };
        facts.secret_stores.insert("team-a", "aws", store);
        let reference = format!("aws::{key}#password").parse().unwrap();
        let needs = Needs { references: vec![(reference, "field".into())], ..Needs::default() };
        let mut report = Report::default();
        check(&needs, "team-a", &facts, &mut report);
        report.into_findings().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_arn_must_be_of_the_stores_region_and_prefix() {
        const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf";
        for (region, prefix, key) in [
            ("eu-west-1", "", ARN),
            ("eu-west-1", "d", ARN),
            ("fips-eu-west-1", "", ARN),
            ("", "", ARN),
            ("us-east-1", "", "db"),
        ] {
            assert_eq!(told(region, prefix, key), [""; 0], "{region} {key}");
        }
        let cause = "the store has the prefix \"team/\", and the secret's name does not begin with it; read it through a store without";
        assert_eq!(told("eu-west-1", "team/", ARN), [format!("Invalid value: {ARN:?}: {cause} [ArnPrefix]")]);
        let cause =
            "store aws reads region us-east-1, and the secret is in eu-west-1; name a store of that region";
        assert_eq!(told("us-east-1", "", ARN), [format!("Invalid value: {ARN:?}: {cause} [ArnRegion]")]);
    }
}
