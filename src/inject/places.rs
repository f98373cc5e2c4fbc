//! Where secrets lie in a container, beside what else is mounted there; and which containers have them.

use keyhatch_agent::Request;
use serde_json::Value;

use super::agent::{self, SECRETS};
use super::annotations::Asked;
use super::containers::User;
use super::{Code, is_within, via};
use crate::field::Field;
use crate::finding::Report;

/// Checks that nothing else is mounted at the mount path, above it or below it.
pub(super) fn check(users: &[User<'_>], asked: &Asked, spec: &Field<'_>, report: &mut Report) {
    let ours = asked.mount_path.as_str();
    for User { container, .. } in users.iter().filter(|user| is_needed(user, asked)) {
        container.at(spec, |at| {
            let at = at.key("volumeMounts");
            for (index, mount) in container.items("volumeMounts").enumerate() {
                let text = |key| mount.get(key).and_then(Value::as_str).unwrap_or_default();
                let path = text("mountPath").trim_end_matches('/');
                if text("name") == SECRETS || !(is_within(path, ours) || is_within(ours, path)) {
                    continue;
                }
                let cause = format!(
                    "the secrets of container {} go to {ours}; write another keyhatch.dev/mount-path",
                    container.name
                );
                report.text(
                    Code::MountConflict.rule(),
                    &at.index(index).key("mountPath"),
                    text("mountPath"),
                    cause,
                );
            }
        });
    }
}

/// Whether a container mounts the secrets. The kubelet reads the variables that it sets by itself, so that who is not
/// meant by the annotations needs nothing of his own.
pub(super) fn is_needed(user: &User<'_>, asked: &Asked) -> bool {
    user.is_meant || !via::is_kubelets(&user.container, asked)
}

/// Warns about containers that have the secrets of all for the sake of one of their own: the volume is mounted whole.
pub(super) fn check_others(
    users: &[User<'_>],
    asked: &Asked,
    request: &Request,
    spec: &Field<'_>,
    report: &mut Report,
) {
    let Request { files, external_secrets, env, external_secret_env, .. } = request;
    let has_more = !(files.is_empty() && external_secrets.is_empty() && external_secret_env.is_empty());
    for User { container, .. } in users.iter().filter(|user| !user.is_meant && is_needed(user, asked)) {
        let has_others = has_more || env.keys().any(|name| name != container.name);
        let Some((index, _, reference)) = container.inline().next().filter(|_| has_others) else { continue };
        let cause = format!(
            "container {} mounts all secrets of the pod for this reference: name it in keyhatch.dev/containers if it may \
             see them, or leave command out for keyhatch.dev/env-via: kubelet",
            container.name
        );
        container.at(spec, |at| {
            let env = at.key("env");
            report.text(Code::SeesAll.rule(), &env.index(index).key("value"), reference, cause);
        });
    }
}

/// Whether a container has the mount of secrets already.
pub(super) fn is_mounted(user: &User<'_>, asked: &Asked) -> bool {
    user.container.items("volumeMounts").any(|mount| *mount == agent::mount(&asked.mount_path))
}
