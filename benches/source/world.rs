//! A store in a file, an account in the fake AWS, and a source between them.

use std::sync::Arc;
use std::time::Duration;

use keyhatch::api::common::StoreKind;
use keyhatch::cache::{Answer, Asked, Cache, Limits, Version};
use keyhatch::source::calls::Calls;
use keyhatch::source::clients::ClientConfig;
use keyhatch::source::error::SourceError;
use keyhatch::source::objects::{Files, Objects};
use keyhatch::source::plan::{Ambient, StoreId};
use keyhatch::source::{Access, Source, SourceConfig};
use serde_json::json;

use crate::support::aws::Aws;
use crate::support::aws::account::{Account, allow_all, trust};

pub(crate) const MINUTE: Option<Duration> = Some(Duration::from_secs(60));

pub(crate) struct World {
    pub(crate) aws: Aws,
    pub(crate) account: Account,
    pub(crate) source: Source,
    pub(crate) access: Arc<Access>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let aws = Aws::start();
        let account = aws.account("111122223333");
        let keys = account.keys();
        let role = account.role("reader", &trust(&["arn:aws:iam::111122223333:root"]), &[allow_all()]);
        let selector = |key| json!({"name": "aws", "key": key});
        let files = Files::new(vec![
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws"},
                "stringData": {"id": keys.id, "secret": keys.secret}}),
            json!({"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "aws"},
                "spec": {"provider": {"aws": {"service": "SecretsManager", "region": "eu-central-1", "role": role,
                    "auth": {"secretRef": {"accessKeyIDSecretRef": selector("id"),
                        "secretAccessKeySecretRef": selector("secret")}}}}}}),
        ]);
        let config = SourceConfig {
            objects: Objects::Files(files, None),
            watch_credentials: false,
            clients: ClientConfig {
                secrets_manager_endpoint: Some(aws.url()),
                sts_endpoint: Some(aws.url()),
                ..ClientConfig::default()
            },
            ambient: Ambient::None,
            cache: Arc::new(Cache::new(Limits::default(), Arc::default())),
            calls: Arc::new(Calls::new(false)),
        };
        let source = Source::new(config).await.expect("random bytes");
        let access = source.access(&store(), "team-a").await.expect("a store");
        Self { aws, account, source, access }
    }

    pub(crate) async fn get(&self, id: &str, max_age: Option<Duration>) -> Result<Answer, SourceError> {
        self.source.fetch(&self.access, id, Asked::Value(Version::Current), max_age).await
    }
}

pub(crate) fn store() -> StoreId {
    StoreId::seen_from("team-a", StoreKind::SecretStore, "aws")
}
