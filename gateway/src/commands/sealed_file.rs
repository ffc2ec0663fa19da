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
//! The stream is bound to the context [`CONTEXT`]. The envelope needs no binding of its own: another envelope yields
//! another document key, under which no chunk of the stream opens. The last chunk is marked, so a file that was cut does
//! not open.

use std::io::Read;

/// Context of the sealed stream.
pub(crate) const CONTEXT: &[u8] = b"vuzol sealed file 1";

/// Why a file is not a sealed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotSealedFile {
    #[error("is not a sealed file")]
    Magic,
    #[error("the sealed file's key envelope is cut or longer than it may be")]
    Envelope,
}

/// What stands before the sealed stream; `None` where the envelope is longer than the format allows.
pub(crate) fn header(envelope: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(envelope.len()).ok().filter(|length| (1..=ENVELOPE_BYTES).contains(length))?;
    Some([MAGIC.as_slice(), &length.to_be_bytes(), envelope].concat())
}

/// Reads the key envelope and leaves `file` at the sealed stream.
pub(crate) fn read_header(file: &mut impl Read) -> Result<Vec<u8>, NotSealedFile> {
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
    (u64::from(length) == read as u64).then_some(envelope).ok_or(NotSealedFile::Envelope)
}

const MAGIC: &[u8; 8] = b"VUZSEAL1";
/// One recipient takes about 500 bytes; an RSA key of 16384 bits about 3 kB.
const ENVELOPE_BYTES: u32 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_reads_back_and_the_stream_follows() {
        let file = [header(b"envelope").unwrap(), b"stream".to_vec()].concat();
        assert_eq!(file[..12], *b"VUZSEAL1\x00\x00\x00\x08");
        let mut rest = file.as_slice();
        assert_eq!(read_header(&mut rest).unwrap(), b"envelope");
        assert_eq!(rest, b"stream");
    }

    #[test]
    fn a_header_that_is_cut_or_lies_is_refused() {
        let whole = header(b"envelope").unwrap();
        for length in 0..whole.len() {
            assert!(read_header(&mut &whole[..length]).is_err(), "cut at {length}");
        }
        assert_eq!(read_header(&mut &b"VUZSEAL1\xff\xff\xff\xffxxxx"[..]), Err(NotSealedFile::Envelope));
        assert_eq!(read_header(&mut &b"VUZSEAL1\0\0\0\0xxxx"[..]), Err(NotSealedFile::Envelope));
        assert_eq!(read_header(&mut &b"%PDF-1.7 and more"[..]), Err(NotSealedFile::Magic));
        assert_eq!(header(&vec![0; 65537]), None);
    }
}
