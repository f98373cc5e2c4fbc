//! Never two leaders, whatever happens to one of them: proved by what was written, in the order of the API server's
//! own versions.

mod candidates;
mod replicas;

use crate::support::control_plane::ControlPlane;

/// ServiceAccounts of namespace `keyhatch` that may do everything, so that the audit log tells them apart.
fn create_accounts(plane: &ControlPlane, accounts: &[&str]) {
    plane.create_namespace("keyhatch");
    for account in accounts {
        plane.kubectl(&["create", "serviceaccount", account, "-n", "keyhatch"]).success().unwrap();
    }
    let binding = [
        "create",
        "clusterrolebinding",
        "accounts",
        "--clusterrole=cluster-admin",
        "--group=system:serviceaccounts:keyhatch",
    ];
    plane.kubectl(&binding).success().unwrap();
}

/// A Lease of somebody who is gone, which nobody renews.
fn create_expired_lease(plane: &ControlPlane, name: &str, seconds: u64) {
    let lease = format!(
        "{{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {{name: {name}, namespace: keyhatch}}, \
         spec: {{holderIdentity: gone, leaseDurationSeconds: {seconds}}}}}"
    );
    plane.kubectl_in(&lease, &["create", "-f", "-"]).success().unwrap();
}

/// One version of an object: the API server's number, and whose it is.
#[derive(Clone, Debug)]
struct Version {
    number: u64,
    whose: String,
}

/// Each write is of whoever held the Lease when it was stored. Versions are numbered across all objects.
#[track_caller]
fn assert_written_by_holders(leases: &[Version], writes: &[Version]) {
    for write in writes {
        let holder = leases.iter().rev().find(|lease| lease.number < write.number);
        let holder = holder.map(|lease| lease.whose.as_str());
        assert_eq!(holder, Some(write.whose.as_str()), "{write:?} in {leases:#?}");
    }
}

/// The holders one after the other.
fn reigns(leases: &[Version]) -> Vec<&str> {
    let mut holders: Vec<&str> = leases.iter().map(|lease| lease.whose.as_str()).collect();
    holders.dedup();
    holders
}
