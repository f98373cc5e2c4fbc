//! The containers of a pod as they are without us: what was injected before is looked through.

use std::collections::BTreeSet;

use keyhatch_agent::layout;
use serde_json::Value;

use super::agent::{AGENT, SECRETS, TOKEN};
use super::annotations::{Asked, INLINE};
use super::request::MAX_CONTAINERS;
use super::{Code, argv};
use crate::field::Field;
use crate::finding::Report;
use crate::suggest;

/// One container of the pod's own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container<'a> {
    /// `containers` or `initContainers`.
    pub(super) list: &'static str,
    /// Its place there.
    pub(super) index: usize,
    /// Its name.
    pub(super) name: &'a str,
    value: &'a Value,
}

/// A container that sees secrets.
#[derive(Debug)]
pub(super) struct User<'a> {
    /// Which.
    pub(super) container: Container<'a>,
    /// Whether the annotations mean it. Otherwise it only has references in its own `env`.
    pub(super) is_meant: bool,
}

/// All but the agent, those that run first first.
pub(super) fn of(pod: &Value) -> Vec<Container<'_>> {
    let list = |list: &'static str| {
        let values = pod.get("spec").and_then(|spec| spec.get(list)).and_then(Value::as_array);
        values.into_iter().flatten().enumerate().map(move |(index, value)| {
            let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
            Container { list, index, name, value }
        })
    };
    let own = list("initContainers").filter(|container| container.name != AGENT);
    own.chain(list("containers")).collect()
}

/// Those that see secrets: the ones that are meant, and whoever has a reference in its own `env`. Unless they are named,
/// all are meant that are there when the pod is injected first: a debug container or a mesh's proxy that comes later
/// was not thought of.
pub(super) fn users<'a>(
    containers: &[Container<'a>],
    asked: &Asked,
    was_injected: bool,
    at: &Field<'_>,
    report: &mut Report,
) -> Vec<User<'a>> {
    let names: BTreeSet<&str> = containers.iter().map(|container| container.name).collect();
    let mut unknown = 0;
    let mut check = |name: &str, annotation: &str| {
        if names.contains(name) || report.is_full() {
            return;
        }
        unknown += 1;
        // Nobody reads on, and to compare all with all takes its time.
        let compared = if unknown <= MAX_COMPARED { MAX_CONTAINERS } else { 0 };
        let cause = match suggest::nearest(name, names.iter().copied().take(compared)) {
            Some(near) => format!("the pod has no such container; did you mean {near}?"),
            None => format!("the pod has no such container; it has {}", listed(containers)),
        };
        report.text(Code::UnknownContainer.rule(), &at.key(annotation), name, cause);
    };
    let meant: Option<BTreeSet<&str>> =
        asked.containers.as_ref().map(|names| names.iter().map(String::as_str).collect());
    asked.containers.iter().flatten().for_each(|name| check(name, "keyhatch.dev/containers"));
    asked.entrypoint.keys().for_each(|name| check(name, "keyhatch.dev/entrypoint"));
    let user = |container: &Container<'a>| {
        let is_meant = match &meant {
            Some(meant) => meant.contains(container.name),
            None => !was_injected || container.mounts(SECRETS),
        };
        let has_own = container.inline().next().is_some() || container.kubelet_variables().next().is_some();
        let is_user = is_meant || has_own;
        is_user.then_some(User { container: *container, is_meant })
    };
    containers.iter().filter_map(user).collect()
}

/// So many names that are none of the pod's are compared with those that are.
const MAX_COMPARED: usize = 50;

/// The names of containers, or of the first of very many.
fn listed(containers: &[Container<'_>]) -> String {
    const MOST: usize = 20;
    let mut names: Vec<_> = containers.iter().take(MOST).map(|container| container.name).collect();
    names.extend((containers.len() > MOST).then_some("…"));
    names.join(", ")
}

impl<'a> Container<'a> {
    /// A member of it.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.value.get(name)
    }

    /// All of it.
    pub(super) fn whole(&self) -> &'a Value {
        self.value
    }

    /// The items of a list in it.
    pub(super) fn items(&self, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.value.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    /// The texts of a list in it.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.items(name).map(|item| item.as_str().unwrap_or_default())
    }

    /// Whether it mounts a volume.
    pub(super) fn mounts(&self, volume: &str) -> bool {
        self.items("volumeMounts").any(|mount| mount.get("name").and_then(Value::as_str) == Some(volume))
    }

    /// `command`, without what was put in front of it.
    pub(super) fn own_command(&self) -> Vec<&'a str> {
        let command: Vec<_> = self.texts("command").collect();
        match command.as_slice() {
            [program, "exec", env, "--", own @ ..]
                if is_agent(program) && env.starts_with(argv::ENV_FILE) =>
            {
                own.to_vec()
            }
            _ => command,
        }
    }

    /// The variables that are references: index, name, reference.
    pub(super) fn inline(&self) -> impl Iterator<Item = (usize, &'a str, &'a str)> + use<'a> {
        self.items("env").enumerate().filter_map(|(index, variable)| {
            let text = |key| variable.get(key).and_then(Value::as_str);
            Some((index, text("name")?, text("value")?.strip_prefix(INLINE)?))
        })
    }

    /// The variables that the kubelet sets from a volume of ours: index, name, where from.
    pub(super) fn kubelet_variables(&self) -> impl Iterator<Item = (usize, &'a str, &'a Value)> + use<'a> {
        self.items("env").enumerate().filter_map(|(index, variable)| {
            let from = variable.get("valueFrom")?;
            let volume = from.get("fileKeyRef")?.get("volumeName")?.as_str()?;
            let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
            matches!(volume, SECRETS | TOKEN).then_some((index, name, from))
        })
    }

    /// Calls with where it stands.
    pub(super) fn at<T>(&self, spec: &Field<'_>, then: impl FnOnce(&Field<'_>) -> T) -> T {
        let list = spec.key(self.list);
        then(&list.index(self.index))
    }
}

/// Whether a program is the agent's, below whatever mount path.
fn is_agent(program: &str) -> bool {
    program.rsplit_once('/').is_some_and(|(_, name)| name == layout::PROGRAM)
}
