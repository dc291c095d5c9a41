//! The accept loop: HTTP/1.1 over TCP with the limits that poem's own server
//! does not set. A client that is slow, silent or one of too many costs a
//! connection for a bounded time and nothing else. What a request means is
//! `service`'s business.

use std::{
    convert::Infallible,
    error::Error,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{
    body::{Body, Incoming},
    rt,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use poem::{
    Request,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{Sleep, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    service::Service,
    turn::{Patience, Turn},
};

/// How much of the machine connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once; further ones wait in the listener's queue.
    pub(crate) connections: usize,
    /// For a client that could ask and does not. Those that asked before are waited
    /// for longer than pools of clients keep a connection (90 s): one that is closed
    /// just as it is taken up again loses a request. Where more than half of all
    /// connections are taken, they are scarce.
    pub(crate) patience: Patience,
    /// For a client that does not take its answer.
    pub(crate) write: Duration,
    /// For requests that run when the service is asked to end.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            patience: Patience {
                first: Duration::from_secs(10),
                further: Duration::from_secs(120),
            },
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
        let (service, permits) = (Arc::clone(&service), Arc::clone(&permits));
        let shutdown = shutdown.clone();
        connections.spawn(async move {
            let scarce = || permits.available_permits() < limits.connections / 2;
            connection(stream, service, limits, scarce, shutdown).await;
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
    scarce: impl Fn() -> bool,
    shutdown: CancellationToken,
) {
    let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else {
        return;
    };
    // Answers are small and complete: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let answer = move |request: hyper::Request<Incoming>| {
        let service = Arc::clone(&service);
        let (local, remote) = (LocalAddr(local.into()), RemoteAddr(remote.into()));
        async move {
            let request = Request::from((request, local, remote, Scheme::HTTP));
            hyper::Response::from(service.handle(request).await)
        }
    };
    if let Err(error) = converse(stream, answer, limits, scarce, shutdown).await {
        tracing::debug!(%remote, "a connection broke off: {error}");
    }
}

/// Answers what comes over `stream` until either side ends it.
async fn converse<S, F, B>(
    stream: S,
    answer: impl Fn(hyper::Request<Incoming>) -> F,
    limits: Limits,
    scarce: impl Fn() -> bool,
    shutdown: CancellationToken,
) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: Future<Output = hyper::Response<B>>,
    B: Body + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let turn = Turn::new();
    let handle = service_fn(|request| {
        let (answering, answer) = (turn.take(), answer(request));
        async { Ok::<_, Infallible>(answer.await.map(|body| answering.until_sent(body))) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(MAX_HEAD)
            .serve_connection(Impatient::new(TokioIo::new(stream), limits.write), handle)
    );
    let mut passed = pin!(turn.passed(limits.patience, scarce));
    let mut ending = false;
    loop {
        tokio::select! {
            result = &mut connection => return result,
            () = &mut passed => return Ok(()),
            () = shutdown.cancelled(), if !ending => {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
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
    use bytes::Bytes;
    use poem::Response;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
        time::Instant,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    async fn write(connection: &mut Impatient<TokioIo<DuplexStream>>) -> io::Result<usize> {
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

    /// The seconds after which a connection is closed from its last byte on, where the
    /// client sends `said` and then nothing.
    async fn closed_after(said: &str, scarce: bool) -> u64 {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let answer = async |_| hyper::Response::from(Response::from(Bytes::from_static(b"yes")));
        let shutdown = CancellationToken::new();
        let client = async {
            theirs.write_all(said.as_bytes()).await.unwrap();
            let (mut last, mut answers) = (Instant::now(), [0; 4096]);
            while theirs.read(&mut answers).await.is_ok_and(|n| n > 0) {
                last = Instant::now();
            }
            last.elapsed().as_secs()
        };
        let serving = converse(ours, answer, Limits::default(), || scarce, shutdown);
        tokio::join!(serving, client).1
    }

    const GET: &str = "GET / HTTP/1.1\r\nhost: me\r\n\r\n";

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_nothing_is_let_go_after_ten_seconds() {
        assert_eq!(closed_after("", false).await, 10);
        assert_eq!(closed_after("GET / HT", false).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_asked_may_ask_again_for_two_minutes_while_there_is_room() {
        assert_eq!(closed_after(GET, false).await, 120);
        assert_eq!(closed_after(&format!("{GET}GET / HT"), false).await, 120);
        assert_eq!(closed_after(GET, true).await, 10);
        assert_eq!(closed_after(&format!("{GET}GET / HT"), true).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_longer_than_a_question() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let answer = async |_| {
            sleep(Duration::from_secs(600)).await;
            hyper::Response::from(Response::from(Bytes::from_static(b"yes")))
        };
        let (limits, shutdown) = (Limits::default(), CancellationToken::new());
        let client = async {
            theirs.write_all(GET.as_bytes()).await.unwrap();
            let mut answers = Vec::new();
            theirs.read_to_end(&mut answers).await.unwrap();
            String::from_utf8(answers).unwrap()
        };
        let (_, said) = tokio::join!(converse(ours, answer, limits, || true, shutdown), client);
        assert!(said.ends_with("yes"), "{said}");
    }
}
