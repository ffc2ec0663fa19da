//! Which checkpoints are believed: so many of these witnesses must have cosigned (C2SP tlog-policy).

use std::collections::HashMap;

use super::note::Note;
use super::{Checkpoint, CosignatureVerifier, LogError, NoteVerifier};

/// A policy: logs, witnesses, and the quorum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    /// What can be a member or the quorum, in the order of the file: a group's members come before it.
    nodes: Vec<Node>,
    /// `None`: no cosignature is needed.
    quorum: Option<usize>,
}

/// A log that the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    /// Its key; the name is the log's origin.
    pub verifier: NoteVerifier,
    /// Where to find it; the sense is the application's.
    pub url: Option<Vec<u8>>,
}

/// A witness that the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// Its name within the policy: octets without a sense of their own.
    pub name: Vec<u8>,
    /// Its key.
    pub verifier: CosignatureVerifier,
    /// Where to submit checkpoints to it.
    pub url: Option<Vec<u8>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Witness(usize),
    Group { threshold: usize, members: Vec<usize> },
}

/// A checkpoint that a log signed and that is cosigned as a policy asks. Only [`Policy::judge`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessedCheckpoint {
    checkpoint: Checkpoint,
    cosignatures: Vec<(Vec<u8>, u64)>,
}

impl WitnessedCheckpoint {
    /// The checkpoint.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Which witnesses of the policy cosigned it, by their names in the policy, and when (POSIX seconds). That a time lies in the future is for the
    /// caller to judge, who has a clock.
    pub fn cosignatures(&self) -> &[(Vec<u8>, u64)] {
        &self.cosignatures
    }
}

/// Why a policy was not accepted, and at which line (from 1; behind the last where something is missing).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// More octets, logs, witnesses or groups than are read.
    #[error("the policy is larger than is read")]
    TooLarge,
    /// A control character other than tab and newline.
    #[error("a control character")]
    ControlCharacter,
    /// The last line does not end.
    #[error("the last line does not end in a newline")]
    Unterminated,
    /// The first word is none of `log`, `witness`, `group`, `quorum`.
    #[error("an unknown keyword")]
    Keyword,
    /// Too few words, or too many.
    #[error("a wrong number of words")]
    Words,
    /// Not a verifier key of the type that this line needs.
    #[error("not a verifier key of the right type (0x01 for logs, 0x04 for witnesses)")]
    Key,
    /// The same public key again.
    #[error("the same key again")]
    DuplicateKey,
    /// A name that is taken, or `none`.
    #[error("the name is taken")]
    NameTaken,
    /// A name that no line before this one defines.
    #[error("the name is not defined before this line")]
    UnknownName,
    /// A member of a group that is a member already.
    #[error("a member already belongs to a group")]
    MemberTwice,
    /// A threshold that is no number from 1 to the number of members.
    #[error("the threshold is not `all`, `any`, or a number from 1 to the number of members")]
    Threshold,
    /// A second quorum.
    #[error("a second quorum")]
    SecondQuorum,
    /// No quorum at all.
    #[error("no quorum")]
    NoQuorum,
}

impl Policy {
    /// Reads a policy file, strictly.
    ///
    /// # Errors
    /// The first line that is not as tlog-policy has it.
    pub fn parse(file: &[u8]) -> Result<Self, PolicyError> {
        let whole = |fault| PolicyError { line: 1, fault };
        if file.len() > MAX_FILE {
            return Err(whole(PolicyFault::TooLarge));
        }
        let mut reader = Reader::default();
        let mut lines = 0;
        for (number, line) in (1..).zip(file.split_inclusive(|octet| *octet == b'\n')) {
            reader.line(line).map_err(|fault| PolicyError { line: number, fault })?;
            lines = number;
        }
        let Reader { logs, witnesses, nodes, quorum, .. } = reader;
        let quorum = quorum.ok_or(PolicyError { line: lines + 1, fault: PolicyFault::NoQuorum })?;
        Ok(Self { logs, witnesses, nodes, quorum })
    }

    /// The logs, in the order of the file.
    pub fn logs(&self) -> &[PolicyLog] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    pub fn witnesses(&self) -> &[PolicyWitness] {
        &self.witnesses
    }

    /// The checkpoint of `note`, where a log of the policy signed it under its own name, and the witnesses that cosigned it make the quorum. `known`
    /// is the log where it is known from elsewhere: then the note must be signed by it, and where the policy lists logs it must be one of them.
    ///
    /// # Errors
    /// [`LogError::Malformed`] where it is no note over a checkpoint; [`LogError::NoKnownSignature`] where no such log signed it;
    /// [`LogError::WrongOrigin`] where the log that is known signed for another name; [`LogError::BadSignature`] where any line of a key that the
    /// policy knows does not verify; [`LogError::NoQuorum`] otherwise.
    pub fn judge(&self, note: &str, known: Option<&NoteVerifier>) -> Result<WitnessedCheckpoint, LogError> {
        let note = Note::parse(note)?;
        let checkpoint = Checkpoint::parse_text(note.text)?;
        self.signed_by_log(&note, &checkpoint, known)?;
        let mut times = Vec::with_capacity(self.witnesses.len());
        for witness in &self.witnesses {
            times.push(witness.verifier.cosigned(&note)?);
        }
        let cosigned = times.iter().flatten().count();
        if !self.is_quorum(&times) {
            return Err(LogError::NoQuorum { cosigned });
        }
        let named = self.witnesses.iter().zip(times);
        let cosignatures = named.filter_map(|(witness, time)| Some((witness.name.clone(), time?))).collect();
        Ok(WitnessedCheckpoint { checkpoint, cosignatures })
    }

    /// Whether cosignatures of these witnesses, said in the order of [`Policy::witnesses`], would make the quorum.
    pub fn would_suffice(&self, cosigned: &[bool]) -> bool {
        let times: Vec<Option<u64>> = cosigned.iter().map(|cosigned| cosigned.then_some(1)).collect();
        self.is_quorum(&times)
    }

    /// Whether the policy accepts checkpoints of this log: it lists it, or no log at all.
    pub fn accepts(&self, log: &NoteVerifier) -> bool {
        self.logs.is_empty() || self.logs.iter().any(|listed| listed.verifier == *log)
    }

    fn signed_by_log(
        &self,
        note: &Note<'_>,
        checkpoint: &Checkpoint,
        known: Option<&NoteVerifier>,
    ) -> Result<(), LogError> {
        if let Some(known) = known {
            if checkpoint.origin != known.name() {
                return Err(LogError::WrongOrigin);
            }
            if !known.signed(note)? || !self.accepts(known) {
                return Err(LogError::NoKnownSignature);
            }
        }
        let mut signed = known.is_some();
        for log in self.logs.iter().filter(|log| log.verifier.name() == checkpoint.origin) {
            signed |= log.verifier.signed(note)?;
        }
        if signed { Ok(()) } else { Err(LogError::NoKnownSignature) }
    }

    /// Members come before their groups, so one pass tells.
    fn is_quorum(&self, times: &[Option<u64>]) -> bool {
        let mut witnessed: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let so = match node {
                Node::Witness(number) => times.get(*number).is_some_and(Option::is_some),
                Node::Group { threshold, members } => {
                    let count = members.iter().filter(|member| witnessed.get(**member) == Some(&true)).count();
                    count >= *threshold
                }
            };
            witnessed.push(so);
        }
        self.quorum.is_none_or(|quorum| witnessed.get(quorum) == Some(&true))
    }
}

/// What the lines so far said.
#[derive(Default)]
struct Reader<'f> {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    nodes: Vec<Node>,
    names: HashMap<&'f [u8], usize>,
    /// Of each node, whether it is a member of a group.
    members: Vec<bool>,
    quorum: Option<Option<usize>>,
}

impl<'f> Reader<'f> {
    fn line(&mut self, line: &'f [u8]) -> Result<(), PolicyFault> {
        let line = line.strip_suffix(b"\n").ok_or(PolicyFault::Unterminated)?;
        if line.iter().any(|octet| (*octet < b' ' && *octet != b'\t') || *octet == 0x7f) {
            return Err(PolicyFault::ControlCharacter);
        }
        let words: Vec<&[u8]> =
            line.split(|octet| matches!(octet, b' ' | b'\t')).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with(b"#") => Ok(()),
            [b"log", vkey, url @ ..] => self.log(vkey, one_at_most(url)?),
            [b"witness", name, vkey, url @ ..] => self.witness(name, vkey, one_at_most(url)?),
            [b"group", name, threshold, members @ ..] => self.group(name, threshold, members),
            [b"quorum", name] => self.quorum(name),
            [b"log" | b"witness" | b"group" | b"quorum", ..] => Err(PolicyFault::Words),
            _ => Err(PolicyFault::Keyword),
        }
    }

    fn log(&mut self, vkey: &[u8], url: Option<Vec<u8>>) -> Result<(), PolicyFault> {
        let vkey = std::str::from_utf8(vkey).map_err(|_| PolicyFault::Key)?;
        let verifier = NoteVerifier::from_vkey(vkey).map_err(|_| PolicyFault::Key)?;
        // "Two vkeys are considered duplicate if they wrap the same underlying public key, even if they differ by key name and key id."
        if self.logs.iter().any(|log| log.verifier.key() == verifier.key()) {
            return Err(PolicyFault::DuplicateKey);
        }
        within_bounds(self.logs.len())?;
        self.logs.push(PolicyLog { verifier, url });
        Ok(())
    }

    fn witness(&mut self, name: &'f [u8], vkey: &[u8], url: Option<Vec<u8>>) -> Result<(), PolicyFault> {
        let vkey = std::str::from_utf8(vkey).map_err(|_| PolicyFault::Key)?;
        let verifier = CosignatureVerifier::from_vkey(vkey).map_err(|_| PolicyFault::Key)?;
        if self.witnesses.iter().any(|witness| witness.verifier.key() == verifier.key()) {
            return Err(PolicyFault::DuplicateKey);
        }
        self.define(name, Node::Witness(self.witnesses.len()))?;
        self.witnesses.push(PolicyWitness { name: name.to_vec(), verifier, url });
        Ok(())
    }

    fn group(&mut self, name: &'f [u8], threshold: &[u8], members: &[&'f [u8]]) -> Result<(), PolicyFault> {
        if members.is_empty() {
            return Err(PolicyFault::Words);
        }
        let mut numbers = Vec::with_capacity(members.len());
        for member in members {
            let number = *self.names.get(member).ok_or(PolicyFault::UnknownName)?;
            let taken = self.members.get_mut(number).ok_or(PolicyFault::UnknownName)?;
            if std::mem::replace(taken, true) {
                return Err(PolicyFault::MemberTwice);
            }
            numbers.push(number);
        }
        let threshold = match threshold {
            b"all" => numbers.len(),
            b"any" => 1,
            number => decimal(number).filter(|k| (1..=numbers.len()).contains(k)).ok_or(PolicyFault::Threshold)?,
        };
        self.define(name, Node::Group { threshold, members: numbers })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), PolicyFault> {
        if self.quorum.is_some() {
            return Err(PolicyFault::SecondQuorum);
        }
        let quorum = if name == NONE { None } else { Some(*self.names.get(name).ok_or(PolicyFault::UnknownName)?) };
        self.quorum = Some(quorum);
        Ok(())
    }

    fn define(&mut self, name: &'f [u8], node: Node) -> Result<(), PolicyFault> {
        if name == NONE || self.names.contains_key(name) {
            return Err(PolicyFault::NameTaken);
        }
        within_bounds(self.nodes.len())?;
        self.names.insert(name, self.nodes.len());
        self.nodes.push(node);
        self.members.push(false);
        Ok(())
    }
}

fn one_at_most(words: &[&[u8]]) -> Result<Option<Vec<u8>>, PolicyFault> {
    match words {
        [] => Ok(None),
        [word] => Ok(Some(word.to_vec())),
        _ => Err(PolicyFault::Words),
    }
}

fn within_bounds(count: usize) -> Result<(), PolicyFault> {
    if count < MAX_DEFINED { Ok(()) } else { Err(PolicyFault::TooLarge) }
}

/// Decimal without sign and leading zeros.
fn decimal(text: &[u8]) -> Option<usize> {
    let plain = text.iter().all(u8::is_ascii_digit) && !text.starts_with(b"0");
    if plain { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

const NONE: &[u8] = b"none";
/// The specification asks for at least 32 of each kind; every witness is a signature to be verified.
const MAX_DEFINED: usize = 256;
const MAX_FILE: usize = 256 << 10;
