//! Ports that accept a connection and are no camera at all.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinHandle,
    time::timeout,
};

/// A port of 127.0.0.1 with a fault behind it. Dropping it closes the port.
#[derive(Debug)]
pub struct FaultPort {
    port: u16,
    /// Held so that nobody else gets the port.
    _refusing: Option<TcpSocket>,
    serving: Option<JoinHandle<()>>,
}

impl FaultPort {
    /// Nothing listens, and nothing else can begin to.
    pub fn refusing() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be had");
        let any = "127.0.0.1:0".parse().expect("an address");
        socket.bind(any).expect("a free port can be had");
        let port = socket.local_addr().expect("it is bound").port();
        Self {
            port,
            _refusing: Some(socket),
            serving: None,
        }
    }

    /// Takes no connection and refuses none: what is sent there is lost, as at an address
    /// that nobody has.
    pub async fn full() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be had");
        let any = "127.0.0.1:0".parse().expect("an address");
        socket.bind(any).expect("a free port can be had");
        let listener = socket.listen(0).expect("a bound socket can listen");
        let address = listener.local_addr().expect("it is bound");
        let mut waiting = Vec::new();
        // Whoever comes when the queue is full hears nothing.
        while let Ok(peer) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await
        {
            waiting.push(peer.expect("a connection that is not refused"));
            assert!(waiting.len() < 64, "this system has no full queues");
        }
        Self {
            port: address.port(),
            _refusing: None,
            serving: Some(tokio::spawn(async move {
                let _held = (listener, waiting);
                std::future::pending::<()>().await;
            })),
        }
    }

    /// Accepts, reads, and never says a word.
    pub async fn silent() -> Self {
        Self::serve(async |mut peer: TcpStream| {
            let mut heard = [0; 1024];
            while peer.read(&mut heard).await.is_ok_and(|n| n > 0) {}
        })
        .await
    }

    /// Accepts and hangs up.
    pub async fn closing() -> Self {
        Self::serve(async |peer: TcpStream| drop(peer)).await
    }

    /// Answers every request with what no RTSP server says.
    pub async fn babbling() -> Self {
        Self::serve(async |mut peer: TcpStream| {
            let mut heard = [0; 1024];
            let nonsense: Vec<u8> = (0..4096_u32).map(|n| (n * 37 % 251) as u8).collect();
            while peer.read(&mut heard).await.is_ok_and(|n| n > 0) {
                if peer.write_all(&nonsense).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    /// Answers every request with this text.
    pub async fn answering(text: &'static str) -> Self {
        Self::serve(async move |mut peer: TcpStream| {
            let mut heard = [0; 1024];
            while peer.read(&mut heard).await.is_ok_and(|n| n > 0) {
                if peer.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        })
        .await
    }

    async fn serve<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port can be had");
        let port = listener.local_addr().expect("it is bound").port();
        let serving = tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                tokio::spawn(answer(peer));
            }
        });
        Self {
            port,
            _refusing: None,
            serving: Some(serving),
        }
    }

    /// An RTSP address on this port.
    pub fn url(&self, path: &str) -> String {
        format!("rtsp://127.0.0.1:{}{path}", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for FaultPort {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}
