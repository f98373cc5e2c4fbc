//! Containers with variables: their program is started by the agent's, which sets them.

use std::collections::BTreeSet;

use keyhatch_agent::{Request, layout};
use serde_json::Value;

use super::annotations::{Asked, ENTRYPOINT, INLINE};
use super::containers::{Container, User};
use super::{Code, via};
use crate::field::Field;
use crate::finding::Report;

/// The option that names the file with the variables.
pub(super) const ENV_FILE: &str = "--env-file=";

/// Whether a container's program is started by the agent's.
pub(super) fn is_wrapped(container: &Container<'_>, request: &Request) -> bool {
    let is_named = |names: &[String]| names.iter().any(|name| name == container.name);
    let is_kubelets = via::is_in(container, request);
    (request.env.contains_key(container.name) && !is_kubelets)
        || request.external_secret_env.iter().any(|external| is_named(&external.containers))
}

/// The command that starts a container's own, or else that of `entrypoint`.
pub(super) fn wrapped(container: &Container<'_>, asked: &Asked) -> Vec<String> {
    let path = &asked.mount_path;
    let mut argv = vec![
        format!("{path}/{}", layout::PROGRAM),
        "exec".to_owned(),
        format!("{ENV_FILE}{path}/{}", layout::variables(container.name)),
        "--".to_owned(),
    ];
    let own = container.own_command();
    if own.is_empty() {
        argv.extend(asked.entrypoint.get(container.name).into_iter().flatten().cloned());
    } else {
        argv.extend(own.into_iter().map(str::to_owned));
    }
    argv
}

/// Checks what the agent's program would start.
pub(super) fn check(
    users: &[User<'_>],
    asked: &Asked,
    request: &Request,
    spec: &Field<'_>,
    annotations: &Field<'_>,
    report: &mut Report,
) {
    for User { container, .. } in users {
        // Of the kubelet's, another one tells that not all can be named.
        if is_wrapped(container, request) && !via::is_kubelets(container, asked) {
            container.at(spec, |at| {
                check_command(container, asked, at, report);
                check_expansion(container, request, at, report);
                check_probes(container, at, report);
            });
            check_entrypoint(container, asked, request, annotations, report);
        }
    }
}

fn check_command(container: &Container<'_>, asked: &Asked, at: &Field<'_>, report: &mut Report) {
    let name = container.name;
    match (container.own_command().as_slice(), asked.entrypoint.get(name)) {
        ([], None) => {
            let cause = format!(
                "has variables, and what the image starts is not known: write command here, or \
                 keyhatch.dev/entrypoint: '{name}: [/program, argument]', or keyhatch.dev/env-via: kubelet, or leave \
                 the container out by keyhatch.dev/containers"
            );
            report.missing(Code::NoCommand.rule(), &at.key("command"), cause);
        }
        ([], Some(_)) | (_, None) => {}
        (own, Some(entrypoint)) if own.iter().eq(entrypoint.iter()) => {}
        (_, Some(_)) => {
            let cause = "keyhatch.dev/entrypoint says another for this container; leave one out";
            report.forbidden(Code::DuplicateTarget.rule(), &at.key("command"), cause);
        }
    }
}

/// `$(VAR)` is replaced by the kubelet, before the variable has its value.
fn check_expansion(container: &Container<'_>, request: &Request, at: &Field<'_>, report: &mut Report) {
    let known = variables(container, request);
    let mut tell = |at: &Field<'_>, text: &str| check_text(text, &known, at, report);
    for list in ["command", "args"] {
        let list_at = at.key(list);
        container.texts(list).enumerate().for_each(|(index, text)| tell(&list_at.index(index), text));
    }
    let env = at.key("env");
    for (index, variable) in container.items("env").enumerate() {
        let value = variable.get("value").and_then(Value::as_str).unwrap_or_default();
        if !value.starts_with(INLINE) {
            tell(&env.index(index).key("value"), value);
        }
    }
}

/// What `entrypoint` says becomes the container's `command`, if it has none.
fn check_entrypoint(
    container: &Container<'_>,
    asked: &Asked,
    request: &Request,
    annotations: &Field<'_>,
    report: &mut Report,
) {
    if !container.own_command().is_empty() {
        return;
    }
    let known = variables(container, request);
    let at = annotations.key(ENTRYPOINT);
    let at = at.key(container.name);
    for word in asked.entrypoint.get(container.name).into_iter().flatten() {
        check_text(word, &known, &at, report);
    }
}

/// The variables of a container that are named.
fn variables<'a>(container: &Container<'_>, request: &'a Request) -> BTreeSet<&'a str> {
    request.env.get(container.name).into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn check_text(text: &str, known: &BTreeSet<&str>, at: &Field<'_>, report: &mut Report) {
    if let Some(name) = expanded(text).find(|name| known.contains(name)) {
        let cause = format!("$({name}) is replaced before {name} has its value; let a shell expand ${name}");
        report.text(Code::VariableExpansion.rule(), at, text, cause);
    }
}

/// The names in `$(…)`; `$$` is a dollar.
fn expanded(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once('$')?;
            rest = after.strip_prefix('$').unwrap_or(after);
            if let Some(inner) = after.strip_prefix('(') {
                let (name, tail) = inner.split_once(')')?;
                rest = tail;
                return Some(name);
            }
        }
    })
}

/// What a probe or a hook runs is started by the runtime, with the environment that the pod has.
fn check_probes(container: &Container<'_>, at: &Field<'_>, report: &mut Report) {
    const RUN: [&str; 5] = [
        "/livenessProbe/exec",
        "/readinessProbe/exec",
        "/startupProbe/exec",
        "/lifecycle/postStart/exec",
        "/lifecycle/preStop/exec",
    ];
    for pointer in RUN.into_iter().filter(|pointer| container.whole().pointer(pointer).is_some()) {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        let at = format!("{at}.{field}");
        report.missing(
            Code::ProbeWithoutVariables.rule(),
            &Field::Path(&at),
            "runs without the injected variables",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_kubelet_replaces_is_found() {
        for (text, names) in [
            ("a $(A)$(B) c", &["A", "B"][..]),
            ("$$(A)", &[]),
            ("$$$(A)", &["A"]),
            ("$(A", &[]),
            ("$A ${B}", &[]),
            ("", &[]),
        ] {
            assert_eq!(expanded(text).collect::<Vec<_>>(), names, "{text}");
        }
    }
}
