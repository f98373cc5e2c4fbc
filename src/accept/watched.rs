//! What a router's answers are to the connection that they go over: its place is busy until the last byte, and the last
//! answer says goodbye.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use axum::{BoxError, Router};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::places::Busy;

/// Answers a request. `is_last`: whether the next answer is the last of an HTTP/1 connection.
pub(super) async fn answer<B>(
    router: Router,
    busy: Busy,
    is_last: Arc<AtomicBool>,
    request: Request<B>,
) -> Result<Response, Infallible>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut response = router.oneshot(request).await?;
    if is_last.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let busy = Arc::new(busy);
    Ok(response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            frame.map_data(|bytes| Bytes::from_owner(Sending { bytes, _busy: Arc::clone(&busy) }))
        }))
    }))
}

/// Bytes that are on their way: dropped when they are sent, or given up.
struct Sending {
    bytes: Bytes,
    _busy: Arc<Busy>,
}

impl AsRef<[u8]> for Sending {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
