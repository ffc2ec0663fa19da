//! Octets on their way out: escaped, gathered, counted.

/// Octets that may still be written, over all canonical forms of one validation. A namespace with a long name that many small elements
/// use is written with each of them, so that a form may be much longer than its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    octets: u64,
}

impl Budget {
    /// So many octets.
    #[must_use]
    pub fn new(octets: u64) -> Self {
        Self { octets }
    }

    /// For a document of so many octets: the references and archive time-stamps of several signatures may each stand over all of it.
    #[must_use]
    pub fn for_document(octets: usize) -> Self {
        const LEAST: u64 = 64 * 1024 * 1024;
        const TIMES: u64 = 32;
        Self { octets: u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(TIMES).max(LEAST) }
    }

    /// Takes octets.
    ///
    /// # Errors
    /// Where so many are not left; then none are.
    pub fn spend(&mut self, octets: usize) -> Result<(), Exhausted> {
        let octets = u64::try_from(octets).unwrap_or(u64::MAX);
        let left = self.octets.checked_sub(octets);
        self.octets = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Exhausted)
    }
}

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the canonical forms of the document are too long")]
pub struct Exhausted;

/// Pieces are gathered up to here before the sink gets them.
const GATHER: usize = 16 * 1024;

/// Nodes that are visited before they are charged, an octet each: what writes nothing costs time, too.
const NODES_AT_ONCE: usize = 4096;

pub(super) struct Output<'o> {
    buffer: Vec<u8>,
    /// Nodes that are not charged yet.
    visited: usize,
    budget: &'o mut Budget,
    exhausted: bool,
    sink: &'o mut dyn FnMut(&[u8]),
}

impl<'o> Output<'o> {
    pub(super) fn new(budget: &'o mut Budget, sink: &'o mut dyn FnMut(&[u8])) -> Self {
        Self { buffer: Vec::with_capacity(GATHER), visited: 0, budget, exhausted: false, sink }
    }

    /// Charges a node.
    pub(super) fn visit(&mut self) -> Result<(), Exhausted> {
        self.visited += 1;
        if self.visited == NODES_AT_ONCE {
            self.charge();
        }
        self.check()
    }

    fn charge(&mut self) {
        self.exhausted |= self.budget.spend(self.visited).is_err();
        self.visited = 0;
    }

    fn check(&self) -> Result<(), Exhausted> {
        if self.exhausted { Err(Exhausted) } else { Ok(()) }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.octets(text.as_bytes());
    }

    /// A text node: Canonical XML 1.0, 2.3.
    pub(super) fn text(&mut self, text: &str) {
        self.escaped(text, |octet| match octet {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'>' => Some("&gt;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    }

    /// The value of an attribute or a namespace: Canonical XML 1.0, 2.3.
    pub(super) fn value(&mut self, text: &str) {
        self.escaped(text, |octet| match octet {
            b'&' => Some("&amp;"),
            b'<' => Some("&lt;"),
            b'"' => Some("&quot;"),
            b'\t' => Some("&#x9;"),
            b'\n' => Some("&#xA;"),
            b'\r' => Some("&#xD;"),
            _ => None,
        });
    }

    pub(super) fn finish(mut self) -> Result<(), Exhausted> {
        self.flush();
        self.charge();
        self.check()
    }

    #[inline]
    fn escaped(&mut self, text: &str, escape: impl Fn(u8) -> Option<&'static str>) {
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|octet| escape(*octet).is_some()) {
            let (plain, after) = rest.split_at(at);
            self.octets(plain);
            let Some((special, after)) = after.split_first() else { return };
            self.push(escape(*special).unwrap_or_default());
            rest = after;
        }
        self.octets(rest);
    }

    fn octets(&mut self, octets: &[u8]) {
        if octets.len() > GATHER - self.buffer.len() {
            self.flush();
        }
        if octets.len() > GATHER {
            self.deliver(octets);
        } else {
            self.buffer.extend_from_slice(octets);
        }
    }

    fn flush(&mut self) {
        let mut full = std::mem::take(&mut self.buffer);
        self.deliver(&full);
        full.clear();
        self.buffer = full;
    }

    fn deliver(&mut self, octets: &[u8]) {
        self.exhausted |= self.budget.spend(octets.len()).is_err();
        if !self.exhausted {
            (self.sink)(octets);
        }
    }
}
