//! Time-stamp tokens of one signature: where they stand, over what, and what they hold. Nothing is believed here.

use std::borrow::Cow;

use certs::timestamp::TstInfo;
use crypto::digest::DigestAlgorithm;
use schemas::report::TimestampKind;

use crate::asn1::{Layers, Limits, normalise, oid};
use crate::cms::{SignedData, SignerInfo};

use super::proof::Object;

/// Time-stamps of one signature that are looked at. Each costs a chain and its revocation; archives that were renewed
/// yearly for two decades stay below.
const MOST_TOKENS: usize = 32;

/// Attributes that hold tokens, and over what each stands.
const ATTRIBUTES: [(&[u8], TimestampKind, Form); 7] = [
    (oid::CONTENT_TIME_STAMP, TimestampKind::Content, Form::Plain),
    (oid::SIGNATURE_TIME_STAMP, TimestampKind::Signature, Form::Plain),
    (oid::CADES_C_TIME_STAMP, TimestampKind::SignatureAndReferences, Form::Plain),
    (oid::REFERENCES_TIME_STAMP, TimestampKind::References, Form::Plain),
    (oid::ARCHIVE_TIME_STAMP_V1, TimestampKind::Archive, Form::ArchiveV1),
    (oid::ARCHIVE_TIME_STAMP_V2, TimestampKind::Archive, Form::ArchiveV2),
    (oid::ARCHIVE_TIME_STAMP_V3, TimestampKind::Archive, Form::ArchiveV3),
];

/// How the imprint of an archive time-stamp is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Not an archive time-stamp.
    Plain,
    /// TS 101 733 before V1.7.4: superseded, and recognised only.
    ArchiveV1,
    /// EN 319 122-1, A.2.4.
    ArchiveV2,
    /// EN 319 122-1, 5.5.3.
    ArchiveV3,
}

/// An attribute value that should be a token.
pub(super) struct Source<'a> {
    pub(super) kind: TimestampKind,
    pub(super) form: Form,
    /// What holds it.
    pub(super) object: Object,
    /// As it stands in the file.
    pub(super) value: &'a [u8],
    /// The same in DER; `None` where that is impossible.
    der: Option<Cow<'a, [u8]>>,
}

/// A token that could be read.
pub(super) struct Token<'s> {
    pub(super) signed: SignedData<'s>,
    pub(super) info: TstInfo,
}

/// Every value of the attributes that hold tokens, in the order of the file.
pub(super) fn sources<'a>(signer: &SignerInfo<'a>) -> Vec<Source<'a>> {
    let unsigned = signer.unsigned_attributes.iter().enumerate().map(|(index, attribute)| (Some(index), attribute));
    let signed = signer.signed_attributes.iter().map(|attribute| (None, attribute));
    let mut sources = Vec::new();
    for (place, attribute) in signed.chain(unsigned) {
        let Some((_, kind, form)) = ATTRIBUTES.iter().find(|(oid, ..)| *oid == attribute.oid) else { continue };
        // The one that is signed stands among the signed attributes, and all others do not.
        if place.is_none() != (*kind == TimestampKind::Content) {
            continue;
        }
        for (number, value) in attribute.values.iter().enumerate() {
            if sources.len() == MOST_TOKENS {
                return sources;
            }
            let object = place.map_or(Object::Signature, |place| Object::UnsignedValue(place, number));
            sources.push(Source::new(*kind, *form, object, value));
        }
    }
    sources
}

/// Digests of the content from which the imprints of a signature's time-stamps are made: those of the content itself, and archive
/// time-stamps of version 3, which begin with one (EN 319 122-1, 5.5.3).
pub(super) fn content_digests(signer: &SignerInfo<'_>) -> Vec<DigestAlgorithm> {
    let over_digest = |source: &Source<'_>| source.kind == TimestampKind::Content || source.form == Form::ArchiveV3;
    let algorithm = |source: &Source<'_>| DigestAlgorithm::from_oid(&source.read()?.info.imprint_oid);
    sources(signer).iter().filter(|source| over_digest(source)).filter_map(algorithm).collect()
}

impl<'a> Source<'a> {
    pub(super) fn new(kind: TimestampKind, form: Form, object: Object, value: &'a [u8]) -> Self {
        let der = normalise(value, Layers::SIGNED_DATA, &Limits::default()).ok();
        let der = der.filter(|(_, taken)| *taken == value.len()).map(|(der, _)| der);
        Self { kind, form, object, value, der }
    }

    /// RFC 3161, 2.4.2: the content is a TSTInfo, and exactly one signature, the authority's, stands over it.
    pub(super) fn read(&self) -> Option<Token<'_>> {
        let signed = SignedData::read(self.der.as_deref()?).ok()?;
        if signed.signers.len() != 1 || signed.content_type != oid::TST_INFO {
            return None;
        }
        let info = TstInfo::from_der(signed.content?).ok()?;
        Some(Token { signed, info })
    }
}
