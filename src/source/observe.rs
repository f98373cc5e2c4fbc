//! Reads everything that access depends on: the store, and the objects that it names.

use aws_sdk_secretsmanager::config::{Credentials, SharedCredentialsProvider};

use super::credentials::{Base, ServiceAccountBase, chain};
use super::error::SourceError;
use super::identity::{Identifier, Identity, Origin};
use super::objects::{ObjectId, ObjectVersion, Objects};
use super::plan::{self, Ambient, Plan, PlanError, SecretKey, StoreId, is_referent, plan};
use crate::api::common::StoreKind;
use crate::api::secret_store::NamespaceCondition;
use crate::aws::failure::{Class, Failure};
use crate::facts::{Admits, admits};
use crate::secret_value::SecretValue;

/// What was read, and what follows from it.
pub(super) struct Observed {
    pub(super) plan: Plan,
    pub(super) base: Base,
    pub(super) identity: Identity,
    pub(super) title: String,
    pub(super) seen: Vec<(ObjectId, ObjectVersion)>,
}

/// The audience that STS wants, unless an annotation names another.
const AUDIENCE: &str = "sts.amazonaws.com";

/// What is needed to read.
pub(super) struct Observer<'a> {
    pub(super) objects: &'a Objects,
    pub(super) identifier: &'a Identifier,
    pub(super) ambient: Ambient,
    pub(super) own: Option<&'a SharedCredentialsProvider>,
}

impl Observer<'_> {
    /// Reads a store as one of its consumers.
    pub(super) async fn observe(&self, store: &StoreId, consumer: &str) -> Result<Observed, SourceError> {
        let read = self.objects.store(store).await?;
        let mut seen = vec![(ObjectId::Store(store.clone()), read.version)];
        let plan = plan(store, &read.object, consumer, self.ambient)?;
        self.check_admitted(store, &read.object.conditions, consumer, &mut seen).await?;
        self.identified(plan, seen).await
    }

    /// Reads a store as itself, whomever it admits; none if it is nobody without a consumer.
    pub(super) async fn observe_itself(&self, store: &StoreId) -> Result<Option<Observed>, SourceError> {
        let read = self.objects.store(store).await?;
        let plan = plan(store, &read.object, &store.namespace, self.ambient)?;
        if is_referent(store, &read.object) {
            return Ok(None);
        }
        self.identified(plan, vec![(ObjectId::Store(store.clone()), read.version)]).await.map(Some)
    }

    /// Reads the credentials that a plan names.
    async fn identified(
        &self,
        plan: Plan,
        mut seen: Vec<(ObjectId, ObjectVersion)>,
    ) -> Result<Observed, SourceError> {
        let (base, identity, title) = match &plan.base {
            plan::Base::Keys { access_key_id, secret_access_key, session_token } => {
                let at = Keys { access_key_id, secret_access_key, session_token: session_token.as_ref() };
                self.keys(&plan, at, &mut seen).await?
            }
            plan::Base::ServiceAccount { namespace, name, audiences } => {
                self.service_account(&plan, (namespace, name), audiences, &mut seen).await?
            }
            plan::Base::Own => {
                let own = self.own.cloned().ok_or_else(no_own)?;
                let identity = self.identify(&plan, Origin::Own { source: "process" });
                (Base::Own(own), identity, "Keyhatch's own AWS identity".into())
            }
        };
        let title = format!("{title}{}", chain(&plan.roles));
        Ok(Observed { base, identity, title, seen, plan })
    }

    /// A ClusterSecretStore says whose it is; the namespace's labels are read only if it depends on them.
    async fn check_admitted(
        &self,
        store: &StoreId,
        conditions: &[NamespaceCondition],
        consumer: &str,
        seen: &mut Vec<(ObjectId, ObjectVersion)>,
    ) -> Result<(), SourceError> {
        if store.kind == StoreKind::SecretStore {
            return Ok(());
        }
        let conditions: Vec<_> = conditions.iter().map(Admits::from).collect();
        let is_admitted = match admits(&conditions, consumer, None) {
            Some(is_admitted) => is_admitted,
            None => {
                let read = self.objects.namespace(consumer).await?;
                seen.push((ObjectId::Namespace(consumer.to_owned()), read.version));
                admits(&conditions, consumer, Some(&read.object)).unwrap_or_default()
            }
        };
        let not_admitted = || PlanError::NotAdmitted { store: store.clone(), namespace: consumer.to_owned() };
        is_admitted.then_some(()).ok_or_else(|| not_admitted().into())
    }

    async fn keys(
        &self,
        plan: &Plan,
        at: Keys<'_>,
        seen: &mut Vec<(ObjectId, ObjectVersion)>,
    ) -> Result<(Base, Identity, String), SourceError> {
        let mut secrets = Secrets { objects: self.objects, seen, read: Vec::new() };
        let secret = secrets.value(at.secret_access_key).await?;
        let id = secrets.value(at.access_key_id).await?;
        let token = match at.session_token {
            Some(at) => Some((secrets.value(at).await?, at)),
            None => None,
        };
        let origin = Origin::Keys {
            access_key_id: &id,
            secret_access_key: &secret,
            session_token: token.as_ref().map(|(token, _)| token),
        };
        let identity = self.identify(plan, origin);
        let credentials = Credentials::new(
            text(&id, at.access_key_id)?,
            text(&secret, at.secret_access_key)?,
            token.map(|(token, at)| text(&token, at)).transpose()?,
            None,
            "keyhatch",
        );
        let SecretKey { namespace, name, .. } = at.access_key_id;
        Ok((Base::Keys(credentials), identity, format!("access keys of Secret {namespace}/{name}")))
    }

    async fn service_account(
        &self,
        plan: &Plan,
        (namespace, name): (&str, &str),
        audiences: &[String],
        seen: &mut Vec<(ObjectId, ObjectVersion)>,
    ) -> Result<(Base, Identity, String), SourceError> {
        let read = self.objects.service_account(namespace, name).await?;
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        let uid = read.version.uid.clone();
        let id = ObjectId::ServiceAccount { namespace: namespace.clone(), name: name.clone() };
        seen.push((id, read.version));
        let Some(role_arn) = read.object.role_arn else {
            return Err(SourceError::NoRole { namespace, name });
        };
        let mut wanted = vec![read.object.audience.unwrap_or_else(|| AUDIENCE.to_owned())];
        for audience in audiences {
            if !wanted.contains(audience) {
                wanted.push(audience.clone());
            }
        }
        let identity = self.identify(
            plan,
            Origin::ServiceAccount {
                namespace: &namespace,
                name: &name,
                uid: &uid,
                audiences: &wanted,
                role_arn: &role_arn,
            },
        );
        let title = format!("ServiceAccount {namespace}/{name} → {role_arn}");
        let account = ServiceAccountBase { namespace, name, uid, audiences: wanted, role_arn };
        Ok((Base::ServiceAccount(account), identity, title))
    }

    fn identify(&self, plan: &Plan, origin: Origin<'_>) -> Identity {
        self.identifier.identify(origin, &plan.roles, &plan.session_name)
    }
}

/// Where access keys are.
struct Keys<'a> {
    access_key_id: &'a SecretKey,
    secret_access_key: &'a SecretKey,
    session_token: Option<&'a SecretKey>,
}

/// Secrets, each read once.
struct Secrets<'a> {
    objects: &'a Objects,
    seen: &'a mut Vec<(ObjectId, ObjectVersion)>,
    read: Vec<(ObjectId, std::collections::BTreeMap<String, SecretValue>)>,
}

impl Secrets<'_> {
    /// As it stands: a line end at the end is a part of the value.
    async fn value(&mut self, at: &SecretKey) -> Result<SecretValue, SourceError> {
        let SecretKey { namespace, name, key } = at;
        let id = ObjectId::Secret { namespace: namespace.clone(), name: name.clone() };
        if !self.read.iter().any(|(read, _)| *read == id) {
            let read = self.objects.secret(namespace, name).await?;
            self.seen.push((id.clone(), read.version));
            self.read.push((id.clone(), read.object));
        }
        let data = self.read.iter().find(|(read, _)| *read == id).map(|(_, data)| data);
        let value = data.and_then(|data| data.get(key)).filter(|value| !value.is_empty());
        value.cloned().ok_or_else(|| SourceError::Key { at: at.clone() })
    }
}

fn text(value: &SecretValue, at: &SecretKey) -> Result<String, SourceError> {
    let text = std::str::from_utf8(value.expose()).map_err(|_| SourceError::Key { at: at.clone() })?;
    Ok(text.to_owned())
}

fn no_own() -> SourceError {
    SourceError::Aws(Failure {
        class: Class::IdentityRefused,
        operation: "credentials",
        object: "Keyhatch's own AWS identity".into(),
        code: String::new(),
        message: "there is no source of credentials".into(),
        request_id: None,
    })
}
