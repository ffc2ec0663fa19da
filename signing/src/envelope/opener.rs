//! Envelopes as they are read: octets come in pieces of any size, plaintext goes out as it is decrypted.

use certs::certificate::Certificate;
use crypto::key::KeyHandle;
use zeroize::Zeroizing;

use crate::asn1::{Element, Reader, Writer, oid, tag};

use super::cipher::{Decryptor, Parameters, TAG_BYTES};
use super::frames::{Cursor, Frames, Gap};
use super::recipient::{self, Keys};
use super::segments::Segments;
use super::{EnvelopeError, MOST_RECIPIENTS, Unauthenticated};

/// Octets before the content: recipients, and certificates of an originator.
const HEAD_BYTES: usize = 1 << 20;
/// Octets after the content: attributes and the tag.
const TRAILER_BYTES: usize = 64 * 1024;

/// Opens an envelope that streams by, in memory that does not grow with its content.
///
/// Everything that [`Opener::update`] gives out is unproven. A caller writes it to a place from which nobody reads yet, and takes it from there
/// only with the [`Authenticated`] that [`Opener::finish`] answers. After an error the opener gives out nothing more.
pub struct Opener<'k> {
    keys: Keys<'k>,
    state: State,
}

enum State {
    Head {
        pending: Vec<u8>,
        /// How many octets there must be before it is worth looking again.
        next_look: usize,
    },
    Content(Box<Content>),
    Failed(EnvelopeError),
}

/// Proof that all that an [`Opener`] gave out is what was sealed, whole and in order.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "without it what was given out is not proven"]
pub struct Authenticated {
    plaintext_bytes: u64,
}

impl Authenticated {
    /// Octets of the content.
    pub fn plaintext_bytes(&self) -> u64 {
        self.plaintext_bytes
    }
}

/// The end of an envelope.
#[derive(Debug)]
#[must_use = "the last octets of the content are here"]
pub struct Opened {
    /// The last octets, after those that [`Opener::update`] gave out.
    pub rest: Unauthenticated,
    /// The proof of the whole content; `None` for the national profiles, which have none: believe it for a signature inside.
    pub authenticated: Option<Authenticated>,
}

impl<'k> Opener<'k> {
    /// For `recipient`, whose private key is `private`. `originators`: certificates among which that of a static originator may be found,
    /// beside those of the envelope and the recipient's own.
    #[must_use]
    pub fn new(recipient: &'k Certificate, private: &'k dyn KeyHandle, originators: &'k [Certificate]) -> Self {
        let keys = Keys { recipient, private, originators };
        Self { keys, state: State::Head { pending: Vec::new(), next_look: 0 } }
    }

    /// Takes in the next octets of the envelope, DER or BER; answers what of the content can be decrypted now.
    ///
    /// # Errors
    /// `Malformed` for anything but the envelopes that the module describes; `OtherRecipient` if no recipient is this certificate;
    /// `OriginatorUnknown` where the originator's certificate is not at hand; `Forged` where the content key does not unwrap;
    /// `UnsupportedKey` if the keys do not belong together or do no such operation; `TooLong` beyond what the cipher takes.
    pub fn update(&mut self, envelope: &[u8]) -> Result<Unauthenticated, EnvelopeError> {
        let result = self.advance(envelope);
        if let Err(error) = &result {
            self.state = State::Failed(error.clone());
        }
        result.map(Unauthenticated)
    }

    /// Checks what comes after the content.
    ///
    /// # Errors
    /// As [`Opener::update`]; `Malformed` where the envelope was cut or something follows it; `Forged` where the content was changed.
    pub fn finish(mut self) -> Result<Opened, EnvelopeError> {
        let mut rest = Zeroizing::new(Vec::new());
        if let State::Head { pending, .. } = &mut self.state {
            let pending = std::mem::take(pending);
            rest = self.look(&pending)?.ok_or(EnvelopeError::Malformed)?;
        }
        match self.state {
            State::Content(content) => content.finish(rest),
            State::Failed(error) => Err(error),
            State::Head { .. } => Err(EnvelopeError::Malformed),
        }
    }

    fn advance(&mut self, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        let (mut octets, next_look) = match &mut self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Content(content) => return content.update(envelope),
            State::Head { pending, next_look } => (std::mem::take(pending), *next_look),
        };
        // The usual case: the head is in the first piece, which is not copied.
        let octets = if octets.is_empty() {
            envelope
        } else {
            octets.extend_from_slice(envelope);
            &octets
        };
        if octets.len() >= next_look
            && let Some(plaintext) = self.look(octets)?
        {
            return Ok(plaintext);
        }
        if octets.len() > HEAD_BYTES {
            return Err(EnvelopeError::Malformed);
        }
        // Twice as much each time, so that small pieces do not cost the square of the head.
        let next_look = if octets.len() >= next_look { 2 * octets.len() } else { next_look };
        self.state = State::Head { pending: octets.to_vec(), next_look };
        Ok(Zeroizing::default())
    }

    /// Reads the head, if it is there, and decrypts what follows it.
    fn look(&mut self, octets: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, EnvelopeError> {
        let (head, rest) = match Head::read(octets) {
            Ok(found) => found,
            Err(Gap::More) => return Ok(None),
            Err(Gap::Refused(error)) => return Err(error),
        };
        let mut content = Box::new(head.open(self.keys)?);
        let plaintext = content.update(rest)?;
        self.state = State::Content(content);
        Ok(Some(plaintext))
    }
}

/// Everything before the content.
struct Head {
    /// OriginatorInfo in DER.
    originator: Option<Vec<u8>>,
    /// RecipientInfos in DER.
    recipients: Vec<u8>,
    parameters: Parameters,
    segments: Segments,
}

impl Head {
    /// AuthEnvelopedData (RFC 5083, 2.1) or EnvelopedData (RFC 5652, 6.1) in a ContentInfo, up to the content; and what follows.
    fn read(octets: &[u8]) -> Result<(Self, &[u8]), Gap> {
        let mut cursor = Cursor::new(octets, 0, Frames::default());
        cursor.enter(tag::SEQUENCE)?;
        let authenticated = match Reader::new(&cursor.element()?).oid()? {
            oid::AUTH_ENVELOPED_DATA => true,
            oid::ENVELOPED_DATA => false,
            _ => return Err(EnvelopeError::Malformed.into()),
        };
        cursor.enter(tag::context_constructed(0))?;
        cursor.enter(tag::SEQUENCE)?;
        // EnvelopedData: 2 with key agreement, 3 with what we pass over.
        let versions = if authenticated { 0..=0 } else { 2..=3 };
        if !versions.contains(&Reader::new(&cursor.element()?).small_integer()?) {
            return Err(EnvelopeError::Malformed.into());
        }
        let has_originator = cursor.peek()? == Some(tag::context_constructed(0));
        let originator = if has_originator { Some(cursor.element()?) } else { None };
        let recipients = cursor.element()?;
        cursor.enter(tag::SEQUENCE)?;
        let _content_type = Reader::new(&cursor.element()?).oid()?;
        let parameters = Parameters::read(&cursor.element()?)?;
        if parameters.authenticates() != authenticated {
            return Err(EnvelopeError::Malformed.into());
        }
        let (segments, taken) = Segments::enter(cursor)?;
        Ok((Self { originator, recipients, parameters, segments }, octets.get(taken..).unwrap_or_default()))
    }

    fn open(self, keys: Keys<'_>) -> Result<Content, EnvelopeError> {
        let embedded = self.originator.as_deref().map_or(Ok(Vec::new()), originator_certificates)?;
        let infos = Element::only(&self.recipients)?.open(tag::SET)?.all(MOST_RECIPIENTS)?;
        let key = recipient::open(&infos, keys, &embedded)?;
        let authenticates = self.parameters.authenticates();
        let decryptor = self.parameters.decryptor(&key)?;
        Ok(Content { authenticates, segments: self.segments, decryptor, plaintext_bytes: 0, trailer: Vec::new() })
    }
}

/// `OriginatorInfo ::= SEQUENCE { certs [0] IMPLICIT CertificateSet OPTIONAL, crls [1] IMPLICIT RevocationInfoChoices OPTIONAL }`, itself
/// under `[0]`. What `certs` cannot read is passed over.
fn originator_certificates(info: &[u8]) -> Result<Vec<Certificate>, EnvelopeError> {
    let mut info = Reader::new(Element::only(info)?.content);
    let Some(set) = info.optional(tag::context_constructed(0))? else { return Ok(Vec::new()) };
    let certificates = Reader::new(set.content).all(MOST_RECIPIENTS)?;
    Ok(certificates.iter().filter_map(|element| Certificate::from_der(element.raw).ok()).collect())
}

/// The content and what follows it.
struct Content {
    authenticates: bool,
    segments: Segments,
    decryptor: Decryptor,
    plaintext_bytes: u64,
    trailer: Vec<u8>,
}

impl Content {
    fn update(&mut self, mut octets: &[u8]) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
        // What waits is less than a block: the buffer never grows, so no copy of plaintext is left behind.
        let mut plaintext = Zeroizing::new(Vec::with_capacity(octets.len() + MOST_WAITING));
        while let Some(sealed) = self.segments.next(&mut octets)? {
            self.decryptor.update(sealed, &mut plaintext)?;
            self.plaintext_bytes += sealed.len() as u64;
        }
        if self.trailer.len() + octets.len() > TRAILER_BYTES {
            return Err(EnvelopeError::Malformed);
        }
        self.trailer.extend_from_slice(octets);
        Ok(plaintext)
    }

    fn finish(mut self, first: Zeroizing<Vec<u8>>) -> Result<Opened, EnvelopeError> {
        if !self.segments.has_ended() {
            return Err(EnvelopeError::Malformed);
        }
        let trailer = Trailer::read(&self.trailer, self.segments.place(), self.authenticates);
        let trailer = trailer.map_err(|gap| match gap {
            Gap::More => EnvelopeError::Malformed,
            Gap::Refused(error) => error,
        })?;
        let mut rest = Zeroizing::new(Vec::with_capacity(first.len() + MOST_WAITING));
        rest.extend_from_slice(&first);
        let proven = self.decryptor.finish(&trailer.aad, trailer.mac.as_ref(), &mut rest)?;
        let authenticated = proven.then_some(Authenticated { plaintext_bytes: self.plaintext_bytes });
        Ok(Opened { rest: Unauthenticated(rest), authenticated })
    }
}

/// What a cipher holds back at most.
const MOST_WAITING: usize = 64;

/// Everything after the content.
#[derive(Default)]
struct Trailer {
    /// DER of the authenticated attributes with the tag of a SET (RFC 5083, 2.2); empty where there are none.
    aad: Vec<u8>,
    mac: Option<[u8; TAG_BYTES]>,
}

impl Trailer {
    fn read(octets: &[u8], (at, frames): (u64, Frames), authenticates: bool) -> Result<Self, Gap> {
        let mut cursor = Cursor::new(octets, at, frames);
        // EncryptedContentInfo.
        cursor.leave()?;
        let mut trailer = Self::default();
        if cursor.peek()? == Some(tag::context_constructed(1)) {
            let attributes = cursor.element()?;
            // Without authentication these are unprotected attributes, and nothing to us.
            if authenticates {
                trailer.aad = Writer::new().value(tag::SET, Element::only(&attributes)?.content).into_bytes();
            }
        }
        if authenticates {
            let mac = cursor.element()?;
            let mac = Element::only(&mac)?.expect(tag::OCTET_STRING)?.try_into();
            trailer.mac = Some(mac.map_err(|_| EnvelopeError::Malformed)?);
            if cursor.peek()? == Some(tag::context_constructed(2)) {
                let _unauthenticated = cursor.element()?;
            }
        }
        // The envelope, its [0], and ContentInfo.
        for _ in 0..3 {
            cursor.leave()?;
        }
        if cursor.is_at_end() { Ok(trailer) } else { Err(EnvelopeError::Malformed.into()) }
    }
}
