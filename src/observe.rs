//! Objects in, facts out: what the server's watches and `keyhatch check` remember of each kind.

mod store_spec;

use std::fmt::Debug;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::api::common::StoreKind;
use crate::api::external_secret::{CreationPolicy, ExternalSecretSpec};
use crate::api::push_secret::{PushSecretSpec, PushSecretStatus};
use crate::api::secret_store::{SecretStoreSpec, SecretStoreStatus};
use crate::api::{GROUP, Kind};
use crate::facts::{Account, FactKind, Facts, Keys, Known, Metadata, Namespace, Pushes, Store, Target};
use crate::inject::annotations;
use crate::validate::pushes;
use store_spec::StoreSpec;

/// The annotation with the role of a ServiceAccount.
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// A kind of which facts are taken.
pub trait Observed: 'static {
    /// Which.
    const KIND: FactKind;
    /// What is remembered of an object.
    type Fact: Clone + Debug + Send + Sync + 'static;

    /// Reads an object, and skips what is not needed. What does not fit its type is taken for empty: one such object
    /// must not hide all others.
    ///
    /// # Errors
    /// If it is no object.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Self::Fact), D::Error>;

    /// Where its facts are.
    fn known(facts: &mut Facts) -> &mut Known<Self::Fact>;
}

/// Remembers an object of any kind that matters; answers whether it did.
pub fn add(facts: &mut Facts, object: &Value) -> bool {
    let text = |key| object.get(key).and_then(Value::as_str).unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("v1", "Namespace") => add_as::<Namespaces>(facts, object),
        ("v1", "Secret") => add_as::<Secrets>(facts, object),
        ("v1", "ConfigMap") => add_as::<ConfigMaps>(facts, object),
        ("v1", "ServiceAccount") => add_as::<ServiceAccounts>(facts, object),
        (version, kind) if version.starts_with(GROUP) => match Kind::named(kind) {
            Some(Kind::SecretStore) => add_as::<SecretStores>(facts, object),
            Some(Kind::ClusterSecretStore) => add_as::<ClusterSecretStores>(facts, object),
            Some(Kind::ExternalSecret) => add_as::<ExternalSecrets>(facts, object),
            Some(Kind::PushSecret) => add_as::<PushSecrets>(facts, object),
            Some(Kind::ClusterExternalSecret | Kind::ClusterPushSecret) | None => false,
        },
        _ => false,
    }
}

fn add_as<O: Observed>(facts: &mut Facts, object: &Value) -> bool {
    let Ok((metadata, fact)) = O::read(object) else { return false };
    if metadata.name.is_empty() {
        return false; // one that the API server will name
    }
    O::known(facts).insert(metadata.namespace.as_deref().unwrap_or_default(), &metadata.name, fact);
    true
}

/// An object with spec and status.
#[derive(Debug, serde::Deserialize)]
#[serde(bound = "S: DeserializeOwned + Default, T: DeserializeOwned + Default")]
struct Whole<S, T> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    spec: Lenient<S>,
    #[serde(default)]
    status: Lenient<T>,
}

/// A part of an object that is taken for empty if it does not fit its type.
#[derive(Debug, Default)]
struct Lenient<T>(T);

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).unwrap_or_default()))
    }
}

/// SecretStores.
#[derive(Debug)]
pub struct SecretStores;
/// ClusterSecretStores.
#[derive(Debug)]
pub struct ClusterSecretStores;
/// ExternalSecrets.
#[derive(Debug)]
pub struct ExternalSecrets;
/// PushSecrets.
#[derive(Debug)]
pub struct PushSecrets;
/// Namespaces.
#[derive(Debug)]
pub struct Namespaces;
/// Secrets.
#[derive(Debug)]
pub struct Secrets;
/// ConfigMaps.
#[derive(Debug)]
pub struct ConfigMaps;
/// ServiceAccounts.
#[derive(Debug)]
pub struct ServiceAccounts;

fn read_store<'de, D: Deserializer<'de>>(
    kind: StoreKind,
    deserializer: D,
) -> Result<(Metadata, Store), D::Error> {
    let Whole::<StoreSpec, SecretStoreStatus> { metadata, spec: Lenient(spec), status } =
        Whole::deserialize(deserializer)?;
    let store = match spec {
        StoreSpec::Read(spec) => Store::new(kind, &metadata, &spec, &status.0),
        StoreSpec::Unreadable { may_be_aws } => {
            let nothing = Store::new(kind, &metadata, &SecretStoreSpec::default(), &status.0);
            Store { is_unclear: may_be_aws, ..nothing }
        }
    };
    Ok((metadata, store))
}

impl Observed for SecretStores {
    const KIND: FactKind = FactKind::SecretStores;
    type Fact = Store;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Store), D::Error> {
        read_store(StoreKind::SecretStore, deserializer)
    }

    fn known(facts: &mut Facts) -> &mut Known<Store> {
        &mut facts.secret_stores
    }
}

impl Observed for ClusterSecretStores {
    const KIND: FactKind = FactKind::ClusterSecretStores;
    type Fact = Store;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Store), D::Error> {
        read_store(StoreKind::ClusterSecretStore, deserializer)
    }

    fn known(facts: &mut Facts) -> &mut Known<Store> {
        &mut facts.cluster_secret_stores
    }
}

impl Observed for ExternalSecrets {
    const KIND: FactKind = FactKind::ExternalSecrets;
    type Fact = Target;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Target), D::Error> {
        let Whole::<ExternalSecretSpec, ()> { metadata, spec: Lenient(spec), .. } =
            Whole::deserialize(deserializer)?;
        let target = &spec.target;
        let name = if target.name.is_empty() { metadata.name.as_str() } else { target.name.as_str() };
        let owns = target.creation_policy == CreationPolicy::Owner && target.manifest.is_none();
        let target = Target { name: name.into(), owns, made_by: metadata.owner() };
        Ok((metadata, target))
    }

    fn known(facts: &mut Facts) -> &mut Known<Target> {
        &mut facts.external_secrets
    }
}

impl Observed for PushSecrets {
    const KIND: FactKind = FactKind::PushSecrets;
    type Fact = Pushes;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Pushes), D::Error> {
        let Whole::<PushSecretSpec, PushSecretStatus> { metadata, spec, status } =
            Whole::deserialize(deserializer)?;
        let entries = pushes(&spec.0, &status.0).into();
        let pushes = Pushes { entries, made_by: metadata.owner() };
        Ok((metadata, pushes))
    }

    fn known(facts: &mut Facts) -> &mut Known<Pushes> {
        &mut facts.push_secrets
    }
}

impl Observed for Namespaces {
    const KIND: FactKind = FactKind::Namespaces;
    type Fact = Namespace;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Namespace), D::Error> {
        let Whole::<(), ()> { mut metadata, .. } = Whole::deserialize(deserializer)?;
        let annotation = |key| metadata.annotations.get(key).map(Box::from);
        let (store, refresh) = (annotation(annotations::STORE), annotation(annotations::REFRESH));
        let labels = std::mem::take(&mut metadata.labels);
        Ok((metadata, Namespace { labels, store, refresh }))
    }

    fn known(facts: &mut Facts) -> &mut Known<Namespace> {
        &mut facts.namespaces
    }
}

impl Observed for Secrets {
    const KIND: FactKind = FactKind::Secrets;
    type Fact = Keys;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Keys), D::Error> {
        Keys::of_secret(deserializer)
    }

    fn known(facts: &mut Facts) -> &mut Known<Keys> {
        &mut facts.secrets
    }
}

impl Observed for ConfigMaps {
    const KIND: FactKind = FactKind::ConfigMaps;
    type Fact = Keys;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Keys), D::Error> {
        Keys::of_config_map(deserializer)
    }

    fn known(facts: &mut Facts) -> &mut Known<Keys> {
        &mut facts.config_maps
    }
}

impl Observed for ServiceAccounts {
    const KIND: FactKind = FactKind::ServiceAccounts;
    type Fact = Account;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(Metadata, Account), D::Error> {
        let Whole::<(), ()> { metadata, .. } = Whole::deserialize(deserializer)?;
        let account = Account { has_role: metadata.annotations.get(ROLE).is_some() };
        Ok((metadata, account))
    }

    fn known(facts: &mut Facts) -> &mut Known<Account> {
        &mut facts.service_accounts
    }
}
