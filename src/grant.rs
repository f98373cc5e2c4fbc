//! What a pod may ask for: the words of its injected container in, references out, or the first rule that they break.
//! Pure. Whoever wrote the words, webhook or hand, the rules are the same.
//!
//! [`names`]: what files, variables and containers may be called

pub mod names;

use std::collections::{BTreeMap, BTreeSet};

use keyhatch_agent::{ExternalSecret, File, OnMissing, Permissions, Request};
use thiserror::Error;

use crate::reference::{ReferenceError, SecretRef, Store};
use names::NameError;

/// The most references and ExternalSecrets of one pod.
pub const MAX_REFERENCES: usize = 100;
/// The shortest refresh, in seconds.
pub const MIN_REFRESH: u64 = 10;

/// A request that keeps the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// By path below the mount path.
    pub files: BTreeMap<String, Named>,
    /// By container, then by variable.
    pub env: BTreeMap<String, BTreeMap<String, Named>>,
    /// ExternalSecrets of which each key is a file.
    pub external_secrets: Vec<String>,
    /// ExternalSecrets of which each key is a variable of some containers.
    pub external_secret_env: Vec<ExternalSecret>,
    /// Containers of `env` whose variables the kubelet sets.
    pub kubelet_env: BTreeSet<String>,
    /// What happens when a secret or a property is not there.
    pub on_missing: OnMissing,
    /// Seconds after which a new value is there at the latest.
    pub refresh: Option<u64>,
}

/// A reference with its store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    /// The store.
    pub store: Store,
    /// What is read through it.
    pub reference: SecretRef,
}

/// The rule that a request breaks.
#[derive(Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum GrantError {
    #[error("nothing is asked for: name a file, a variable or an ExternalSecret")]
    Nothing,
    #[error("{0} references and ExternalSecrets: a pod has at most {MAX_REFERENCES}")]
    TooMany(usize),
    #[error("refresh {0} s: the shortest is {MIN_REFRESH} s")]
    Refresh(u64),
    #[error("{at}: {cause}")]
    Name { at: String, cause: NameError },
    #[error("{at}: {reference:?}: {cause}")]
    Reference { at: String, reference: String, cause: ReferenceError },
    #[error("{at}: {reference:?} names no store: write STORE::…")]
    NoStore { at: String, reference: String },
    #[error("file {inner:?} lies below file {outer:?}: a file is no folder")]
    Nested { outer: String, inner: String },
    #[error("{at}: permissions {permissions}: nobody but the owner may write")]
    Writable { at: String, permissions: Permissions },
    #[error("container {0:?} is none of the pod's")]
    NoContainer(String),
    #[error("ExternalSecret {0:?} is named twice")]
    Twice(String),
    #[error("container {0:?} has no variables that the kubelet could set")]
    NoVariables(String),
    #[error(
        "container {0:?}: the kubelet sets variables that are named, and keys of ExternalSecrets are not"
    )]
    Unnamed(String),
}

/// Applies every rule. `containers` are the pod's, init containers among them.
///
/// # Errors
/// The first rule that is broken, with what breaks it.
pub fn grant(request: &Request, containers: &BTreeSet<&str>) -> Result<Grant, GrantError> {
    let Request {
        files,
        external_secrets,
        env,
        external_secret_env,
        kubelet_env,
        permissions,
        on_missing,
        refresh,
    } = request;
    check_count(request)?;
    if let Some(refresh) = refresh.filter(|refresh| *refresh < MIN_REFRESH) {
        return Err(GrantError::Refresh(refresh));
    }
    check_permissions("files", *permissions)?;
    check_nesting(files.keys().map(String::as_str))?;
    for container in env.keys().chain(external_secret_env.iter().flat_map(|it| &it.containers)) {
        let at = || format!("container {container:?}");
        names::container(container).map_err(|cause| GrantError::Name { at: at(), cause })?;
        if !containers.contains(container.as_str()) {
            return Err(GrantError::NoContainer(container.clone()));
        }
    }
    check_kubelet_env(request)?;
    check_external_secrets(external_secrets.iter())?;
    check_external_secrets(external_secret_env.iter().map(|it| &it.name))?;
    Ok(Grant {
        files: files.iter().map(|(path, file)| named_file(path, file)).collect::<Result<_, _>>()?,
        env: env.iter().map(|(of, variables)| named_variables(of, variables)).collect::<Result<_, _>>()?,
        external_secrets: external_secrets.clone(),
        external_secret_env: external_secret_env.clone(),
        kubelet_env: kubelet_env.clone(),
        on_missing: *on_missing,
        refresh: *refresh,
    })
}

/// Reads a reference that must name its store.
///
/// # Errors
/// What is no reference, or has no store; `at` says where it stands.
pub fn named(at: &str, text: &str) -> Result<Named, GrantError> {
    let (at, text) = (at.to_owned(), text.to_owned());
    match text.parse::<SecretRef>() {
        Ok(reference) => match reference.store.clone() {
            Some(store) => Ok(Named { store, reference }),
            None => Err(GrantError::NoStore { at, reference: text }),
        },
        Err(cause) => Err(GrantError::Reference { at, reference: text, cause }),
    }
}

/// Permissions of secrets: nobody but the owner may write.
///
/// # Errors
/// If others may.
pub fn check_permissions(at: &str, permissions: Permissions) -> Result<(), GrantError> {
    if permissions.bits() & 0o022 == 0 {
        return Ok(());
    }
    Err(GrantError::Writable { at: at.to_owned(), permissions })
}

/// A file cannot also be a folder of others.
///
/// # Errors
/// The first that lies below another.
pub fn check_nesting<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<(), GrantError> {
    let paths: BTreeSet<&str> = paths.into_iter().collect();
    for inner in &paths {
        let outer = inner.match_indices('/').filter_map(|(at, _)| inner.get(..at));
        if let Some(outer) = outer.into_iter().find(|outer| paths.contains(outer)) {
            return Err(GrantError::Nested { outer: outer.to_owned(), inner: (*inner).to_owned() });
        }
    }
    Ok(())
}

/// Something is asked for, and no more than one answer should hold.
///
/// # Errors
/// Nothing, or too much.
pub fn check_count(request: &Request) -> Result<(), GrantError> {
    let Request { files, external_secrets, env, external_secret_env, .. } = request;
    let variables: usize = env.values().map(BTreeMap::len).sum();
    match files.len() + external_secrets.len() + variables + external_secret_env.len() {
        0 => Err(GrantError::Nothing),
        count if count > MAX_REFERENCES => Err(GrantError::TooMany(count)),
        _ => Ok(()),
    }
}

/// The kubelet sets variables that are named, in containers that have some.
fn check_kubelet_env(request: &Request) -> Result<(), GrantError> {
    let Request { env, external_secret_env, kubelet_env, .. } = request;
    for container in kubelet_env {
        if external_secret_env.iter().any(|external| external.containers.contains(container)) {
            return Err(GrantError::Unnamed(container.clone()));
        }
        if !env.contains_key(container) {
            return Err(GrantError::NoVariables(container.clone()));
        }
    }
    Ok(())
}

fn check_external_secrets<'a>(secrets: impl Iterator<Item = &'a String>) -> Result<(), GrantError> {
    let mut seen = BTreeSet::new();
    for name in secrets {
        let at = || format!("ExternalSecret {name:?}");
        names::object(name).map_err(|cause| GrantError::Name { at: at(), cause })?;
        if !seen.insert(name) {
            return Err(GrantError::Twice(name.clone()));
        }
    }
    Ok(())
}

fn named_file(path: &str, file: &File) -> Result<(String, Named), GrantError> {
    let File { from, permissions } = file;
    let at = format!("file {path:?}");
    names::file(path).map_err(|cause| GrantError::Name { at: at.clone(), cause })?;
    if let Some(permissions) = permissions {
        check_permissions(&at, *permissions)?;
    }
    Ok((path.to_owned(), named(&at, from)?))
}

type Variables = BTreeMap<String, Named>;

fn named_variables(
    container: &str,
    variables: &BTreeMap<String, String>,
) -> Result<(String, Variables), GrantError> {
    let read = |(name, from): (&String, &String)| {
        let at = format!("variable {name:?} of container {container:?}");
        names::variable(name).map_err(|cause| GrantError::Name { at: at.clone(), cause })?;
        Ok((name.clone(), named(&at, from)?))
    };
    Ok((container.to_owned(), variables.iter().map(read).collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Grant, String> {
        let request: Request = serde_json::from_str(text).unwrap();
        grant(&request, &["app", "db"].into()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_rule_is_applied_whoever_wrote_the_request() {
        let many: Vec<_> = (0..101).map(|n| format!(r#""f{n}":{{"from":"aws::a"}}"#)).collect();
        let many = format!(r#"{{"files":{{{}}}}}"#, many.join(","));
        let requests = [
            r#"{}"#,
            &many,
            r#"{"files":{"a":{"from":"aws::a"}},"refresh":9}"#,
            r#"{"files":{"a":{"from":"a"}}}"#,
            r#"{"files":{"a":{"from":"aws::a b"}}}"#,
            r#"{"files":{"/etc/passwd":{"from":"aws::a"}}}"#,
            r#"{"files":{"a/../../b":{"from":"aws::a"}}}"#,
            r#"{"files":{"..data/a":{"from":"aws::a"}}}"#,
            r#"{"files":{".keyhatch-agent":{"from":"aws::a"}}}"#,
            r#"{"files":{"a":{"from":"aws::a"},"a/b":{"from":"aws::a"}}}"#,
            r#"{"files":{"a":{"from":"aws::a","permissions":"0666"}}}"#,
            r#"{"files":{"a":{"from":"aws::a"}},"permissions":"0420"}"#,
            r#"{"env":{"app":{"1A":"aws::a"}}}"#,
            r#"{"env":{"other":{"A":"aws::a"}}}"#,
            r#"{"env":{"../app":{"A":"aws::a"}}}"#,
            r#"{"externalSecrets":["a","a"]}"#,
            r#"{"externalSecrets":["../secrets/a"]}"#,
            r#"{"externalSecretEnv":[{"name":"a","containers":["other"]}]}"#,
            r#"{"env":{"app":{"A":"aws::a"}},"kubeletEnv":["db"]}"#,
            r#"{"env":{"app":{"A":"aws::a"}},"kubeletEnv":["app"],"externalSecretEnv":[{"name":"a","containers":["app"]}]}"#,
        ];
        let told: Vec<_> = requests.iter().map(|request| of(request).unwrap_err()).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn what_keeps_the_rules_is_granted_as_it_was_asked() {
        let granted = of(r#"{"files":{"tls/key":{"from":"cluster/aws::tls#key","permissions":"0444"}},
            "env":{"app":{"A":"aws::a"},"db":{"_b1":"aws::b"}},"externalSecrets":["x"],
            "externalSecretEnv":[{"name":"x","containers":["db"]}],"kubeletEnv":["app"],"onMissing":"skip","refresh":10}"#)
        .unwrap();
        let stores = granted.files.values().chain(granted.env.values().flat_map(BTreeMap::values));
        let told: Vec<_> = stores.map(|named| named.reference.to_string()).collect();
        assert_eq!(told, ["cluster/aws::tls#key", "aws::a", "aws::b"]);
        assert_eq!((granted.refresh, granted.on_missing), (Some(10), OnMissing::Skip));
    }
}
