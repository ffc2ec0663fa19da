//! A throw-away PKI for demonstrations and tests: root, issuing authority, OCSP responder, time-stamp authority.
//!
//! `authority` composes certificates and lists, `ocsp` and `tsa` answer requests, [`lists`] writes trusted lists, `hostile` makes what nobody should. Keys are
//! made at run time and live as long as the value; nothing of this is meant to be believed by anyone but the one who made it. Two instances share nothing but
//! the kind of names: each has its own name, keys and numbers.
mod authority;
#[cfg(test)]
pub(crate) mod forge;
pub mod hostile;
pub mod lists;
#[cfg(test)]
mod national_tests;
mod ocsp;
mod tag;
mod tsa;

use crate::asn1::oid;
use crate::certificate::Certificate;
use authority::{Authority, Subject};
use crypto::dstu4145;
use crypto::key::{Curve, KeyError, KeyHandle, KeyKind, SoftwareKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use time::{Duration, OffsetDateTime};

pub use tag::Tag;

/// What to issue.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Common name of the subject.
    pub common_name: String,
    /// Organisation of the subject.
    pub organisation: Option<String>,
    /// ЄДРПОУ, eight digits: goes into organizationIdentifier as `NTRUA-<edrpou>`.
    pub edrpou: Option<String>,
    /// РНОКПП, ten digits: goes into serialNumber as `TINUA-<rnokpp>`.
    pub rnokpp: Option<String>,
    /// What the certificate is for; decides the extensions.
    pub usage: Usage,
    /// The key to make.
    pub key: KeyKind,
    /// Start of validity; may lie before the authority's own.
    pub not_before: OffsetDateTime,
    /// End of validity; in the past for an expired certificate.
    pub not_after: OffsetDateTime,
    /// DNS names of the subject alternative name; a TLS server also gets 127.0.0.1 and ::1.
    pub dns_names: Vec<String>,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// serverAuth.
    TlsServer,
    /// clientAuth.
    TlsClient,
    /// A person's signature.
    Signing,
    /// An organisation's seal.
    Seal,
    /// Key agreement (EC) or key encipherment (RSA).
    Encryption,
    /// Critical timeStamping.
    TimeStamping,
    /// OCSPSigning with ocsp-nocheck.
    OcspResponder,
}

/// The keys of a throw-away PKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// ECDSA over P-256 throughout.
    P256,
    /// DSTU 4145 as in Ukraine: the root over m = 431, all below it over m = 257; with Kupyna-256.
    Dstu4145,
}

impl Family {
    /// Of the root and of the others.
    fn kinds(self) -> (KeyKind, KeyKind) {
        match self {
            Self::P256 => (KeyKind::Ec(Curve::P256), KeyKind::Ec(Curve::P256)),
            Self::Dstu4145 => (KeyKind::Dstu4145(dstu4145::Curve::M431), KeyKind::Dstu4145(dstu4145::Curve::M257)),
        }
    }
}

/// Certificate with its private key.
pub struct Identity {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: SoftwareKey,
}

/// Root, issuing CA, OCSP responder, TSA. Shared between threads by reference; answers may be asked for while others revoke.
pub struct DevPki {
    root: Arc<Authority>,
    issuing: Authority,
    responder: Identity,
    time_stamper: Identity,
    ocsp_url: String,
    issuer_url: String,
    records: Mutex<Records>,
}

/// What the authorities remember, by serial number (INTEGER content octets).
#[derive(Default)]
struct Records {
    issued: BTreeSet<Vec<u8>>,
    revoked: BTreeMap<Vec<u8>, Revocation>,
}

#[derive(Clone, Copy)]
struct Revocation {
    at: OffsetDateTime,
    reason: u8,
}

impl DevPki {
    /// [`Self::of`] the family [`Family::P256`].
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn new(now: OffsetDateTime, validity: Duration, ocsp_url: &str) -> Result<Self, KeyError> {
        Self::of(Family::P256, now, validity, ocsp_url)
    }

    /// Makes root, issuing CA, responder and TSA with keys of `family`, valid from `validity` before `now` to `validity` after it, so that
    /// signatures of the past can be made too. `ocsp_url` goes into the authority information access of what is issued; empty:
    /// none.
    ///
    /// # Errors
    /// [`KeyError`] where the provider cannot make the keys.
    pub fn of(family: Family, now: OffsetDateTime, validity: Duration, ocsp_url: &str) -> Result<Self, KeyError> {
        let (root_kind, kind) = family.kinds();
        let (from, to) = (now - validity, now + validity);
        let mark = crypto::digest::hex(&crypto::random::array::<4>());
        let subject = |role: &str| Subject::of_authority(&format!("Throw-away {role} {mark}"));
        let root = Arc::new(Authority::root(root_kind, &subject("Root"), from, to)?);
        Self::under(root, kind, &mark, &subject("Issuing CA"), (from, to), ocsp_url)
    }

    /// The same root with another issuing authority of the same name, whose key is new; responder and TSA are new too. What the
    /// old one issued stays its own.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with_new_issuing_key(&self) -> Result<Self, KeyError> {
        let issuing = self.issuing_ca();
        let subject = Subject { name: issuing.subject_der().to_vec() };
        let validity = (issuing.not_before(), issuing.not_after());
        let key = self.issuing.identity().key.public_key().kind();
        let mark = crypto::digest::hex(&crypto::random::array::<4>());
        Self::under(self.root.clone(), key, &mark, &subject, validity, &self.ocsp_url)
    }

    /// The address of the issuing authority's certificate, to be written (caIssuers, RFC 5280 4.2.2.1) into what is issued from
    /// now on.
    #[must_use]
    pub fn naming_issuer_at(self, url: &str) -> Self {
        Self { issuer_url: url.to_owned(), ..self }
    }

    fn under(
        root: Arc<Authority>,
        kind: KeyKind,
        mark: &str,
        subject: &Subject,
        (from, to): (OffsetDateTime, OffsetDateTime),
        ocsp_url: &str,
    ) -> Result<Self, KeyError> {
        let issuing = root.subordinate(kind, subject, from, to, ocsp_url)?;
        let service = |name: &str, usage| Profile {
            common_name: format!("Throw-away {name} {mark}"),
            organisation: None,
            edrpou: None,
            rnokpp: None,
            usage,
            key: kind,
            not_before: from,
            not_after: to,
            dns_names: Vec::new(),
        };
        let responder = issuing.issue(&service("OCSP", Usage::OcspResponder), ocsp_url, "")?;
        let time_stamper = issuing.issue(&service("TSA", Usage::TimeStamping), ocsp_url, "")?;
        let pki = Self {
            ocsp_url: ocsp_url.to_owned(),
            issuer_url: String::new(),
            records: Mutex::new(Records::default()),
            root,
            issuing,
            responder,
            time_stamper,
        };
        for certificate in [pki.issuing_ca(), pki.ocsp_certificate(), pki.tsa_certificate()] {
            pki.records().issued.insert(certificate.serial().to_vec());
        }
        Ok(pki)
    }

    /// The trust anchor.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.root.certificate()
    }

    /// The authority below the root that issues everything else.
    #[must_use]
    pub fn issuing_ca(&self) -> &Certificate {
        self.issuing.certificate()
    }

    /// The time-stamp authority's certificate.
    #[must_use]
    pub fn tsa_certificate(&self) -> &Certificate {
        &self.time_stamper.certificate
    }

    /// The delegated OCSP responder's certificate.
    #[must_use]
    pub fn ocsp_certificate(&self) -> &Certificate {
        &self.responder.certificate
    }

    /// Makes a key and a certificate for it.
    ///
    /// # Errors
    /// [`KeyError`] where the provider cannot make such a key.
    pub fn issue(&self, profile: Profile) -> Result<Identity, KeyError> {
        let identity = self.issuing.issue(&profile, &self.ocsp_url, &self.issuer_url)?;
        self.records().issued.insert(identity.certificate.serial().to_vec());
        Ok(identity)
    }

    /// Revokes `certificate` since `at`; `reason` is a CRLReason (RFC 5280 5.3.1): 0 unspecified, 1 keyCompromise, ...
    pub fn revoke(&self, certificate: &Certificate, at: OffsetDateTime, reason: u8) {
        self.records().revoked.insert(certificate.serial().to_vec(), Revocation { at, reason });
    }

    /// The issuing CA's list, valid for a day.
    ///
    /// # Errors
    /// [`KeyError`] where the provider cannot sign.
    pub fn crl(&self, now: OffsetDateTime) -> Result<Vec<u8>, KeyError> {
        self.issuing.revocation_list(&self.records().revoked, now)
    }

    /// The root's list, valid for a day.
    ///
    /// # Errors
    /// [`KeyError`] where the provider cannot sign.
    pub fn root_crl(&self, now: OffsetDateTime) -> Result<Vec<u8>, KeyError> {
        self.root.revocation_list(&self.records().revoked, now)
    }

    /// Answers a DER OCSPRequest: good, revoked or unknown for an hour, the nonce repeated; malformedRequest for what is no
    /// request. The delegated responder answers for the issuing CA, the root for itself.
    #[must_use]
    pub fn answer_ocsp(&self, request: &[u8], now: OffsetDateTime) -> Vec<u8> {
        ocsp::answer(self, request, now)
    }

    /// Answers a DER TimeStampReq with a TimeStampResp: a token of one second's accuracy, or a rejection that says why.
    #[must_use]
    pub fn answer_tsa(&self, request: &[u8], now: OffsetDateTime) -> Vec<u8> {
        tsa::answer(self, &self.time_stamper, request, now)
    }

    /// [`Self::answer_tsa`] by somebody else, who need not be an authority for time-stamps at all.
    #[must_use]
    pub fn answer_tsa_by(&self, signer: &Identity, request: &[u8], now: OffsetDateTime) -> Vec<u8> {
        tsa::answer(self, signer, request, now)
    }

    /// A thread that died while holding the records left them whole: each change is one insertion.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Key usage bits (bit 0 is digitalSignature) and extended key usage with its criticality.
    fn purposes(self, key: KeyKind) -> (u16, Option<(&'static str, bool)>) {
        const DIGITAL_SIGNATURE: u16 = 1;
        const CONTENT_COMMITMENT: u16 = 1 << 1;
        const KEY_ENCIPHERMENT: u16 = 1 << 2;
        const KEY_AGREEMENT: u16 = 1 << 4;
        match self {
            Self::TlsServer => (DIGITAL_SIGNATURE, Some((oid::SERVER_AUTH, false))),
            Self::TlsClient => (DIGITAL_SIGNATURE, Some((oid::CLIENT_AUTH, false))),
            Self::Signing => (DIGITAL_SIGNATURE | CONTENT_COMMITMENT, None),
            Self::Seal => (DIGITAL_SIGNATURE | CONTENT_COMMITMENT, Some((oid::UA_SEAL, false))),
            Self::Encryption if matches!(key, KeyKind::Rsa { .. }) => (KEY_ENCIPHERMENT, None),
            Self::Encryption => (KEY_AGREEMENT, None),
            Self::TimeStamping => (DIGITAL_SIGNATURE, Some((oid::TIME_STAMPING, true))),
            Self::OcspResponder => (DIGITAL_SIGNATURE, Some((oid::OCSP_SIGNING, false))),
        }
    }
}
