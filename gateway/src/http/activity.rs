//! When something last went over a connection, and whether a request of it is under way.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::identity::Connection;

/// Of one connection.
pub(crate) struct Activity {
    opened: Instant,
    /// Milliseconds after `opened`.
    last: AtomicU64,
    requests: AtomicU32,
}

/// A request that is under way, until it is dropped.
pub(crate) struct UnderWay<'a>(&'a Activity);

impl Activity {
    /// Of a connection that is opened now.
    pub(crate) fn new() -> Self {
        Self { opened: Instant::now(), last: AtomicU64::new(0), requests: AtomicU32::new(0) }
    }

    /// A request begins. It ends with the head of its answer; what follows shows as octets.
    pub(crate) fn request(&self) -> UnderWay<'_> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        UnderWay(self)
    }

    /// How long nothing has gone over the connection; `None` while a request is under way.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        let last = self.opened + Duration::from_millis(self.last.load(Ordering::Relaxed));
        (self.requests.load(Ordering::Relaxed) == 0).then(|| now.saturating_duration_since(last))
    }

    fn happened(&self) {
        let age = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(age, Ordering::Relaxed);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.happened();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The octets of a connection, which count as its activity.
pub(crate) struct Watched<S> {
    stream: S,
    connection: Arc<Connection>,
}

impl<S> Watched<S> {
    /// The stream of a connection.
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }

    fn seen(&self, outcome: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(outcome, Poll::Ready(Ok(1..))) {
            self.connection.activity().happened();
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.connection.activity().happened();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, octets);
        self.seen(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.seen(outcome)
    }
}
