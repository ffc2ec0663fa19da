//! Request bodies: bounded in size and in time, whoever reads them.
//!
//! A body that trickles holds a connection, a buffer and a place in a queue. [`GuardedBody`] ends it when nothing arrives
//! for [`IDLE`], or when it falls behind [`SLOWEST`] for longer than [`GRACE`] (one byte now and then is not idle, but
//! never ends). Its errors are problem codes, found again by [`code_of`] under whatever a library wraps around them.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use schemas::ProblemCode;
use tokio::time::{Instant, Sleep};

use super::admission::BodyMeter;
use super::problem::Failure;

/// Longest silence within a body.
const IDLE: Duration = Duration::from_secs(10);

/// Slowest body that is read, in bytes a second, over its whole length after [`GRACE`].
const SLOWEST: u64 = 16 * 1024;

/// Time that any body may take.
const GRACE: Duration = Duration::from_secs(30);

/// How much of a refused body is read and thrown away, so that the refusal can be read.
const DRAIN_BYTES: u64 = 4 * 1024 * 1024;

/// For how long.
const DRAIN: Duration = Duration::from_secs(2);

/// Why a body broke off.
#[derive(Debug, Clone, Copy)]
struct Broken(ProblemCode);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Broken {}

/// Where the rest of a body is put back when its reader gives up, see [`drain`].
pub(crate) type Remainder = Arc<Mutex<Option<Body>>>;

/// A body with a deadline that moves with its progress.
pub(crate) struct GuardedBody {
    inner: Option<Body>,
    started: Instant,
    received: u64,
    /// Made when the body first keeps us waiting; most bodies arrive with their headers and need no timer.
    deadline: Option<Pin<Box<Sleep>>>,
    remainder: Remainder,
    meter: Arc<BodyMeter>,
    /// Since when the body keeps us waiting.
    waiting: Option<Instant>,
}

impl GuardedBody {
    /// Guards `inner`; what is not read comes back in the remainder, what arrives is told to the meter.
    pub(crate) fn new(inner: Body, meter: Arc<BodyMeter>) -> (Self, Remainder) {
        let remainder = Remainder::default();
        let (started, received, deadline) = (Instant::now(), 0, None);
        let (inner, waiting) = (Some(inner), None);
        (Self { inner, started, received, deadline, remainder: remainder.clone(), meter, waiting }, remainder)
    }

    fn late(&mut self, context: &mut Context<'_>) -> bool {
        let behind = self.started + GRACE + Duration::from_secs(self.received / SLOWEST);
        let until = behind.min(Instant::now() + IDLE);
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until))).as_mut().poll(context).is_ready()
    }
}

impl http_body::Body for GuardedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(inner) = self.inner.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(inner).poll_frame(context);
        if polled.is_pending() {
            self.waiting.get_or_insert_with(Instant::now);
        } else if let Some(since) = self.waiting.take() {
            self.meter.waited(since.elapsed());
        }
        match polled {
            Poll::Pending if self.late(context) => {
                self.inner = None;
                Poll::Ready(Some(Err(axum::Error::new(Broken(ProblemCode::RequestTimeout)))))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                self.received = self.received.saturating_add(bytes);
                self.meter.arrived(bytes);
                self.deadline = None;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => {
                // hyper reports a connection that ends before Content-Length or the last chunk, and a reset stream.
                self.inner = None;
                Poll::Ready(Some(Err(axum::Error::new(Broken(ProblemCode::TruncatedBody)))))
            }
            Poll::Ready(None) => {
                self.inner = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for GuardedBody {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            *self.remainder.lock().unwrap_or_else(PoisonError::into_inner) = Some(inner);
        }
    }
}

/// Reads on for a moment after a refusal. A connection that is closed with unread bytes is reset, and the reset overtakes
/// the answer: the client would see a broken connection where a problem was written.
pub(crate) async fn drain(remainder: &Remainder) {
    let rest = remainder.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(rest) = rest {
        discard(rest).await;
    }
}

/// The same for a body of which nobody has read.
pub(crate) async fn discard(mut rest: impl http_body::Body<Data = Bytes> + Unpin) {
    let reading = async {
        let mut drained = 0_u64;
        while let Some(Ok(frame)) = rest.frame().await {
            drained += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
            if drained > DRAIN_BYTES {
                return;
            }
        }
    };
    // Out of time: the answer may be lost, the node is not.
    let _ = tokio::time::timeout(DRAIN, reading).await;
}

/// The problem that ended a body, wherever it is in the chain of causes.
pub(crate) fn code_of(error: &(dyn Error + 'static)) -> ProblemCode {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(broken) = error.downcast_ref::<Broken>() {
            return broken.0;
        }
        next = error.source();
    }
    ProblemCode::TruncatedBody
}

/// The body as a stream of pieces.
pub(crate) fn pieces(body: Body) -> impl Stream<Item = Result<Bytes, ProblemCode>> + Send + Unpin {
    body.into_data_stream().map(|piece| piece.map_err(|error| code_of(&error)))
}

/// The whole body.
///
/// # Errors
/// `request.too_large` past `limit` (announced or arrived), `request.truncated_body`, `request.timeout`.
pub(crate) async fn whole(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let too_large = || Failure::new(ProblemCode::TooLarge).detail(format!("at most {limit} bytes"));
    if announced(headers).is_some_and(|bytes| bytes > limit as u64) {
        return Err(too_large());
    }
    let mut pieces = pieces(body);
    let Some(first) = pieces.next().await.transpose()? else { return Ok(Bytes::new()) };
    let mut all = BytesMut::from(first);
    while let Some(piece) = pieces.next().await.transpose()? {
        if all.len() + piece.len() > limit {
            return Err(too_large());
        }
        all.extend_from_slice(&piece);
    }
    if all.len() > limit { Err(too_large()) } else { Ok(all.freeze()) }
}

/// What Content-Length says; nothing for a body of unknown length.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(pieces: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static) -> (Body, Remainder) {
        let (body, remainder) = GuardedBody::new(Body::from_stream(pieces), Arc::default());
        (Body::new(body), remainder)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_falls_silent_times_out() {
        let silent = futures_util::stream::iter([Ok(Bytes::from_static(b"{"))]).chain(futures_util::stream::pending());
        let failure = whole(&HeaderMap::new(), guarded(silent).0, 100).await.unwrap_err();
        assert_eq!(failure.code(), ProblemCode::RequestTimeout);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_times_out() {
        let trickle = futures_util::stream::unfold((), |()| async {
            tokio::time::sleep(IDLE - Duration::from_secs(1)).await;
            Some((Ok(Bytes::from_static(b" ")), ()))
        });
        let before = Instant::now();
        let failure = whole(&HeaderMap::new(), guarded(trickle).0, 1000).await.unwrap_err();
        assert_eq!(failure.code(), ProblemCode::RequestTimeout);
        assert!(before.elapsed() < GRACE + IDLE);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_truncated_and_one_that_grows_is_too_large() {
        let broken = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)),
        ]);
        let failure = whole(&HeaderMap::new(), guarded(broken).0, 100).await.unwrap_err();
        assert_eq!(failure.code(), ProblemCode::TruncatedBody);
        let large = futures_util::stream::iter([Ok(Bytes::from_static(b"12")), Ok(Bytes::from_static(b"3"))]);
        assert_eq!(whole(&HeaderMap::new(), guarded(large).0, 2).await.unwrap_err().code(), ProblemCode::TooLarge);
    }

    #[tokio::test]
    async fn what_a_refused_body_still_sends_is_read() {
        let (read, counted) = tokio::sync::mpsc::unbounded_channel();
        let mut counted = counted;
        let pieces = futures_util::stream::iter((0..3).map(move |n| {
            read.send(n).unwrap();
            Ok(Bytes::from_static(b"piece"))
        }));
        let (body, remainder) = guarded(pieces);
        drop(body);
        drain(&remainder).await;
        let mut seen = Vec::new();
        while let Ok(n) = counted.try_recv() {
            seen.push(n);
        }
        assert_eq!(seen, [0, 1, 2]);
    }
}
