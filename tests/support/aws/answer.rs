//! Answers in the words of either protocol: JSON with `__type`, or XML; and those that are no answer at all.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::error::AwsError;
use super::identity::random_text;
use super::operation::Service;
use super::pipeline::half;

const JSON: &str = "application/x-amz-json-1.1";
const XML: &str = "text/xml";
pub(super) const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// What an operation gives back.
pub(crate) enum Answer {
    Json(Value),
    /// The result element; what is around it is added here.
    Xml(Element),
}

/// An element of an answer in XML.
pub(crate) struct Element {
    /// `AssumeRole`.
    pub(crate) operation: &'static str,
    /// Already escaped.
    pub(crate) content: String,
}

/// `<name>text</name>`, escaped.
pub(crate) fn element(name: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

/// In the form of a UUID.
pub(crate) fn request_id() -> String {
    let digits = random_text(32).to_lowercase();
    let hex: String =
        digits.chars().map(|c| char::from_digit(u32::from(c) % 16, 16).unwrap_or('0')).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

pub(super) fn success(answer: Answer, request_id: &str) -> Response {
    match answer {
        Answer::Json(value) => respond(200, JSON, value.to_string(), request_id),
        Answer::Xml(Element { operation, content }) => {
            let id = element("RequestId", request_id);
            let body = format!(
                "<{operation}Response xmlns=\"{STS_NAMESPACE}\"><{operation}Result>{content}</{operation}Result>\
                 <ResponseMetadata>{id}</ResponseMetadata></{operation}Response>"
            );
            respond(200, XML, body, request_id)
        }
    }
}

pub(super) fn refusal(service: Service, error: &AwsError, request_id: &str) -> Response {
    let AwsError { status, code, message } = error;
    match service {
        Service::SecretsManager => {
            let body = json!({"__type": code, "Message": message}).to_string();
            respond(*status, JSON, body, request_id)
        }
        Service::Sts => {
            let side = if *status < 500 { "Sender" } else { "Receiver" };
            let error = [element("Type", side), element("Code", code), element("Message", message)].concat();
            let id = element("RequestId", request_id);
            let body = format!(
                "<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error>{error}</Error>{id}</ErrorResponse>"
            );
            respond(*status, XML, body, request_id)
        }
    }
}

pub(super) fn html(request_id: &str) -> Response {
    respond(200, "text/html", "<html><body>Welcome to this network</body></html>".to_owned(), request_id)
}

pub(super) fn empty(service: Service, request_id: &str) -> Response {
    match service {
        Service::SecretsManager => respond(200, JSON, "{}".to_owned(), request_id),
        Service::Sts => respond(200, XML, "<Response/>".to_owned(), request_id),
    }
}

pub(super) fn plain(status: u16, text: &str) -> Response {
    respond(status, "text/plain", text.to_owned(), &request_id())
}

/// The same headers, half of the body, and then the end of the connection.
pub(super) async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let (bytes, length) = half(body).await;
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    // The pause lets the first half leave; without it the connection would end before the answer began.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    Response::from_parts(parts, Body::from_stream(stream::iter([Ok(bytes)]).chain(end)))
}

fn respond(status: u16, content_type: &'static str, body: String, request_id: &str) -> Response {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .header("x-amzn-requestid", request_id)
        .body(Body::from(body))
        .expect("a status and headers of ours")
}
