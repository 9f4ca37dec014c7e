//! A bare TCP connection, for what no HTTP client would send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{pass, soon};

/// A bare connection.
pub(crate) struct Wire(TcpStream);

impl Wire {
    pub(super) async fn open(address: SocketAddr) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self(socket)
    }

    /// Sends bytes. Whether the other side takes them is its business.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Sends bytes; `false` when the other side has closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &str) -> bool {
        self.0.write_all(bytes.as_bytes()).await.is_ok()
    }

    /// Some bytes.
    pub(crate) async fn some(&mut self) -> String {
        let mut some = vec![0; 4096];
        let length = self.0.read(&mut some).await.unwrap();
        assert_ne!(length, 0, "the connection was closed");
        String::from_utf8_lossy(&some[..length]).into_owned()
    }

    /// Everything until the other side closes, with no bound on how long that takes.
    pub(crate) async fn end(&mut self) -> String {
        let mut all = Vec::new();
        let _ = self.0.read_to_end(&mut all).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads an event stream that shows that it lives once in so many seconds.
    pub(crate) async fn keeps_alive_every(&mut self, seconds: u64, times: usize) {
        let mut received = String::new();
        let came = |received: &str| received.matches(": keep-alive\n\n").count();
        self.more(&mut received, Duration::from_secs(1)).await;
        for time in 0..times {
            pass(seconds - 5).await;
            self.more(&mut received, Duration::from_millis(300)).await;
            assert_eq!(came(&received), time, "{received}");
            pass(5).await;
            let due = async {
                while came(&received) == time {
                    received.push_str(&self.some().await);
                }
            };
            soon("a sign of life", due).await;
        }
    }

    /// What comes within this time.
    async fn more(&mut self, received: &mut String, time: Duration) {
        let reading = async {
            loop {
                received.push_str(&self.some().await);
            }
        };
        let _: Result<(), _> = tokio::time::timeout(time, reading).await;
    }

    /// The head of one response.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
        };
        soon("the head of a response", reading).await;
        String::from_utf8_lossy(&head).into_owned()
    }

    /// The status of one response; 0 when the connection is closed without one.
    pub(crate) async fn status(&mut self) -> u16 {
        let head = self.head().await;
        let status = head.split(' ').nth(1).unwrap_or("0");
        status.parse().unwrap_or_else(|_| panic!("no status in {head:?}"))
    }
}
