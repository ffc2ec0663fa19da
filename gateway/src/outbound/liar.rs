//! For tests: a server on a loopback port that lies, or says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

type Answer = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync;

/// A server that counts how often it is asked.
pub(super) struct Liar {
    pub(super) host: String,
    asked: Arc<AtomicUsize>,
}

impl Liar {
    /// Gives everybody the same answer, which may name its own host.
    pub(super) async fn saying(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> Self {
        Self::serving(move |host| {
            let answer = answer(host);
            Arc::new(move |_: &[u8]| Some(answer.clone()))
        })
        .await
    }

    /// Answers with what `answer` makes of the body of the request.
    pub(super) async fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::serving(move |_| Arc::new(move |body: &[u8]| Some(answer(body)))).await
    }

    /// Keeps connections open and says nothing.
    pub(super) async fn silent() -> Self {
        Self::serving(|_| Arc::new(|_: &[u8]| None)).await
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.host)
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn serving(answer: impl FnOnce(&str) -> Arc<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), answer(&host));
        let count = asked.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let request = read_request(&mut stream).await;
                    match answer(&request) {
                        Some(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            let _ = stream.shutdown().await;
                        }
                        None => std::future::pending().await,
                    }
                });
            }
        });
        Self { host, asked }
    }
}

/// The body of one request, by its content-length.
async fn read_request(stream: &mut tokio::net::TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + length.unwrap_or(0) {
                return bytes.split_off(end);
            }
        }
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&piece[..read]),
            _ => return Vec::new(),
        }
    }
}

/// An HTTP/1.1 answer.
pub(crate) fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
