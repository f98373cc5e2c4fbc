//! Real replicas which keep certificates, and the API server's audit log of what each of them wrote.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Version, assert_written_by_holders, create_accounts, create_expired_lease, reigns};
use crate::support::control_plane::{ControlPlane, Options};
use crate::support::kubectl::wait_until;
use crate::support::proxy::{Mode, Proxy};
use crate::support::replica::Replica;

const NAMES: [&str; 3] = ["one", "two", "three"];
const LIMIT: Duration = Duration::from_secs(90);
/// Leaves of three seconds: a leader writes every second or so.
const FLAGS: [&str; 6] = [
    "--lease-duration=3s",
    "--leaf-lifetime=3s",
    "--ca-lifetime=12s",
    "--ca-settle=1s",
    "--drain-delay=1s",
    "--log-level=debug",
];

struct Members {
    plane: ControlPlane,
    replicas: Vec<(Replica, Proxy)>,
}

impl Members {
    fn start() -> Self {
        let options = Options { controller_manager: false, audit: true, ..Options::default() };
        let plane = ControlPlane::start(&options).unwrap();
        create_accounts(&plane, &NAMES);
        create_expired_lease(&plane, "keyhatch", 3);
        let config = crate::command::keyhatch(&["webhook-config", "--url", "https://127.0.0.1:1"]).stdout;
        plane.kubectl_in(&config, &["apply", "-f", "-"]).success().unwrap();
        let start = |name: &str| {
            let proxy = Proxy::start(plane.url(), &plane.ca_file());
            let kubeconfig = plane.kubeconfig_of(name, &proxy.url).unwrap();
            (Replica::start(env!("CARGO_BIN_EXE_keyhatch"), &plane, name, &kubeconfig, &FLAGS), proxy)
        };
        let replicas = NAMES.map(start).into();
        Self { plane, replicas }
    }

    /// What was written to objects of this resource and stored; who it was, or the holder of a Lease.
    fn written(&self, resource: &str) -> Vec<Version> {
        let events = self.plane.audited();
        let is_stored = |event: &&Value| {
            event["objectRef"]["resource"] == resource
                && event["objectRef"]["namespace"].as_str().is_none_or(|namespace| namespace == "keyhatch")
                && event["responseStatus"]["code"].as_u64().is_some_and(|code| code < 300)
                && event["responseObject"]["kind"] != "Status"
        };
        let version = |event: &Value| {
            let object = &event["responseObject"];
            let number = object["metadata"]["resourceVersion"].as_str()?.parse().ok()?;
            let user = event["user"]["username"].as_str()?.rsplit(':').next()?;
            let holder = object["spec"]["holderIdentity"].as_str().unwrap_or_default();
            let holder = holder.split('_').next().unwrap_or_default();
            let whose = if resource == "leases" { holder } else { user };
            Some(Version { number, whose: whose.to_owned() })
        };
        let mut versions: Vec<_> = events.iter().filter(is_stored).filter_map(version).collect();
        versions.sort_by_key(|version| version.number);
        versions.dedup_by_key(|version| version.number); // a patch that changes nothing answers the version before
        versions
    }

    /// Waits until another replica than this one leads and has written twice; answers its index.
    fn next_leader(&self, other_than: Option<usize>) -> usize {
        let before = self.written("secrets").len();
        wait_until(LIMIT, "another leader writes", || {
            let written = self.written("secrets").split_off(before);
            for (index, name) in NAMES.iter().enumerate().filter(|(index, _)| Some(*index) != other_than) {
                if written.iter().filter(|version| version.whose == **name).count() >= 2 {
                    return Ok(index);
                }
            }
            Err(format!("{written:?}"))
        })
    }
}

#[test]
fn stopped_cut_off_and_ended_leaders_write_nothing_after_the_next() {
    let mut members = Members::start();
    let first = members.next_leader(None);
    members.replicas.iter().for_each(|(replica, _)| replica.wait_ready());

    members.replicas[first].0.signal("STOP");
    let second = members.next_leader(Some(first));
    members.replicas[first].0.signal("CONT");
    members.next_leader(Some(first));

    let (replica, proxy) = &members.replicas[second];
    proxy.set(Mode::Hang);
    let third = members.next_leader(Some(second));
    // Its leaf of three seconds may be over by now; that silence alone leaves it ready is told by `outage`.
    replica.wait_said("[!] lease: lease keyhatch: the API server did not answer in time");
    proxy.set(Mode::Pass);
    replica.wait_state(200, "[+] lease ok");
    members.next_leader(Some(second));

    let (replica, _) = &mut members.replicas[third];
    let ended = Instant::now();
    replica.signal("TERM");
    replica.wait_ended(LIMIT);
    assert!(replica.process.log().contains("gave the lease back"), "{}", replica.process.log());
    let last = members.next_leader(Some(third));
    println!("{:?} from SIGTERM to the next leader's second write", ended.elapsed());

    let leases = members.written("leases");
    let names = |indices: &[usize]| indices.iter().map(|index| NAMES[*index]).collect::<Vec<_>>();
    let expected = [names(&[first, second, third]), vec![""], names(&[last])].concat();
    assert_eq!(reigns(&leases), [vec!["gone"], expected].concat());
    assert_written_by_holders(&leases, &members.written("secrets"));
    let shown: Vec<_> = members.written("validatingwebhookconfigurations");
    let shown: Vec<_> = shown.into_iter().filter(|version| NAMES.contains(&version.whose.as_str())).collect();
    assert!(!shown.is_empty());
    assert_written_by_holders(&leases, &shown);
}
