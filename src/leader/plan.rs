//! What to do about a Lease: pure, by what was seen of it and when.

use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::Lease;

/// A version of the Lease, and when we first saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    version: String,
    since: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nobody holds it any more.
    Take,
    /// It is ours.
    Renew,
    /// It is another's, for so long at least.
    Wait(Duration),
}

/// Decides; remembers the version that it has seen.
pub(super) fn plan(lease: Option<&Lease>, seen: &mut Option<Seen>, me: &str, now: Instant) -> Step {
    let Some(lease) = lease else { return Step::Take };
    let version = lease.metadata.resource_version.clone().unwrap_or_default();
    let since = match seen {
        Some(seen) if seen.version == version => seen.since,
        _ => now,
    };
    *seen = Some(Seen { version, since });
    let spec = lease.spec.as_ref();
    match spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default() {
        "" => Step::Take,
        holder if holder == me => Step::Renew,
        _ => {
            // The holder's own word on how long it leads; ours could be another release's.
            let seconds = spec.and_then(|spec| spec.lease_duration_seconds).unwrap_or_default();
            let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
            match (since + duration).checked_duration_since(now) {
                Some(left) if !left.is_zero() => Step::Wait(left),
                _ => Step::Take,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::coordination::v1::LeaseSpec;
    use kube::api::ObjectMeta;

    fn lease(version: &str, holder: &str) -> Lease {
        Lease {
            metadata: ObjectMeta { resource_version: Some(version.into()), ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some(holder.into()),
                lease_duration_seconds: Some(15),
                ..LeaseSpec::default()
            }),
        }
    }

    #[test]
    fn a_lease_is_taken_when_it_was_seen_unchanged_for_its_duration() {
        let (start, mut seen) = (Instant::now(), None);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(
            plan(Some(&lease("1", "other")), &mut seen, "me", at(0)),
            Step::Wait(Duration::from_secs(15))
        );
        assert_eq!(
            plan(Some(&lease("1", "other")), &mut seen, "me", at(14)),
            Step::Wait(Duration::from_secs(1))
        );
        assert_eq!(
            plan(Some(&lease("2", "other")), &mut seen, "me", at(14)),
            Step::Wait(Duration::from_secs(15))
        );
        assert_eq!(plan(Some(&lease("2", "other")), &mut seen, "me", at(29)), Step::Take);
    }

    #[test]
    fn a_lease_of_nobody_is_taken_and_ours_is_renewed() {
        let (now, mut seen) = (Instant::now(), None);
        assert_eq!(plan(None, &mut seen, "me", now), Step::Take);
        assert_eq!(plan(Some(&lease("1", "")), &mut seen, "me", now), Step::Take);
        assert_eq!(plan(Some(&lease("1", "me")), &mut seen, "me", now), Step::Renew);
    }
}
