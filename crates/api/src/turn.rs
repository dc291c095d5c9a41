//! Whose turn it is on a connection, the client's to ask or ours to answer, and
//! how long a client that has its turn is waited for. What is said is `server`'s
//! business.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

/// How long a client may take to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the whole head of the first request; and, where connections are scarce,
    /// for that of every further one.
    pub(crate) first: Duration,
    /// For the head of every further request, from the end of the answer before.
    pub(crate) further: Duration,
}

/// The turn on one connection. It begins with the client.
#[derive(Debug)]
pub(crate) struct Turn(Mutex<State>);

#[derive(Clone, Copy, Debug)]
struct State {
    /// Since when the client has its turn; none while it is answered.
    waiting: Option<Instant>,
    asked: bool,
}

impl Turn {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            waiting: Some(Instant::now()),
            asked: false,
        })))
    }

    /// Takes the turn for an answer, until the guard is dropped.
    pub(crate) fn take(self: &Arc<Self>) -> Answering {
        *self.state() = State {
            waiting: None,
            asked: true,
        };
        Answering(Arc::clone(self))
    }

    /// Returns once the client has let its turn pass.
    pub(crate) async fn passed(&self, patience: Patience, scarce: impl Fn() -> bool) {
        loop {
            let State { waiting, asked } = *self.state();
            let now = Instant::now();
            // Looked at again soon: whether connections are scarce changes meanwhile.
            let mut next = now + patience.first;
            if let Some(since) = waiting {
                let further = asked && !scarce();
                let end = since
                    + if further {
                        patience.further
                    } else {
                        patience.first
                    };
                if end <= now {
                    return;
                }
                next = next.min(end);
            }
            sleep_until(next).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this lives, the client waits for its answer.
#[derive(Debug)]
pub(crate) struct Answering(Arc<Turn>);

impl Answering {
    /// The same, until the last of `body` has been sent or given up.
    pub(crate) fn until_sent<B>(self, body: B) -> Sent<B> {
        Sent { body, _turn: self }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.state().waiting = Some(Instant::now());
    }
}

/// The body of an answer, which keeps the turn.
#[derive(Debug)]
pub(crate) struct Sent<B> {
    body: B,
    _turn: Answering,
}

impl<B: Body + Unpin> Body for Sent<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
