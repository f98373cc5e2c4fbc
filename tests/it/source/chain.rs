//! Keyhatch's own AWS identity, for stores without auth: from the environment, a web identity, EKS Pod Identity and the
//! instance's metadata.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use super::*;
use crate::aws_sdk::{session, sts};
use crate::support::aws::account::{allow_all, trust};

/// A store without auth, and a secret behind it.
async fn world() -> World {
    let world = World::new().await;
    world.account.secret("db", "hunter2");
    world.apply(&[world.store("own", &json!({}))]);
    world
}

/// What `resolve` writes with this environment and nothing else: the value, and what was told.
fn resolve(world: &World, environment: &[(&str, &str)], flags: &[&str]) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyhatch"));
    command.env_clear().env("KUBECONFIG", world.plane.kubeconfig());
    command.env("AWS_SECRETSMANAGER_ENDPOINT", world.aws.url()).env("AWS_ENDPOINT_URL_STS", world.aws.url());
    command.env("AWS_STS_ENDPOINT", world.aws.url()).env("AWS_REGION", "eu-central-1");
    command.envs(environment.iter().copied());
    command.args(["resolve", "--namespace", &world.namespace, "own::db", "--show", "--explain"]).args(flags);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

/// Keys of a session, as AWS lends them to workloads.
async fn lent(world: &World) -> Keys {
    let role =
        world.account.role("workload", &trust(&[&format!("arn:aws:iam::{ACCOUNT}:root")]), &[allow_all()]);
    let call = sts(&world.aws.url(), &world.account.keys()).assume_role().role_arn(role);
    session(call.role_session_name("workload").send().await.unwrap().credentials())
}

/// Answers each request by what its first line begins with, and what it must contain.
fn serve(answers: Vec<(&'static str, &'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &answers)));
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, answers: &[(&'static str, &'static str, String)]) {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let found = answers.iter().find(|(start, part, _)| request.starts_with(start) && request.contains(part));
    let (status, body) = found.map_or(("404 Not Found", ""), |(_, _, body)| ("200 OK", body));
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-aws-ec2-metadata-token-ttl-seconds: 600\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn document(keys: &Keys) -> String {
    let Keys { id, secret, session_token } = keys;
    json!({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
        "Expiration": "2099-01-01T00:00:00Z", "AccessKeyId": id, "SecretAccessKey": secret, "Token": session_token})
    .to_string()
}

fn file(world: &World, name: &str, text: &str) -> PathBuf {
    let file = world.plane.root().join(format!("{}-{name}", world.namespace));
    std::fs::write(&file, text).unwrap();
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_environment_are_ours() {
    let world = world().await;
    let keys = world.account.keys();
    let environment =
        [("AWS_ACCESS_KEY_ID", keys.id.as_str()), ("AWS_SECRET_ACCESS_KEY", keys.secret.as_str())];
    let (value, told) = resolve(&world, &environment, &[]);
    assert_eq!(value, "hunter2", "{told}");
    assert!(told.contains("Keyhatch's own AWS identity"), "{told}");
    for flag in ["--ambient-credentials=none", "--ambient-credentials=cluster"] {
        let (value, told) = resolve(&world, &environment, &[flag]);
        assert!(value.is_empty() && told.contains("keeps Keyhatch's own identity from it"), "{flag}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_identity_is_ours() {
    let world = world().await;
    world.plane.kubectl(&["create", "serviceaccount", "keyhatch", "-n", &world.namespace]).success().unwrap();
    let keys = world.plane.kubectl(&["get", "--raw", "/openid/v1/jwks"]).success().unwrap();
    let issuer = "https://kubernetes.default.svc";
    world.account.trust_issuer(issuer, &["sts.amazonaws.com"], serde_json::from_str(&keys).unwrap());
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/kubernetes.default.svc");
    let subject = format!("system:serviceaccount:{}:keyhatch", world.namespace);
    let trust = json!({"Statement": {"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"kubernetes.default.svc:sub": subject}}}});
    let role = world.account.role("keyhatch", &trust, &[allow_all()]);
    let args = ["create", "token", "keyhatch", "-n", &world.namespace, "--audience=sts.amazonaws.com"];
    let token = world.plane.kubectl(&args).success().unwrap();
    let token = file(&world, "token", token.trim());
    let environment =
        [("AWS_ROLE_ARN", role.as_str()), ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap())];
    let (value, told) = resolve(&world, &environment, &[]);
    assert_eq!(value, "hunter2", "{told}");
    assert_eq!(world.aws.calls().of("AssumeRoleWithWebIdentity").granted().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_identity_is_ours() {
    let world = world().await;
    let keys = lent(&world).await;
    let url = serve(vec![("get /v1/credentials ", "authorization: of-the-pod", document(&keys))]);
    let token = file(&world, "pod-identity", "of-the-pod");
    let uri = format!("{url}/v1/credentials");
    let environment = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.to_str().unwrap()),
    ];
    let (value, told) = resolve(&world, &environment, &[]);
    assert_eq!(value, "hunter2", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instances_role_is_ours() {
    let world = world().await;
    let keys = lent(&world).await;
    let with_token = "x-aws-ec2-metadata-token: of-the-instance";
    let url = serve(vec![
        ("put /latest/api/token ", "", "of-the-instance".into()),
        ("get /latest/meta-data/iam/security-credentials/node ", with_token, document(&keys)),
        ("get /latest/meta-data/iam/security-credentials", with_token, "node".into()),
    ]);
    let (value, told) = resolve(&world, &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)], &[]);
    assert_eq!(value, "hunter2", "{told}");
    let disabled =
        [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let (value, told) = resolve(&world, &disabled, &[]);
    assert!(value.is_empty() && told.contains("Keyhatch's own AWS identity"), "{told}");
}
