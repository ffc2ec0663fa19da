//! Certificate revocation lists: RFC 5280 section 5.
//!
//! Here are the list as a whole and its signature; `scope` says which certificates it is about, `entries` looks them up,
//! `lists` puts several together after 6.3.3.
use super::entries::{Entries, Wanted};
use super::reasons::Reasons;
use super::scope::Scope;
use super::{Fact, RevocationError, Revoked};
use crate::asn1::{Span, read, tag, time as asn1_time};
use crate::certificate::Certificate;
use crate::name::Canonical;
use crypto::key::PublicKey;
use crypto::signature::VerifyError;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use time::OffsetDateTime;

/// Largest list that is read: twice the largest that a European authority publishes.
pub const CRL_BYTES: usize = 128 * 1024 * 1024;

/// A revocation list, read but not yet believed. Cheap to clone.
#[derive(Clone)]
pub struct Crl {
    inner: Arc<Parsed>,
}

struct Parsed {
    der: Vec<u8>,
    tbs: Span,
    issuer_der: Span,
    issuer: Canonical,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    entries: Entries,
    scope: Scope,
    tbs_algorithm: Span,
    algorithm: Span,
    signature: Span,
    /// The key under which the signature was found right.
    verified_by: OnceLock<PublicKey>,
    /// Keys under which it was found wrong: each pass over a list of 60 MB is made once.
    refused_by: Mutex<Vec<PublicKey>>,
}

/// Most keys that a list remembers to be wrong. Nobody tries more who has no bad intentions.
const MOST_REFUSED: usize = 8;

impl Crl {
    /// Reads one list, which must be all of `der`. Entries are looked at only when a certificate is looked up.
    ///
    /// # Errors
    /// [`RevocationError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationError> {
        bounded(der)?;
        Self::from_vec(der.to_vec())
    }

    /// [`Self::from_der`] of bytes that need not be copied: lists can have 60 MB.
    ///
    /// # Errors
    /// [`RevocationError::Malformed`].
    pub fn from_vec(der: Vec<u8>) -> Result<Self, RevocationError> {
        bounded(&der)?;
        Ok(Self { inner: Arc::new(parse(der)?) })
    }

    /// Whether the signature was found right under this key before.
    pub(crate) fn is_believed_by(&self, issuer_key: &PublicKey) -> bool {
        self.inner.verified_by.get().is_some_and(|known| known.spki_der() == issuer_key.spki_der())
    }

    /// The bytes as they arrived.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// The bytes as they arrived, without a copy where nobody else holds the list.
    #[must_use]
    pub fn into_der(self) -> Vec<u8> {
        Arc::try_unwrap(self.inner).map_or_else(|shared| shared.der.clone(), |parsed| parsed.der)
    }

    /// Raw DER of the issuer's Name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.inner.issuer_der.of(&self.inner.der)
    }

    /// The value of issuingDistributionPoint (RFC 5280 5.2.5), empty where there is none: lists of one issuer that differ in
    /// it are different lists, and one does not replace the other.
    #[must_use]
    pub fn scope_der(&self) -> &[u8] {
        self.inner.scope.point.map(|span| span.of(&self.inner.der)).unwrap_or_default()
    }

    /// When the list was made.
    #[must_use]
    pub fn this_update(&self) -> OffsetDateTime {
        self.inner.this_update
    }

    /// When the next list will be there at the latest.
    #[must_use]
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.inner.next_update
    }

    /// Whether the list only says what changed since a complete one (RFC 5280 5.2.4).
    #[must_use]
    pub fn is_delta(&self) -> bool {
        self.inner.scope.base.is_some()
    }

    /// How many entries it has.
    ///
    /// # Errors
    /// [`RevocationError`] where one cannot be read or understood.
    pub fn entry_count(&self) -> Result<usize, RevocationError> {
        self.inner.entries.count(&self.inner.der)
    }

    /// Whether this list, complete or delta, was signed by `issuer_key`. Says nothing of names, scope, dates or trust:
    /// [`super::status`] does.
    ///
    /// # Errors
    /// [`VerifyError`], as [`Certificate::verify_signature`].
    pub fn verify_signature(&self, issuer_key: &PublicKey) -> Result<(), VerifyError> {
        let inner = &self.inner;
        if inner.verified_by.get().is_some_and(|known| known.spki_der() == issuer_key.spki_der()) {
            return Ok(());
        }
        let algorithm = inner.algorithm.of(&inner.der);
        if algorithm != inner.tbs_algorithm.of(&inner.der) {
            return Err(VerifyError::UnsupportedAlgorithm);
        }
        let refused = || inner.refused_by.lock().unwrap_or_else(PoisonError::into_inner);
        if refused().iter().any(|known| known.spki_der() == issuer_key.spki_der()) {
            return Err(VerifyError::Mismatch);
        }
        let signature = inner.signature.of(&inner.der);
        let verdict = crate::signed::verify(issuer_key, algorithm, inner.tbs.of(&inner.der), signature);
        match verdict {
            Ok(()) => drop(inner.verified_by.set(issuer_key.clone())),
            Err(VerifyError::Mismatch) if refused().len() < MOST_REFUSED => refused().push(issuer_key.clone()),
            Err(_) => {}
        }
        verdict
    }

    /// What this list alone says of `certificate`, which `issuer` issued, where `issuer` signed it.
    ///
    /// # Errors
    /// Why it says nothing: [`RevocationError`].
    pub fn fact(&self, certificate: &Certificate, issuer: &Certificate) -> Result<Fact, RevocationError> {
        if self.is_delta() {
            return Err(RevocationError::OutOfScope(DELTA));
        }
        if self.covers(certificate)? != Reasons::ALL {
            return Err(RevocationError::OutOfScope(SOME_REASONS));
        }
        self.check_signer(issuer)?;
        Ok(self.fact_of(self.find(certificate)?))
    }

    /// Whether the list is made as RFC 5280 5.2.3 demands of issuers: numbered, by an extension that is not critical. Says
    /// nothing about whether to believe it.
    ///
    /// # Errors
    /// [`RevocationError::OutOfScope`] with the rule.
    pub fn check_issuer_rules(&self) -> Result<(), RevocationError> {
        match self.inner.scope.number {
            Some((_, false)) => Ok(()),
            Some((_, true)) => Err(RevocationError::OutOfScope("its number is critical (RFC 5280 5.2.3)")),
            None => Err(RevocationError::OutOfScope("it has no number (RFC 5280 5.2.3)")),
        }
    }

    pub(super) fn issuer(&self) -> &Canonical {
        &self.inner.issuer
    }

    /// The reasons for which the list speaks of `certificate` (6.3.3 b, d and e).
    pub(super) fn covers(&self, certificate: &Certificate) -> Result<Reasons, RevocationError> {
        let Parsed { issuer, scope, der, .. } = &*self.inner;
        scope.covers(der, issuer, certificate)
    }

    /// The entry of `certificate`, whoever signed the list.
    pub(super) fn find(&self, certificate: &Certificate) -> Result<Option<Revoked>, RevocationError> {
        let inner = &*self.inner;
        let issuer = certificate.issuer_name().ok_or(RevocationError::OtherCertificate)?;
        let wanted = Wanted { serial: certificate.serial(), issuer, list_issuer: &inner.issuer };
        inner.entries.find(&inner.der, wanted)
    }

    /// The list's dates around what an entry says.
    pub(super) fn fact_of(&self, revoked: Option<Revoked>) -> Fact {
        Fact {
            revoked,
            this_update: self.inner.this_update,
            next_update: self.inner.next_update,
            produced_at: self.inner.this_update,
            keeps_expired_since: self.inner.scope.keeps_expired_since,
        }
    }

    /// Whether `delta` is made for this complete list: the same issuer and scope, and numbers that fit.
    pub(super) fn fits(&self, delta: &Self) -> bool {
        let (ours, theirs) = (&*self.inner, &*delta.inner);
        ours.issuer == theirs.issuer && ours.scope.is_updated_by(&ours.der, &theirs.scope, &theirs.der)
    }

    /// Whether the key that signed this list, which was found authentic, signed `delta` too (6.3.3 h).
    pub(super) fn is_by_the_key_of(&self, delta: &Self) -> bool {
        self.inner.verified_by.get().is_some_and(|key| delta.verify_signature(key).is_ok())
    }

    /// RFC 5280 6.3.3 (f) and (g): `signer` has the name of the list's issuer, may sign lists, and signed this one.
    pub(super) fn check_signer(&self, signer: &Certificate) -> Result<(), RevocationError> {
        if signer.subject_name() != Some(&self.inner.issuer) {
            return Err(RevocationError::OtherCertificate);
        }
        if signer.key_usage().is_some_and(|usage| !usage.crl_sign()) {
            return Err(RevocationError::ResponderNotAuthorised);
        }
        let key = signer.public_key().map_err(|_| RevocationError::SignatureWrong)?;
        self.verify_signature(key).map_err(|_| RevocationError::SignatureWrong)
    }
}

#[cfg(test)]
impl Crl {
    /// What the index takes.
    pub(super) fn index_bytes(&self) -> usize {
        self.inner.entries.index_bytes()
    }
}

/// Size and dates only.
impl std::fmt::Debug for Crl {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Crl({} bytes, thisUpdate {})", self.inner.der.len(), self.inner.this_update)
    }
}

pub(super) const DELTA: &str = "it is a delta list, and the complete list that it changes is not there";
pub(super) const SOME_REASONS: &str = "it lists some reasons only, and the others are not there";

fn bounded(der: &[u8]) -> Result<(), RevocationError> {
    if der.len() > CRL_BYTES { Err(RevocationError::Malformed("CertificateList: too large")) } else { Ok(()) }
}

/// CertificateList ::= SEQUENCE { tbsCertList, signatureAlgorithm, signatureValue } (RFC 5280 5.1).
fn parse(der: Vec<u8>) -> Result<Parsed, RevocationError> {
    let mut list = read::sole_sequence("CertificateList", &der)?;
    let tbs = list.expect(tag::SEQUENCE)?;
    let algorithm = list.expect(tag::SEQUENCE)?;
    let signature = list.expect(tag::BIT_STRING)?;
    list.finish()?;

    let mut body = tbs.reader("TBSCertList");
    if let Some(version) = body.optional(tag::INTEGER)?
        && version.unsigned()? != 1
    {
        return Err(RevocationError::Malformed("TBSCertList"));
    }
    let tbs_algorithm = body.expect(tag::SEQUENCE)?;
    let issuer = body.expect(tag::SEQUENCE)?;
    let this_update = asn1_time::read(&body.any()?)?;
    let next_update = if asn1_time::is_time(body.peek()) { Some(asn1_time::read(&body.any()?)?) } else { None };
    let entries = body.optional(tag::SEQUENCE)?.map_or(Span::EMPTY, |entries| entries.content_span());
    let mut scope = Scope::default();
    if let Some(explicit) = body.optional(tag::constructed(0))? {
        let mut inner = explicit.reader("crlExtensions");
        scope = Scope::read(inner.sequence("crlExtensions")?)?;
        inner.finish()?;
    }
    body.finish()?;
    Ok(Parsed {
        tbs: tbs.span(),
        issuer_der: issuer.span(),
        issuer: Canonical::of(issuer.raw()).ok_or(RevocationError::Malformed("TBSCertList"))?,
        this_update,
        next_update,
        entries: Entries::new(entries, scope.indirect),
        scope,
        tbs_algorithm: tbs_algorithm.span(),
        algorithm: algorithm.span(),
        signature: signature.octet_bits_span(),
        verified_by: OnceLock::new(),
        refused_by: Mutex::default(),
        der,
    })
}
