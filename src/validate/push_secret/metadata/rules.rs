//! The rules about a PushSecretMetadata.

use crate::api::Kind;
use crate::rule::{Level, Reason, Rule};

/// The rules of this file.
pub(in crate::validate::push_secret) static RULES: &[&Rule] = &[
    &METADATA_ENVELOPE,
    &METADATA_BARE,
    &METADATA_FIELD,
    &PUSH_FORMAT,
    &PUSH_DESCRIPTION,
    &PUSH_KMS_KEY,
    &PUSH_TAG,
    &RESOURCE_POLICY,
    &REPLICA_REGION,
    &REPLICA_REGION_UNKNOWN,
];

/// No envelope, and not the bare form either.
pub(crate) static METADATA_ENVELOPE: Rule = Rule {
    id: "metadata-envelope",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The operator fails on the first push.",
    fix: "apiVersion: kubernetes.external-secrets.io/v1alpha1, kind: PushSecretMetadata, spec: {…}.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: v1, kind: PushSecretMetadata, spec: {}}}]",
};

/// The bare form.
pub(crate) static METADATA_BARE: Rule = Rule {
    id: "metadata-bare",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The provider's public examples for resource policies and replicas leave the envelope out. Keyhatch \
          understands that; the operator's own controller fails on the first push.",
    fix: "Put the fields into the spec of a PushSecretMetadata.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {replicationLocations: [eu-west-1]}}]",
};

/// A field that the strict decoder refuses.
pub(crate) static METADATA_FIELD: Rule = Rule {
    id: "metadata-field",
    level: Level::Deny,
    reason: Reason::NotSupported,
    kind: Some(Kind::PushSecret),
    why: "The operator decodes metadata strictly and fails on the first push.",
    fix: "secretPushFormat, description, kmsKeyId, tags, resourcePolicy and replicationLocations, each of its type.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {tag: {a: b}}}}]",
};

/// A format that is none.
pub(crate) static PUSH_FORMAT: Rule = Rule {
    id: "push-format",
    level: Level::Deny,
    reason: Reason::NotSupported,
    kind: Some(Kind::PushSecret),
    why: "The operator fails with `invalid secret push format`.",
    fix: "binary or string.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {secretPushFormat: json}}}]",
};

/// A description that AWS refuses.
pub(crate) static PUSH_DESCRIPTION: Rule = Rule {
    id: "push-description",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses to make the secret.",
    fix: "At most 2048 characters.",
    example: "",
};

/// A KMS key that is none.
pub(crate) static PUSH_KMS_KEY: Rule = Rule {
    id: "push-kms-key",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses to make the secret.",
    fix: "A key id, alias/NAME, or the ARN of either.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {kmsKeyId: my-key}}}]",
};

/// A tag that AWS or the operator refuses.
pub(crate) static PUSH_TAG: Rule = Rule {
    id: "push-tag",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The push fails, value and all.",
    fix: "At most 49 tags beside managed-by, keys of 1 to 128 and values of at most 256 characters, no aws: prefix.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {tags: {managed-by: me}}}}]",
};

/// A policy without its text.
pub(crate) static RESOURCE_POLICY: Rule = Rule {
    id: "resource-policy",
    level: Level::Deny,
    reason: Reason::Required,
    kind: Some(Kind::PushSecret),
    why: "The secret is made without the policy, and every later refresh fails.",
    fix: "policySourceRef: {kind: ConfigMap, name: NAME, key: KEY}.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {resourcePolicy: {blockPublicPolicy: true}}}}]",
};

/// A region that takes no replica.
pub(crate) static REPLICA_REGION: Rule = Rule {
    id: "replica-region",
    level: Level::Deny,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "AWS refuses to replicate, and the operator pushes no value because of it.",
    fix: "Each region once, spelt as AWS does, and not the store's own.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {replicationLocations: [eu-west-1, eu-west-1]}}}]",
};

/// A region that may exist by now.
pub(crate) static REPLICA_REGION_UNKNOWN: Rule = Rule {
    id: "replica-region-unknown",
    level: Level::Warn,
    reason: Reason::Invalid,
    kind: Some(Kind::PushSecret),
    why: "The name is made of known parts but is none that this release knows.",
    fix: "Check the name; nothing to do if AWS has opened the region since.",
    example: "data: [{match: {secretKey: a, remoteRef: {remoteKey: a}}, metadata: {apiVersion: kubernetes.external-secrets.io/v1alpha1, \
              kind: PushSecretMetadata, spec: {replicationLocations: [eu-west-9]}}}]",
};
