//! What is broken on demand, as a client sees it; and what had its effect all the same.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::SdkError;

use super::{aws, client, read};
use crate::aws_sdk::{code, sts};
use crate::support::aws::fault::Fault;
use crate::support::aws::operation::Operation;

#[tokio::test]
async fn each_fault_looks_like_itself_and_ends() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let cases = [
        (Fault::Throttle { share: 1.0 }, "ThrottlingException"),
        (Fault::ServerError, "InternalServiceError"),
        (Fault::Error { status: 503, code: "ServiceUnavailable" }, "ServiceUnavailable"),
        (Fault::Error { status: 400, code: "BrandNewException" }, "BrandNewException"),
        (Fault::Reset, "connection"),
        (Fault::LoseAnswer, "connection"),
        (Fault::Truncate, "unreadable"),
        (Fault::NotJson, "an error without a code"),
    ];
    for (fault, expected) in cases {
        aws.fault_times(Operation::GetSecretValue, fault.clone(), 1);
        assert_eq!(read(&client, "db").await, expected, "{fault:?}");
        assert_eq!(read(&client, "db").await, "none", "after {fault:?}");
    }
    aws.fault(Operation::GetSecretValue, Fault::Empty);
    let answer = client.get_secret_value().secret_id("db").send().await.unwrap();
    assert_eq!((answer.arn(), answer.secret_string()), (None, None));
    assert_eq!(read(&client, "db").await, "none");
    aws.heal();
    let answer = client.get_secret_value().secret_id("db").send().await.unwrap();
    assert!(answer.secret_string().is_some());
}

#[tokio::test]
async fn throttling_of_a_share_is_a_refusal_with_http_400() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    aws.fault(Operation::GetSecretValue, Fault::Throttle { share: 0.3 });
    let mut throttled = 0;
    for _ in 0..20 {
        match client.get_secret_value().secret_id("db").send().await {
            Ok(_) => {}
            Err(SdkError::ServiceError(error)) => {
                assert_eq!(error.raw().status().as_u16(), 400);
                throttled += 1;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(throttled, 6, "three of ten, evenly");
    assert_eq!(aws.calls().of("GetSecretValue").granted().count(), 14);
}

#[tokio::test]
async fn a_hang_ends_with_the_callers_patience_and_latency_is_waited_for() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_millis(300)).build();
    aws.fault_times(Operation::GetSecretValue, Fault::Hang, 1);
    let patient = aws_sdk_secretsmanager::config::Builder::new().timeout_config(timeouts);
    let call = client.get_secret_value().secret_id("db").customize().config_override(patient);
    assert_eq!(code(&call.send().await), "timeout");
    let latency = Duration::from_millis(200);
    aws.fault_times(Operation::GetSecretValue, Fault::Latency(latency), 1);
    let began = Instant::now();
    assert_eq!(read(&client, "db").await, "none");
    assert!(began.elapsed() >= latency);
}

#[tokio::test]
async fn a_lost_answer_had_its_effect_and_a_reset_had_none() {
    let (aws, account) = aws();
    let client = client(&aws, &account.keys());
    let put = |fault: Fault, value: &str| {
        aws.fault_times(Operation::PutSecretValue, fault, 1);
        client.put_secret_value().secret_id("db").secret_string(value).send()
    };
    assert_eq!(code(&put(Fault::Reset, "two").await), "connection");
    assert_eq!(account.look("db").unwrap().versions.len(), 1);
    assert_eq!(code(&put(Fault::LoseAnswer, "two").await), "connection");
    assert_eq!(account.look("db").unwrap().versions.len(), 2);
    assert_eq!(code(&put(Fault::Truncate, "three").await), "unreadable");
    assert_eq!(account.look("db").unwrap().versions.len(), 3);
    assert_eq!(aws.calls().writes().count(), 3);
}

#[test]
fn a_reset_is_one_on_the_wire() {
    let (aws, _) = aws();
    aws.fault(Operation::GetCallerIdentity, Fault::Reset);
    let mut stream = TcpStream::connect(aws.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    write!(stream, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn sts_breaks_in_its_own_words() {
    let (aws, account) = aws();
    let client = sts(&aws.url(), &account.keys());
    for (fault, expected) in [
        (Fault::ServerError, "InternalFailure"),
        (Fault::Throttle { share: 1.0 }, "Throttling"),
        (Fault::NotJson, "an error without a code"),
        (Fault::Reset, "connection"),
    ] {
        aws.fault_times(Operation::GetCallerIdentity, fault.clone(), 1);
        assert_eq!(code(&client.get_caller_identity().send().await), expected, "{fault:?}");
    }
    aws.fault_everything(&Fault::Reset);
    assert_eq!(code(&client.get_caller_identity().send().await), "connection");
}
