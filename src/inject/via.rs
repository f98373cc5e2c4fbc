//! Variables that the kubelet sets (`fileKeyRef`), in containers of which nobody knows here what they start: from a file
//! that the agent writes, by name. What the kubelet replaces and runs sees them as any other.

use std::collections::{BTreeMap, BTreeSet};

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, PatchOperation, ReplaceOperation};
use keyhatch_agent::{OnMissing, Request, layout};
use serde_json::{Value, json};

use super::agent::SECRETS;
use super::annotations::{Asked, ENV_VIA, EnvVia};
use super::containers::{Container, User};
use super::{Code, Installation};
use crate::field::Field;
use crate::finding::Report;

/// The first version of Kubernetes that has it without being told to.
const SINCE: (u32, u32) = (1, 35);

/// Whether the kubelet sets a container's variables.
pub(super) fn is_kubelets(container: &Container<'_>, asked: &Asked) -> bool {
    asked.env_via == EnvVia::Kubelet
        && container.own_command().is_empty()
        && !asked.entrypoint.contains_key(container.name)
}

/// The containers of a request whose variables it sets.
pub(super) fn containers(
    users: &[User<'_>],
    asked: &Asked,
    env: &BTreeMap<String, BTreeMap<String, String>>,
) -> BTreeSet<String> {
    let of_kubelet = users.iter().map(|user| &user.container).filter(|it| is_kubelets(it, asked));
    of_kubelet.map(|it| it.name).filter(|name| env.contains_key(*name)).map(str::to_owned).collect()
}

/// Checks that the cluster can, and that every variable is named.
pub(super) fn check(
    users: &[User<'_>],
    asked: &Asked,
    request: &Request,
    installation: &Installation,
    annotations: &Field<'_>,
    report: &mut Report,
) {
    let unnamed = |user: &&User<'_>| user.is_meant && is_kubelets(&user.container, asked);
    if !asked.external_secret_env.is_empty()
        && let Some(user) = users.iter().find(unnamed)
    {
        let cause = format!(
            "container {} has no command, and the kubelet sets only variables that are named: write command, \
             keyhatch.dev/entrypoint, or each variable by keyhatch.dev/env",
            user.container.name
        );
        let at = annotations.key("keyhatch.dev/external-secret-env");
        report.text(Code::VariablesUnnamed.rule(), &at, &asked.external_secret_env.join(","), cause);
    }
    if let Some(version @ (major, minor)) = installation.kubernetes
        && version < SINCE
        && !request.kubelet_env.is_empty()
    {
        let cause = format!(
            "fileKeyRef needs Kubernetes {}.{}, on every node, too, and this is {major}.{minor}: write command or \
             keyhatch.dev/entrypoint",
            SINCE.0, SINCE.1
        );
        report.text(Code::EnvFilesUnsupported.rule(), &annotations.key(ENV_VIA), "kubelet", cause);
    }
}

/// What the kubelet reads a variable from.
fn source(container: &str, variable: &str, is_optional: bool) -> Value {
    json!({"fileKeyRef": {
        "volumeName": SECRETS,
        "path": layout::variables(container),
        "key": variable,
        "optional": is_optional,
    }})
}

/// Whether an entry of `env` reads what the kubelet would be given for it.
pub(super) fn is_source(container: &str, variable: &str, value_from: &Value) -> bool {
    [false, true].iter().any(|is_optional| *value_from == source(container, variable, *is_optional))
}

/// The entries of `env`: references in place, the others before all of the container's own, which may name them as
/// `$(VAR)`.
pub(super) fn operations(container: &Container<'_>, request: &Request, patch: &mut Vec<PatchOperation>) {
    let Some(variables) = request.env.get(container.name).filter(|_| is_in(container, request)) else {
        return;
    };
    let is_optional = request.on_missing == OnMissing::Skip;
    let index = container.index.to_string();
    let path = |rest: &[&str]| {
        let start = ["spec", container.list, &index, "env"];
        PointerBuf::from_tokens(start.iter().chain(rest).copied())
    };
    let mut missing = Vec::new();
    for name in variables.keys() {
        let wanted = json!({"name": name, "valueFrom": source(container.name, name, is_optional)});
        let is_named = |entry: &Value| entry.get("name").and_then(Value::as_str) == Some(name);
        match container.items("env").enumerate().find(|(_, entry)| is_named(entry)) {
            Some((_, present)) if *present == wanted => {}
            Some((at, _)) => {
                let path = path(&[&at.to_string()]);
                patch.push(PatchOperation::Replace(ReplaceOperation { path, value: wanted }));
            }
            None => missing.push(wanted),
        }
    }
    let has_list = container.get("env").is_some_and(Value::is_array);
    if has_list {
        let add = |value| PatchOperation::Add(AddOperation { path: path(&["0"]), value });
        patch.extend(missing.into_iter().rev().map(add));
    } else if !missing.is_empty() {
        patch.push(PatchOperation::Add(AddOperation { path: path(&[]), value: missing.into() }));
    }
}

/// Whether the kubelet sets a container's variables, by what was asked for.
pub(super) fn is_in(container: &Container<'_>, request: &Request) -> bool {
    request.kubelet_env.contains(container.name)
}
