//! ExternalSecret: which remote secrets become which Secret.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{Condition, DATA_KEY, SUBDOMAIN, StoreRef};
use super::data_from::DataFrom;
use super::remote_ref::{RemoteRef, SourceRef};
use super::template::SecretTemplate;

/// The grammar of `schedule`, five fields or a name: what cron itself refuses is told by a rule.
const SCHEDULE: &str =
    r"^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|@every [^\s]+.*|[^\s]+( [^\s]+){4})$";

/// Remote secrets that are kept in a Secret of this namespace.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "ExternalSecret",
    namespaced,
    status = "ExternalSecretStatus",
    shortname = "es",
    category = "external-secrets",
    label("external-secrets.io/component", "controller"),
    selectable = ".spec.secretStoreRef.name",
    selectable = ".spec.secretStoreRef.kind",
    selectable = ".spec.target.name",
    selectable = ".spec.refreshInterval",
    printcolumn(name = "StoreType", type_ = "string", json_path = ".spec.secretStoreRef.kind"),
    printcolumn(name = "Store", type_ = "string", json_path = ".spec.secretStoreRef.name"),
    printcolumn(name = "Refresh Interval", type_ = "string", json_path = ".spec.refreshInterval"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Last Sync", type_ = "date", json_path = ".status.refreshTime")
)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretSpec {
    /// The store to read from, unless an entry names its own.
    #[serde(default)]
    pub secret_store_ref: Option<StoreRef>,
    /// The Secret to keep.
    #[serde(default)]
    #[schemars(extend("default" = {"creationPolicy": "Owner", "deletionPolicy": "Retain"}))]
    pub target: Target,
    /// When secrets are fetched again: CreatedOnce, Periodic (the default) or OnChange.
    #[serde(default)]
    pub refresh_policy: Option<RefreshPolicy>,
    /// Time between fetches, `1h`. `0s` fetches once.
    #[serde(default)]
    #[schemars(extend("default" = "1h0m0s"))]
    pub refresh_interval: Option<String>,
    /// Times at which fetching is allowed or denied.
    #[serde(default)]
    pub sync_windows: Option<SyncWindows>,
    /// Single values: one key of the Secret each.
    #[serde(default)]
    pub data: Vec<Data>,
    /// Whole secrets: every key of theirs becomes a key of the Secret. Later entries win, `data` wins over all.
    #[serde(default)]
    pub data_from: Vec<DataFrom>,
}

impl ExternalSecretSpec {
    /// Every store that is named, also such as no entry reads through.
    pub fn stores(&self) -> impl Iterator<Item = &StoreRef> {
        let single = self.data.iter().filter_map(|data| data.source_ref.as_ref());
        let whole = self.data_from.iter().filter_map(|whole| whole.source_ref.as_ref());
        let own = single.chain(whole).filter_map(|source| source.store_ref.as_ref());
        self.secret_store_ref.iter().chain(own).filter(|store| !store.name.is_empty())
    }
}

/// The Secret to keep.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Name of the Secret; by default that of the ExternalSecret.
    #[serde(default)]
    #[schemars(regex(pattern = SUBDOMAIN), length(min = 1, max = 253))]
    pub name: String,
    /// Owner: made and owned. Orphan: made, not owned. Merge: an existing Secret is filled.
    /// CreateOrMerge: made or filled. None: no Secret.
    #[serde(default)]
    pub creation_policy: CreationPolicy,
    /// When the remote secrets are gone. Retain: keep. Delete: delete the Secret. Merge: remove the keys.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// How the Secret is made from the fetched values.
    #[serde(default)]
    pub template: Option<SecretTemplate>,
    /// Another kind of object to write instead of a Secret.
    #[serde(default)]
    pub manifest: Option<Manifest>,
    /// Whether the Secret cannot be changed once it is made.
    #[serde(default)]
    pub immutable: bool,
}

/// Who makes and owns the Secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum CreationPolicy {
    #[default]
    Owner,
    Orphan,
    Merge,
    CreateOrMerge,
    None,
}

/// What becomes of the Secret when the remote secrets are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the field's description tells the values together")]
pub enum DeletionPolicy {
    #[default]
    Retain,
    Delete,
    Merge,
}

/// Another kind of object to write instead of a Secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["apiVersion", "kind"]))]
pub struct Manifest {
    /// API version of the object.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub api_version: String,
    /// Kind of the object.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub kind: String,
}

/// When secrets are fetched again: every refreshInterval (Periodic, the default), when this object changes
/// (OnChange), or never (CreatedOnce).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RefreshPolicy {
    /// Once.
    CreatedOnce,
    /// Every `refreshInterval`.
    Periodic,
    /// When the ExternalSecret changes.
    OnChange,
}

/// One key of the Secret and where its value comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = ["secretKey", "remoteRef"]))]
pub struct Data {
    /// Key of the Secret.
    #[serde(default)]
    #[schemars(regex(pattern = DATA_KEY), length(min = 1, max = 253))]
    pub secret_key: String,
    /// The remote value.
    #[serde(default)]
    pub remote_ref: RemoteRef,
    /// A store for this entry alone.
    #[serde(default)]
    pub source_ref: Option<SourceRef>,
}

/// Times at which fetching is allowed or denied, in UTC.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["kind", "windows"]))]
pub struct SyncWindows {
    /// Whether fetching is allowed only inside the windows, or denied inside them.
    #[serde(default)]
    #[schemars(with = "WindowKind")]
    pub kind: Option<WindowKind>,
    /// The windows.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub windows: Vec<Window>,
}

/// Whether fetching is allowed inside the windows only, or denied inside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    /// Fetching is allowed inside only.
    Allow,
    /// Fetching is denied inside.
    Deny,
}

/// One window.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["schedule", "duration"]))]
pub struct Window {
    /// When it opens: five cron fields in UTC, or a name such as `@daily`.
    #[serde(default)]
    #[schemars(regex(pattern = SCHEDULE), length(min = 1))]
    pub schedule: String,
    /// How long it stays open, `8h`.
    #[serde(default)]
    pub duration: String,
}

/// What is known of an ExternalSecret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretStatus {
    /// When the secrets were last fetched.
    #[serde(default)]
    #[schemars(extend("format" = "date-time", "nullable" = true))]
    pub refresh_time: Option<String>,
    /// Version of the ExternalSecret that was fetched last.
    #[serde(default)]
    pub synced_resource_version: Option<String>,
    /// Whether the Secret is as it should be.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The Secret, for the Service Binding specification.
    #[serde(default)]
    pub binding: Option<Binding>,
}

/// A Secret by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Binding {
    /// Name of the Secret.
    #[serde(default)]
    #[schemars(extend("default" = ""))]
    pub name: String,
}
