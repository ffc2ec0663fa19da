//! Parts on their way past the scanner: what it is given of them, and what becomes of them by its verdict.
//!
//! **What is given.** The octets of a part, as they were handed in, while they stream by. A scanner unpacks archives and office files, but no
//! CMS: where a part says that it is SignedData, the content inside is a second document for the scanner, however its octets are segmented,
//! and so on for files that were signed around signed files, `LAYERS` deep. A signed file whose content nobody can find counts
//! as not scanned: what one reader cannot unwrap, another may.
//!
//! **What is sealed.** Of an envelope of CMS no scanner can say anything, so "clean" is not said either: the mark is
//! [`ScanResult::Encrypted`]. It is given to the scanner all the same, because the first octets of a file are easily forged: they can take
//! a "clean" away, and nothing else. Only on a channel whose operator declared that documents come sealed by their sender an envelope
//! passes without a verdict.
//!
//! **What comes of it.** Infected: the part is refused, and A.2 names what was recognised. Not scanned: as the operator decided
//! ([`Unavailable`]). All else passes with its mark, which A.1 and every later evidence carries, and the recipient reads.
//!
//! A node without a scanner asks for none of this and pays nothing; its parts have no mark.

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::future::join_all;
use schemas::ProblemCode;
use schemas::message::{Envelope, Part, PartRole};
use schemas::scan::{PartScan, ScanResult};
use signing::validate::{ContentStream, FileKind, ReadError};

use crate::refusal::Refusal;
use crate::scan::{NotScanned, Passage, Scan, Scanner, Stopped, Unavailable, Verdict};
use crate::service::Exchange;

/// Signed files inside of signed files: the file itself, and three within each other. People sign what was signed; nobody does so for the
/// fourth time.
const LAYERS: usize = 4;

/// Octets of one feed. A part that is in memory is fed in pieces of this size, so that what is unwrapped of it is bounded.
const PIECE_BYTES: usize = 64 * 1024;

/// How a node scans, as its operator set it up. Cheap to clone.
#[derive(Clone)]
pub struct Screening {
    /// Who scans.
    pub scanner: Arc<dyn Scanner>,
    /// What becomes of what was not scanned.
    pub unavailable: Unavailable,
}

/// One part on its way past the scanner. Dropped, it leaves nothing behind.
pub(crate) struct PartScreen {
    screening: Screening,
    node: String,
    /// The channel's documents come sealed by their sender.
    sealed_by_sender: bool,
    /// The part, then what was found inside of it.
    layers: Vec<Layer>,
    fault: Option<NotScanned>,
}

/// A document for the scanner.
struct Layer {
    scan: Box<dyn Scan>,
    inside: Inside,
}

/// What is known of a document's inside.
enum Inside {
    /// Nothing yet; the octets so far.
    Untold(Vec<u8>),
    Signed(Box<ContentStream>),
    Sealed,
    /// Nothing that a scanner does not see by itself.
    Plain,
}

/// A part that has passed the scanner, or has not.
pub(crate) struct Screened {
    /// What evidence says of it.
    pub(crate) mark: PartScan,
    /// Why it goes no further.
    pub(crate) refusal: Option<Refusal>,
}

impl Exchange {
    /// Begins the scan of a part of such a submission; None where this node scans nothing.
    pub(crate) async fn screen(&self, envelope: &Envelope, role: PartRole) -> Result<Option<PartScreen>, Refusal> {
        let Some(screening) = &self.inner.screening else { return Ok(None) };
        let Envelope { sender, recipient, kind, .. } = envelope;
        let policy = self.inner.registry.channel_policy(*sender, recipient, kind).await?;
        let sealed_by_sender = role != PartRole::Signature && policy.is_some_and(|policy| policy.sealed_by_sender);
        Ok(Some(PartScreen {
            screening: screening.clone(),
            node: self.inner.signer.node().to_owned(),
            sealed_by_sender,
            layers: Vec::new(),
            fault: None,
        }))
    }

    /// The marks of parts that another node brings: what that node's scanner said of them stays; of what it did not scan this one says
    /// that it cannot, since it never sees the parts open.
    pub(crate) fn mark_relayed(&self, parts: &mut [Part]) {
        if self.inner.screening.is_none() {
            return;
        }
        for part in parts.iter_mut().filter(|part| part.scan.is_none()) {
            let node = self.inner.signer.node().to_owned();
            part.scan = Some(PartScan { result: ScanResult::Encrypted, node, detail: None });
        }
    }
}

impl PartScreen {
    /// Takes in the next octets.
    pub(crate) async fn feed(&mut self, octets: &[u8]) {
        for piece in octets.chunks(PIECE_BYTES) {
            self.feed_piece(piece).await;
        }
    }

    async fn feed_piece(&mut self, piece: &[u8]) {
        let (mut octets, mut at) = (Cow::Borrowed(piece), 0);
        while !octets.is_empty() {
            if at == self.layers.len() {
                if at == LAYERS {
                    self.fault.get_or_insert(NotScanned::ScannersBound);
                    return;
                }
                let scan = self.screening.scanner.begin().await;
                self.layers.push(Layer { scan, inside: Inside::Untold(Vec::new()) });
            }
            let Some(layer) = self.layers.get_mut(at) else { return };
            layer.scan.feed(&octets).await;
            match layer.inside.take(&octets) {
                Ok(inside) => octets = Cow::Owned(inside),
                Err(_) => {
                    layer.inside = Inside::Plain;
                    self.fault.get_or_insert(NotScanned::Unwrappable);
                    return;
                }
            }
            at += 1;
        }
    }

    /// A part that is in memory as a whole.
    pub(crate) async fn whole(mut self, octets: &[u8]) -> Screened {
        self.feed(octets).await;
        self.finish().await
    }

    /// The part is complete: waits for what the scanner says of it.
    pub(crate) async fn finish(mut self) -> Screened {
        if self.layers.iter_mut().any(|layer| !layer.inside.is_complete()) {
            self.fault.get_or_insert(NotScanned::Unwrappable);
        }
        let is_sealed = self.layers.iter().any(|layer| matches!(layer.inside, Inside::Sealed));
        let verdicts = join_all(self.layers.drain(..).map(|layer| layer.scan.finish())).await;
        let verdict = verdicts.into_iter().chain(self.fault.map(Verdict::NotScanned)).fold(Verdict::Clean, worse);
        let sealed = match (self.sealed_by_sender, is_sealed) {
            (true, true) => Sealed::Declared,
            (false, false) => Sealed::No,
            _ => Sealed::Perhaps,
        };
        let screened = judge(verdict, self.screening.unavailable, sealed, self.node);
        let result = serde_json::to_value(screened.mark.result).unwrap_or_default();
        metrics::counter!("vuzol_scans_total", "result" => result.as_str().unwrap_or_default().to_owned()).increment(1);
        screened
    }
}

impl Inside {
    /// What of these octets is content of a signed file.
    fn take(&mut self, octets: &[u8]) -> Result<Vec<u8>, ReadError> {
        let mut before = Vec::new();
        if let Self::Untold(beginning) = self {
            let known = [beginning, octets].concat();
            let Some(kind) = FileKind::of(&known) else {
                *beginning = known;
                return Ok(Vec::new());
            };
            before = std::mem::take(beginning);
            *self = match kind {
                FileKind::Signed => Self::Signed(Box::default()),
                FileKind::Sealed => Self::Sealed,
                FileKind::Other => Self::Plain,
            };
        }
        let Self::Signed(stream) = self else { return Ok(Vec::new()) };
        let mut content = Vec::new();
        for octets in [&before[..], octets] {
            stream.push(octets, &mut |octets| content.extend_from_slice(octets))?;
        }
        Ok(content)
    }

    /// Whether the document may end here.
    fn is_complete(&mut self) -> bool {
        match self {
            Self::Signed(stream) => stream.is_complete(),
            Self::Untold(_) | Self::Sealed | Self::Plain => true,
        }
    }
}

/// What one knows of a part's being sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    No,
    /// Either the channel or the part itself says so.
    Perhaps,
    /// Both do.
    Declared,
}

/// Whether a scanner recognised something in one of them: no node accepts such a part.
pub(crate) fn any_infected(parts: &[Part]) -> bool {
    parts.iter().filter_map(|part| part.scan.as_ref()).any(|scan| scan.result == ScanResult::Infected)
}

/// What is known to be bad before what is not known at all.
fn worse(one: Verdict, other: Verdict) -> Verdict {
    match (&one, &other) {
        (Verdict::Infected { .. }, _) | (_, Verdict::Clean) => one,
        (Verdict::NotScanned(_), Verdict::NotScanned(_)) => one,
        _ => other,
    }
}

fn judge(verdict: Verdict, unavailable: Unavailable, sealed: Sealed, node: String) -> Screened {
    let mark = |result, detail: Option<String>| PartScan { result, node, detail };
    if sealed == Sealed::Declared && matches!(verdict, Verdict::NotScanned(_)) {
        return Screened { mark: mark(ScanResult::Encrypted, None), refusal: None };
    }
    let (mark, refusal) = match verdict.judge(unavailable) {
        Ok(Passage::Scanned) if sealed == Sealed::No => (mark(ScanResult::Clean, None), None),
        Ok(Passage::Scanned) => (mark(ScanResult::Encrypted, None), None),
        Ok(Passage::Marked(why)) => (mark(unscanned(why), Some(why.code().to_owned())), None),
        Err(Stopped::Infected { signature }) => {
            let refusal = Refusal::with_detail(ProblemCode::ContentInfected, signature.clone());
            (mark(ScanResult::Infected, Some(signature)), Some(refusal))
        }
        Err(Stopped::NotScanned(why)) => {
            let code = if why.is_of_the_document() {
                ProblemCode::ContentNotScannable
            } else {
                ProblemCode::ScannerUnavailable
            };
            let refusal = Refusal::with_detail(code, why.to_string());
            (mark(unscanned(why), Some(why.code().to_owned())), Some(refusal))
        }
    };
    if let Some(refusal) = &refusal {
        tracing::warn!(code = %refusal.code, detail = mark.detail, "the scanner stops a part");
    }
    Screened { mark, refusal }
}

fn unscanned(why: NotScanned) -> ScanResult {
    if why == NotScanned::Encrypted { ScanResult::Encrypted } else { ScanResult::NotScanned }
}

#[cfg(test)]
pub(crate) mod tests;
