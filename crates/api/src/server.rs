//! The accept loop: HTTP/1.1 over TCP with the limits that poem's own server
//! does not set. A client that is slow, silent or one of too many costs a
//! connection for a bounded time and nothing else. What a request means is
//! `service`'s business.

use std::{
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{body::Incoming, rt, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{
    Request,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Sleep, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::service::Service;

/// How much of the machine connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; further ones wait in the listener's queue.
    pub(crate) connections: usize,
    /// For the whole head of a request, and for an idle connection.
    pub(crate) head: Duration,
    /// For a client that does not take its answer.
    pub(crate) write: Duration,
    /// For requests that run when the service is asked to end.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            head: Duration::from_secs(10),
            write: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}

/// After a failed accept (no more descriptors, mostly) before the next.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The head of a request; far more than any browser sends.
const MAX_HEAD: usize = 32 * 1024;

/// Serves `listener` until `shutdown` is cancelled, then lets running requests
/// end for at most [`Limits::drain`].
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, permit)) = accepted else {
            break;
        };
        let connection = connection(stream, Arc::clone(&service), limits, shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    connections.close();
    if timeout(limits.drain, connections.wait()).await.is_err() {
        tracing::warn!("{} connections did not end in time", connections.len());
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some((stream, permit)),
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    service: Arc<Service>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    // Answers are small and complete: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let handle = service_fn(move |request: hyper::Request<Incoming>| {
        let service = Arc::clone(&service);
        let (local, remote) = (LocalAddr(local.into()), RemoteAddr(remote.into()));
        async move {
            let request = Request::from((request, local, remote, Scheme::HTTP));
            Ok::<_, Infallible>(hyper::Response::from(service.handle(request).await))
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(MAX_HEAD)
            .serve_connection(Impatient::new(TokioIo::new(stream), limits.write), handle)
    );
    let result = tokio::select! {
        result = &mut connection => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%remote, "a connection broke off: {error}");
    }
}

/// A connection on which a write that makes no progress for `patience` fails.
struct Impatient<S> {
    inner: S,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<S> Impatient<S> {
    fn new(inner: S, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            waiting: None,
        }
    }

    /// Passes on what a write came to, counting the time while it is pending.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: rt::Read + Unpin> rt::Read for Impatient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: rt::Write + Unpin> rt::Write for Impatient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, data);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, data);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        self.watch(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, shut)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, time::Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn write(
        connection: &mut Impatient<TokioIo<tokio::io::DuplexStream>>,
    ) -> io::Result<usize> {
        std::future::poll_fn(|cx| rt::Write::poll_write(Pin::new(connection), cx, &[0; 64])).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_let_go_after_thirty_seconds_and_a_slow_one_is_not() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut connection = Impatient::new(TokioIo::new(ours), PATIENCE);
        assert_eq!(write(&mut connection).await.ok(), Some(64));
        let slow = async {
            for _ in 0..3 {
                sleep(PATIENCE * 29 / 30).await;
                theirs.read_exact(&mut [0; 64]).await.unwrap();
            }
        };
        let writing = async {
            for _ in 0..3 {
                assert_eq!(write(&mut connection).await.ok(), Some(64));
            }
        };
        tokio::join!(slow, writing);
        let start = Instant::now();
        let failed = write(&mut connection).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed().as_secs(), PATIENCE.as_secs());
    }
}
