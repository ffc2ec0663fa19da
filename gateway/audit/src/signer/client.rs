//! The node's side of the socket.

use super::wire::{Answer, Question, frame, length};
use crate::log::{CheckpointSigner, LogFailure, Signing, Wanted};
use crypto::merkle::{Checkpoint, NoteVerifier};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the signer may take to say or to take in something. It syncs a small file in between.
const PATIENCE: Duration = Duration::from_secs(5);

/// A signer behind a Unix socket. Its public key is known beforehand: whoever listens there must sign with it, or nothing is published.
pub struct RemoteSigner {
    socket: PathBuf,
    verifier: NoteVerifier,
    /// Kept open from one question to the next.
    connection: Mutex<Option<UnixStream>>,
}

impl RemoteSigner {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(socket: &Path, verifier: NoteVerifier) -> Self {
        Self { socket: socket.to_owned(), verifier, connection: Mutex::new(None) }
    }

    /// Over the connection that is there, and once more over a new one where that has gone: a question that is repeated is answered alike.
    fn ask(&self, question: &Question) -> Result<Answer, LogFailure> {
        let body = question.to_bytes();
        let mut held = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let was_open = held.is_some();
        let mut answer = self.ask_over(held.take(), &body);
        if was_open && answer.is_err() {
            answer = self.ask_over(None, &body);
        }
        let (connection, answer) = answer.map_err(|error| self.away(&error))?;
        *held = Some(connection);
        Answer::parse(&answer).ok_or_else(|| self.away(&"an answer that is none"))
    }

    fn away(&self, why: &dyn std::fmt::Display) -> LogFailure {
        LogFailure::SignerAway(format!("{}: {why}", self.socket.display()))
    }

    fn ask_over(&self, connection: Option<UnixStream>, body: &[u8]) -> io::Result<(UnixStream, Vec<u8>)> {
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.write_all(&frame(body))?;
        let mut head = [0; 4];
        connection.read_exact(&mut head)?;
        let length = length(head).ok_or_else(|| io::Error::other("an answer beyond its bound"))?;
        let mut answer = vec![0; length];
        connection.read_exact(&mut answer)?;
        Ok((connection, answer))
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let connection = UnixStream::connect(&self.socket)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }
}

/// What the signer refuses, in the node's words.
fn refusal(answer: Answer) -> LogFailure {
    match answer {
        Answer::Inconsistent => LogFailure::Inconsistent,
        Answer::State(why) => LogFailure::SignerState(format!("of the process that signs: {why}")),
        Answer::Unavailable(why) => LogFailure::SignerAway(why),
        Answer::LastSigned(_) | Answer::Signed(_) | Answer::Moved | Answer::Unintelligible => {
            LogFailure::SignerAway("it does not understand this version's questions".to_owned())
        }
    }
}

impl CheckpointSigner for RemoteSigner {
    fn last_signed(&self) -> Result<Option<Checkpoint>, LogFailure> {
        match self.ask(&Question::LastSigned)? {
            Answer::LastSigned(None) => Ok(None),
            Answer::LastSigned(Some(text)) => {
                let last = Checkpoint::parse_text(&text).ok().filter(|last| last.origin == self.verifier.name());
                last.map(Some).ok_or_else(|| self.away(&"what it signed last is no tree of this log"))
            }
            other => Err(refusal(other)),
        }
    }

    fn sign(&self, wanted: &Wanted) -> Result<Signing, LogFailure> {
        match self.ask(&Question::Sign(wanted.clone()))? {
            Answer::Signed(note) => {
                // Whoever answers: nothing is published that is not this log's, over this tree.
                let text = self.verifier.verify(&note).map_err(|error| self.away(&error))?;
                let expected =
                    Checkpoint { origin: self.verifier.name().to_owned(), size: wanted.size, root: wanted.root };
                let is_expected = Checkpoint::parse_text(text).is_ok_and(|signed| signed == expected);
                if is_expected { Ok(Signing::Signed(note)) } else { Err(self.away(&"it signed another tree")) }
            }
            Answer::Moved => Ok(Signing::Moved),
            other => Err(refusal(other)),
        }
    }

    fn verifier(&self) -> NoteVerifier {
        self.verifier.clone()
    }
}
