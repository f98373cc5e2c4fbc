//! The pod as it is now: whether it may still ask, and what its injected container was told to ask for. Kept for a
//! short time, so that a pod that was deleted gets nothing soon after.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodSpec};
use keyhatch_agent::layout::{CONTAINER, PROGRAM_SIZE, SECRETS_VOLUME};
use keyhatch_agent::{Invocation, Mode};
use kube::Client;
use kube::api::Api;

use super::api::{self, SHORT};
use super::identity::Caller;
use super::kept::{Kept, Limits};
use super::reason::{Denial, Reason};
use crate::grant::{Grant, grant};
use crate::quantity;

/// The largest answer, whatever the volume may hold.
const LARGEST: u64 = 32 << 20;
/// How long what was read is believed.
const LASTS: Duration = Duration::from_secs(10);
/// Pods that are remembered.
const LIMITS: Limits<Result<Arc<Admitted>, Denial>> = Limits {
    most: 20_000,
    bytes: 64 << 20,
    weigh: |answer| answer.as_ref().map_or(1024, |admitted| admitted.request.len() * AS_IT_IS_KEPT),
};
/// What is read of a request takes several times as much as the text.
const AS_IT_IS_KEPT: usize = 8;
/// The longest request, in bytes. What admission writes is far shorter.
const LONGEST: usize = 256 << 10;

/// What a pod was admitted to ask for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub(super) grant: Grant,
    pub(super) mode: Mode,
    /// The request, as text: equal requests are equal text.
    pub(super) request: String,
    /// What its volume holds of an answer, in bytes.
    pub(super) room: u64,
}

/// Pods that asked lately.
#[derive(Debug)]
pub(super) struct Pods {
    client: PodClient,
    allow_shared_pid: bool,
    kept: Kept<(String, String, String), Result<Arc<Admitted>, Denial>>,
}

struct PodClient(Client);

impl std::fmt::Debug for PodClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a cluster")
    }
}

impl Pods {
    pub(super) fn new(client: Client, allow_shared_pid: bool) -> Self {
        Self { client: PodClient(client), allow_shared_pid, kept: Kept::new(LIMITS) }
    }

    /// What the pod of a caller may ask for now.
    pub(super) async fn admitted(&self, caller: &Caller) -> Result<Arc<Admitted>, Denial> {
        let key = (caller.namespace.clone(), caller.pod.clone(), caller.uid.clone());
        self.kept.get(&key, || self.ask(caller)).await
    }

    async fn ask(&self, caller: &Caller) -> (Result<Arc<Admitted>, Denial>, Duration) {
        let api = Api::<Pod>::namespaced(self.client.0.clone(), &caller.namespace);
        match api::answer("the pod", api.get_opt(&caller.pod)).await {
            Ok(pod) => (admitted(pod.as_ref(), caller, self.allow_shared_pid).map(Arc::new), LASTS),
            Err(denial) => (Err(denial), SHORT),
        }
    }
}

/// Judges a pod.
fn admitted(pod: Option<&Pod>, caller: &Caller, allow_shared_pid: bool) -> Result<Admitted, Denial> {
    let deny = |reason, message: String| Err(Denial::new(reason, message));
    let Some(Pod { metadata, spec: Some(spec), status }) = pod else {
        return deny(Reason::PodNotFound, format!("pod {} does not exist any more", caller.pod));
    };
    if metadata.uid.as_deref() != Some(&caller.uid) {
        return deny(Reason::PodReplaced, format!("pod {} is another one by now", caller.pod));
    }
    if metadata.deletion_timestamp.is_some() {
        return deny(Reason::PodDeleted, format!("pod {} is being deleted", caller.pod));
    }
    let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default");
    if account != caller.account {
        let message = format!("pod {} runs as ServiceAccount {account:?}", caller.pod);
        return deny(Reason::ServiceAccountMismatch, message);
    }
    let phase = status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    if !matches!(phase, "Pending" | "Running") {
        return deny(Reason::PodFinished, format!("pod {} is {phase}", caller.pod));
    }
    if !allow_shared_pid {
        check_shared(spec).map_err(|cause| Denial::new(Reason::RequestRefused, cause))?;
    }
    asked_for(spec)
}

/// As at admission, where a pod that does not ask may have passed: who sees the agent's process has its token.
fn check_shared(spec: &PodSpec) -> Result<(), String> {
    let shared = [("hostPID", spec.host_pid), ("shareProcessNamespace", spec.share_process_namespace)];
    match shared.iter().find(|(_, is_shared)| *is_shared == Some(true)) {
        Some((field, _)) => Err(format!(
            "spec.{field}: every container of the pod could read the secrets of all, by /proc; leave it out, or give \
             keyhatch serve --allow-shared-pid"
        )),
        None => Ok(()),
    }
}

/// What the injected container was told, with every rule applied again: nobody says that a webhook wrote it.
fn asked_for(spec: &PodSpec) -> Result<Admitted, Denial> {
    let agent = spec.init_containers.iter().flatten().find(|container| container.name == CONTAINER);
    let agent = agent.ok_or_else(|| {
        Denial::new(
            Reason::NotInjected,
            format!("the pod has no init container {CONTAINER}, so it asks for nothing"),
        )
    })?;
    let unreadable = |cause: String| {
        Denial::new(Reason::RequestUnreadable, format!("the args of container {CONTAINER}: {cause}"))
    };
    let args = agent.args.as_deref().unwrap_or_default();
    let length: usize = args.iter().map(String::len).sum();
    if length > LONGEST {
        return Err(unreadable(format!("they have {length} bytes, and at most {LONGEST} are read")));
    }
    let invocation = Invocation::from_args(args);
    let invocation = invocation.map_err(|error| unreadable(error.to_string()))?;
    let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
    let containers: BTreeSet<&str> = containers.map(|container| container.name.as_str()).collect();
    let refused = |cause: String| Denial::new(Reason::RequestRefused, cause);
    Ok(Admitted {
        grant: grant(&invocation.request, &containers).map_err(|error| refused(error.to_string()))?,
        mode: invocation.mode,
        request: serde_json::to_string(&invocation.request).map_err(|error| unreadable(error.to_string()))?,
        room: room(spec).map_err(refused)?,
    })
}

/// What fits into the volume beside the agent's program, and beside what it replaces: the old files are there until all
/// of the new ones are.
fn room(spec: &PodSpec) -> Result<u64, String> {
    let volume = spec.volumes.iter().flatten().find(|volume| volume.name == SECRETS_VOLUME);
    let volume = volume.and_then(|volume| volume.empty_dir.as_ref());
    let volume = volume.ok_or_else(|| format!("the pod has no emptyDir volume {SECRETS_VOLUME}"))?;
    let limit = volume.size_limit.as_ref().map(|limit| quantity::bytes(&limit.0)).transpose();
    let limit = limit.map_err(|error| format!("sizeLimit of volume {SECRETS_VOLUME}: {error}"))?;
    Ok(limit.map_or(LARGEST, |limit| limit.saturating_sub(PROGRAM_SIZE) / 2).min(LARGEST))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn caller() -> Caller {
        Caller {
            namespace: "team-a".into(),
            pod: "app-1".into(),
            uid: "u-1".into(),
            account: "app".into(),
            user: "system:serviceaccount:team-a:app".into(),
            user_uid: None,
            groups: Vec::new(),
        }
    }

    fn judged(pointer: &str, value: Value) -> Result<Admitted, Denial> {
        let request = r#"--request={"files":{"a":{"from":"aws::a"}},"permissions":"0400"}"#;
        let args = ["init", request, "--broker=b:1", "--roots=r", "--deadline=60"];
        let mut pod = json!({
            "metadata": {"name": "app-1", "uid": "u-1", "deletionTimestamp": null},
            "spec": {"serviceAccountName": "app", "hostPID": null, "shareProcessNamespace": null,
                "containers": [{"name": "app"}],
                "initContainers": [{"name": CONTAINER, "args": args}],
                "volumes": [{"name": SECRETS_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}]},
            "status": {"phase": "Pending"}});
        *pod.pointer_mut(pointer).unwrap() = value;
        admitted(Some(&serde_json::from_value(pod).unwrap()), &caller(), false)
    }

    #[test]
    fn a_pod_that_waits_or_runs_gets_what_its_args_ask_for() {
        let given = judged("/status/phase", json!("Running")).unwrap();
        assert_eq!((given.room, given.mode), ((16 * 1024 - 3584) / 2 * 1024, Mode::Init));
        assert_eq!(given.request, r#"{"files":{"a":{"from":"aws::a"}},"permissions":"0400"}"#);
        assert_eq!(given.grant.files.len(), 1);
        for (limit, room) in [("1Ti", LARGEST), ("24Mi", 10_747_904), ("3584Ki", 0), ("1Mi", 0)] {
            let given = judged("/spec/volumes/0/emptyDir/sizeLimit", json!(limit)).unwrap();
            assert_eq!(given.room, room, "{limit}");
        }
    }

    #[test]
    fn any_other_pod_gets_nothing() {
        let other = "/spec/initContainers/0/name";
        let args = "/spec/initContainers/0/args";
        for (pointer, value, reason) in [
            ("/metadata/uid", json!("u-2"), Reason::PodReplaced),
            ("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"), Reason::PodDeleted),
            ("/spec/serviceAccountName", json!("other"), Reason::ServiceAccountMismatch),
            ("/spec/serviceAccountName", json!(null), Reason::ServiceAccountMismatch),
            ("/status/phase", json!("Succeeded"), Reason::PodFinished),
            ("/status/phase", json!("Failed"), Reason::PodFinished),
            ("/status/phase", json!("Unknown"), Reason::PodFinished),
            (other, json!("agent"), Reason::NotInjected),
            (args, json!(null), Reason::RequestUnreadable),
            (args, json!(["init", "x".repeat(LONGEST)]), Reason::RequestUnreadable),
            (
                args,
                json!(["init", "--request={}", "--broker=b", "--roots=", "--deadline=1"]),
                Reason::RequestRefused,
            ),
            ("/spec/volumes/0/emptyDir/sizeLimit", json!("much"), Reason::RequestRefused),
            ("/spec/volumes", json!([]), Reason::RequestRefused),
            ("/spec/hostPID", json!(true), Reason::RequestRefused),
            ("/spec/shareProcessNamespace", json!(true), Reason::RequestRefused),
        ] {
            let answer = judged(pointer, value.clone());
            assert_eq!(answer.map_err(|denial| denial.reason), Err(reason), "{pointer} {value}");
        }
        assert_eq!(admitted(None, &caller(), false).unwrap_err().reason, Reason::PodNotFound);
    }
}
