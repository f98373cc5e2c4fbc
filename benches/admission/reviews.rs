//! The three reviews, byte for byte as an API server sends them, and the proof that they are decided.

use std::time::{Duration, Instant};

use keyhatch::admission::admitted_at_once;
use keyhatch::facts::Facts;
use keyhatch::validate::{Context, Settings};
use keyhatch::webhook;
use serde_json::Value;

use crate::servers::{Server, Servers};
use crate::support::http;

/// A review and what it may cost.
pub(crate) struct Review {
    pub(crate) name: &'static str,
    pub(crate) body: &'static str,
    /// The most CPU time that it may take beyond the baseline.
    pub(crate) bar: Duration,
    /// A piece of the body, and what to put in its place, so that this rule refuses it.
    mistake: [&'static str; 2],
    rule: &'static str,
}

pub(crate) static ALL: [Review; 3] = [
    Review {
        name: "SecretStore CREATE, 2 KiB",
        body: include_str!("../data/secret_store.json"),
        bar: Duration::from_micros(25),
        mistake: [r#""region":"eu-central-1""#, r#""region":"eu-centrall-1""#],
        rule: "[region-misspelt]",
    },
    Review {
        name: "ExternalSecret UPDATE, 9 KiB",
        body: include_str!("../data/external_secret_update.json"),
        bar: Duration::from_micros(60),
        mistake: [r#""refreshInterval":"15m""#, r#""refreshInterval":"15 m""#],
        rule: "[duration]",
    },
    Review {
        name: "PushSecret CREATE, 6 KiB",
        body: include_str!("../data/push_secret.json"),
        bar: Duration::from_micros(25),
        mistake: [r#""replicationLocations":["eu-west-1"]"#, r#""replicationLocations":["eu-wesst-1"]"#],
        rule: "[replica-region]",
    },
];

/// Where a review is sent; the API server names its timeout like this.
pub(crate) fn target() -> String {
    format!("{}?timeout=5s", webhook::PATH)
}

/// A server that refused everything, or looked at nothing, would be fast and worthless. Answers the answer
/// to each review: it is the same from both servers, and every time.
pub(crate) fn verify(servers: &Servers) -> Result<Vec<String>, String> {
    ALL.iter().map(|review| verify_one(servers, review)).collect()
}

fn verify_one(servers: &Servers, review: &Review) -> Result<String, String> {
    let Review { name, body, mistake: [right, wrong], rule, .. } = review;
    let wanted = answer(&servers.baseline, body)?;
    let given = answer(&servers.keyhatch, body)?;
    let parsed: Value = serde_json::from_str(&given).map_err(|error| format!("{name}: {error}: {given}"))?;
    let allowed = parsed.pointer("/response/allowed").and_then(Value::as_bool);
    if allowed != Some(true) || parsed.pointer("/response/warnings").is_some() || given != wanted {
        return Err(format!("{name}: must be admitted without a word, and is answered {given}"));
    }
    let refusal = answer(&servers.keyhatch, &body.replace(right, wrong))?;
    if !refusal.contains(r#""allowed":false"#) || !refusal.contains(rule) {
        return Err(format!("{name}: must be refused with {wrong}, by {rule}, and is answered {refusal}"));
    }
    Ok(given)
}

fn answer(server: &Server, body: &str) -> Result<String, String> {
    let url = format!("https://{}{}", server.address, target());
    let answered = http::post_json(&url, &server.ca_file, body).and_then(http::Response::ok);
    answered.map_err(|error| format!("{}: {error}\n{}", server.name, server.log()))
}

/// How long it takes to read the review and to decide, in this process: the fastest of some batches, since
/// whatever else happens on the machine only adds to it.
pub(crate) fn decide_alone(review: &Review) -> Result<Duration, String> {
    const BATCHES: usize = 50;
    const BATCH: u32 = 200;
    let context = Context { settings: &Settings::default(), facts: &Facts::default() };
    let mut fastest = Duration::MAX;
    for _ in 0..BATCHES {
        let started = Instant::now();
        for _ in 0..BATCH {
            let request = admitted_at_once(std::hint::black_box(review.body), &context);
            request.ok_or("a review that must be admitted without a word is not")?;
        }
        fastest = fastest.min(started.elapsed() / BATCH);
    }
    Ok(fastest)
}
