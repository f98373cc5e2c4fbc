//! The container and the volumes that are injected, as the API server stores them: every default is written out, so
//! that what comes back is what was sent.

pub(super) use keyhatch_agent::layout::{
    CONTAINER as AGENT, SECRETS_VOLUME as SECRETS, TOKEN_VOLUME as TOKEN,
};
use keyhatch_agent::{AUDIENCE, Invocation, Mode, layout};
use serde_json::{Map, Value, json};

use super::resources::Resources;

/// The agent's program, in its image.
const PROGRAM: &str = "/keyhatch-agent";
/// What all files, twice while they are exchanged, and the program may take.
const SIZE: &str = "24Mi";

/// The container.
pub(super) fn container(
    pod: &Value,
    image: &str,
    resources: &Resources,
    invocation: &Invocation,
    uid: u64,
) -> Value {
    let mut container = json!({
        "name": AGENT,
        "image": image,
        "command": [PROGRAM],
        "args": invocation.to_args().unwrap_or_default(),
        "resources": resources.within(pod),
        "volumeMounts": [
            {"name": SECRETS, "mountPath": layout::SECRETS},
            {"name": TOKEN, "mountPath": layout::TOKEN, "readOnly": true},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": uid,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    if let (Mode::Sidecar, Some(members)) = (invocation.mode, container.as_object_mut()) {
        members.insert("restartPolicy".into(), "Always".into());
        members.insert("startupProbe".into(), startup_probe(invocation.deadline));
    }
    container
}

/// The pod's containers start when the first files are there; the agent gives up by itself.
fn startup_probe(deadline: u64) -> Value {
    json!({
        "exec": {"command": [PROGRAM, "ready"]},
        "timeoutSeconds": 5,
        "periodSeconds": 1,
        "successThreshold": 1,
        "failureThreshold": deadline.saturating_add(60),
    })
}

/// Both volumes, by name.
pub(super) fn volumes() -> [(&'static str, Value); 2] {
    let token = json!({
        "serviceAccountToken": {"audience": AUDIENCE, "expirationSeconds": 600, "path": layout::TOKEN_FILE},
    });
    [
        (SECRETS, json!({"name": SECRETS, "emptyDir": {"medium": "Memory", "sizeLimit": SIZE}})),
        (TOKEN, json!({"name": TOKEN, "projected": {"sources": [token], "defaultMode": 420}})),
    ]
}

/// What a container that sees secrets mounts.
pub(super) fn mount(path: &str) -> Value {
    json!({"name": SECRETS, "mountPath": path, "readOnly": true})
}

/// Whether a container is the wanted one, but for what others may change: resources (limit ranges), the pull policy
/// and the mount of the API server's token, which the API server itself adds to every container.
pub(super) fn is_same(container: &Value, wanted: &Value) -> bool {
    const API_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
    let essence = |container: &Value| -> Option<Map<String, Value>> {
        let mut members = container.as_object()?.clone();
        members.remove("resources");
        members.remove("imagePullPolicy");
        if let Some(Value::Array(mounts)) = members.get_mut("volumeMounts") {
            mounts.retain(|mount| mount.get("mountPath").and_then(Value::as_str) != Some(API_TOKEN));
        }
        Some(members)
    };
    essence(container) == essence(wanted)
}
