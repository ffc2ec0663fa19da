//! Malware scanning by clamd: the client of its command INSTREAM (clamd(8)), over a Unix socket or TCP.
//!
//! ```text
//! we say      zINSTREAM NUL   then for each piece: its length (u32 big-endian) and its octets;   length 0 ends
//! it answers  stream: OK NUL | stream: <signature> FOUND NUL | INSTREAM size limit exceeded. ERROR NUL | COMMAND READ TIMED OUT LF
//! ```
//!
//! | clamd | what comes of it |
//! |---|---|
//! | is not there, or refuses the connection | [`NotScanned::Unreachable`] |
//! | does not take in a piece, or does not answer, in time | [`NotScanned::TooSlow`] |
//! | goes away in the middle | what it said before it went, else [`NotScanned::BrokenOff`] |
//! | gives up at StreamMaxLength or ReadTimeout; finds one of its bounds exceeded (`Heuristics.Limits.Exceeded.*`) | [`NotScanned::ScannersBound`] |
//! | finds what it cannot look into (`Heuristics.Encrypted.*`) | [`NotScanned::Encrypted`] |
//! | says OK before it has everything | [`NotScanned::Unintelligible`]: it cannot know |
//! | says something else than the above, too much, or half of it | [`NotScanned::Unintelligible`], with the name of what is wrong |
//! | says FOUND, whenever | [`Verdict::Infected`] |
//!
//! A clamd that could not be connected with three times in a row rests ([`super::breaker`]): documents that come meanwhile do not wait
//! for it. Only connecting counts. If slow answers counted, three documents that are made to be slow would switch the scanner off for
//! everybody else.
//!
//! A document above the configured maximum is sent up to there and no further. Nothing is tried twice: the document has streamed
//! by. What a verdict that was not reached means for the document is not decided here ([`exchange::scan::Unavailable`]).
//!
//! The limits of clamd are clamd's: without `AlertExceedsMax yes` in clamd.conf it answers OK for what lies beyond MaxFileSize
//! and was not looked at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use exchange::scan::{NotScanned, Scan, Scanner, Verdict};
use storage::Clock;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::breaker::Breakers;
use crate::config::{ClamdAddress, ScanConfig};

/// How long clamd may take.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    /// To be connected with, and for a place among the scans before.
    connect: Duration,
    /// To take in one piece.
    piece: Duration,
    /// To answer, once it has everything.
    answer: Duration,
    /// To say why, once it has gone.
    last_words: Duration,
}

/// clamd may scan for two minutes (MaxScanTime); a piece that it takes longer than ten seconds to take in, it does not take in.
const DEADLINES: Deadlines = Deadlines {
    connect: Duration::from_secs(3),
    piece: Duration::from_secs(10),
    answer: Duration::from_secs(130),
    last_words: Duration::from_secs(1),
};

/// Scans at a time. clamd has ten to twelve threads (MaxThreads) and queues the rest.
const SCANS: usize = 64;

/// Octets of a piece; clamd takes any number.
const PIECE_BYTES: usize = 64 * 1024;

/// Longest answer. Names of signatures have some 60 octets.
const ANSWER_BYTES: usize = 1024;

/// Longest name of a signature that is handed on.
const SIGNATURE_BYTES: usize = 200;

/// A scanner that asks clamd. Cheap to clone.
#[derive(Clone)]
pub struct Clamd(Arc<Inner>);

struct Inner {
    address: ClamdAddress,
    maximum_bytes: u64,
    deadlines: Deadlines,
    places: Arc<Semaphore>,
    breakers: Breakers,
    clock: Arc<dyn Clock>,
}

/// The only host that the breakers of a scanner know.
const HOST: &str = "clamd";

impl Clamd {
    /// As the configuration says; None where it names no clamd. Nothing is connected yet.
    #[must_use]
    pub fn of_config(config: &ScanConfig, clock: Arc<dyn Clock>) -> Option<Self> {
        let address = config.clamd.clone()?;
        Some(Self::new(address, config.maximum_bytes, DEADLINES, clock))
    }

    fn new(address: ClamdAddress, maximum_bytes: u64, deadlines: Deadlines, clock: Arc<dyn Clock>) -> Self {
        let (places, breakers) = (Arc::new(Semaphore::new(SCANS)), Breakers::new());
        Self(Arc::new(Inner { address, maximum_bytes, deadlines, places, breakers, clock }))
    }

    /// A connection on which clamd waits for the first piece.
    async fn connect(&self) -> Result<Connection, NotScanned> {
        let Inner { address, deadlines, places, breakers, clock, .. } = &*self.0;
        let place = timeout(deadlines.connect, Arc::clone(places).acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(NotScanned::Busy)?;
        if !breakers.permits(HOST, clock.now()) {
            return Err(NotScanned::Unreachable);
        }
        let opened = timeout(deadlines.connect, open(address)).await.ok().and_then(Result::ok);
        breakers.ended(HOST, clock.now(), opened.is_some());
        let mut stream = opened.ok_or(NotScanned::Unreachable)?;
        let greeted = timeout(deadlines.connect, stream.write_all(INSTREAM)).await;
        greeted.map_err(|_| NotScanned::TooSlow)?.map_err(|_| NotScanned::BrokenOff)?;
        Ok(Connection { stream, deadlines: *deadlines, frame: Vec::new(), _place: place })
    }
}

impl Scanner for Clamd {
    fn begin(&self) -> Pin<Box<dyn Future<Output = Box<dyn Scan>> + Send + '_>> {
        Box::pin(async {
            let state = match self.connect().await {
                Ok(connection) => State::Open(connection),
                Err(why) => State::Ended(Verdict::NotScanned(why)),
            };
            Box::new(ClamdScan { state, left: self.0.maximum_bytes }) as Box<dyn Scan>
        })
    }
}

/// One document.
struct ClamdScan {
    state: State,
    /// Octets that may still be sent.
    left: u64,
}

enum State {
    Open(Connection),
    Ended(Verdict),
}

impl Scan for ClamdScan {
    fn feed<'a>(&'a mut self, octets: &'a [u8]) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            // An empty piece would be the end.
            for piece in octets.chunks(PIECE_BYTES) {
                let State::Open(connection) = &mut self.state else { return };
                let ended = match self.left.checked_sub(piece.len() as u64) {
                    None => Some(Verdict::NotScanned(NotScanned::TooLarge)),
                    Some(left) => {
                        self.left = left;
                        connection.send(piece).await.err()
                    }
                };
                if let Some(verdict) = ended {
                    self.state = State::Ended(verdict);
                }
            }
        })
    }

    fn finish(self: Box<Self>) -> Pin<Box<dyn Future<Output = Verdict> + Send>> {
        Box::pin(async move {
            match self.state {
                State::Open(connection) => connection.finish().await,
                State::Ended(verdict) => verdict,
            }
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn open(address: &ClamdAddress) -> std::io::Result<Box<dyn Stream>> {
    Ok(match address {
        ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        ClamdAddress::Tcp(address) => Box::new(TcpStream::connect(address.as_str()).await?),
    })
}

struct Connection {
    stream: Box<dyn Stream>,
    deadlines: Deadlines,
    /// Length and octets of a piece, so that they leave together.
    frame: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Sends one piece. An error is the verdict: clamd takes in nothing more.
    async fn send(&mut self, piece: &[u8]) -> Result<(), Verdict> {
        let length = u32::try_from(piece.len()).map_err(|_| Verdict::NotScanned(NotScanned::TooLarge))?;
        self.frame.clear();
        self.frame.extend_from_slice(&length.to_be_bytes());
        self.frame.extend_from_slice(piece);
        match timeout(self.deadlines.piece, self.stream.write_all(&self.frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.last_words(Vec::new()).await),
            Err(_) => Err(Verdict::NotScanned(NotScanned::TooSlow)),
        }
    }

    /// Ends the document and reads the verdict.
    async fn finish(mut self) -> Verdict {
        let early = self.early().await;
        if !early.is_empty() {
            return self.last_words(early).await;
        }
        if let Err(verdict) = self.send(&[]).await {
            return verdict;
        }
        match timeout(self.deadlines.answer, self.answer(Vec::new())).await {
            Ok(Ok(answer)) => verdict(&answer),
            Ok(Err(why)) => Verdict::NotScanned(why),
            Err(_) => Verdict::NotScanned(NotScanned::TooSlow),
        }
    }

    /// What clamd says although it was not asked yet.
    async fn early(&mut self) -> Vec<u8> {
        let mut piece = [0; ANSWER_BYTES];
        match timeout(Duration::ZERO, self.stream.read(&mut piece)).await {
            Ok(Ok(read)) => piece[..read].to_vec(),
            _ => Vec::new(),
        }
    }

    /// Why clamd ended before the document did. OK is no reason.
    async fn last_words(&mut self, begun: Vec<u8>) -> Verdict {
        let limit = self.deadlines.last_words;
        let said = match timeout(limit, self.answer(begun)).await {
            Ok(Ok(answer)) => verdict(&answer),
            Ok(Err(why)) => Verdict::NotScanned(why),
            Err(_) => Verdict::NotScanned(NotScanned::BrokenOff),
        };
        match said {
            Verdict::Clean => Verdict::NotScanned(NotScanned::Unintelligible(PREMATURE)),
            said => said,
        }
    }

    /// Reads an answer to its terminator, which is left out.
    async fn answer(&mut self, mut answer: Vec<u8>) -> Result<Vec<u8>, NotScanned> {
        loop {
            if let Some(end) = answer.iter().position(|octet| [0, b'\n'].contains(octet)) {
                let is_last = end + 1 == answer.len();
                answer.truncate(end);
                return if is_last { Ok(answer) } else { Err(NotScanned::Unintelligible(TRAILING)) };
            }
            if answer.len() >= ANSWER_BYTES {
                return Err(NotScanned::Unintelligible(TOO_LONG));
            }
            let mut piece = [0; ANSWER_BYTES];
            match self.stream.read(&mut piece).await {
                Ok(0) | Err(_) if answer.is_empty() => return Err(NotScanned::BrokenOff),
                Ok(0) | Err(_) => return Err(NotScanned::Unintelligible(UNTERMINATED)),
                Ok(read) => answer.extend_from_slice(&piece[..read]),
            }
        }
    }
}

/// What an answer means, whenever it came.
fn verdict(answer: &[u8]) -> Verdict {
    match std::str::from_utf8(answer) {
        Err(_) => Verdict::NotScanned(NotScanned::Unintelligible(NOT_TEXT)),
        Ok("") => Verdict::NotScanned(NotScanned::Unintelligible(EMPTY)),
        Ok("stream: OK") => Verdict::Clean,
        Ok("INSTREAM size limit exceeded. ERROR" | "COMMAND READ TIMED OUT") => {
            Verdict::NotScanned(NotScanned::ScannersBound)
        }
        Ok(text) => match text.strip_prefix("stream: ").and_then(|rest| rest.strip_suffix("FOUND")) {
            Some(name) => found(name),
            None if text.ends_with(" ERROR") => Verdict::NotScanned(NotScanned::ScannerFailed),
            None => Verdict::NotScanned(NotScanned::Unintelligible(UNKNOWN)),
        },
    }
}

/// Some of what clamd finds is that it found nothing out.
fn found(name: &str) -> Verdict {
    let Some(name) = name.strip_suffix(' ').filter(|name| !name.is_empty()) else {
        return Verdict::NotScanned(NotScanned::Unintelligible(UNNAMED));
    };
    if name.starts_with("Heuristics.Limits.Exceeded") {
        return Verdict::NotScanned(NotScanned::ScannersBound);
    }
    if name.starts_with("Heuristics.Encrypted") {
        return Verdict::NotScanned(NotScanned::Encrypted);
    }
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    Verdict::Infected { signature: name.chars().take(SIGNATURE_BYTES).map(printable).collect() }
}

const INSTREAM: &[u8] = b"zINSTREAM\0";
const EMPTY: &str = "scan.answer_empty";
const UNTERMINATED: &str = "scan.answer_unterminated";
const TOO_LONG: &str = "scan.answer_too_long";
const TRAILING: &str = "scan.answer_trailing";
const NOT_TEXT: &str = "scan.answer_not_text";
const UNKNOWN: &str = "scan.answer_unknown";
const UNNAMED: &str = "scan.answer_unnamed";
const PREMATURE: &str = "scan.answer_premature";

#[cfg(test)]
#[path = "clamd_tests.rs"]
mod tests;
