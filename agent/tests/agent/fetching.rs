//! `init`: what a pod finds before its containers start, and what is said when it finds nothing.

use keyhatch_agent::{Invocation, Mode};

use crate::server::{Authority, Server, refusal};
use crate::{Pod, invocation};

const REQUEST: &str = r#"{"files":{"db":{"from":"aws::db"}},"permissions":"0440"}"#;

#[test]
fn files_and_variables_are_there_when_init_ends() {
    let (pod, server) = (Pod::new(), Server::new());
    server.gives(&[("db", "hunter2"), ("tls/key", "k")], &server.roots(), "\"1\"");
    assert!(!pod.is_ready());
    let output = pod.run(&invocation(Mode::Init, &server, REQUEST));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "keyhatch-agent: wrote 2 files, and variables of 1 containers\n"
    );
    assert_eq!(pod.file("db").as_deref(), Some("hunter2"));
    assert_eq!(pod.file("tls/key").as_deref(), Some("k"));
    assert_eq!(pod.file(".keyhatch/app.env").as_deref(), Some("PASSWORD=hunter2 \"quoted\"\nline\0"));
    assert!(pod.is_ready());
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /v1/secrets HTTP/1.1\r\n"), "{asked:?}");
    assert!(asked[0].to_lowercase().contains("authorization: bearer a.b.c\r\n"), "{asked:?}");
}

/// What is said on the one line, and in the same words where Kubernetes shows it.
fn last_words(pod: &Pod, invocation: &Invocation) -> String {
    let invocation = Invocation { deadline: 0, ..invocation.clone() };
    let output = pod.run(&invocation);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.trim_end(), pod.termination_message());
    assert_eq!(said.lines().count(), 1, "{said}");
    said.replace(&invocation.broker, "BROKER").trim_end().to_owned()
}

#[test]
fn the_last_line_tells_dns_connection_tls_and_denial_apart() {
    let (pod, server) = (Pod::new(), Server::new());
    let good = invocation(Mode::Init, &server, REQUEST);
    let start = "keyhatch-agent: no secrets after 0 s; the last cause: ";

    let nowhere = Invocation { broker_address: None, ..good.clone() };
    let said = last_words(&pod, &nowhere);
    assert_eq!(said, format!("{start}dns: BROKER is not known here, and there is no --broker-address"));

    let nobody = Invocation { broker: "localhost:1".into(), broker_address: None, ..good.clone() };
    let said = last_words(&pod, &nobody);
    assert_eq!(
        said,
        format!("{start}connection: BROKER cannot be reached: Connection refused (os error 111)")
    );

    let stranger = Invocation { roots: Authority::new().pem, ..good.clone() };
    let said = last_words(&pod, &stranger);
    assert!(said.starts_with(&format!("{start}tls: BROKER is not trusted: ")), "{said}");
    assert!(said.contains("UnknownIssuer"), "{said}");

    server.says(
        403,
        refusal("StoreUseDenied", "serviceaccount a/b may not use secretstore a/aws", true),
        None,
    );
    let said = last_words(&pod, &good);
    let words = "denied: serviceaccount a/b may not use secretstore a/aws (StoreUseDenied)";
    assert_eq!(said, format!("{start}{words}"));

    server.says(503, refusal("AwsUnavailable", "secretsmanager in eu-central-1 is away", false), None);
    let said = last_words(&pod, &good);
    assert_eq!(said, format!("{start}unavailable: secretsmanager in eu-central-1 is away (AwsUnavailable)"));
    assert!(!pod.is_ready());
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let (pod, server) = (Pod::new(), Server::new());
    let authority = Authority::new();
    server.gives(&[("db", "x")], "", "\"1\"");
    server.sign_with(&authority, Some("another.svc"));
    let other = Invocation { roots: authority.pem, ..invocation(Mode::Init, &server, REQUEST) };
    let said = last_words(&pod, &other);
    assert!(said.contains("tls: BROKER is not trusted: "), "{said}");
    assert_eq!(server.asked().len(), 0, "the token was sent all the same");
}

#[test]
fn an_answer_that_cannot_be_read_is_not_quoted() {
    let (pod, server) = (Pod::new(), Server::new());
    let good = invocation(Mode::Init, &server, REQUEST);
    for (status, body) in [
        (200, r#"{"files":{"db":"hunter2!"},"roots":""}"#),
        (200, r#"{"files":"hunter2"}"#),
        (200, "hunter2"),
        (403, r#"{"reason":"hunter2"}"#),
        (500, "hunter2"),
    ] {
        server.says(status, body.to_owned(), None);
        let said = last_words(&pod, &good);
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("with something that is no answer of a broker"), "{said}");
    }
}

#[test]
fn a_broker_that_starts_later_is_waited_for() {
    let (pod, server) = (Pod::new(), Server::new());
    server.be_down(true);
    let good = invocation(Mode::Init, &server, REQUEST);
    let mut running = pod.spawn(&good);
    crate::until("the trouble is said", || pod.said().contains("connection: "));
    server.gives(&[("db", "1")], &server.roots(), "\"1\"");
    server.be_down(false);
    assert!(running.child.wait().unwrap().success(), "{}", pod.said());
    assert_eq!(pod.file("db").as_deref(), Some("1"));
}

/// To the kubelet 0 means that `init` is complete: the pod's containers would start without their files.
#[test]
fn who_is_told_to_end_before_there_are_files_does_not_end_well() {
    for mode in [Mode::Init, Mode::Sidecar] {
        for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
            let (pod, server) = (Pod::new(), Server::new());
            server.be_down(true);
            let mut running = pod.spawn(&invocation(mode, &server, REQUEST));
            crate::until("the trouble is said", || pod.said().contains("again in"));
            running.signal(signal);
            assert_eq!(running.child.wait().unwrap().code(), Some(code), "{mode:?} {signal}");
        }
    }
}

#[test]
fn args_of_somebody_else_are_named() {
    let pod = Pod::new();
    for (args, said) in [
        (vec!["init"], "keyhatch-agent: --request is missing"),
        (vec!["init", "--image=x"], "keyhatch-agent: \"--image=x\" is no option of the agent; or"),
        (vec!["fetch"], "keyhatch-agent: \"fetch\" is no command; keyhatch-agent --help lists them"),
    ] {
        let output = pod.command(&args).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with(said.split("; or").next().unwrap()), "{told}");
        assert!(!output.status.success());
    }
}
