//! The AWS of the demo: one account, one secret, a user who may read it, and a store that says so.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::aws::Aws;
use crate::support::aws::account::{Keys, allow_all};
use crate::support::control_plane::ControlPlane;

const ACCOUNT: &str = "111122223333";
/// A reference that leads somewhere, and one that does not.
pub(crate) const REFERENCES: [(&str, bool); 2] =
    [("demo::prod/db#password", true), ("demo::prod/db#passwd", false)];

pub(crate) struct DemoAws {
    aws: Aws,
}

impl DemoAws {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let aws = Aws::start();
        aws.account(ACCOUNT)
            .secret("prod/db", r#"{"user": "app", "password": "correct horse battery staple"}"#);
        Self { aws }
    }

    /// The AWS itself.
    pub(crate) fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Makes what the examples of loops read; answers the id of a version that is not current any more.
    pub(crate) fn furnish(&self) -> String {
        let account = self.aws.account(ACCOUNT);
        let people = r#"{"name": {"first": "Ada"}, "friends": [{"first": "Barbara"}, {"first": "Grace"}]}"#;
        account.secret("demo/people", people);
        account.tag("demo/people", "owner", "team-a");
        account.secret("demo/rotated", "old");
        let versions = account.look("demo/rotated").map(|secret| secret.versions).unwrap_or_default();
        account.secret("demo/rotated", "new");
        versions.first().map(|version| version.id.clone()).unwrap_or_default()
    }

    /// Whether what the PushSecret of the examples says is there.
    pub(crate) fn has_pushed(&self) -> bool {
        let account = self.aws.account(ACCOUNT);
        account.look("pushed/token").is_some() && account.look("pushed/login").is_some()
    }

    /// Its endpoint.
    pub(crate) fn url(&self) -> String {
        self.aws.url()
    }

    /// Makes the store `demo` in the current namespace.
    pub(crate) fn install(&self, plane: &ControlPlane) -> Result<(), String> {
        let keys = self.aws.account(ACCOUNT).user("demo", &[allow_all()]);
        plane.kubectl_in(&store(&keys), &["apply", "-f", "-"]).success().map(drop)
    }

    /// What makes every AWS SDK call it.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_SECRETSMANAGER_ENDPOINT", self.aws.url()),
            ("AWS_STS_ENDPOINT", self.aws.url()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ]
    }

    /// Runs `keyhatch resolve REFERENCE --explain`.
    pub(crate) fn resolve(
        &self,
        keyhatch: &Path,
        plane: &ControlPlane,
        reference: &str,
    ) -> Result<Output, String> {
        let mut command = Command::new(keyhatch);
        command.args(["resolve", reference, "--explain"]).env("KUBECONFIG", plane.kubeconfig());
        command.envs(self.environment());
        command.output().map_err(|error| format!("{}: {error}", keyhatch.display()))
    }
}

fn store(keys: &Keys) -> String {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo-keys"},
        "stringData": {"id": keys.id, "secret": keys.secret},
    });
    let reference = |key: &str| json!({"name": "demo-keys", "key": key});
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": {"name": "demo"},
        "spec": {"provider": {"aws": {
            "service": "SecretsManager", "region": "eu-central-1",
            "auth": {"secretRef": {
                "accessKeyIDSecretRef": reference("id"), "secretAccessKeySecretRef": reference("secret"),
            }},
        }}},
    });
    format!("{secret}\n---\n{store}\n")
}
