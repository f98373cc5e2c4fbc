//! Reads a review's body within bounds: of its own, and of all bodies that are in memory at once.

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::admission::review;

/// The largest review: an update of two objects of 1.5 MiB each, with what the API server escapes.
pub(super) const LIMIT: usize = 8 * 1024 * 1024;
/// What all bodies may take at once, in KiB.
pub(super) const IN_FLIGHT_KIB: usize = 64 * 1024;
/// What is read of a body over the limit, so that the client gets its answer instead of a reset.
const DRAINED: usize = 4 * LIMIT;
/// A piece of a body is accounted for in steps of this.
const KIB: usize = 1024;

/// A whole body, and its share of what may be in flight.
pub(super) struct Read<'a> {
    /// The bytes.
    pub(super) bytes: Bytes,
    /// Held as long as the bytes are.
    _share: Option<SemaphorePermit<'a>>,
}

/// Why there is no body.
pub(super) enum BodyError {
    /// More than [`LIMIT`].
    TooLarge {
        /// The review's uid, from its beginning.
        uid: String,
    },
    /// The client went away, or sent no valid HTTP.
    Broken(axum::Error),
}

/// Reads a body; waits while too many others are in flight.
///
/// Room is taken for what has arrived, not for what was announced: a client that announces much and sends nothing
/// keeps nobody waiting. The caller bounds the time, so bodies that wait for each other half-read end, too.
pub(super) async fn read(mut body: Body, in_flight: &Semaphore) -> Result<Read<'_>, BodyError> {
    let first = next(&mut body).await?.unwrap_or_default();
    let mut share = share(in_flight, first.len()).await;
    if body.is_end_stream() && first.len() <= LIMIT {
        return Ok(Read { bytes: first, _share: share });
    }
    let mut bytes = first.to_vec();
    while let Some(piece) = next(&mut body).await? {
        if bytes.len() + piece.len() > LIMIT {
            drain(&mut body, bytes.len()).await;
            return Err(BodyError::TooLarge { uid: review::uid_in_prefix(&bytes).unwrap_or_default() });
        }
        if let (Some(held), Some(more)) = (share.as_mut(), self::share(in_flight, piece.len()).await) {
            held.merge(more);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(Read { bytes: bytes.into(), _share: share })
}

async fn next(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(BodyError::Broken)?.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// A share for so many bytes, if there is one at once.
pub(super) fn try_share(semaphore: &Semaphore, bytes: usize) -> Option<SemaphorePermit<'_>> {
    semaphore.try_acquire_many(u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX)).ok()
}

async fn share(in_flight: &Semaphore, bytes: usize) -> Option<SemaphorePermit<'_>> {
    let steps = u32::try_from(bytes.div_ceil(KIB)).unwrap_or(u32::MAX);
    in_flight.acquire_many(steps).await.ok()
}

async fn drain(body: &mut Body, mut seen: usize) {
    while let Ok(Some(piece)) = next(body).await {
        seen += piece.len();
        if seen > DRAINED {
            return;
        }
    }
}
