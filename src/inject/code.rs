//! Why a pod is refused, or warned about: a code for programs, and what `docs/pods.md` says of it.
//!
//! Codes are [`Rule`]s, so that messages, metrics, `keyhatch check` and SARIF tell them like all others. They cannot be
//! switched off: a pod with such a mistake has nothing that could be injected.

use crate::rule::{Level, Reason, Rule};

/// One code. Its [`Code::rule`] has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the rule of each says what it is about")]
pub enum Code {
    InvalidInjectValue,
    UnknownAnnotation,
    BadAnnotation,
    NothingAsked,
    BadReference,
    NoStore,
    BadName,
    PathEscape,
    BadPerms,
    DuplicateTarget,
    RefreshBelowMin,
    TooMany,
    UnknownContainer,
    NoCommand,
    VariableExpansion,
    VariablesUnnamed,
    EnvFilesUnsupported,
    MountConflict,
    SubPathOnSecrets,
    ReservedName,
    HostPIDForbidden,
    WindowsPod,
    InjectionOff,
    StoreNotFound,
    StoreNotAllowed,
    ArnRegion,
    ExternalSecretNotFound,
    PropertyDoubtful,
    StaticPod,
    StoreNotReady,
    StoreUseDenied,
    SecretNotFound,
    PropertyMissing,
    AwsDenied,
    ProbeWithoutVariables,
    RefreshIgnored,
    RefreshOfVariables,
    PermsUnreadable,
}

impl Code {
    /// All codes, in the order of the documentation.
    pub const ALL: [Self; 38] = [
        Self::InvalidInjectValue,
        Self::UnknownAnnotation,
        Self::BadAnnotation,
        Self::NothingAsked,
        Self::BadReference,
        Self::NoStore,
        Self::BadName,
        Self::PathEscape,
        Self::BadPerms,
        Self::DuplicateTarget,
        Self::RefreshBelowMin,
        Self::TooMany,
        Self::UnknownContainer,
        Self::NoCommand,
        Self::VariableExpansion,
        Self::VariablesUnnamed,
        Self::EnvFilesUnsupported,
        Self::MountConflict,
        Self::SubPathOnSecrets,
        Self::ReservedName,
        Self::HostPIDForbidden,
        Self::WindowsPod,
        Self::InjectionOff,
        Self::StoreNotFound,
        Self::StoreNotAllowed,
        Self::ArnRegion,
        Self::ExternalSecretNotFound,
        Self::PropertyDoubtful,
        Self::StaticPod,
        Self::StoreNotReady,
        Self::StoreUseDenied,
        Self::SecretNotFound,
        Self::PropertyMissing,
        Self::AwsDenied,
        Self::ProbeWithoutVariables,
        Self::RefreshIgnored,
        Self::RefreshOfVariables,
        Self::PermsUnreadable,
    ];

    /// The code as a rule.
    #[rustfmt::skip] // A table: code, cause, what happens, what to do.
    #[expect(clippy::too_many_lines, reason = "a table, of which each line stands alone")]
    pub fn rule(self) -> &'static Rule {
        use Reason::{Duplicate, Forbidden, Invalid, NotSupported, Required};
        match self {
            Self::InvalidInjectValue => const { &deny("InvalidInjectValue", Invalid,
                "Whether the pod wants secrets is not said, and a pod that meant to ask would start without them.",
                "Write keyhatch.dev/inject: \"true\", in quotes, or \"false\".") },
            Self::UnknownAnnotation => const { &deny("UnknownAnnotation", NotSupported,
                "An annotation that nobody reads asks for nothing, and the pod starts without what was meant.",
                "One of the annotations in the table; x-… is yours.") },
            Self::BadAnnotation => const { &deny("BadAnnotation", Invalid,
                "The annotation's value is not what it takes.",
                "The form that the message shows.") },
            Self::NothingAsked => const { &deny("NothingAsked", Required,
                "The pod wants secrets and names none.",
                "Name them by files, env, external-secret or external-secret-env, or leave inject out.") },
            Self::BadReference => const { &deny("BadReference", Invalid,
                "No secret has this name, or the reference is not written as one.",
                "[store::]key[?version=…][#property], such as aws::prod/db#password.") },
            Self::NoStore => const { &deny("NoStore", Required,
                "A reference without a store, and no default, reads nothing.",
                "store::key, or the annotation keyhatch.dev/store on the pod or its namespace.") },
            Self::BadName => const { &deny("BadName", Invalid,
                "No program can read an environment variable of this name.",
                "Letters, digits and _, not beginning with a digit.") },
            Self::PathEscape => const { &deny("PathEscape", Invalid,
                "The file would lie outside the mount path, or nowhere.",
                "A relative path without . and .. of at most 253 bytes.") },
            Self::BadPerms => const { &deny("BadPerms", Invalid,
                "A file that everybody may write, or that runs as its owner, is no secret.",
                "Octal digits such as \"0440\", for a file that the pod asks for.") },
            Self::DuplicateTarget => const { &deny("DuplicateTarget", Duplicate,
                "Two values for one file or variable: which one wins would be chance.",
                "Say it once.") },
            Self::RefreshBelowMin => const { &deny("RefreshBelowMin", Invalid,
                "Values do not change that often, and every fetch costs.",
                "10s or more, or \"0\" for never.") },
            Self::TooMany => const { &deny("TooMany", Invalid,
                "One pod's answer must stay small enough to be held in memory.",
                "At most 100 references, in at most 250 containers; whole documents instead of single properties.") },
            Self::UnknownContainer => const { &deny("UnknownContainer", Invalid,
                "The container that should see the secrets is not in the pod.",
                "The name of a container or init container of this pod.") },
            Self::NoCommand => const { &deny("NoCommand", Required,
                "Variables are set by a program that starts the container's own; what that is stands in the image only.",
                "command, or the annotation keyhatch.dev/entrypoint or env-via: kubelet, or keyhatch.dev/containers without this one.") },
            Self::VariableExpansion => const { &deny("VariableExpansion", Invalid,
                "The kubelet replaces $(VAR) before the variable has its value.",
                "Let a shell in the container expand $VAR, or read a file.") },
            Self::VariablesUnnamed => const { &deny("VariablesUnnamed", Forbidden,
                "The kubelet sets variables that are named in the pod, and the keys of an ExternalSecret are not.",
                "command or keyhatch.dev/entrypoint, or each variable by keyhatch.dev/env.") },
            Self::EnvFilesUnsupported => const { &deny("EnvFilesUnsupported", NotSupported,
                "This cluster drops fileKeyRef, by which the kubelet sets variables.",
                "command or keyhatch.dev/entrypoint; or Kubernetes 1.35 on the API server and every node.") },
            Self::MountConflict => const { &deny("MountConflict", Invalid,
                "Two volumes at one place hide each other.",
                "Another keyhatch.dev/mount-path.") },
            Self::SubPathOnSecrets => const { &deny("SubPathOnSecrets", Forbidden,
                "A file mounted by subPath never changes again.",
                "Leave the mount out: every container gets one.") },
            Self::ReservedName => const { &deny("ReservedName", Forbidden,
                "What is called so is injected; anything else of that name could pass for it.",
                "Another name. A copy of an injected pod keeps its annotations: kubectl debug --copy-to … --keep-annotations --share-processes=false.") },
            Self::HostPIDForbidden => const { &deny("HostPIDForbidden", Forbidden,
                "Whoever shares the process namespace reads the files and variables of every container.",
                "Leave it out (kubectl debug --copy-to … --share-processes=false); or the operator of Keyhatch gives --allow-shared-pid.") },
            Self::WindowsPod => const { &deny("WindowsPod", NotSupported,
                "The agent is a program for Linux.",
                "An ExternalSecret.") },
            Self::InjectionOff => const { &deny("InjectionOff", Forbidden,
                "This installation of Keyhatch injects nothing, so the pod would start without its secrets.",
                "keyhatch serve --agent-image.") },
            Self::StoreNotFound => const { &deny("StoreNotFound", Invalid,
                "The pod would wait for a store that is not there.",
                "Create the store, or correct its name: a SecretStore of the pod's namespace, or cluster/NAME.") },
            Self::StoreNotAllowed => const { &deny("StoreNotAllowed", Forbidden,
                "The store does not serve this namespace, or is not one of AWS Secrets Manager.",
                "Another store, or other conditions.") },
            Self::ArnRegion => const { &deny("ArnRegion", Invalid,
                "A store reads one region, and an ARN names another: AWS has no such secret there.",
                "A store of the secret's region, or the name of its replica in the store's region.") },
            Self::ExternalSecretNotFound => const { &deny("ExternalSecretNotFound", Invalid,
                "The pod would wait for an ExternalSecret that is not there.",
                "Create it in the pod's namespace, or correct the name.") },
            Self::PropertyDoubtful => const { &warn("PropertyDoubtful",
                "A property is a path, in which some characters have a meaning of their own.",
                "A backslash before a character that is meant as it stands.") },
            Self::StaticPod => const { &warn("StaticPod",
                "The kubelet runs a static pod from a file of its own, whatever is said here: it has no secrets.",
                "A DaemonSet.") },
            Self::StoreNotReady => const { &warn("StoreNotReady",
                "The pod waits until the store works.",
                "Its status and events say why.") },
            Self::StoreUseDenied => const { &warn("StoreUseDenied",
                "The pod waits: its ServiceAccount may not use the store.",
                "A Role with the verb use on the store, bound to the ServiceAccount; or another ServiceAccount.") },
            Self::SecretNotFound => const { &warn("SecretNotFound",
                "The pod waits until AWS has the secret.",
                "Create the secret, or correct its name, or keyhatch.dev/on-missing: skip.") },
            Self::PropertyMissing => const { &warn("PropertyMissing",
                "The pod waits until the secret has the property.",
                "Add it to the secret, or correct its name, or keyhatch.dev/on-missing: skip.") },
            Self::AwsDenied => const { &warn("AwsDenied",
                "The pod waits: AWS does not give the secret to the store's identity.",
                "A policy that allows secretsmanager:GetSecretValue, or another store.") },
            Self::ProbeWithoutVariables => const { &warn("ProbeWithoutVariables",
                "Only the container's own program has the variables; what a probe or a hook runs does not.",
                "Read files there.") },
            Self::RefreshIgnored => const { &warn("RefreshIgnored",
                "What runs once does not fetch again.",
                "mode: sidecar, or no refresh.") },
            Self::RefreshOfVariables => const { &warn("RefreshOfVariables",
                "A program keeps the variables that it started with: only its next start has new ones.",
                "Files, or no refresh.") },
            Self::PermsUnreadable => const { &warn("PermsUnreadable",
                "The containers run as others than the file's owner and may not be able to read it.",
                "0440 with an fsGroup, 0444, or one runAsUser for all containers.") },
        }
    }
}

const fn deny(id: &'static str, reason: Reason, why: &'static str, fix: &'static str) -> Rule {
    Rule { id, level: Level::Deny, reason, kind: None, why, fix, example: "" }
}

const fn warn(id: &'static str, why: &'static str, fix: &'static str) -> Rule {
    Rule { id, level: Level::Warn, reason: Reason::Invalid, kind: None, why, fix, example: "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_called_as_it_is_written() {
        for code in Code::ALL {
            assert_eq!(format!("{code:?}"), code.rule().id);
        }
    }
}
