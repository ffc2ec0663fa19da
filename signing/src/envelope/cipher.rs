//! The content of an envelope under its key, piece by piece.

use crypto::gost28147::{self, Dke, Gost28147};
use crypto::kalyna::{self, BlockSize, Kalyna};
use crypto::random;
use crypto::seal::{Aes256GcmOpener, Aes256GcmSealer, DocumentKey, SealError};
use zeroize::{Zeroize, Zeroizing};

use crate::asn1::{Element, Writer, oid, tag};
use crate::cms::AlgorithmIdentifier;

use super::EnvelopeError;
use super::national::Profile;

/// RFC 5084, 3.2: a nonce of 12 octets, and the full tag.
const NONCE_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;
/// A block of Kalyna-256/256.
const KALYNA_BLOCK: usize = 32;

/// With what a content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// AES-256-GCM in AuthEnvelopedData, for recipients with keys of RSA, on curves of NIST and brainpool, or of DSTU 4145.
    Aes256Gcm,
    /// A national profile in EnvelopedData, for recipients with keys of DSTU 4145. Not authenticated.
    National(Profile),
}

impl Cipher {
    /// Whether it goes into AuthEnvelopedData.
    pub(super) fn authenticates(self) -> bool {
        self == Self::Aes256Gcm
    }
}

/// An AlgorithmIdentifier of contents, taken apart.
#[derive(Clone)]
pub(super) enum Parameters {
    Aes256Gcm { nonce: [u8; NONCE_BYTES] },
    Gost { iv: [u8; 8], dke: Dke },
    Kalyna { iv: [u8; KALYNA_BLOCK] },
}

impl Parameters {
    /// For one new content.
    pub(super) fn draw(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Aes256Gcm => Self::Aes256Gcm { nonce: random::array() },
            Cipher::National(Profile::Gost) => Self::Gost { iv: random::array(), dke: Dke::NUMBER_1 },
            Cipher::National(Profile::Kalyna) => Self::Kalyna { iv: random::array() },
        }
    }

    /// The AlgorithmIdentifier in DER.
    pub(super) fn write(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Aes256Gcm { nonce } => {
                let parameters = Writer::new().value(tag::OCTET_STRING, nonce).small_integer(16);
                Writer::new().oid(oid::AES256_GCM).nest(tag::SEQUENCE, parameters)
            }
            Self::Gost { iv, dke } => {
                let parameters = Writer::new().value(tag::OCTET_STRING, iv).value(tag::OCTET_STRING, dke.packed());
                Writer::new().oid(oid::GOST_28147_CFB).nest(tag::SEQUENCE, parameters)
            }
            Self::Kalyna { iv } => {
                let parameters = Writer::new().value(tag::OCTET_STRING, iv);
                Writer::new().oid(oid::KALYNA_256_CFB).nest(tag::SEQUENCE, parameters)
            }
        };
        Writer::new().nest(tag::SEQUENCE, algorithm).into_bytes()
    }

    pub(super) fn read(der: &[u8]) -> Result<Self, EnvelopeError> {
        let algorithm = AlgorithmIdentifier::read(Element::only(der)?.open(tag::SEQUENCE)?)?;
        let parameters = algorithm.parameters.ok_or(EnvelopeError::Malformed)?;
        let mut parameters = Element::only(parameters)?.open(tag::SEQUENCE)?;
        let vector = parameters.expect(tag::OCTET_STRING)?;
        let read = match algorithm.oid {
            oid::AES256_GCM => {
                // aes-ICVlen defaults to 12; only the full tag is taken.
                if usize::from(parameters.small_integer()?) != TAG_BYTES {
                    return Err(EnvelopeError::Malformed);
                }
                Self::Aes256Gcm { nonce: vector.try_into().map_err(|_| EnvelopeError::Malformed)? }
            }
            oid::GOST_28147_CFB => {
                let dke = parameters.optional(tag::OCTET_STRING)?.map_or(Ok(Dke::NUMBER_1), |table| {
                    Dke::from_packed(table.content).map_err(|_| EnvelopeError::Malformed)
                })?;
                Self::Gost { iv: gost_vector(vector)?, dke }
            }
            oid::KALYNA_256_CFB => Self::Kalyna { iv: vector.try_into().map_err(|_| EnvelopeError::Malformed)? },
            _ => return Err(EnvelopeError::Malformed),
        };
        parameters.end()?;
        Ok(read)
    }

    pub(super) fn authenticates(&self) -> bool {
        matches!(self, Self::Aes256Gcm { .. })
    }

    pub(super) fn encryptor(self, key: &DocumentKey) -> Result<Encryptor, EnvelopeError> {
        Ok(match self {
            Self::Aes256Gcm { nonce } => Encryptor::Aes256Gcm(Aes256GcmSealer::new(key.expose(), &nonce)),
            Self::Gost { iv, dke } => Encryptor::Gost(Box::new(gost_cfb(key, dke, &iv)?)),
            Self::Kalyna { iv } => Encryptor::Kalyna(Box::new(WholeBlocks::new(key, &iv)?)),
        })
    }

    pub(super) fn decryptor(self, key: &DocumentKey) -> Result<Decryptor, EnvelopeError> {
        Ok(match self {
            Self::Aes256Gcm { nonce } => Decryptor::Aes256Gcm(Box::new(Aes256GcmOpener::new(key.expose(), &nonce))),
            Self::Gost { iv, dke } => Decryptor::Gost(Box::new(gost_cfb(key, dke, &iv)?)),
            Self::Kalyna { iv } => Decryptor::Kalyna(Box::new(WholeBlocks::new(key, &iv)?)),
        })
    }
}

/// The synchronisation message has 8 bytes. One producer (jkurwa) writes 32, of which the first 8 count.
fn gost_vector(iv: &[u8]) -> Result<[u8; 8], EnvelopeError> {
    match (iv.len(), iv.first_chunk()) {
        (8 | 32, Some(first)) => Ok(*first),
        _ => Err(EnvelopeError::Malformed),
    }
}

fn gost_cfb(key: &DocumentKey, dke: Dke, iv: &[u8; 8]) -> Result<gost28147::Cfb, EnvelopeError> {
    Gost28147::new(key.expose(), dke).and_then(|cipher| cipher.cfb(iv)).map_err(|_| EnvelopeError::Malformed)
}

/// Encrypts a content that streams by.
pub(super) enum Encryptor {
    Aes256Gcm(Aes256GcmSealer),
    Gost(Box<gost28147::Cfb>),
    Kalyna(Box<WholeBlocks>),
}

impl Encryptor {
    /// Appends what can be encrypted now.
    pub(super) fn update(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        match self {
            Self::Aes256Gcm(sealer) => sealer.update(appended(plaintext, out))?,
            Self::Gost(cfb) => cfb.encrypt(appended(plaintext, out)),
            Self::Kalyna(blocks) => blocks.update(plaintext, out, kalyna::Cfb::encrypt)?,
        }
        Ok(())
    }

    /// Appends the rest; answers the tag, where there is one.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Option<[u8; TAG_BYTES]> {
        match self {
            Self::Aes256Gcm(sealer) => Some(sealer.finish()),
            Self::Gost(_) => None,
            Self::Kalyna(blocks) => {
                blocks.finish(out, kalyna::Cfb::encrypt_last);
                None
            }
        }
    }
}

/// Decrypts a content that streams by. Everything that it gives out is unproven.
pub(super) enum Decryptor {
    Aes256Gcm(Box<Aes256GcmOpener>),
    Gost(Box<gost28147::Cfb>),
    Kalyna(Box<WholeBlocks>),
}

impl Decryptor {
    /// Appends what can be decrypted now.
    pub(super) fn update(&mut self, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        match self {
            Self::Aes256Gcm(opener) => opener.update(appended(sealed, out))?,
            Self::Gost(cfb) => cfb.decrypt(appended(sealed, out)),
            Self::Kalyna(blocks) => blocks.update(sealed, out, kalyna::Cfb::decrypt)?,
        }
        Ok(())
    }

    /// Appends the rest; answers whether everything is proven by `tag`.
    pub(super) fn finish(
        self,
        aad: &[u8],
        tag: Option<&[u8; TAG_BYTES]>,
        out: &mut Vec<u8>,
    ) -> Result<bool, EnvelopeError> {
        match (self, tag) {
            (Self::Aes256Gcm(opener), Some(tag)) => opener.finish(aad, tag).map(|()| true).map_err(Into::into),
            (Self::Gost(_), None) => Ok(false),
            (Self::Kalyna(blocks), None) => {
                blocks.finish(out, kalyna::Cfb::decrypt_last);
                Ok(false)
            }
            _ => Err(EnvelopeError::Malformed),
        }
    }
}

impl From<SealError> for EnvelopeError {
    fn from(error: SealError) -> Self {
        match error {
            SealError::TooLong => Self::TooLong,
            SealError::Forged | SealError::NotSealed | SealError::WrongKey => Self::Forged,
        }
    }
}

/// Appends the bytes, and hands out what was appended.
fn appended<'a>(bytes: &[u8], out: &'a mut Vec<u8>) -> &'a mut [u8] {
    let start = out.len();
    out.extend_from_slice(bytes);
    out.get_mut(start..).unwrap_or_default()
}

/// Kalyna-256/256-CFB, which treats a partial block as the last one: what does not fill a block waits.
pub(super) struct WholeBlocks {
    cfb: kalyna::Cfb,
    waiting: Zeroizing<Vec<u8>>,
}

impl WholeBlocks {
    fn new(key: &DocumentKey, iv: &[u8; KALYNA_BLOCK]) -> Result<Self, EnvelopeError> {
        let cfb = Kalyna::new(BlockSize::Bits256, key.expose()).and_then(|cipher| cipher.cfb(iv));
        let waiting = Zeroizing::new(Vec::with_capacity(KALYNA_BLOCK));
        Ok(Self { cfb: cfb.map_err(|_| EnvelopeError::Malformed)?, waiting })
    }

    fn update(
        &mut self,
        data: &[u8],
        out: &mut Vec<u8>,
        work: impl Fn(&mut kalyna::Cfb, &mut [u8]) -> Result<(), kalyna::CipherError>,
    ) -> Result<(), EnvelopeError> {
        let (start, known) = (out.len(), self.waiting.len());
        let whole = (known + data.len()) / KALYNA_BLOCK * KALYNA_BLOCK;
        if whole == 0 {
            self.waiting.extend_from_slice(data);
            return Ok(());
        }
        let (now, later) = data.split_at(whole - known);
        out.extend_from_slice(&self.waiting);
        out.extend_from_slice(now);
        self.waiting.zeroize();
        self.waiting.extend_from_slice(later);
        work(&mut self.cfb, out.get_mut(start..).unwrap_or_default()).map_err(|_| EnvelopeError::Malformed)
    }

    fn finish(self, out: &mut Vec<u8>, work: impl Fn(kalyna::Cfb, &mut [u8])) {
        let Self { cfb, waiting } = self;
        work(cfb, appended(&waiting, out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_other_lengths_are_refused() {
        assert_eq!(gost_vector(&[1; 8]), Ok([1; 8]));
        assert_eq!(gost_vector(&[[1; 8], [2; 8], [3; 8], [4; 8]].concat()), Ok([1; 8]));
        for length in [0, 7, 9, 16, 31, 33] {
            assert_eq!(gost_vector(&vec![1; length]), Err(EnvelopeError::Malformed), "{length}");
        }
        for length in [0, 11, 13, 31, 32, 33] {
            let iv = vec![1; length];
            let of = |oid: &[u8], parameters: Writer| {
                let algorithm = Writer::new().oid(oid).nest(tag::SEQUENCE, parameters);
                Parameters::read(&Writer::new().nest(tag::SEQUENCE, algorithm).into_bytes())
            };
            let kalyna = of(oid::KALYNA_256_CFB, Writer::new().value(tag::OCTET_STRING, &iv));
            assert_eq!(kalyna.is_ok(), length == 32, "{length}");
            assert!(of(oid::AES256_GCM, Writer::new().value(tag::OCTET_STRING, &iv).small_integer(16)).is_err());
        }
    }

    #[test]
    fn pieces_of_any_size_make_the_same_content() {
        let key = DocumentKey::generate();
        let content: Vec<u8> = (0..1000u32).map(|index| u8::try_from(index % 251).unwrap()).collect();
        for cipher in [Cipher::Aes256Gcm, Cipher::National(Profile::Gost), Cipher::National(Profile::Kalyna)] {
            for length in [0, 1, 31, 32, 33, 64, 1000] {
                let parameters = Parameters::draw(cipher);
                let content = &content[..length];
                let seal = |piece: usize| {
                    let mut encryptor = parameters.clone().encryptor(&key).unwrap();
                    let mut out = Vec::new();
                    content.chunks(piece).for_each(|piece| encryptor.update(piece, &mut out).unwrap());
                    let tag = encryptor.finish(&mut out);
                    (out, tag)
                };
                let (sealed, tag) = seal(1000);
                assert_eq!(sealed.len(), length);
                for piece in [1, 7, 31, 32, 33] {
                    assert_eq!(seal(piece), (sealed.clone(), tag), "{cipher:?} {length} in {piece}");
                    let mut decryptor = parameters.clone().decryptor(&key).unwrap();
                    let mut out = Vec::new();
                    sealed.chunks(piece).for_each(|piece| decryptor.update(piece, &mut out).unwrap());
                    assert_eq!(decryptor.finish(&[], tag.as_ref(), &mut out), Ok(cipher.authenticates()));
                    assert_eq!(out, content, "{cipher:?} {length} in {piece}");
                }
            }
        }
    }
}
