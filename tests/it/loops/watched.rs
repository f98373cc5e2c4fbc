//! Every object by itself, every change once, and a kind that comes later.

use std::sync::Mutex;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use keyhatch::api::push_secret::PushSecret;
use keyhatch::health;
use keyhatch::loops::watched::{Change, Kept, ObjectKey, Trace, Watched};
use tower::ServiceExt;

use super::*;

type Told = Arc<Mutex<Vec<String>>>;

/// Notes changes: `+` for new, `~` for changed, `-` for gone.
fn note<T>(told: &Told, name: &str) -> impl Fn(Change<T>) + use<T> {
    let (told, kind) = (Arc::clone(told), name.to_owned());
    move |change: Change<T>| {
        let sign = match (change.before, change.after) {
            (None, Some(_)) => '+',
            (Some(_), Some(_)) => '~',
            (_, None) => '-',
        };
        told.lock().unwrap().push(format!("{sign}{kind} {}", change.key));
    }
}

async fn state(health: &Arc<Health>) -> (u16, String) {
    let request = Request::get("/readyz?verbose").body(Body::empty()).unwrap();
    let answer = health::router(Arc::clone(health)).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
}

fn key(name: &str) -> ObjectKey {
    ObjectKey { namespace: "default".into(), name: name.into() }
}

async fn until_told(told: &Told, wanted: &[&str]) {
    eventually("changes", async || {
        let told = told.lock().unwrap().clone();
        if wanted.iter().all(|wanted| told.iter().any(|told| told == wanted)) { Ok(()) } else { Err(told) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_is_not_installed_idles_and_an_object_that_cannot_be_read_stops_no_other() {
    let plane = cluster();
    let client = plane.client().await;
    let (watched, told) = (Watched::<PushSecret>::default(), Told::default());
    let health = Arc::new(Health::default());
    health.serving_until(i64::MAX);
    let following = {
        let (watched, health, told) = (watched.clone(), Arc::clone(&health), note(&told, "ps"));
        let client = client.clone();
        tokio::spawn(async move { watched.follow(client, health.part("pushsecrets"), told).await })
    };
    eventually("the missing kind to be told", async || {
        let (status, text) = state(&health).await;
        if !text.contains("pushsecrets") || !text.contains("not installed") {
            return Err(text);
        }
        assert_eq!(status, 200, "{text}");
        Ok(())
    })
    .await;
    assert!(!watched.is_complete());
    install(&plane).await;
    for (name, spec) in [("good", "{refreshInterval: 1h}"), ("bad", "{data: text}"), ("other", "{}")] {
        apply(&plane, &push(name, spec));
    }
    until_told(&told, &["+ps default/good", "+ps default/bad", "+ps default/other"]).await;
    assert!(watched.is_complete());
    assert!(state(&health).await.1.contains("[+] pushsecrets ok"));
    let good = watched.get(&key("good")).unwrap();
    assert_eq!(good.object().unwrap().spec.refresh_interval.as_deref(), Some("1h"));
    let Some(Kept::Damaged { metadata, cause }) = watched.get(&key("bad")) else { panic!("it can be read") };
    assert!(metadata.uid.is_some() && cause.contains("expected a sequence"), "{cause}");
    assert_eq!(watched.all().len(), 2);

    apply(&plane, &push("bad", "{refreshInterval: 2h}"));
    plane.kubectl(&["delete", "pushsecret", "other"]).success().unwrap();
    until_told(&told, &["~ps default/bad", "-ps default/other"]).await;
    assert!(watched.get(&key("bad")).unwrap().object().is_some());
    assert!(watched.get(&key("other")).is_none());
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 5, "each change once: {told:?}");
    following.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_known_by_their_traces() {
    let plane = cluster();
    let client = plane.client().await;
    let told = Told::default();
    let (secrets, maps) = (Watched::<Trace>::default(), Watched::<Trace>::default());
    let health = Arc::new(Health::default());
    let following = {
        let parts = (health.part("secrets"), health.part("configmaps"));
        let (secrets, maps) = (secrets.clone(), maps.clone());
        let (secret, map) = (note(&told, "secret"), note(&told, "map"));
        tokio::spawn(async move {
            tokio::join!(
                secrets.follow_secrets(client.clone(), parts.0, secret),
                maps.follow_config_maps(client, parts.1, map),
            )
        })
    };
    plane
        .kubectl(&["create", "secret", "generic", "db", "--from-literal=password=hunter2"])
        .success()
        .unwrap();
    plane.kubectl(&["create", "configmap", "policy", "--from-literal=a=b"]).success().unwrap();
    until_told(&told, &["+secret default/db", "+map default/policy"]).await;
    let before = Arc::clone(secrets.get(&key("db")).unwrap().object().unwrap());
    assert!(!format!("{secrets:?}").contains("hunter2"));
    plane.kubectl(&["label", "secret", "db", "team=a"]).success().unwrap();
    until_told(&told, &["~secret default/db"]).await;
    let after = Arc::clone(secrets.get(&key("db")).unwrap().object().unwrap());
    assert_eq!((after.labels["team"].as_str(), &after.uid), ("a", &before.uid));
    assert_ne!(after.version, before.version);
    plane.kubectl(&["delete", "secret", "db"]).success().unwrap();
    until_told(&told, &["-secret default/db"]).await;
    following.abort();
}
