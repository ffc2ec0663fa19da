//! Envelopes as they are written: CMS AuthEnvelopedData (RFC 5083) and EnvelopedData (RFC 5652, 6) around a content that streams by.

use certs::certificate::Certificate;
use crypto::seal::DocumentKey;

use crate::asn1::{Writer, oid, tag};

use super::cipher::{Cipher, Encryptor, Parameters, TAG_BYTES};
use super::{EnvelopeError, MOST_RECIPIENTS, recipient};

/// Octets of a segment where the length is not known beforehand.
const SEGMENT_BYTES: usize = 64 * 1024;
/// A length whose envelope has a length that fits into 63 bits; far more than any cipher here takes.
const MOST_BYTES: u64 = 1 << 62;

/// Seals a content that streams by, in memory that does not grow with it. After an error what was written is no envelope.
pub struct Sealer {
    encryptor: Encryptor,
    form: Form,
}

/// How the content is written.
enum Form {
    /// In one piece, of which so many octets are still to come. The envelope is DER.
    Whole { left: u64 },
    /// In segments; the octets of the next one. The envelope is BER with indefinite lengths.
    Segments(Vec<u8>),
}

impl Sealer {
    /// Draws a content key, wraps it to each of the recipients, and appends what comes before the content to `out`. Where the `length` of the
    /// content is known, the envelope is written in DER, else in BER. What goes under a national profile should be signed: nothing else
    /// protects it from change.
    ///
    /// # Errors
    /// `Recipients` for none or more than 64; `UnsupportedKey` where a key does not go with the cipher; `TooLong` for 2^62 octets or more.
    pub fn new(
        recipients: &[&Certificate],
        cipher: Cipher,
        length: Option<u64>,
        out: &mut Vec<u8>,
    ) -> Result<Self, EnvelopeError> {
        if recipients.is_empty() || recipients.len() > MOST_RECIPIENTS {
            return Err(EnvelopeError::Recipients);
        }
        let key = DocumentKey::generate();
        let infos = recipients.iter().map(|recipient| recipient::seal(&key, recipient, cipher));
        let infos = Writer::new().set_of(tag::SET, infos.collect::<Result<_, _>>()?).into_bytes();
        let parameters = Parameters::draw(cipher);
        let head = Head { cipher, recipients: &infos, algorithm: &parameters.write() };
        let form = match length {
            Some(left) if left >= MOST_BYTES => return Err(EnvelopeError::TooLong),
            Some(left) => {
                head.write_definite(left, out);
                Form::Whole { left }
            }
            None => {
                head.write_indefinite(out);
                Form::Segments(Vec::with_capacity(2 * SEGMENT_BYTES))
            }
        };
        Ok(Self { encryptor: parameters.encryptor(&key)?, form })
    }

    /// Takes in the next octets of the content; appends what becomes of them to `out`.
    ///
    /// # Errors
    /// `Length` for more than was announced, `TooLong` for more than the cipher takes (AES-256-GCM: 64 GiB).
    pub fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        match &mut self.form {
            Form::Whole { left } => {
                *left = left.checked_sub(plaintext.len() as u64).ok_or(EnvelopeError::Length)?;
                self.encryptor.update(plaintext, out)
            }
            Form::Segments(segment) => {
                for piece in plaintext.chunks(SEGMENT_BYTES) {
                    self.encryptor.update(piece, segment)?;
                    if let Some(octets) = segment.get(..SEGMENT_BYTES) {
                        write_segment(octets, out);
                        segment.drain(..SEGMENT_BYTES);
                    }
                }
                Ok(())
            }
        }
    }

    /// Appends what comes after the content.
    ///
    /// # Errors
    /// `Length` for less than was announced.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        let Self { encryptor, form } = self;
        match form {
            Form::Whole { left: 0 } => {
                if let Some(tag) = encryptor.finish(out) {
                    write_tag(&tag, out);
                }
            }
            Form::Whole { .. } => return Err(EnvelopeError::Length),
            Form::Segments(mut segment) => {
                let tag = encryptor.finish(&mut segment);
                segment.chunks(SEGMENT_BYTES).for_each(|octets| write_segment(octets, out));
                // Content and EncryptedContentInfo end; then the envelope, its [0], and ContentInfo.
                out.extend_from_slice(&[0; 2 * 2]);
                tag.iter().for_each(|tag| write_tag(tag, out));
                out.extend_from_slice(&[0; 2 * 3]);
            }
        }
        Ok(())
    }
}

fn write_segment(octets: &[u8], out: &mut Vec<u8>) {
    push_header(tag::OCTET_STRING, octets.len() as u64, out);
    out.extend_from_slice(octets);
}

fn write_tag(mac: &[u8; TAG_BYTES], out: &mut Vec<u8>) {
    push_header(tag::OCTET_STRING, mac.len() as u64, out);
    out.extend_from_slice(mac);
}

/// What comes before the content.
struct Head<'a> {
    cipher: Cipher,
    /// RecipientInfos in DER.
    recipients: &'a [u8],
    /// AlgorithmIdentifier in DER.
    algorithm: &'a [u8],
}

impl Head<'_> {
    fn content_type(&self) -> Vec<u8> {
        let oid = if self.cipher.authenticates() { oid::AUTH_ENVELOPED_DATA } else { oid::ENVELOPED_DATA };
        Writer::new().oid(oid).into_bytes()
    }

    /// Version and recipients. RFC 5083, 2.1: always 0. RFC 5652, 6.1: 2 with a KeyAgreeRecipientInfo, and national ones are all of that kind.
    fn first_fields(&self) -> Vec<u8> {
        let version = if self.cipher.authenticates() { 0 } else { 2 };
        Writer::new().small_integer(version).raw(self.recipients).into_bytes()
    }

    /// Type and algorithm of the content.
    fn content_fields(&self) -> Vec<u8> {
        Writer::new().oid(oid::DATA).raw(self.algorithm).into_bytes()
    }

    fn write_indefinite(&self, out: &mut Vec<u8>) {
        let indefinite = |tag: u8, out: &mut Vec<u8>| out.extend_from_slice(&[tag, 0x80]);
        indefinite(tag::SEQUENCE, out);
        out.extend(self.content_type());
        indefinite(tag::context_constructed(0), out);
        indefinite(tag::SEQUENCE, out);
        out.extend(self.first_fields());
        indefinite(tag::SEQUENCE, out);
        out.extend(self.content_fields());
        indefinite(tag::context_constructed(0), out);
    }

    /// Lengths are summed from the inside out, then written from the outside in.
    fn write_definite(&self, length: u64, out: &mut Vec<u8>) {
        let (content_type, first, fields) = (self.content_type(), self.first_fields(), self.content_fields());
        let mac = if self.cipher.authenticates() { whole_size(TAG_BYTES as u64) } else { 0 };
        let content_info = fields.len() as u64 + whole_size(length);
        let envelope = first.len() as u64 + whole_size(content_info) + mac;
        let explicit = whole_size(envelope);
        push_header(tag::SEQUENCE, content_type.len() as u64 + whole_size(explicit), out);
        out.extend(content_type);
        push_header(tag::context_constructed(0), explicit, out);
        push_header(tag::SEQUENCE, envelope, out);
        out.extend(first);
        push_header(tag::SEQUENCE, content_info, out);
        out.extend(fields);
        push_header(tag::context(0), length, out);
    }
}

/// Octets of an element with contents of `length` octets.
fn whole_size(length: u64) -> u64 {
    let octets = if length < 0x80 { 0 } else { u64::from(significant(length)) };
    2 + octets + length
}

/// Octets of a length that is not 0.
fn significant(length: u64) -> u32 {
    8 - length.leading_zeros() / 8
}

fn push_header(tag: u8, length: u64, out: &mut Vec<u8>) {
    out.push(tag);
    let octets = length.to_be_bytes();
    match octets {
        [0, 0, 0, 0, 0, 0, 0, short @ ..0x80] => out.push(short),
        _ => {
            let count = significant(length);
            // At most eight.
            out.push(0x80 | u8::try_from(count).unwrap_or(8));
            out.extend(octets.iter().skip(8 - count as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asn1::Element;

    #[test]
    fn lengths_of_every_size_are_minimal() {
        for (length, header) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
            (1 << 32, &[4, 0x85, 1, 0, 0, 0, 0]),
            (1 << 56, &[4, 0x88, 1, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            let mut out = Vec::new();
            push_header(4, length, &mut out);
            assert_eq!(out, header);
            assert_eq!(whole_size(length), header.len() as u64 + length);
        }
        let mut out = Vec::new();
        write_segment(&[7; 300], &mut out);
        assert_eq!(Element::only(&out).unwrap().content, [7; 300]);
    }
}
