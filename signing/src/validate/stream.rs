//! Reads a signature file while it streams by: content inside of any size, in constant memory, hashed once for all signers.
//!
//! A SignedData names the digests before the content and the signers after it (RFC 5652, 5.1), so one pass is enough: what
//! stands before and after is kept, the content is hashed and handed on. Files whose content is small are kept whole and read as
//! [`UnverifiedDocument::parse`] reads them. Of larger ones it cannot be said
//! - whether content under a signature without signed attributes looks like such attributes (the policies refuse those signatures anyway);
//! - what a digest is that digestAlgorithms does not name, though a signer or an archive time-stamp uses it: that is
//!   SIGNED_DATA_NOT_FOUND;
//! - whether an archive time-stamp of a form before version 3 stands over the file.

use crypto::digest::{DigestAlgorithm, Digester};

use crate::asn1::{Asn1Error, Element, Layers, Limits, Reader, Writer, header, normalise, oid, push_header, tag};
use crate::cms::AlgorithmIdentifier;

use super::document::{ReadError, UnverifiedDocument};

mod content;

pub use content::{ContentStream, FileKind};

/// Up to here content is kept, and the file read as a whole.
const KEPT: u64 = 1 << 20;
/// What stands before the content: a version and names of digests.
const MOST_HEAD: usize = 64 * 1024;
/// What stands after it: certificates, lists, signers. A revocation list alone may have 60 MB.
const MOST_TAIL: usize = 96 * 1024 * 1024;
/// Elements around the content (five), and octet strings within octet strings.
const MOST_OPEN: usize = 16;
/// Octets of the longest tag and length.
const MOST_HEADER: usize = 10;
/// Digests that are made of one content.
const MOST_DIGESTS: usize = 8;

/// A file that is being read. Give it the bytes in order, then [`Self::finish`] it.
pub struct DocumentStream {
    state: State,
    file: Digester,
    /// The file so far, as long as it may be read as a whole.
    whole: Option<Vec<u8>>,
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Elements that are open, outermost first.
    open: Vec<Open>,
    /// Octets of a header that is not complete yet.
    partial: Vec<u8>,
    digesters: Vec<Digester>,
    /// Octets of content so far.
    content: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Content,
    Tail,
}

/// An element that has begun and not ended.
#[derive(Debug, Clone, Copy)]
struct Open {
    /// Octets of it that are still to come; `None`: it ends with an end-of-contents mark.
    left: Option<u64>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Around the content.
    Wrapper,
    /// A constructed octet string.
    Segments,
    /// Content octets.
    Octets,
}

impl Default for DocumentStream {
    fn default() -> Self {
        Self::new()
    }
}

impl DocumentStream {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Head,
            file: Digester::new(DigestAlgorithm::Sha256),
            whole: Some(Vec::new()),
            head: Vec::new(),
            tail: Vec::new(),
            open: Vec::new(),
            partial: Vec::new(),
            digesters: Vec::new(),
            content: 0,
        }
    }

    /// Takes in the next bytes of the file and hands on what of them is content. The content is unverified until
    /// validation has passed.
    ///
    /// # Errors
    /// [`ReadError`], as soon as it is certain.
    pub fn push(&mut self, bytes: &[u8], content: &mut dyn FnMut(&[u8])) -> Result<(), ReadError> {
        self.file.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.state {
                State::Head => self.take_head(rest)?,
                State::Content => self.take_content(rest, content)?,
                State::Tail => self.take_tail(rest)?,
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        // Only content makes a file too large to be kept: what is not content has bounds of its own.
        match &mut self.whole {
            Some(whole) if self.content <= KEPT => whole.extend_from_slice(bytes),
            whole => *whole = None,
        }
        Ok(())
    }

    /// The document, once the file has ended.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn finish(mut self) -> Result<UnverifiedDocument, ReadError> {
        if let Some(whole) = &self.whole {
            return UnverifiedDocument::parse(whole);
        }
        self.close_ended();
        if self.state != State::Tail {
            return Err(Asn1Error::Truncated.into());
        }
        let mut file = self.head_without_content();
        file.append(&mut self.tail);
        let digests = self.digesters.into_iter().map(Digester::finish).collect();
        UnverifiedDocument::streamed(&file, &self.file.finish(), digests)
    }

    /// What stands before the content, in the wrappers that it came in, which now are as long as if the content had been detached: whatever
    /// does not end where it says, or is cut, is refused like a file that is read as a whole.
    fn head_without_content(&mut self) -> Vec<u8> {
        let mut inner = std::mem::take(&mut self.head);
        let content_type = Writer::new().oid(oid::SIGNED_DATA).into_bytes();
        let wrappers = [(tag::SEQUENCE, &content_type[..]), (tag::context_constructed(0), &[]), (tag::SEQUENCE, &[])];
        for (open, (tag, before)) in self.open.iter().zip(wrappers).take(SIGNED_DATA + 1).rev() {
            let mut wrapper = Vec::with_capacity(inner.len() + 32);
            match open.left {
                Some(left) => {
                    let left = usize::try_from(left).unwrap_or(usize::MAX);
                    push_header(&mut wrapper, tag, left.saturating_add(before.len() + inner.len()));
                }
                None => wrapper.extend([tag, 0x80]),
            }
            wrapper.extend_from_slice(before);
            wrapper.append(&mut inner);
            inner = wrapper;
        }
        inner
    }

    /// Collects until the content begins.
    fn take_head(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        let before = self.head.len();
        let room = bytes.len().min(MOST_HEAD - before);
        self.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match Head::read(&self.head) {
            Ok(head) => {
                self.digesters = head.digests.into_iter().map(Digester::new).collect();
                self.open = head.open;
                self.head = head.kept;
                self.state = State::Content;
                // What was read before ended within the head, so the head ends within these bytes.
                Ok(head.size.saturating_sub(before))
            }
            Err(Asn1Error::Truncated) if self.head.len() < MOST_HEAD => Ok(bytes.len()),
            Err(Asn1Error::Truncated) => Err(ReadError::TooComplex),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes content octets, or the header of what comes next.
    fn take_content(&mut self, bytes: &[u8], content: &mut dyn FnMut(&[u8])) -> Result<usize, ReadError> {
        self.close_ended();
        let Some(top) = self.open.last().copied().filter(|_| self.state == State::Content) else { return Ok(0) };
        if let (Kind::Octets, Some(left)) = (top.kind, top.left) {
            let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let octets = bytes.get(..taken).unwrap_or_default();
            self.digesters.iter_mut().for_each(|digester| digester.update(octets));
            content(octets);
            self.content = self.content.saturating_add(taken as u64);
            self.spend(taken)?;
            self.close_ended();
            return Ok(taken);
        }
        let Some(byte) = bytes.first() else { return Ok(0) };
        self.partial.push(*byte);
        if top.left.is_none() && self.partial == [0, 0] {
            self.partial.clear();
            self.open.pop();
            self.spend(2)?;
        } else if self.partial.first() != Some(&0) {
            self.open_segment(top)?;
        } else if top.left.is_some() || self.partial.len() > 1 {
            return Err(Asn1Error::Tag.into());
        }
        self.close_ended();
        Ok(1)
    }

    /// Opens the element whose header `partial` holds, if it is complete.
    fn open_segment(&mut self, top: Open) -> Result<(), ReadError> {
        if top.kind == Kind::Wrapper {
            return Err(Asn1Error::Trailing.into());
        }
        let header = match header(&self.partial) {
            Err(Asn1Error::Truncated) if self.partial.len() < MOST_HEADER => return Ok(()),
            other => other?,
        };
        let kind = match header.tag {
            tag::OCTET_STRING => Kind::Octets,
            tag::OCTET_STRING_CONSTRUCTED => Kind::Segments,
            _ => return Err(Asn1Error::Value.into()),
        };
        if self.open.len() == MOST_OPEN {
            return Err(ReadError::TooComplex);
        }
        self.partial.clear();
        self.spend(header.size)?;
        self.open.push(Open { left: header.length.map(|length| length as u64), kind });
        Ok(())
    }

    fn take_tail(&mut self, bytes: &[u8]) -> Result<usize, ReadError> {
        if bytes.len() > MOST_TAIL - self.tail.len() {
            return Err(ReadError::TooComplex);
        }
        self.tail.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Counts octets against every open element.
    fn spend(&mut self, octets: usize) -> Result<(), ReadError> {
        for open in &mut self.open {
            if let Some(left) = &mut open.left {
                *left = left.checked_sub(octets as u64).ok_or(Asn1Error::Truncated)?;
            }
        }
        Ok(())
    }

    /// Closes what has no octets left; what is around SignedData stays for the tail.
    fn close_ended(&mut self) {
        while self.open.len() > SIGNED_DATA + 1 && self.open.last().is_some_and(|open| open.left == Some(0)) {
            self.open.pop();
        }
        if self.state == State::Content && self.open.len() == SIGNED_DATA + 1 {
            self.state = State::Tail;
        }
    }
}

/// The place of SignedData among the open elements: within ContentInfo and its explicit tag.
const SIGNED_DATA: usize = 2;

/// Everything before the first octet of content.
struct Head {
    size: usize,
    open: Vec<Open>,
    digests: Vec<DigestAlgorithm>,
    /// version, digestAlgorithms and encapContentInfo without the content, in DER.
    kept: Vec<u8>,
}

impl Head {
    /// # Errors
    /// `Truncated` as long as it is not complete.
    fn read(bytes: &[u8]) -> Result<Self, Asn1Error> {
        let mut cursor = Cursor { bytes, at: 0, open: Vec::new() };
        cursor.enter(tag::SEQUENCE)?;
        if Element::only(&cursor.whole()?)?.expect(tag::OBJECT_IDENTIFIER)? != oid::SIGNED_DATA {
            return Err(Asn1Error::Unexpected);
        }
        cursor.enter(tag::context_constructed(0))?;
        cursor.enter(tag::SEQUENCE)?;
        let (version, algorithms) = (cursor.whole()?, cursor.whole()?);
        cursor.enter(tag::SEQUENCE)?;
        let content_type = cursor.whole()?;
        let encapsulated = Writer::new().value(tag::SEQUENCE, &content_type);
        let kept = Writer::new().raw(&version).raw(&algorithms).raw(&encapsulated.into_bytes()).into_bytes();
        if cursor.has_explicit()? {
            cursor.enter(tag::context_constructed(0))?;
            cursor.enter_content()?;
        }
        Ok(Self { size: cursor.at, open: cursor.finish()?, digests: digests(&algorithms)?, kept })
    }
}

fn digests(set: &[u8]) -> Result<Vec<DigestAlgorithm>, Asn1Error> {
    let mut digests = Vec::new();
    for identifier in Element::only(set)?.open(tag::SET)?.all(MOST_HEAD)? {
        let named = AlgorithmIdentifier::read(Reader::new(identifier.expect(tag::SEQUENCE)?))?.dotted();
        if let Some(algorithm) = DigestAlgorithm::from_oid(&named)
            && !digests.contains(&algorithm)
            && digests.len() < MOST_DIGESTS
        {
            digests.push(algorithm);
        }
    }
    Ok(digests)
}

/// Where the reading of a head is.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What was entered: where its contents begin, how long they are, and its kind.
    open: Vec<(usize, Option<usize>, Kind)>,
}

impl Cursor<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Steps into an element around the content.
    fn enter(&mut self, tag: u8) -> Result<(), Asn1Error> {
        let header = header(self.rest())?;
        if header.tag != tag {
            return Err(Asn1Error::Unexpected);
        }
        self.at += header.size;
        self.open.push((self.at, header.length, Kind::Wrapper));
        Ok(())
    }

    /// The next element, whole and in DER.
    fn whole(&mut self) -> Result<Vec<u8>, Asn1Error> {
        let (der, taken) = normalise(self.rest(), Layers::ALL, &Limits::default())?;
        let der = der.into_owned();
        self.at += taken;
        Ok(der)
    }

    /// Whether content follows; the end of encapContentInfo is where its length or its mark says.
    fn has_explicit(&self) -> Result<bool, Asn1Error> {
        match self.open.last() {
            Some((start, Some(length), _)) if self.at >= start.saturating_add(*length) => Ok(false),
            _ => Ok(*self.rest().first().ok_or(Asn1Error::Truncated)? == tag::context_constructed(0)),
        }
    }

    /// Steps into the content: an octet string or, where a PKCS #7 producer put another type there, that type's contents.
    fn enter_content(&mut self) -> Result<(), Asn1Error> {
        let header = header(self.rest())?;
        let kind = match (header.tag, header.length) {
            (tag::OCTET_STRING_CONSTRUCTED, _) => Kind::Segments,
            (_, Some(_)) => Kind::Octets,
            (_, None) => return Err(Asn1Error::Value),
        };
        self.at += header.size;
        self.open.push((self.at, header.length, kind));
        Ok(())
    }

    fn finish(self) -> Result<Vec<Open>, Asn1Error> {
        let left = |(start, length, kind): (usize, Option<usize>, Kind)| {
            let spent = self.at - start;
            let left = length.map(|length| length.checked_sub(spent).ok_or(Asn1Error::Truncated)).transpose()?;
            Ok(Open { left: left.map(|left| left as u64), kind })
        };
        self.open.into_iter().map(left).collect()
    }
}

#[cfg(test)]
mod tests;
