//! What is away is told apart from what is denied, and what was kept is given meanwhile.

use std::thread;

use super::*;
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;

#[test]
fn an_aws_that_is_away_is_no_denial_and_what_is_kept_is_given() {
    let site = Site::start(&["--max-stale=1h"]);
    let team = Team::at(&site);
    team.account.secret("db", "hunter2");
    team.account.secret("new", "x");
    let mut request = db();
    request["refresh"] = 10.into();
    let token = team.pod("app-1", &request);
    assert_eq!(team.files(&token), [("db".to_owned(), "hunter2".to_owned())]);
    site.aws.fault_everything(&Fault::Reset);
    let fresh = team.pod("app-2", &json!({"files": {"new": {"from": "aws::new"}}, "permissions": "0400"}));
    let response = team.ask(&fresh);
    assert_eq!(refused(&response), (503, "AwsUnavailable".to_owned()));
    let refusal: Refusal = serde_json::from_str(&response.body).unwrap();
    assert!(!refusal.denied, "{refusal:?}");
    // Older than the refresh, and given all the same.
    let served = || {
        let log = site.broker.log();
        let stale = format!(r#""namespace":"{}","pod":"app-1""#, team.namespace);
        log.lines().any(|line| line.contains(&stale) && line.contains(r#""served":"stale""#))
    };
    wait_until(PATIENCE, "a stale answer", || {
        let response = team.ask(&token);
        if response.status == 200 && served() { Ok(()) } else { Err(response.status.to_string()) }
    });
    site.aws.heal();
    wait_until(PATIENCE, "the new secret", || {
        let response = team.ask(&fresh);
        if response.status == 200 { Ok(()) } else { Err(response.body) }
    });
}

/// What is on its way to a pod takes room, however often it asks.
#[test]
fn a_pod_asks_one_thing_at_a_time() {
    let site = Site::start(&[]);
    let team = Team::at(&site);
    team.account.secret("db", "hunter2");
    let (token, other) = (team.pod("app-1", &db()), team.pod("app-2", &db()));
    site.aws.fault_times(Operation::GetSecretValue, Fault::Latency(Duration::from_secs(5)), 1);
    thread::scope(|scope| {
        let first = scope.spawn(|| team.ask(&token));
        wait_until(PATIENCE, "AWS to be asked", || {
            if site.aws.calls().of("GetSecretValue").count() > 0 { Ok(()) } else { Err("no call".to_owned()) }
        });
        let others = scope.spawn(|| team.ask(&other));
        let second = team.ask(&token);
        assert_eq!(refused(&second), (429, "RateLimited".to_owned()));
        assert!(second.body.contains("the pod asks already"), "{}", second.body);
        assert_eq!([first, others].map(|asking| asking.join().unwrap().status), [200, 200]);
    });
    assert_eq!(team.ask(&token).status, 200);
}
