//! Content and nothing else, while a signed file streams by: for whoever looks at what was signed and not at who signed it,
//! such as a malware scanner, which unwraps no CMS.

use super::super::document::ReadError;
use super::{DocumentStream, State};
use crate::asn1::{Asn1Error, header, oid, tag};

/// Octets of a file that tell what it is: a header, and an identifier of eleven octets.
const TELLING: usize = 24;

/// What a file says that it is, by its first octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// CMS SignedData: what is inside can be read.
    Signed,
    /// CMS EnvelopedData or AuthEnvelopedData: what is inside only its recipient reads.
    Sealed,
    /// Anything else.
    Other,
}

impl FileKind {
    /// Looks at the first octets of a file. `None`: more of them are needed, and the file goes on.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Option<Self> {
        match content_type(beginning) {
            Ok(oid::SIGNED_DATA) => Some(Self::Signed),
            Ok(oid::ENVELOPED_DATA | oid::AUTH_ENVELOPED_DATA) => Some(Self::Sealed),
            Err(Asn1Error::Truncated) if beginning.len() < TELLING => None,
            Ok(_) | Err(_) => Some(Self::Other),
        }
    }
}

/// Contents octets of the identifier that a ContentInfo begins with.
fn content_type(beginning: &[u8]) -> Result<&[u8], Asn1Error> {
    let mut rest = beginning;
    let mut length = None;
    for expected in [tag::SEQUENCE, tag::OBJECT_IDENTIFIER] {
        let header = header(rest)?;
        if header.tag != expected {
            return Err(Asn1Error::Unexpected);
        }
        rest = rest.get(header.size..).ok_or(Asn1Error::Truncated)?;
        length = header.length;
    }
    rest.get(..length.ok_or(Asn1Error::Length)?).ok_or(Asn1Error::Truncated)
}

/// Hands on the content inside of a SignedData in BER or DER. Neither digests nor signatures are looked at, and of the file no more
/// is kept than what stands before the content, 64 KiB at most.
pub struct ContentStream(DocumentStream);

impl Default for ContentStream {
    fn default() -> Self {
        Self::new()
    }
}

impl ContentStream {
    /// Nothing read yet.
    #[must_use]
    pub fn new() -> Self {
        Self(DocumentStream { whole: None, ..DocumentStream::new() })
    }

    /// Takes in the next bytes of the file and hands on what of them is content. What comes after the content is passed over.
    ///
    /// # Errors
    /// [`ReadError`] where nobody can say where the content is.
    pub fn push(&mut self, bytes: &[u8], content: &mut dyn FnMut(&[u8])) -> Result<(), ReadError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.0.state {
                State::Head => self.0.take_head(rest)?,
                State::Content => self.0.take_content(rest, content)?,
                State::Tail => return Ok(()),
            };
            // Made by the head; nobody asks for them here.
            self.0.digesters.clear();
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// Whether all of the content was read, or there is none: the file may end now.
    #[must_use]
    pub fn is_complete(&mut self) -> bool {
        self.0.close_ended();
        self.0.state == State::Tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ContentInfo { signedData, [0] SignedData { 3, {}, { data, [0] OCTET STRING } } }, with everything in the definite form.
    fn definite(content: &[u8]) -> Vec<u8> {
        let wrap = |tag: u8, inside: &[u8]| {
            let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
            [&[tag, 0x82], &length[..], inside].concat()
        };
        let identifier = |oid: &[u8]| [&[6, u8::try_from(oid.len()).unwrap()], oid].concat();
        let encapsulated = [identifier(oid::DATA), wrap(0xa0, &wrap(4, content))].concat();
        let signed = [&[2, 1, 3, 0x31, 0][..], &wrap(0x30, &encapsulated), &[0x31, 0]].concat();
        wrap(0x30, &[identifier(oid::SIGNED_DATA), wrap(0xa0, &wrap(0x30, &signed))].concat())
    }

    /// The same in indefinite lengths, the content in two segments.
    fn segmented(first: &[u8], second: &[u8]) -> Vec<u8> {
        let octets = |content: &[u8]| [&[4, u8::try_from(content.len()).unwrap()], content].concat();
        let identifier = |oid: &[u8]| [&[6, u8::try_from(oid.len()).unwrap()], oid].concat();
        let segments = [&[0x24, 0x80][..], &octets(first), &octets(second), &[0, 0]].concat();
        let encapsulated =
            [&[0x30, 0x80][..], &identifier(oid::DATA), &[0xa0, 0x80], &segments, &[0, 0, 0, 0]].concat();
        let signed = [&[0x30, 0x80, 2, 1, 3, 0x31, 0][..], &encapsulated, &[0x31, 0, 0, 0]].concat();
        [&[0x30, 0x80][..], &identifier(oid::SIGNED_DATA), &[0xa0, 0x80], &signed, &[0, 0, 0, 0]].concat()
    }

    fn content_of(file: &[u8], step: usize) -> Result<(Vec<u8>, bool), ReadError> {
        let (mut stream, mut content) = (ContentStream::new(), Vec::new());
        for piece in file.chunks(step) {
            stream.push(piece, &mut |octets| content.extend_from_slice(octets))?;
        }
        Ok((content, stream.is_complete()))
    }

    #[test]
    fn content_comes_out_whole_however_it_is_cut() {
        for file in [definite(b"what was signed"), segmented(b"what was ", b"signed")] {
            for step in [1, 2, 7, file.len()] {
                assert_eq!(content_of(&file, step), Ok((b"what was signed".to_vec(), true)), "{step}");
            }
            assert_eq!(FileKind::of(&file), Some(FileKind::Signed));
        }
    }

    #[test]
    fn every_cut_of_a_file_gives_the_beginning_of_its_content_or_nothing() {
        for file in [definite(b"what was signed"), segmented(b"what was ", b"signed")] {
            for end in 0..file.len() {
                let Ok((content, complete)) = content_of(&file[..end], 3) else { continue };
                assert!(b"what was signed".starts_with(&content), "{end}");
                assert!(!complete || content == b"what was signed", "{end}");
            }
        }
    }

    #[test]
    fn what_is_no_signed_file_is_refused_as_soon_as_that_is_certain() {
        let mut file = definite(b"x");
        file[8] ^= 1;
        assert!(content_of(&file, 1).is_err());
    }

    #[test]
    fn the_first_octets_tell_what_a_file_is() {
        let sealed = [&[0x30, 0x80, 6, 11][..], oid::AUTH_ENVELOPED_DATA].concat();
        assert_eq!(FileKind::of(&sealed), Some(FileKind::Sealed));
        assert_eq!(
            FileKind::of(&[&[0x30, 0x82, 1, 0, 6, 9][..], oid::ENVELOPED_DATA].concat()),
            Some(FileKind::Sealed)
        );
        for end in 0..sealed.len() {
            assert_eq!(FileKind::of(&sealed[..end]), None, "{end}: more is needed");
        }
        for other in [&b"%PDF-1.7"[..], &[0x30, 3, 2, 1, 0, 0x30], &[0x30; 24], &[0x30, 0x80, 6, 1, 42]] {
            assert_eq!(FileKind::of(other), Some(FileKind::Other), "{other:02x?}");
        }
    }
}
