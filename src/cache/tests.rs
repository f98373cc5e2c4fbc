//! The cache with fetches that this file makes up, on a clock that it moves.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::{advance, sleep};

use super::*;
use crate::secret_value::SecretValue;
use crate::source::identity::{Identifier, Origin};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-AbCdEf";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

struct World {
    cache: Arc<Cache>,
    store: Arc<StoreId>,
    identifier: Identifier,
    fetches: Arc<AtomicUsize>,
}

fn world(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = Limits::default();
    change(&mut limits);
    World {
        cache: Arc::new(Cache::new(limits, Arc::default())),
        store: store("aws"),
        identifier: Identifier::new().unwrap(),
        fetches: Arc::default(),
    }
}

fn store(name: &str) -> Arc<StoreId> {
    Arc::new(StoreId::seen_from("team-a", crate::api::common::StoreKind::SecretStore, name))
}

fn payload(text: &str) -> Payload {
    Payload {
        arn: ARN.into(),
        version_id: None,
        stages: Stages::Current,
        value: Value::Text(SecretValue::from(text.to_owned())),
    }
}

fn failed(class: Class) -> Failure {
    Failure {
        class,
        operation: "GetSecretValue",
        object: "db".into(),
        code: String::new(),
        message: String::new(),
        request_id: None,
    }
}

fn text(answer: &Result<Answer, Failure>) -> String {
    match answer {
        Ok(Answer { payload, served, .. }) => match &payload.value {
            Value::Text(text) => format!("{} {served:?}", String::from_utf8_lossy(text.expose())),
            Value::Binary(_) | Value::Tags(_) => panic!(),
        },
        Err(failure) => failure.class.as_str().to_owned(),
    }
}

impl World {
    fn key(&self, who: &str, id: &str) -> Key {
        Key {
            who: Arc::new(Who {
                identity: self.identifier.identify(Origin::Own { source: who }, &[], ""),
                place: "eu-central-1".into(),
            }),
            id: id.into(),
            asked: Asked::Value(Version::Current),
        }
    }

    /// Asks; a fetch takes a second and ends as is told. Answers what came.
    async fn ask(&self, id: &str, max_age: Option<Duration>, fetched: Result<&str, Class>) -> String {
        self.ask_as("us", &self.store, id, max_age, fetched).await
    }

    async fn ask_as(
        &self,
        who: &str,
        store: &Arc<StoreId>,
        id: &str,
        max_age: Option<Duration>,
        fetched: Result<&str, Class>,
    ) -> String {
        let fetched = fetched.map(payload).map_err(failed);
        let fetches = Arc::clone(&self.fetches);
        let fetch = || async move {
            fetches.fetch_add(1, Ordering::SeqCst);
            sleep(SECOND).await;
            fetched
        };
        text(&self.cache.get(self.key(who, id), Ask { store, max_age }, fetch).await)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_given_again_until_it_is_older_than_asked() {
    let world = world(|_| ());
    assert_eq!(world.ask("db", MINUTE, Ok("1")).await, "1 Miss");
    assert_eq!(world.ask("db", MINUTE, Ok("2")).await, "1 Hit");
    assert_eq!(world.ask(ARN, MINUTE, Ok("2")).await, "1 Hit", "by its ARN it is the same");
    advance(60 * SECOND).await;
    assert_eq!(world.ask("db", None, Ok("2")).await, "1 Hit");
    assert_eq!(world.ask("db", MINUTE, Ok("2")).await, "2 Miss");
    assert_eq!(world.ask(ARN, NOW, Ok("3")).await, "3 Miss");
    assert_eq!(world.ask("db", MINUTE, Ok("4")).await, "3 Hit");
    assert_eq!(world.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_who_ask_at_once_make_one_fetch_and_hang_up_on_nobody() {
    let world = Arc::new(world(|_| ()));
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let world = Arc::clone(&world);
        asking.spawn(async move {
            let asked = world.ask("db", MINUTE, Ok("1"));
            if number % 2 == 0 {
                let _ = tokio::time::timeout(Duration::from_millis(1), asked).await;
                "hung up".to_owned()
            } else {
                asked.await
            }
        });
    }
    let answers = asking.join_all().await;
    assert_eq!(answers.iter().filter(|answer| *answer == "1 Miss").count(), 500);
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_is_kept_all_the_same() {
    let world = world(|_| ());
    for _ in 0..1000 {
        let asked = world.ask("db", MINUTE, Ok("1"));
        assert!(tokio::time::timeout(Duration::from_micros(1), asked).await.is_err());
    }
    sleep(2 * SECOND).await;
    assert_eq!(world.ask("db", MINUTE, Ok("2")).await, "1 Hit");
    assert_eq!(world.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_now_does_not_get_what_was_asked_of_aws_before() {
    let world = Arc::new(world(|_| ()));
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.ask("db", MINUTE, Ok("1")).await }
    });
    sleep(SECOND / 2).await;
    let mut later = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let world = Arc::clone(&world);
        later.spawn(async move { world.ask("db", NOW, Ok("2")).await });
    }
    assert!(later.join_all().await.iter().all(|answer| answer == "2 Miss"));
    assert_eq!((first.await.unwrap().as_str(), world.fetches()), ("1 Miss", 2));
}

#[tokio::test(start_paused = true)]
async fn an_old_answer_stands_in_only_while_aws_cannot_say_and_only_for_so_long() {
    let world = world(|limits| limits.max_stale = 600 * SECOND);
    assert_eq!(world.ask("db", MINUTE, Ok("1")).await, "1 Miss");
    advance(120 * SECOND).await;
    assert_eq!(world.ask("db", MINUTE, Err(Class::Throttled)).await, "1 Stale");
    assert_eq!(world.ask("db", MINUTE, Err(Class::Unavailable)).await, "1 Stale");
    assert_eq!(world.fetches(), 2, "AWS is left alone for some seconds after it could not say");
    advance(6 * SECOND).await;
    assert_eq!(world.ask("db", MINUTE, Err(Class::Unavailable)).await, "1 Stale");
    assert_eq!(world.fetches(), 3);
    advance(6 * SECOND).await;
    assert_eq!(world.ask("db", MINUTE, Err(Class::Malformed)).await, "malformed");
    advance(500 * SECOND).await;
    assert_eq!(world.ask("db", None, Err(Class::Unavailable)).await, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_definite_no_ends_what_was_kept_and_is_believed_for_a_while() {
    for (class, believed) in [(Class::NotFound, 15), (Class::MarkedForDeletion, 15), (Class::Denied, 30)] {
        let world = world(|_| ());
        assert_eq!(world.ask("db", MINUTE, Ok("1")).await, "1 Miss");
        assert_eq!(world.ask("db", NOW, Err(class)).await, class.as_str());
        assert_eq!(world.ask("db", None, Ok("2")).await, class.as_str(), "{class:?} is kept");
        advance((believed - 2) * SECOND).await;
        assert_eq!(world.ask("db", None, Ok("2")).await, class.as_str(), "{class:?} is kept");
        advance(2 * SECOND).await;
        assert_eq!(world.ask("db", None, Err(Class::Unavailable)).await, "unavailable", "{class:?} ends");
        assert_eq!(world.ask("db", None, Ok("2")).await, "2 Miss");
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_is_refused_loses_everything_and_others_nothing() {
    let world = world(|_| ());
    let ask = |who, id, max_age, fetched| world.ask_as(who, &world.store, id, max_age, fetched);
    for who in ["us", "them"] {
        assert_eq!(ask(who, "db", MINUTE, Ok(who)).await, format!("{who} Miss"));
    }
    assert_eq!(ask("us", "other", MINUTE, Err(Class::IdentityRefused)).await, "identity_refused");
    assert_eq!(ask("us", "db", None, Err(Class::Unavailable)).await, "unavailable");
    assert_eq!(ask("them", "db", None, Err(Class::Unavailable)).await, "them Hit");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_for_a_store_that_goes_is_not_kept() {
    let world = Arc::new(world(|_| ()));
    let asked = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.ask("db", MINUTE, Ok("1")).await }
    });
    sleep(SECOND / 2).await;
    world.cache.forget_store(&world.store);
    assert_eq!(asked.await.unwrap(), "1 Miss");
    assert_eq!(world.ask("db", None, Err(Class::Unavailable)).await, "unavailable");
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_gone_by_key_store_and_identity() {
    let world = world(|_| ());
    let identity = world.key("us", "db").who.identity;
    let ways: [(&str, &dyn Fn()); 4] = [
        ("key", &|| world.cache.forget(world.key("us", "db"))),
        ("store", &|| world.cache.forget_store(&world.store)),
        ("identity", &|| world.cache.forget_identity(identity)),
        ("access", &|| world.cache.forget_access(&world.store, identity)),
    ];
    for (way, forget) in ways {
        world.ask("db", MINUTE, Ok("1")).await;
        assert_eq!(
            world.ask_as("them", &store("other"), "db", MINUTE, Ok("1")).await.split(' ').next(),
            Some("1")
        );
        forget();
        assert_eq!(world.ask("db", None, Err(Class::Unavailable)).await, "unavailable", "{way}");
        let theirs = world.ask_as("them", &store("other"), "db", None, Err(Class::Unavailable)).await;
        assert_eq!(theirs, "1 Hit", "{way}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_in_total_and_for_each_store() {
    let world = world(|limits| {
        (limits.bytes, limits.bytes_per_store) = (200_000, 50_000);
        limits.idle = 86_400 * SECOND;
    });
    let put = async |store: &Arc<StoreId>, number: usize| {
        let arn = format!("arn:{number}");
        let payload = Payload { arn: arn.as_str().into(), ..payload(&"x".repeat(1000)) };
        let ask = Ask { store, max_age: MINUTE };
        world.cache.get(world.key("us", &arn), ask, || async { Ok(payload) }).await.unwrap();
    };
    let (one, busy) = (store("one"), store("busy"));
    put(&busy, 5000).await;
    for number in 0..1000 {
        put(&one, number).await;
        put(&busy, 5000).await;
    }
    let (entries, bytes) = world.cache.size();
    assert!((20..=50).contains(&entries) && bytes <= 60_000, "{entries} entries of {bytes} bytes");
    for number in 0..20 {
        let store = store(&format!("store-{number}"));
        for entry in 0..40 {
            put(&store, 10_000 + number * 100 + entry).await;
            put(&busy, 5000).await;
        }
    }
    let (entries, bytes) = world.cache.size();
    assert!(entries > 50 && bytes <= 200_000, "{entries} entries of {bytes} bytes");
    let kept = world.ask("arn:5000", None, Err(Class::Unavailable)).await;
    assert!(kept.ends_with(" Hit"), "what is in use stays: {kept}");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_goes() {
    let world = world(|_| ());
    world.cache.keep_swept();
    assert_eq!(world.ask(ARN, MINUTE, Ok("1")).await, "1 Miss");
    for _ in 0..4 {
        sleep(265 * SECOND).await;
        assert_eq!(world.ask(ARN, None, Err(Class::Unavailable)).await, "1 Hit", "it is in use");
    }
    sleep(365 * SECOND).await;
    assert_eq!(world.cache.size(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_ends_without_a_word_is_a_failure_for_those_who_wait_and_no_more() {
    let world = world(|_| ());
    let ask = Ask { store: &world.store, max_age: None };
    let gone = world.cache.get(world.key("us", "db"), ask, || async { panic!("a fault of ours") }).await;
    assert_eq!(text(&gone), "unavailable");
    assert_eq!(world.ask("db", None, Ok("1")).await, "1 Miss");
}
