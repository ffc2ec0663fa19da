//! RFC 3161 time-stamps: request, response, and TSTInfo.
//!
//! The token is a CMS; its signature is checked by `signing`, which hands the eContent here.
use crate::asn1::{Malformed, Reader, oid, read, tag, time as asn1_time, write};
use crate::path::VerifiedPath;
use crate::trust::Purpose;
use crypto::digest::{Digest, DigestAlgorithm};
use time::{Duration, OffsetDateTime};

/// Why a time-stamp proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimestampError {
    /// The named structure does not follow RFC 3161.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The authority gave no token (PKIStatus, RFC 3161 2.4.2).
    #[error("the authority refused: status {status}")]
    Refused {
        /// 2 rejection, 3 waiting, 4 revocationWarning, 5 revocationNotification.
        status: u32,
    },
    /// The token is over other data.
    #[error("the token is for another imprint")]
    ImprintMismatch,
    /// The token answers another request.
    #[error("nonce differs")]
    NonceMismatch,
    /// The path was verified for something else than time-stamping.
    #[error("the path was not verified for time-stamping")]
    WrongPurpose,
}

impl From<Malformed> for TimestampError {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed(what)
    }
}

/// What a time-stamp authority signs (RFC 3161 2.4.2).
#[derive(Debug, Clone)]
pub struct TstInfo {
    /// When the authority saw the imprint, by its clock.
    pub gen_time: OffsetDateTime,
    /// The authority's policy, dotted.
    pub policy: String,
    /// INTEGER content octets of the token's number.
    pub serial: Vec<u8>,
    /// The digest algorithm of the imprint, dotted.
    pub imprint_oid: String,
    /// The imprint.
    pub imprint: Vec<u8>,
    /// INTEGER content octets of the nonce of the request.
    pub nonce: Option<Vec<u8>>,
    /// How far the clock may be off, either way.
    pub accuracy: Option<Duration>,
}

impl TstInfo {
    /// Reads a TSTInfo, which must be all of `der`.
    ///
    /// # Errors
    /// [`TimestampError::Malformed`], also for an extension that is critical: we process none.
    pub fn from_der(der: &[u8]) -> Result<Self, TimestampError> {
        let mut info = read::sole_sequence("TSTInfo", der)?;
        if info.expect(tag::INTEGER)?.unsigned()? != 1 {
            return Err(TimestampError::Malformed("TSTInfo"));
        }
        let policy = dotted(&mut info)?;
        let (imprint_oid, imprint) = message_imprint(&mut info)?;
        let serial = info.expect(tag::INTEGER)?.content().to_vec();
        let gen_time = asn1_time::read(&info.expect(tag::GENERALIZED_TIME)?)?;
        let accuracy = info.optional(tag::SEQUENCE)?.map(|fields| accuracy(fields.reader("accuracy"))).transpose()?;
        if let Some(ordering) = info.optional(tag::BOOLEAN)? {
            ordering.boolean()?;
        }
        let nonce = info.optional(tag::INTEGER)?.map(|nonce| nonce.content().to_vec());
        info.optional(tag::constructed(0))?;
        if let Some(extensions) = info.optional(tag::constructed(1))? {
            let extensions = crate::certificate::Extension::read_all(extensions.reader("extensions"))?;
            if extensions.iter().any(|extension| extension.critical) {
                return Err(TimestampError::Malformed("TSTInfo: unknown critical extension"));
            }
        }
        info.finish()?;
        Ok(Self { gen_time, policy, serial, imprint_oid, imprint, nonce, accuracy })
    }

    /// Whether the token answers the request that carried `nonce` (a magnitude in big-endian octets).
    ///
    /// # Errors
    /// [`TimestampError::NonceMismatch`] if it has another nonce or none.
    pub fn check_nonce(&self, nonce: &[u8]) -> Result<(), TimestampError> {
        match &self.nonce {
            Some(echoed) if significant(echoed) == significant(nonce) => Ok(()),
            _ => Err(TimestampError::NonceMismatch),
        }
    }
}

/// DER TimeStampReq for `imprint`; `nonce` is a magnitude in big-endian octets, 8 or more random ones;
/// `want_certificate` asks for the authority's certificate inside the token.
#[must_use]
pub fn request(imprint: &Digest, nonce: Option<&[u8]>, want_certificate: bool) -> Vec<u8> {
    write::sequence(&[
        &write::unsigned(&[1]),
        &write::sequence(&[&digest_algorithm(imprint.algorithm()), &write::octet_string(imprint.as_bytes())]),
        &nonce.map(write::unsigned).unwrap_or_default(),
        // DER leaves a DEFAULT FALSE out.
        &if want_certificate { write::boolean(true) } else { Vec::new() },
    ])
}

/// The token (ContentInfo DER) of a granted response.
///
/// # Errors
/// [`TimestampError::Refused`] with the authority's status, or [`TimestampError::Malformed`].
pub fn token_of_response(response: &[u8]) -> Result<Vec<u8>, TimestampError> {
    let mut fields = read::sole_sequence("TimeStampResp", response)?;
    let status = fields.sequence("PKIStatusInfo")?.expect(tag::INTEGER)?.unsigned()?;
    // 0 granted, 1 grantedWithMods.
    if status > 1 {
        return Err(TimestampError::Refused { status });
    }
    let token = fields.expect(tag::SEQUENCE)?;
    fields.finish()?;
    Ok(token.raw().to_vec())
}

/// Time that a verified token proves: the data existed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrustedTime(OffsetDateTime);

impl TrustedTime {
    /// The time of `info`, which `path`'s leaf signed over `imprint`.
    ///
    /// That the leaf's key made the token's signature is for the caller to check before (`signing`'s time-stamp validation, the
    /// only caller); here the path must be one for time-stamping, and the imprint that of the data in question.
    ///
    /// # Errors
    /// [`TimestampError::WrongPurpose`], [`TimestampError::ImprintMismatch`].
    pub fn attest(path: &VerifiedPath, info: &TstInfo, imprint: &Digest) -> Result<Self, TimestampError> {
        if path.purpose() != Purpose::TimeStamping {
            return Err(TimestampError::WrongPurpose);
        }
        if info.imprint_oid != imprint.algorithm().oid() || info.imprint != imprint.as_bytes() {
            return Err(TimestampError::ImprintMismatch);
        }
        Ok(Self(info.gen_time))
    }

    /// The time.
    #[must_use]
    pub fn at(self) -> OffsetDateTime {
        self.0
    }
}

/// A time-stamp request as an authority reads it.
pub(crate) struct TimestampRequest<'a> {
    pub(crate) imprint_oid: String,
    pub(crate) imprint: Vec<u8>,
    pub(crate) policy: Option<String>,
    /// INTEGER content octets.
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) wants_certificate: bool,
    pub(crate) has_extensions: bool,
}

impl<'a> TimestampRequest<'a> {
    /// TimeStampReq ::= SEQUENCE { version, messageImprint, reqPolicy OPTIONAL, nonce OPTIONAL, certReq DEFAULT FALSE,
    /// extensions [0] OPTIONAL } (RFC 3161 2.4.1).
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, TimestampError> {
        let mut request = read::sole_sequence("TimeStampReq", der)?;
        if request.expect(tag::INTEGER)?.unsigned()? != 1 {
            return Err(TimestampError::Malformed("TimeStampReq"));
        }
        let (imprint_oid, imprint) = message_imprint(&mut request)?;
        let has_policy = request.peek() == Some(tag::OBJECT_IDENTIFIER);
        let policy = if has_policy { Some(dotted(&mut request)?) } else { None };
        let nonce = request.optional(tag::INTEGER)?.map(|nonce| nonce.content());
        let wants_certificate = request.optional(tag::BOOLEAN)?.map_or(Ok(false), |wanted| wanted.boolean())?;
        let has_extensions = request.optional(tag::constructed(0))?.is_some();
        request.finish()?;
        Ok(Self { imprint_oid, imprint, policy, nonce, wants_certificate, has_extensions })
    }
}

/// AlgorithmIdentifier of a digest, parameters left out (RFC 5754 2).
pub(crate) fn digest_algorithm(algorithm: DigestAlgorithm) -> Vec<u8> {
    match const_oid::ObjectIdentifier::new(algorithm.oid()) {
        Ok(oid) => write::sequence(&[&write::oid(&oid)]),
        // The table of `crypto` holds object identifiers only.
        Err(_) => Vec::new(),
    }
}

/// MessageImprint ::= SEQUENCE { hashAlgorithm, hashedMessage }: dotted algorithm and value.
fn message_imprint(reader: &mut Reader<'_>) -> Result<(String, Vec<u8>), Malformed> {
    let mut imprint = reader.sequence("messageImprint")?;
    let algorithm = dotted(&mut imprint.sequence("messageImprint")?)?;
    let value = imprint.expect(tag::OCTET_STRING)?.content().to_vec();
    imprint.finish()?;
    Ok((algorithm, value))
}

fn dotted(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let malformed = reader.malformed();
    oid::dotted(reader.expect(tag::OBJECT_IDENTIFIER)?.content()).ok_or(malformed)
}

/// Accuracy ::= SEQUENCE { seconds INTEGER, millis [0] INTEGER (1..999), micros [1] INTEGER (1..999) }, all optional.
fn accuracy(mut fields: Reader<'_>) -> Result<Duration, Malformed> {
    let seconds = fields.optional(tag::INTEGER)?.map_or(Ok(0), |seconds| seconds.unsigned())?;
    let millis = fields.optional(tag::context(0))?.map_or(Ok(0), |millis| millis.unsigned())?;
    let micros = fields.optional(tag::context(1))?.map_or(Ok(0), |micros| micros.unsigned())?;
    fields.finish()?;
    Ok(Duration::seconds(i64::from(seconds))
        + Duration::milliseconds(i64::from(millis))
        + Duration::microseconds(i64::from(micros)))
}

fn significant(magnitude: &[u8]) -> &[u8] {
    let first = magnitude.iter().position(|byte| *byte != 0).unwrap_or(magnitude.len());
    magnitude.get(first..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
