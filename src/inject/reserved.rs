//! Names of ours in a pod: what was injected is recognised, anything else of these names is refused.

use keyhatch_agent::{Invocation, Request};
use serde_json::Value;

use super::agent::{self, AGENT, SECRETS, TOKEN};
use super::annotations::Asked;
use super::containers::{self, Container};
use super::{Code, Installation, pod, user, via};
use crate::field::Field;
use crate::finding::Report;

/// In a pod that asks, parts of ours are made anew; they must have been ours.
pub(super) fn check(
    pod: &Value,
    containers: &[Container<'_>],
    asked: &Asked,
    spec: &Field<'_>,
    report: &mut Report,
) {
    if let Some((index, container)) = agent_in(pod)
        && invocation(container).is_none()
    {
        let at = spec.key("initContainers");
        report.text(Code::ReservedName.rule(), &at.index(index).key("name"), AGENT, INJECTED);
    }
    for (index, name, volume) in reserved_volumes(pod) {
        let wanted = if name == SECRETS { "emptyDir" } else { "projected" };
        if volume.get(wanted).is_none() {
            let at = spec.key("volumes");
            report.text(Code::ReservedName.rule(), &at.index(index).key("name"), name, INJECTED);
        }
    }
    check_containers(containers, Some(asked.mount_path.as_str()), spec, report);
}

/// What a variable is refused for that reads our volume otherwise.
pub(super) const FROM_FILE: &str =
    "reads what Keyhatch keeps for its own; leave it out, and name the variable by keyhatch.dev/env";
const INJECTED: &str = "is the name of what is injected; choose another";

/// In a pod that does not ask, all parts of ours must be what they were: such a pod is a copy of an injected one, as
/// `kubectl debug --copy-to` makes it, or somebody's own work, which nobody has judged.
pub(super) fn check_unasked(pod: &Value, installation: &Installation, at: &Field<'_>, report: &mut Report) {
    let spec = at.key("spec");
    let volumes = reserved_volumes(pod);
    let containers = containers::of(pod);
    let agent = agent_in(pod);
    if agent.is_none() && volumes.is_empty() && containers.iter().all(|container| container.name != AGENT) {
        return;
    }
    check_containers(&containers, None, &spec, report);
    let is_intact = agent.is_some_and(|(_, container)| is_intact(pod, container, &containers, installation))
        && agent::volumes().iter().all(|(name, wanted)| {
            volumes.iter().any(|(_, present, volume)| present == name && *volume == wanted)
        });
    if !is_intact && report.is_empty() {
        let list = spec.key("initContainers");
        let volume = spec.key("volumes");
        let field = match (agent, volumes.first()) {
            (None, Some((index, ..))) => volume.index(*index).to_string(),
            (agent, _) => list.index(agent.map_or(0, |(index, _)| index)).to_string(),
        };
        let cause = "the pod has names of what is injected, but is none that was injected here: choose other \
                     names, or copy a pod with its annotations (kubectl debug --copy-to=… --keep-annotations \
                     --share-processes=false)";
        report.forbidden(Code::ReservedName.rule(), &Field::Path(&field), cause);
    }
    pod::check_shared(pod, installation, &spec, report);
}

/// Whether the container is the one that would be injected for its own request.
fn is_intact(
    pod: &Value,
    container: &Value,
    containers: &[Container<'_>],
    installation: &Installation,
) -> bool {
    let (Some(invocation), Some(image)) = (invocation(container), &installation.image) else { return false };
    let users: Vec<_> = containers.iter().filter(|container| container.mounts(SECRETS)).copied().collect();
    let uid = user::choose(pod, &users).uid;
    agent::is_same(container, &agent::container(pod, image, &installation.resources, &invocation, uid))
}

/// The pod's own containers have no name of ours, and mount nothing of ours but the secrets, whole and read-only.
fn check_containers(
    containers: &[Container<'_>],
    mount_path: Option<&str>,
    spec: &Field<'_>,
    report: &mut Report,
) {
    for container in containers {
        container.at(spec, |at| {
            if container.name == AGENT {
                report.text(Code::ReservedName.rule(), &at.key("name"), AGENT, INJECTED);
            }
            let env = at.key("env");
            for (index, name, from) in container.kubelet_variables() {
                if !via::is_source(container.name, name, from) {
                    report.text(Code::ReservedName.rule(), &env.index(index).key("name"), name, FROM_FILE);
                }
            }
            let at = at.key("volumeMounts");
            for (index, mount) in container.items("volumeMounts").enumerate() {
                check_mount(mount, mount_path, &at.index(index), report);
            }
        });
    }
}

fn check_mount(mount: &Value, mount_path: Option<&str>, at: &Field<'_>, report: &mut Report) {
    let text = |key| mount.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    if name == TOKEN {
        let cause = "only the agent mounts the pod's token for Keyhatch";
        return report.text(Code::ReservedName.rule(), &at.key("name"), name, cause);
    }
    if name != SECRETS {
        return;
    }
    for sub_path in ["subPath", "subPathExpr"] {
        if mount.get(sub_path).is_some() {
            let cause = "what is mounted so never changes again; leave the mount out, secrets have their own";
            return report.text(Code::SubPathOnSecrets.rule(), &at.key(sub_path), text(sub_path), cause);
        }
    }
    let path = mount_path.unwrap_or_else(|| text("mountPath"));
    if *mount != agent::mount(path) {
        let cause =
            "secrets are mounted by Keyhatch; leave the mount out, and say where by keyhatch.dev/mount-path";
        report.text(Code::ReservedName.rule(), &at.key("name"), name, cause);
    }
}

/// The agent and its place among the init containers.
pub(super) fn agent_in(pod: &Value) -> Option<(usize, &Value)> {
    let all = pod.pointer("/spec/initContainers")?.as_array()?;
    all.iter().enumerate().find(|(_, container)| container.get("name").and_then(Value::as_str) == Some(AGENT))
}

/// Whether the pod was injected before.
pub(super) fn was_injected(pod: &Value) -> bool {
    agent_in(pod).is_some_and(|(_, container)| invocation(container).is_some())
}

/// What was asked for when the pod was injected before.
pub(super) fn request_in(pod: &Value) -> Option<Request> {
    let (_, container) = agent_in(pod)?;
    invocation(container).map(|invocation| invocation.request)
}

/// What a container of the agent's was called with; None: it is another's.
fn invocation(container: &Value) -> Option<Invocation> {
    let args = container.get("args")?.as_array()?;
    let args: Vec<&str> = args.iter().map(Value::as_str).collect::<Option<_>>()?;
    Invocation::from_args(&args).ok()
}

/// Volumes of our names: place, name, and the volume.
pub(super) fn reserved_volumes(pod: &Value) -> Vec<(usize, &str, &Value)> {
    let all = pod.pointer("/spec/volumes").and_then(Value::as_array);
    let named = all.into_iter().flatten().enumerate();
    let named = named.filter_map(|(index, volume)| Some((index, volume.get("name")?.as_str()?, volume)));
    named.filter(|(_, name, _)| matches!(*name, SECRETS | TOKEN)).collect()
}
