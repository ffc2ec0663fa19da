//! What the tests share: a throw-away PKI with its revocation answers, and a forge for signatures that nobody should make.

pub(crate) mod conformance;

use certs::certificate::Certificate;
use certs::dev::{DevPki, Family, Identity, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::timestamp;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyHandle, KeyKind};
use crypto::signature::SignatureAlgorithm;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::asn1::{Writer, oid, tag};
use crate::cades::{self, Content};
use crate::validate::{Context, Outcome, Policy, UnverifiedDocument, validate};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
pub(crate) const P256: KeyKind = KeyKind::Ec(Curve::P256);

/// Whether the provider makes such private keys; says so if a test passes one over. The portable one makes no RSA keys, and none on P-521.
pub(crate) fn served(kind: KeyKind) -> bool {
    let served = cfg!(feature = "native") || !matches!(kind, KeyKind::Rsa { .. } | KeyKind::Ec(Curve::P521));
    if !served {
        println!("skipped: no private keys of this kind in this provider");
    }
    served
}

/// A PKI, and everything known about it.
pub(crate) struct World {
    pub(crate) pki: DevPki,
    pub(crate) trust: TrustSnapshot,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(Family::P256)
    }

    pub(crate) fn of(family: Family) -> Self {
        let pki = DevPki::of(family, NOW - Duration::days(400), Duration::days(4000), "http://ocsp.example/").unwrap();
        let purposes = vec![Purpose::Signing, Purpose::TimeStamping, Purpose::Encryption];
        let anchor = TrustAnchor { certificate: pki.root().clone(), purposes };
        let trust = TrustSnapshot::new(vec![anchor], vec![], NOW);
        Self { pki, trust }
    }

    pub(crate) fn identity(&self, key: KeyKind, usage: Usage) -> Identity {
        self.identity_until(key, usage, NOW + Duration::days(365))
    }

    pub(crate) fn identity_until(&self, key: KeyKind, usage: Usage, not_after: OffsetDateTime) -> Identity {
        let profile = Profile {
            common_name: "Signer".into(),
            organisation: Some("Agency".into()),
            edrpou: Some("12345678".into()),
            rnokpp: Some("1234567890".into()),
            usage,
            key,
            not_before: NOW - Duration::days(300),
            not_after,
            dns_names: Vec::new(),
        };
        self.pki.issue(profile).unwrap()
    }

    pub(crate) fn signer(&self) -> Identity {
        self.identity(P256, Usage::Signing)
    }

    pub(crate) fn chain(&self, identity: &Identity) -> Vec<Certificate> {
        vec![identity.certificate.clone(), self.pki.issuing_ca().clone()]
    }

    pub(crate) fn sign(&self, content: Content<'_>, identity: &Identity) -> Vec<u8> {
        let algorithm = identity.key.default_algorithm();
        cades::sign(content, &identity.key, algorithm, &self.chain(identity), NOW - Duration::HOUR).unwrap()
    }

    /// Answers of the responders at `at` for `certificate`, the authorities and the services.
    pub(crate) fn revocation(&self, certificate: &Certificate, at: OffsetDateTime) -> RevocationData {
        let (root, issuer) = (self.pki.root(), self.pki.issuing_ca());
        let tsa = self.pki.tsa_certificate();
        let mut data = RevocationData::default();
        for (subject, issuer) in [(certificate, issuer), (issuer, root), (tsa, self.issuer_of(tsa))] {
            let answer = self.pki.answer_ocsp(&ocsp_request(subject, issuer, None), at);
            data.ocsp.push(OcspResponse::from_der(&answer).unwrap());
        }
        data
    }

    pub(crate) fn issuer_of(&self, certificate: &Certificate) -> &Certificate {
        let issuers = [self.pki.root(), self.pki.issuing_ca()];
        issuers.into_iter().find(|issuer| issuer.subject_der() == certificate.issuer_der()).unwrap()
    }

    /// A token over the first signature value, made at `at`, put in.
    pub(crate) fn stamp(&self, cms: &[u8], at: OffsetDateTime) -> Vec<u8> {
        let imprint = cades::timestamp_imprint(cms, DigestAlgorithm::Sha256).unwrap();
        let response = self.pki.answer_tsa(&timestamp::request(&imprint, None, true), at);
        cades::add_timestamp(cms, &timestamp::token_of_response(&response).unwrap()).unwrap()
    }

    pub(crate) fn validate(&self, cms: &[u8], revocation: &RevocationData) -> Outcome {
        self.validate_at(cms, revocation, NOW, &Policy::default())
    }

    pub(crate) fn validate_at(
        &self,
        cms: &[u8],
        revocation: &RevocationData,
        at: OffsetDateTime,
        policy: &Policy,
    ) -> Outcome {
        let document = UnverifiedDocument::parse(cms).unwrap();
        let outcome = validate(document, &Context { trust: &self.trust, revocation, at, policy });
        conformance::assert_conforms(&outcome.report);
        outcome
    }
}

/// A SignedData put together by hand: one attached content, one signer.
pub(crate) struct Forge<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) identity: &'a Identity,
    pub(crate) algorithm: SignatureAlgorithm,
    pub(crate) digest_algorithm: DigestAlgorithm,
    /// eContentType, contents octets.
    pub(crate) content_type: &'a [u8],
    /// Identifiers of digest and signature algorithm that are written in place of the true ones.
    pub(crate) named: (Option<Vec<u8>>, Option<Vec<u8>>),
    /// Attributes as sent; `None`: no signed attributes.
    pub(crate) attributes: Option<Vec<Vec<u8>>>,
    /// What is signed in place of the sorted attributes.
    pub(crate) signed: Option<Vec<u8>>,
    pub(crate) certificates: Vec<Certificate>,
    /// Members of SignedData.crls.
    pub(crate) crls: Vec<Vec<u8>>,
}

impl<'a> Forge<'a> {
    /// What `cades::sign` would make but for CMSAlgorithmProtection.
    pub(crate) fn new(content: &'a [u8], identity: &'a Identity) -> Self {
        let algorithm = identity.key.default_algorithm();
        let digest_algorithm = algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha256);
        let attributes = vec![
            attribute(oid::CONTENT_TYPE, Writer::new().oid(oid::DATA)),
            attribute(oid::MESSAGE_DIGEST, octets(digest(digest_algorithm, content).as_bytes())),
            attribute(oid::SIGNING_CERTIFICATE_V2, reference(&identity.certificate)),
        ];
        Self {
            content,
            identity,
            algorithm,
            digest_algorithm,
            content_type: oid::DATA,
            named: (None, None),
            attributes: Some(attributes),
            signed: None,
            certificates: vec![identity.certificate.clone()],
            crls: Vec::new(),
        }
    }

    pub(crate) fn push(mut self, attribute: Vec<u8>) -> Self {
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    pub(crate) fn build(self) -> Vec<u8> {
        let digest_identifier = self.named.0.unwrap_or_else(|| identifier(self.digest_algorithm));
        let signature_identifier = self.named.1.unwrap_or_else(|| self.algorithm.to_algorithm_identifier());
        let signed = self.signed.unwrap_or_else(|| match &self.attributes {
            Some(attributes) => Writer::new().set_of(tag::SET, attributes.clone()).into_bytes(),
            None => self.content.to_vec(),
        });
        let signature = self.identity.key.sign(self.algorithm, &signed).unwrap();
        let certificate = &self.identity.certificate;
        let name = Writer::new().raw(certificate.issuer_der()).value(tag::INTEGER, certificate.serial());
        let mut signer = Writer::new().small_integer(1).nest(tag::SEQUENCE, name).raw(&digest_identifier);
        if let Some(attributes) = &self.attributes {
            signer = signer.value(0xa0, &attributes.concat());
        }
        let signer = signer.raw(&signature_identifier).value(tag::OCTET_STRING, &signature);
        let content = Writer::new().oid(self.content_type).nest(0xa0, octets(self.content));
        let certificates: Vec<u8> =
            self.certificates.iter().flat_map(|certificate| certificate.der().to_vec()).collect();
        let mut data = Writer::new()
            .small_integer(1)
            .value(tag::SET, &digest_identifier)
            .nest(tag::SEQUENCE, content)
            .value(0xa0, &certificates);
        if !self.crls.is_empty() {
            data = data.value(0xa1, &self.crls.concat());
        }
        let data = data.nest(tag::SET, Writer::new().nest(tag::SEQUENCE, signer));
        let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
        Writer::new().nest(tag::SEQUENCE, info).into_bytes()
    }
}

pub(crate) fn attribute(oid: &[u8], values: Writer) -> Vec<u8> {
    Writer::new().nest(tag::SEQUENCE, Writer::new().oid(oid).nest(tag::SET, values)).into_bytes()
}

pub(crate) fn octets(content: &[u8]) -> Writer {
    Writer::new().value(tag::OCTET_STRING, content)
}

/// AlgorithmIdentifier of a digest.
pub(crate) fn identifier(algorithm: DigestAlgorithm) -> Vec<u8> {
    let oid = oid::contents(algorithm.oid()).unwrap();
    Writer::new().nest(tag::SEQUENCE, Writer::new().oid(&oid)).into_bytes()
}

/// SigningCertificateV2 with the SHA-256 of `certificate`.
pub(crate) fn reference(certificate: &Certificate) -> Writer {
    let hash = octets(digest(DigestAlgorithm::Sha256, certificate.der()).as_bytes());
    let references = Writer::new().nest(tag::SEQUENCE, hash);
    Writer::new().nest(tag::SEQUENCE, Writer::new().nest(tag::SEQUENCE, references))
}

/// The same file in BER: every constructed element of the CMS layers with indefinite length, octet strings in segments
/// of seven bytes. Certificates, and everything inside attributes' values, stay as they are.
pub(crate) fn to_ber(der: &[u8]) -> Vec<u8> {
    fn rewrite(der: &[u8], depth: usize, out: &mut Vec<u8>) {
        let mut reader = crate::asn1::Reader::new(der);
        while let Ok(element) = reader.any() {
            let certificates = depth == 3 && element.tag == 0xa0;
            if element.tag & 0x20 != 0 {
                out.extend([element.tag, 0x80]);
                if certificates {
                    out.extend_from_slice(element.content)
                } else {
                    rewrite(element.content, depth + 1, out)
                }
                out.extend([0, 0]);
            } else if element.tag == tag::OCTET_STRING {
                out.extend([tag::OCTET_STRING_CONSTRUCTED, 0x80]);
                for segment in element.content.chunks(7) {
                    out.extend_from_slice(&octets(segment).into_bytes());
                }
                out.extend([0, 0]);
            } else {
                out.extend_from_slice(element.raw);
            }
        }
    }
    let mut out = Vec::new();
    rewrite(der, 0, &mut out);
    out
}
