//! A plan as operations on the pod's JSON (RFC 6902). Only what is not there yet is written.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation};
use keyhatch_agent::Request;
use serde_json::{Value, json};

use super::agent::{self, is_same};
use super::annotations::{Asked, STATUS};
use super::containers::User;
use super::{argv, places, reserved, via};

/// The operations. Those of the pod's own containers come first, while their places are as they were.
pub(super) fn operations(
    pod: &Value,
    users: &[User<'_>],
    asked: &Asked,
    request: &Request,
    agent: Value,
    status: &str,
) -> Patch {
    let mut patch = Vec::new();
    for user in users {
        container(user, asked, request, &mut patch);
    }
    for (name, volume) in agent::volumes() {
        self::volume(pod, name, volume, &mut patch);
    }
    self::agent(pod, agent, &mut patch);
    if pod.pointer("/metadata/annotations").and_then(|all| all.get(STATUS)).and_then(Value::as_str)
        != Some(status)
    {
        patch.push(add(["metadata", "annotations", STATUS], status.into()));
    }
    Patch(patch)
}

fn container(user: &User<'_>, asked: &Asked, request: &Request, patch: &mut Vec<PatchOperation>) {
    let container = user.container;
    let index = container.index.to_string();
    let member = |name| ["spec", container.list, &index, name];
    if argv::is_wrapped(&container, request) {
        let command = argv::wrapped(&container, asked);
        if !container.texts("command").eq(command.iter().map(String::as_str)) {
            patch.push(add(member("command"), command.into()));
        }
    }
    via::operations(&container, request, patch);
    if places::is_needed(user, asked) && !places::is_mounted(user, asked) {
        append(
            container.get("volumeMounts"),
            &member("volumeMounts"),
            agent::mount(&asked.mount_path),
            patch,
        );
    }
}

/// The first of two volumes may make the list that the second is added to.
fn volume(pod: &Value, name: &str, wanted: Value, patch: &mut Vec<PatchOperation>) {
    let list = pod.pointer("/spec/volumes");
    match reserved::reserved_volumes(pod).into_iter().find(|(_, present, _)| *present == name) {
        Some((_, _, volume)) if *volume == wanted => {}
        Some((index, ..)) => {
            let path = PointerBuf::from_tokens(["spec", "volumes", &index.to_string()]);
            patch.push(PatchOperation::Replace(ReplaceOperation { path, value: wanted }));
        }
        None if name == agent::TOKEN && list.and_then(Value::as_array).is_none() => {
            patch.push(add(["spec", "volumes", "-"], wanted));
        }
        None => append(list, &["spec", "volumes"], wanted, patch),
    }
}

/// The agent comes first: what the pod's own init containers need is there when they start.
fn agent(pod: &Value, wanted: Value, patch: &mut Vec<PatchOperation>) {
    let first = ["spec", "initContainers", "0"];
    match reserved::agent_in(pod) {
        Some((0, present)) if is_same(present, &wanted) => {}
        Some((0, _)) => {
            let path = PointerBuf::from_tokens(first);
            patch.push(PatchOperation::Replace(ReplaceOperation { path, value: wanted }));
        }
        Some((index, _)) => {
            let path = PointerBuf::from_tokens(["spec", "initContainers", &index.to_string()]);
            patch.push(PatchOperation::Remove(RemoveOperation { path }));
            patch.push(add(first, wanted));
        }
        None if pod.pointer("/spec/initContainers").and_then(Value::as_array).is_some() => {
            patch.push(add(first, wanted));
        }
        None => patch.push(add(["spec", "initContainers"], json!([wanted]))),
    }
}

/// Adds to a list, which may not be there.
fn append(list: Option<&Value>, path: &[&str], item: Value, patch: &mut Vec<PatchOperation>) {
    match list.and_then(Value::as_array) {
        Some(_) => patch.push(add(path.iter().copied().chain(["-"]), item)),
        None => patch.push(add(path.iter().copied(), json!([item]))),
    }
}

fn add<'a>(path: impl IntoIterator<Item = &'a str>, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: PointerBuf::from_tokens(path), value })
}
