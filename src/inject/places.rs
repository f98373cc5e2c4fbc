//! Where secrets lie in a container, beside what else is mounted there.

use serde_json::Value;

use super::agent::{self, SECRETS};
use super::annotations::Asked;
use super::containers::User;
use super::{Code, is_within};
use crate::field::Field;
use crate::finding::Report;

/// Checks that nothing else is mounted at the mount path, above it or below it.
pub(super) fn check(users: &[User<'_>], asked: &Asked, spec: &Field<'_>, report: &mut Report) {
    let ours = asked.mount_path.as_str();
    for User { container, .. } in users {
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

/// Whether a container has the mount of secrets already.
pub(super) fn is_mounted(user: &User<'_>, asked: &Asked) -> bool {
    user.container.items("volumeMounts").any(|mount| *mount == agent::mount(&asked.mount_path))
}
