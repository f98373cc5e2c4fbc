//! What is kept: its bytes, and the time until it is given.

use std::sync::Arc;
use std::time::Instant;

use keyhatch::cache::{Ask, Asked, Cache, Key, Limits, Payload, Stages, Value, Version, Who};
use keyhatch::secret_value::SecretValue;
use keyhatch::source::identity::{Identifier, Origin};

use crate::bar::{Bar, Bound};
use crate::world::{MINUTE, World, store};

const ENTRIES: usize = 10_000;
const KIB: usize = 1024;
const ASKED: u32 = 200_000;

/// Ten thousand entries of 1 KiB.
pub(crate) async fn memory() -> Bar {
    let limits = Limits { bytes: 64 << 20, bytes_per_store: 64 << 20, ..Limits::default() };
    let cache = Arc::new(Cache::new(limits, Arc::default()));
    let identifier = Identifier::new().expect("random bytes");
    let identity = identifier.identify(Origin::Own { source: "bench" }, &[], "");
    let who = Arc::new(Who { identity, place: "eu-central-1".into() });
    let store = Arc::new(store());
    let before = resident();
    for number in 0..ENTRIES {
        let key = Key {
            who: Arc::clone(&who),
            id: format!("prod/service/secret-{number}").into(),
            asked: Asked::Value(Version::Current),
        };
        let arn = format!("arn:aws:secretsmanager:eu-central-1:111122223333:secret:{}-AbCdEf", key.id);
        let payload = Payload {
            arn: arn.into(),
            version_id: Some("00000000-0000-0000-0000-000000000001".into()),
            stages: Stages::Current,
            value: Value::Text(SecretValue::new(vec![b'x'; KIB])),
        };
        let ask = Ask { store: &store, max_age: MINUTE };
        cache.get(key, ask, || async { Ok(payload) }).await.expect("a value");
    }
    let growth = resident().saturating_sub(before);
    let (kept, _) = cache.size();
    assert_eq!(kept, ENTRIES, "everything is kept");
    let found = growth as f64 / (ENTRIES * KIB) as f64;
    Bar {
        what: "10,000 entries of 1 KiB: growth of resident memory",
        unit: "x size",
        found,
        bound: Bound::Most(2.0),
    }
}

/// A value that is kept, asked for by name.
pub(crate) async fn hits() -> [Bar; 2] {
    let world = World::new().await;
    world.account.secret("db", &"x".repeat(64 * KIB));
    let first = world.get("db", MINUTE).await.expect("a value");
    let mut copies = 0;
    let started = Instant::now();
    for _ in 0..ASKED {
        let answer = world.get("db", MINUTE).await.expect("a value");
        copies += u32::from(!Arc::ptr_eq(&answer.payload, &first.payload));
    }
    let took = started.elapsed() / ASKED;
    [
        Bar {
            what: "a kept answer",
            unit: "µs",
            found: took.as_nanos() as f64 / 1000.0,
            bound: Bound::Most(2.0),
        },
        Bar {
            what: "copies of a value in 200,000 answers",
            unit: "copies",
            found: f64::from(copies),
            bound: Bound::Most(0.0),
        },
    ]
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
