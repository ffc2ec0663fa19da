//! The sealed file: a document that only one recipient can open, in one file.
//!
//! ```text
//! offset      length  content
//! 0           8       "VUZSEAL1"
//! 8           4       n, length of the key envelope, big-endian, 1 to 65536
//! 12          n       CMS AuthEnvelopedData (RFC 5083) around the 32-byte document key, DER, one recipient
//! 12 + n      rest    the sealed stream (`crypto::seal`: STREAM over AES-256-GCM, chunks of 64 KiB)
//! ```
//!
//! The stream is bound to a context: [`LABEL`], then the SHA-256 of the 12 + n bytes before it. CMS leaves some bytes of an
//! envelope unprotected, and this file leaves none: whatever is changed, nothing opens. The last chunk is marked, so a file
//! that was cut does not open either.

use std::io::Read;

use crypto::digest::sha256;

/// Why a file is not a sealed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSealedFile {
    #[error("is not a sealed file")]
    Magic,
    #[error("the sealed file's key envelope is cut or longer than it may be")]
    Envelope,
}

/// What stands before the sealed stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header(Vec<u8>);

impl Header {
    /// `None` where the envelope is longer than the format allows.
    pub(crate) fn new(envelope: &[u8]) -> Option<Self> {
        let length = u32::try_from(envelope.len()).ok().filter(|length| (1..=ENVELOPE_BYTES).contains(length))?;
        Some(Self([MAGIC.as_slice(), &length.to_be_bytes(), envelope].concat()))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn envelope(&self) -> &[u8] {
        self.0.get(12..).unwrap_or_default()
    }

    /// What the stream after this header is sealed under, beside its key.
    pub(crate) fn context(&self) -> Vec<u8> {
        [LABEL, &sha256(&self.0)].concat()
    }
}

/// Reads the header and leaves `file` at the sealed stream.
pub(crate) fn read_header(file: &mut impl Read) -> Result<Header, NotSealedFile> {
    let (mut magic, mut length) = ([0; 8], [0; 4]);
    file.read_exact(&mut magic).map_err(|_| NotSealedFile::Magic)?;
    if magic != *MAGIC {
        return Err(NotSealedFile::Magic);
    }
    file.read_exact(&mut length).map_err(|_| NotSealedFile::Envelope)?;
    let length = u32::from_be_bytes(length);
    if !(1..=ENVELOPE_BYTES).contains(&length) {
        return Err(NotSealedFile::Envelope);
    }
    let mut envelope = Vec::new();
    let read = file.take(u64::from(length)).read_to_end(&mut envelope).map_err(|_| NotSealedFile::Envelope)?;
    if u64::from(length) != read as u64 {
        return Err(NotSealedFile::Envelope);
    }
    Header::new(&envelope).ok_or(NotSealedFile::Envelope)
}

/// Begins the context of the sealed stream, so that it can be mistaken for no other use of the key.
const LABEL: &[u8] = b"vuzol sealed file 1";

const MAGIC: &[u8; 8] = b"VUZSEAL1";
/// One recipient takes about 500 bytes; an RSA key of 16384 bits about 3 kB.
const ENVELOPE_BYTES: u32 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_reads_back_and_the_stream_follows() {
        let file = [Header::new(b"envelope").unwrap().as_bytes(), b"stream"].concat();
        assert_eq!(file[..12], *b"VUZSEAL1\x00\x00\x00\x08");
        let mut rest = file.as_slice();
        assert_eq!(read_header(&mut rest).unwrap().envelope(), b"envelope");
        assert_eq!(rest, b"stream");
    }

    #[test]
    fn a_header_that_is_cut_or_lies_is_refused() {
        let whole = Header::new(b"envelope").unwrap();
        let whole = whole.as_bytes();
        for length in 0..whole.len() {
            assert!(read_header(&mut &whole[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(read_header(&mut &b"VUZSEAL1\xff\xff\xff\xffxxxx"[..]), Err(NotSealedFile::Envelope));
        assert_eq!(read_header(&mut &b"VUZSEAL1\0\0\0\0xxxx"[..]), Err(NotSealedFile::Envelope));
        assert_eq!(read_header(&mut &b"%PDF-1.7 and more"[..]), Err(NotSealedFile::Magic));
        assert_eq!(Header::new(&vec![0; 65537]), None);
    }
}
