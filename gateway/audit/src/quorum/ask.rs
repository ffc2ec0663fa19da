//! One question to one witness.

use super::conflict::{Conflict, Kind};
use super::{Address, Head, Reply, Shared};
use crate::witness::request;
use crypto::digest::{hex, sha256};
use crypto::merkle::{Checkpoint, Hash, LogError, verify_consistency};
use std::fmt;
use std::sync::Arc;

/// How often a witness may tell another old size within one question.
const TRIES: usize = 3;

/// How far a witness's clock may be ahead of ours, in seconds: beyond, what it says of the time is worth nothing.
const AHEAD: u64 = 300;

/// What came of a question.
pub(super) enum Asked {
    /// It cosigned the checkpoint of this size.
    Cosigned {
        size: u64,
        line: String,
    },
    /// Another process of this node had it cosign a larger checkpoint, which the log has.
    Overtaken {
        told: u64,
    },
    Failed(Failed),
    Conflict(Box<Conflict>),
}

/// Why a witness did not cosign, where that contradicts nothing.
#[derive(Debug)]
pub(super) enum Failed {
    /// None in time.
    NoAnswer(String),
    /// It does not know the log, or not its key, or takes the request for malformed.
    Refused(u16),
    /// Not an answer of the protocol.
    Unintelligible(&'static str),
    /// The time of its cosignature is not now.
    Clock,
    /// Our proof could not be made, or the task failed.
    Ours,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(why) => write!(f, "no answer: {why}"),
            Self::Refused(status @ 403) => write!(f, "it does not believe our key ({status})"),
            Self::Refused(status @ 404) => write!(f, "it does not know our log ({status})"),
            Self::Refused(status) => write!(f, "it answered {status}"),
            Self::Unintelligible(what) => write!(f, "its answer is {what}"),
            Self::Clock => f.write_str("the time of its cosignature lies in the future"),
            Self::Ours => f.write_str("the proof for it could not be made"),
        }
    }
}

impl Asked {
    /// A label of metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Cosigned { .. } => "cosigned",
            Self::Overtaken { .. } => "overtaken",
            Self::Failed(Failed::NoAnswer(_)) => "no_answer",
            Self::Failed(Failed::Refused(_)) => "refused",
            Self::Failed(Failed::Unintelligible(_)) => "unintelligible",
            Self::Failed(Failed::Clock) => "clock",
            Self::Failed(Failed::Ours) => "ours",
            Self::Conflict(conflict) => conflict.code(),
        }
    }
}

/// Asks a witness to cosign `head`. `known`: the largest size that it is known to have cosigned.
pub(super) async fn ask(shared: Arc<Shared>, index: usize, head: Arc<Head>, known: u64) -> Asked {
    let Some(address) = shared.addresses.get(index) else { return Asked::Failed(Failed::Ours) };
    let question = Question { shared: &shared, address, head: &head, known };
    match tokio::time::timeout(shared.terms.deadline, question.put()).await {
        Ok(asked) => asked,
        Err(_) => Asked::Failed(Failed::NoAnswer("none in time".to_owned())),
    }
}

struct Question<'q> {
    shared: &'q Shared,
    address: &'q Address,
    head: &'q Head,
    known: u64,
}

impl Question<'_> {
    async fn put(&self) -> Asked {
        if self.known > self.head.size {
            return Asked::Overtaken { told: self.known };
        }
        let mut old = self.known;
        for _ in 0..TRIES {
            let Ok(proof) = self.shared.log.consistency(old, self.head.size).await else {
                return Asked::Failed(Failed::Ours);
            };
            let body = request::body(old, &proof, &self.head.note);
            let reply = match self.shared.submitter.add_checkpoint(&self.address.prefix, body).await {
                Ok(reply) => reply,
                Err(why) => return Asked::Failed(Failed::NoAnswer(why.0)),
            };
            match reply.status {
                200 => return self.cosigned(&reply).await,
                409 => match told_size(&reply) {
                    None => return Asked::Failed(Failed::Unintelligible("a 409 without a size")),
                    Some(told) if told == old => {
                        return Asked::Failed(Failed::Unintelligible("a 409 with our own size"));
                    }
                    Some(told) if told < self.known => return self.conflict(Kind::Forgot { told }, old, &reply).await,
                    Some(told) if told > self.head.size => return self.ahead(told, old, &reply).await,
                    Some(told) => old = told,
                },
                422 => return self.conflict(Kind::OtherHistory, old, &reply).await,
                status @ (400 | 403 | 404) => return Asked::Failed(Failed::Refused(status)),
                status => return Asked::Failed(Failed::NoAnswer(format!("status {status}"))),
            }
        }
        Asked::Failed(Failed::Unintelligible("another old size each time"))
    }

    /// 200: its line must verify, whatever other lines there are.
    async fn cosigned(&self, reply: &Reply) -> Asked {
        let Ok(lines) = std::str::from_utf8(&reply.body) else {
            return Asked::Failed(Failed::Unintelligible("not text"));
        };
        match self.address.verifier.alone(&format!("{}{lines}", self.head.note)) {
            Ok((line, time)) => {
                let now = u64::try_from(self.shared.clock.now().unix_timestamp()).unwrap_or(0);
                if time > now.saturating_add(AHEAD) {
                    return Asked::Failed(Failed::Clock);
                }
                Asked::Cosigned { size: self.head.size, line }
            }
            Err(LogError::BadSignature) => self.conflict(Kind::FalseSignature, self.known, reply).await,
            Err(LogError::NoKnownSignature) => Asked::Failed(Failed::Unintelligible("without a line of its key")),
            Err(_) => Asked::Failed(Failed::Unintelligible("not signature lines")),
        }
    }

    /// 409 with more than we offered: what another process of this node had cosigned, or more than the log has.
    async fn ahead(&self, told: u64, old: u64, reply: &Reply) -> Asked {
        match self.shared.log.heads().await {
            Ok(heads) if told <= heads.committed => Asked::Overtaken { told },
            Ok(_) => self.conflict(Kind::Ahead { told }, old, reply).await,
            Err(_) => Asked::Failed(Failed::Ours),
        }
    }

    /// What contradicts us, with what the witness holds, where it shows that.
    async fn conflict(&self, kind: Kind, old: u64, reply: &Reply) -> Asked {
        let held = self.held().await;
        let proven = match &held {
            Some((_, checkpoint)) => self.forked(checkpoint).await,
            None => false,
        };
        Asked::Conflict(Box::new(Conflict {
            kind,
            old,
            status: reply.status,
            answer: String::from_utf8_lossy(&reply.body).chars().take(4096).collect(),
            submitted: self.head.note.clone(),
            held: held.map(|(note, _)| note),
            proven,
        }))
    }

    /// The checkpoint that the witness says that it cosigned last, where our own key signed it.
    async fn held(&self) -> Option<(String, Checkpoint)> {
        let log = self.shared.log.verifier();
        let hash = hex(&sha256(log.name().as_bytes()));
        let reply = self.shared.submitter.latest(&self.address.prefix, &hash).await.ok()?;
        let note = String::from_utf8(reply.body).ok().filter(|_| reply.status == 200)?;
        let checkpoint = Checkpoint::parse_text(log.verify(&note).ok()?).ok()?;
        (checkpoint.origin == log.name()).then_some((note, checkpoint))
    }

    /// Whether a checkpoint that our key signed is none of this log: larger than it, or not its beginning. That proves, to anybody, that the key signed
    /// two histories, or that this one was set back.
    async fn forked(&self, held: &Checkpoint) -> bool {
        let Ok(ours) = Checkpoint::parse_text(self.text()) else { return false };
        match self.shared.log.heads().await {
            Ok(heads) if held.size > heads.committed => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
        let (small, large) = if held.size <= ours.size { (held, &ours) } else { (&ours, held) };
        let proof: Vec<Hash> = match self.shared.log.consistency(small.size, large.size).await {
            Ok(proof) => proof,
            Err(_) => return false,
        };
        verify_consistency(small.size, &small.root, large.size, &large.root, &proof).is_err()
    }

    fn text(&self) -> &str {
        self.head.note.rfind("\n\n").and_then(|end| self.head.note.get(..=end)).unwrap_or_default()
    }
}

/// The size in a 409, which tlog-witness wants labelled, in plain decimal.
fn told_size(reply: &Reply) -> Option<u64> {
    if reply.content_type.split(';').next().map(str::trim) != Some("text/x.tlog.size") {
        return None;
    }
    let text = std::str::from_utf8(&reply.body).ok()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}
