//! Pods in which nothing can be injected, or nothing would stay secret.

use serde_json::Value;

use super::{Code, Installation, reserved};
use crate::field::Field;
use crate::finding::Report;

/// Checks the pod as a whole.
pub(super) fn check(pod: &Value, installation: &Installation, spec: &Field<'_>, report: &mut Report) {
    let get = |pointer| pod.pointer(pointer);
    if get("/spec/os/name").and_then(Value::as_str) == Some("windows") {
        report.text(Code::WindowsPod.rule(), &spec.key("os").key("name"), "windows", ON_LINUX);
    }
    let selected = get("/spec/nodeSelector").and_then(|selector| selector.get("kubernetes.io/os"));
    if selected.and_then(Value::as_str) == Some("windows") {
        let at = spec.key("nodeSelector");
        report.text(Code::WindowsPod.rule(), &at.key("kubernetes.io/os"), "windows", ON_LINUX);
    }
    check_shared(pod, installation, spec, report);
}

/// Checks that no container sees the processes of others: `/proc` has their files, their variables and the agent's token.
pub(super) fn check_shared(pod: &Value, installation: &Installation, spec: &Field<'_>, report: &mut Report) {
    let remedy = match reserved::agent_in(pod) {
        Some(_) => {
            "leave it out; a copy for debugging needs kubectl debug --copy-to=… --share-processes=false"
        }
        None => "leave it out",
    };
    for shared in ["hostPID", "shareProcessNamespace"] {
        let is_shared =
            pod.get("spec").and_then(|spec| spec.get(shared)).and_then(Value::as_bool) == Some(true);
        if is_shared && !installation.allow_shared_pid {
            let cause = format!("every container could read the secrets of all, by /proc; {remedy}");
            report.forbidden(Code::HostPIDForbidden.rule(), &spec.key(shared), cause);
        }
    }
}

const ON_LINUX: &str = "the agent runs on Linux only";
