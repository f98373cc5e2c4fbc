//! Pods in which nothing can be injected, or nothing would stay secret.

use serde_json::Value;

use super::{Code, Installation};
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
    for shared in ["hostPID", "shareProcessNamespace"] {
        let is_shared = get("/spec").and_then(|spec| spec.get(shared)).and_then(Value::as_bool) == Some(true);
        if is_shared && !installation.allow_shared_pid {
            let cause = "every container could read the secrets of all, by /proc; leave it out";
            report.forbidden(Code::HostPIDForbidden.rule(), &spec.key(shared), cause);
        }
    }
}

const ON_LINUX: &str = "the agent runs on Linux only";
