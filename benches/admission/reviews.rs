//! The four reviews, byte for byte as an API server sends them, and the proof that they are decided.

use std::time::{Duration, Instant};

use keyhatch::admission::{admitted_at_once, pods, review};
use keyhatch::facts::Facts;
use keyhatch::inject::Installation;
use keyhatch::validate::{Context, Settings};
use keyhatch::webhook;
use serde_json::Value;

use crate::servers::{Server, Servers};
use crate::support::http;

/// A review and what it may cost.
pub(crate) struct Review {
    pub(crate) name: &'static str,
    pub(crate) body: &'static str,
    /// Where it is sent.
    pub(crate) path: &'static str,
    /// The most CPU time that it may take.
    pub(crate) bar: Bar,
    /// A piece of the body, and what to put in its place, so that this rule refuses it.
    mistake: [&'static str; 2],
    rule: &'static str,
}

/// The most CPU time of a review.
pub(crate) enum Bar {
    /// Beyond the baseline's.
    Beyond(Duration),
    /// In all.
    InAll(Duration),
}

pub(crate) static ALL: [Review; 4] = [
    Review {
        name: "SecretStore CREATE, 2 KiB",
        body: include_str!("../data/secret_store.json"),
        path: webhook::PATH,
        bar: Bar::Beyond(Duration::from_micros(25)),
        mistake: [r#""region":"eu-central-1""#, r#""region":"eu-centrall-1""#],
        rule: "[region-misspelt]",
    },
    Review {
        name: "ExternalSecret UPDATE, 9 KiB",
        body: include_str!("../data/external_secret_update.json"),
        path: webhook::PATH,
        bar: Bar::Beyond(Duration::from_micros(60)),
        mistake: [r#""refreshInterval":"15m""#, r#""refreshInterval":"15 m""#],
        rule: "[duration]",
    },
    Review {
        name: "PushSecret CREATE, 6 KiB",
        body: include_str!("../data/push_secret.json"),
        path: webhook::PATH,
        bar: Bar::Beyond(Duration::from_micros(25)),
        mistake: [r#""replicationLocations":["eu-west-1"]"#, r#""replicationLocations":["eu-wesst-1"]"#],
        rule: "[replica-region]",
    },
    Review {
        name: "Pod CREATE, 6 KiB, injected",
        body: include_str!("../data/pod.json"),
        path: webhook::PODS_PATH,
        bar: Bar::InAll(Duration::from_micros(85)),
        mistake: [r#""keyhatch.dev/refresh":"5m""#, r#""keyhatch.dev/refresh":"5 m""#],
        rule: "[BadAnnotation]",
    },
];

/// What both servers answer to a review, every time: the same, but for a pod, which only one of them changes.
pub(crate) struct Answers {
    pub(crate) baseline: String,
    pub(crate) keyhatch: String,
}

impl Review {
    /// Where it is sent; the API server names its timeout like this.
    pub(crate) fn target(&self) -> String {
        format!("{}?timeout=5s", self.path)
    }
}

/// A server that refused everything, or looked at nothing, would be fast and worthless. Answers the answers to each
/// review.
pub(crate) fn verify(servers: &Servers) -> Result<Vec<Answers>, String> {
    ALL.iter().map(|review| verify_one(servers, review)).collect()
}

fn verify_one(servers: &Servers, review: &Review) -> Result<Answers, String> {
    let Review { name, body, mistake: [right, wrong], rule, .. } = review;
    let wanted = answer(&servers.baseline, review, body)?;
    let given = answer(&servers.keyhatch, review, body)?;
    let parsed: Value = serde_json::from_str(&given).map_err(|error| format!("{name}: {error}: {given}"))?;
    let allowed = parsed.pointer("/response/allowed").and_then(Value::as_bool);
    let is_changed = parsed.pointer("/response/patch").is_some();
    let is_as_wanted = if review.path == webhook::PODS_PATH { is_changed } else { given == wanted };
    if allowed != Some(true) || parsed.pointer("/response/warnings").is_some() || !is_as_wanted {
        return Err(format!("{name}: must be admitted without a word, and is answered {given}"));
    }
    let refusal = answer(&servers.keyhatch, review, &body.replace(right, wrong))?;
    if !refusal.contains(r#""allowed":false"#) || !refusal.contains(rule) {
        return Err(format!("{name}: must be refused with {wrong}, by {rule}, and is answered {refusal}"));
    }
    Ok(Answers { baseline: wanted, keyhatch: given })
}

fn answer(server: &Server, review: &Review, body: &str) -> Result<String, String> {
    let url = format!("https://{}{}", server.address, review.target());
    let answered = http::post_json(&url, &server.ca_file, body).and_then(http::Response::ok);
    answered.map_err(|error| format!("{}: {error}\n{}", server.name, server.log()))
}

/// How long it takes to read the review and to decide, in this process: the fastest of some batches, since
/// whatever else happens on the machine only adds to it.
pub(crate) fn decide_alone(review: &Review) -> Result<Duration, String> {
    const BATCHES: usize = 50;
    const BATCH: u32 = 200;
    let (settings, facts) = (Settings::default(), Facts::default());
    let context = Context { settings: &settings, facts: &facts };
    let installation = Installation { roots: "-".repeat(1400), ..Installation::anywhere() };
    let is_decided = |body| {
        if review.path != webhook::PODS_PATH {
            return admitted_at_once(body, &context).is_some();
        }
        let decision = review::parse(body).and_then(|request| {
            let (request, pod) = request.take_object();
            pods::decide_pod(&request, pod, &facts, &installation)
        });
        decision.is_ok_and(|decision| !decision.patch.is_empty())
    };
    let mut fastest = Duration::MAX;
    for _ in 0..BATCHES {
        let started = Instant::now();
        for _ in 0..BATCH {
            if !is_decided(std::hint::black_box(review.body)) {
                return Err("a review that must be admitted without a word is not".to_owned());
            }
        }
        fastest = fastest.min(started.elapsed() / BATCH);
    }
    Ok(fastest)
}
