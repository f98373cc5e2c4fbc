//! What is away is told apart from what is denied, and what was kept is given meanwhile.

use super::*;
use crate::support::aws::fault::Fault;

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
