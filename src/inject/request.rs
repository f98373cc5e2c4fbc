//! What was asked for in, the request that stands in the agent's args out.

use std::collections::{BTreeMap, BTreeSet};

use keyhatch_agent::{ExternalSecret, File, Mode, Permissions, Request};
use serde_json::Value;

use super::annotations::{self, Asked, check_variable};
use super::containers::User;
use super::{Code, REFRESH, reserved, via};
use crate::field::Field;
use crate::finding::Report;
use crate::grant::{GrantError, MAX_REFERENCES, check_count};
use crate::rule::Level;

/// Mode and request of a pod.
pub(super) fn make(
    pod: &Value,
    at: &Field<'_>,
    users: &[User<'_>],
    asked: &mut Asked,
    before: Option<&Request>,
    permissions: Permissions,
    report: &mut Report,
) -> (Mode, Request) {
    let mode = mode(pod, asked, at, report);
    let spec = at.key("spec");
    let mut env = BTreeMap::new();
    for user in users {
        let variables = variables(user, asked, before, &spec, report);
        if !variables.is_empty() {
            env.insert(user.container.name.to_owned(), variables);
        }
    }
    let file = |(path, file): (&String, &annotations::File)| {
        (path.clone(), File { from: file.from.to_string(), permissions: file.permissions })
    };
    let meant = users.iter().filter(|user| user.is_meant).map(|user| user.container.name.to_owned());
    let meant: Vec<String> = meant.collect();
    let external = |name: &String| ExternalSecret { name: name.clone(), containers: meant.clone() };
    let request = Request {
        kubelet_env: via::containers(users, asked, &env),
        files: asked.files.iter().map(file).collect(),
        external_secrets: asked.external_secrets.clone(),
        env,
        external_secret_env: asked.external_secret_env.iter().map(external).collect(),
        permissions,
        on_missing: asked.on_missing,
        refresh: (mode == Mode::Sidecar)
            .then(|| asked.refresh.filter(|refresh| *refresh > 0).unwrap_or(REFRESH)),
    };
    check_refresh(pod, &request, at, report);
    (mode, request)
}

/// Warns about a pod that wants news of variables only.
fn check_refresh(pod: &Value, request: &Request, at: &Field<'_>, report: &mut Report) {
    let own = pod.pointer("/metadata/annotations").and_then(|all| all.get(annotations::REFRESH));
    let has_files = !request.files.is_empty() || !request.external_secrets.is_empty();
    let has_variables = !request.env.is_empty() || !request.external_secret_env.is_empty();
    if own.is_some() && request.refresh.is_some() && has_variables && !has_files {
        let at = at.key("metadata");
        let at = at.key("annotations");
        let cause = "the pod has variables only, and a new value is seen when its container starts again";
        report.missing(Code::RefreshOfVariables.rule(), &at.key(annotations::REFRESH), cause);
    }
}

/// The most containers of one pod that see secrets: each is named in the request for each ExternalSecret.
pub(super) const MAX_CONTAINERS: usize = 250;

/// Whether so little is asked for that it can be looked at: what is asked for and who sees it multiply. What is a
/// little too much is counted with all else.
pub(super) fn is_countable(users: &[User<'_>], asked: &Asked, at: &Field<'_>, report: &mut Report) -> bool {
    if users.len() > MAX_CONTAINERS {
        let cause = format!("at most {MAX_CONTAINERS} are allowed in one pod");
        report.value(
            Code::TooMany.rule(),
            at,
            format_args!("{} containers with secrets", users.len()),
            cause,
        );
        return false;
    }
    let Asked { files, env, external_secrets, external_secret_env, .. } = asked;
    let count = files.len() + env.len() + external_secrets.len() + external_secret_env.len();
    if count > 10 * MAX_REFERENCES {
        let cause = format!("at most {MAX_REFERENCES} are allowed in one pod");
        report.value(Code::TooMany.rule(), at, format_args!("{count} references"), cause);
        return false;
    }
    true
}

/// Checks that something is asked for, and not more than one answer can hold.
pub(super) fn check(request: &Request, at: &Field<'_>, report: &mut Report) {
    match check_count(request) {
        Err(GrantError::Nothing) if !report.has(Level::Deny) => {
            let cause = "say what: files, env, external-secret or external-secret-env";
            report.missing(Code::NothingAsked.rule(), at, cause);
        }
        Err(GrantError::TooMany(count)) => {
            let cause = format!(
                "at most {MAX_REFERENCES} are allowed in one pod, a variable in two containers being two"
            );
            report.value(Code::TooMany.rule(), at, format_args!("{count} references"), cause);
        }
        Ok(()) | Err(_) => {}
    }
}

/// A pod that ends is not kept alive, and one that wants no second fetch needs nobody who makes it.
fn mode(pod: &Value, asked: &Asked, at: &Field<'_>, report: &mut Report) -> Mode {
    let restarts =
        pod.pointer("/spec/restartPolicy").and_then(Value::as_str).is_none_or(|policy| policy == "Always");
    let wants_refresh = asked.refresh.is_some_and(|refresh| refresh > 0);
    match asked.mode {
        annotations::Mode::Sidecar => Mode::Sidecar,
        annotations::Mode::Auto if restarts && wants_refresh => Mode::Sidecar,
        annotations::Mode::Auto => Mode::Init,
        annotations::Mode::Init => {
            let own = pod.pointer("/metadata/annotations").and_then(|all| all.get(annotations::REFRESH));
            if own.is_some() && wants_refresh {
                let at = at.key("metadata");
                let at = at.key("annotations");
                let cause = "mode init fetches once; write mode: sidecar, or leave refresh out";
                report.missing(Code::RefreshIgnored.rule(), &at.key(annotations::REFRESH), cause);
            }
            Mode::Init
        }
    }
}

/// The variables of one container: those of the annotations if it is meant, and the references in its `env`, of which
/// the kubelet's were there when the pod was injected `before`.
fn variables(
    user: &User<'_>,
    asked: &mut Asked,
    before: Option<&Request>,
    spec: &Field<'_>,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let container = user.container;
    let mut variables = BTreeMap::new();
    if user.is_meant {
        variables.extend(asked.env.iter().map(|(name, from)| (name.clone(), from.to_string())));
    }
    let names =
        || container.items("env").map(|it| it.get("name").and_then(Value::as_str).unwrap_or_default());
    let of_kubelet: BTreeSet<usize> = container.kubelet_variables().map(|(index, ..)| index).collect();
    container.at(spec, |at| {
        let at = at.key("env");
        let mut counts = BTreeMap::<&str, usize>::new();
        for (index, name) in names().enumerate() {
            *counts.entry(name).or_default() += 1;
            if user.is_meant && asked.env.contains_key(name) && !of_kubelet.contains(&index) {
                let cause = format!("{}env-{name} or env sets it, too; say it once", annotations::PREFIX);
                report.text(Code::DuplicateTarget.rule(), &at.index(index).key("name"), name, cause);
            }
        }
        let is_kubelets = via::is_kubelets(&container, asked);
        for (index, name, reference) in container.inline() {
            let at = at.index(index);
            if is_kubelets && counts.get(name).is_some_and(|count| *count > 1) {
                let cause = "env has it twice, and the kubelet sets it once; leave one out";
                report.text(Code::DuplicateTarget.rule(), &at.key("name"), name, cause);
            }
            let is_name = check_variable(name, &at.key("name"), report);
            if let Some(from) = asked.reference(reference, &at.key("value"), report).filter(|_| is_name) {
                variables.insert(name.to_owned(), from.to_string());
            }
        }
        let before = before.and_then(|request| request.env.get(container.name));
        variables.extend(injected_before(user, asked, before, &at, report));
    });
    variables
}

/// The references that the kubelet's variables of a container stand for; those of the annotations are known already.
fn injected_before(
    user: &User<'_>,
    asked: &mut Asked,
    before: Option<&BTreeMap<String, String>>,
    at: &Field<'_>,
    report: &mut Report,
) -> BTreeMap<String, String> {
    let container = user.container;
    let is_kubelets = via::is_kubelets(&container, asked);
    let mut variables = BTreeMap::new();
    // Any other is told as what it is: somebody's own.
    let ours = container.kubelet_variables();
    for (index, name, _) in ours.filter(|(_, name, from)| via::is_source(container.name, name, from)) {
        let at = at.index(index);
        let at = at.key("name");
        match before.and_then(|variables| variables.get(name)).filter(|_| is_kubelets) {
            _ if is_kubelets && user.is_meant && asked.env.contains_key(name) => {}
            Some(reference) => {
                let from = asked.reference(reference, &at, report);
                variables.extend(from.map(|from| (name.to_owned(), from.to_string())));
            }
            None => report.text(Code::ReservedName.rule(), &at, name, reserved::FROM_FILE),
        }
    }
    variables
}
