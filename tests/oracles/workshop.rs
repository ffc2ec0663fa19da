//! Signed files of every kind that we write, made with a throw-away PKI minutes before they are shown to an oracle.

use certs::certificate::Certificate;
use certs::dev::{DevPki, Family, Identity, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::timestamp;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm, digest};
use crypto::key::{KeyHandle, KeyKind};
use crypto::signature::SignatureAlgorithm;
use schemas::report::Report;
use signing::asic::{self, Container, create};
use signing::cades::{self, Content, Options, Prepared, Signatory};
use signing::validate::{Context, Policy, UnverifiedDocument, validate, validate_xml};
use signing::xades::NoContents;
use time::{Duration, OffsetDateTime};

pub(crate) const DOCUMENT: &[u8] = "Заява про видачу довідки\r\n".as_bytes();
pub(crate) const OTHER: &[u8] = b"an enclosure";
pub(crate) const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;

/// What lies in containers.
pub(crate) const DOCUMENTS: &[(&str, &[u8])] = &[("заява.txt", DOCUMENT), ("enclosures/first.txt", OTHER)];

/// ASiC-S around the first document.
pub(crate) fn simple() -> create::Prepared {
    create::simple(part(&DOCUMENTS[0])).expect("a container")
}

/// ASiC-E around both.
pub(crate) fn extended() -> create::Prepared {
    create::extended(DOCUMENTS.iter().map(part).collect()).expect("a container")
}

fn part((name, content): &(&str, &[u8])) -> create::Part {
    create::Part::of_bytes(name, Some("text/plain"), content, SHA256).expect("a part")
}

/// A PKI, and the time at which everything is judged.
pub(crate) struct Workshop {
    pub(crate) pki: DevPki,
    pub(crate) now: OffsetDateTime,
}

/// Who signs, and how.
pub(crate) struct Signer {
    pub(crate) identity: Identity,
    pub(crate) algorithm: SignatureAlgorithm,
    chain: Vec<Certificate>,
}

impl Signer {
    /// With no certificate beside its own.
    pub(crate) fn new(identity: Identity, algorithm: SignatureAlgorithm) -> Self {
        let chain = vec![identity.certificate.clone()];
        Self { identity, algorithm, chain }
    }
}

impl Workshop {
    pub(crate) fn of(family: Family) -> Self {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).expect("a time");
        // Without an address of a responder, so that nobody goes to look for one.
        Self { pki: DevPki::of(family, now, Duration::days(400), "").expect("a PKI"), now }
    }

    /// When signatures are made.
    pub(crate) fn beginning(&self) -> OffsetDateTime {
        self.minute(0)
    }

    /// When signatures are made; what is added to them comes a minute later each.
    pub(crate) fn minute(&self, number: i64) -> OffsetDateTime {
        self.now - Duration::minutes(10 - number)
    }

    pub(crate) fn identity(&self, key: KeyKind, usage: Usage) -> Identity {
        let profile = Profile {
            common_name: "Signer".into(),
            organisation: Some("Agency".into()),
            edrpou: Some("12345678".into()),
            rnokpp: None,
            usage,
            key,
            not_before: self.now - Duration::days(300),
            not_after: self.now + Duration::days(300),
            dns_names: Vec::new(),
        };
        self.pki.issue(profile).expect("a certificate")
    }

    pub(crate) fn signer(&self, key: KeyKind, algorithm: SignatureAlgorithm) -> Signer {
        let identity = self.identity(key, Usage::Signing);
        let chain = vec![identity.certificate.clone(), self.pki.issuing_ca().clone()];
        Signer { identity, algorithm, chain }
    }

    fn complete(&self, prepared: Prepared, signer: &Signer) -> Vec<u8> {
        let value = signer.identity.key.sign(prepared.algorithm(), prepared.to_be_signed()).expect("a value");
        prepared.complete(&value).expect("a file")
    }

    /// Level B.
    pub(crate) fn sign(&self, content: Content<'_>, signer: &Signer) -> Vec<u8> {
        let prepared = cades::prepare(content, &self.signatory(signer), &Options::default()).expect("a file");
        self.complete(prepared, signer)
    }

    /// One more signature beside the first.
    pub(crate) fn parallel(&self, cms: &[u8], signer: &Signer) -> Vec<u8> {
        let signatory = self.signatory(signer);
        let prepared = cades::prepare_parallel(cms, None, &signatory, &Options::default()).expect("a file");
        self.complete(prepared, signer)
    }

    /// A signature over the value of the first.
    pub(crate) fn counter(&self, cms: &[u8], signer: &Signer) -> Vec<u8> {
        let signatory = self.signatory(signer);
        let prepared = cades::prepare_counter(cms, 0, &signatory, &Options::default()).expect("a file");
        self.complete(prepared, signer)
    }

    pub(crate) fn signatory<'a>(&self, signer: &'a Signer) -> Signatory<'a> {
        Signatory { chain: &signer.chain, algorithm: signer.algorithm, signing_time: self.minute(0) }
    }

    pub(crate) fn token(&self, imprint: &Digest, at: OffsetDateTime) -> Vec<u8> {
        let response = self.pki.answer_tsa(&timestamp::request(imprint, None, true), at);
        timestamp::token_of_response(&response).expect("a token")
    }

    /// Level T for every signature.
    pub(crate) fn stamp(&self, cms: &[u8]) -> Vec<u8> {
        let ids = self.verdict(cms, Some(DOCUMENT)).signatures.into_iter().map(|signature| signature.id);
        ids.fold(cms.to_vec(), |cms, id| self.stamp_one(&cms, &id))
    }

    fn stamp_one(&self, cms: &[u8], id: &str) -> Vec<u8> {
        let signer = cades::signer_with_id(cms, id).expect("a signature");
        let imprint = cades::signature_imprint(cms, signer, SHA256).expect("an imprint");
        cades::add_signature_timestamp(cms, signer, &self.token(&imprint, self.minute(1))).expect("a file")
    }

    /// What responders say of the certificates between the signers and the root, and of the time-stamp authority's.
    pub(crate) fn answers(&self, signers: &[&Signer]) -> Vec<Vec<u8>> {
        let (root, issuing) = (self.pki.root(), self.pki.issuing_ca());
        let mut asked = vec![(issuing, root), (self.pki.tsa_certificate(), issuing)];
        asked.extend(signers.iter().map(|signer| (&signer.identity.certificate, issuing)));
        let answer = |(subject, issuer)| self.pki.answer_ocsp(&ocsp_request(subject, issuer, None), self.minute(2));
        asked.into_iter().map(answer).collect()
    }

    /// Level LT.
    pub(crate) fn long_term(&self, cms: &[u8], signers: &[&Signer]) -> Vec<u8> {
        let read = |answer: Vec<u8>| OcspResponse::from_der(&answer).expect("an answer");
        let ocsp = self.answers(signers).into_iter().map(read).collect();
        let authorities = [self.pki.issuing_ca().clone(), self.pki.root().clone(), self.pki.tsa_certificate().clone()];
        cades::add_validation_data(cms, &authorities, &RevocationData { ocsp, crls: vec![] }).expect("a file")
    }

    /// Level LTA for the only signature; again, its renewal.
    pub(crate) fn archive(&self, cms: &[u8], content: Option<Digest>, renewal: i64) -> Vec<u8> {
        let request = cades::request_archive_timestamp(cms, 0, SHA256, content).expect("an imprint");
        let token = self.token(request.imprint(), self.minute(3 + renewal));
        request.complete(&token).expect("a file")
    }

    /// The container around a detached signature; `augment` is given the signature and what it is over.
    pub(crate) fn container(
        &self,
        prepared: create::Prepared,
        signer: &Signer,
        augment: impl Fn(Vec<u8>, Digest) -> Vec<u8>,
    ) -> Vec<u8> {
        let over = prepared.to_sign(SHA256).expect("a digest");
        let cms = augment(self.sign(Content::Detached(over), signer), over);
        let completed = prepared.complete(&cms).expect("a signature over what was prepared");
        completed.to_vec(DOCUMENTS).expect("a container")
    }

    /// What we say of a file with nothing but the root to go by, by the policy that DSS has by default.
    pub(crate) fn verdict(&self, file: &[u8], content: Option<&[u8]>) -> Report {
        let purposes = vec![Purpose::Signing, Purpose::TimeStamping];
        let anchor = TrustAnchor { certificate: self.pki.root().clone(), purposes };
        let trust = TrustSnapshot::new(vec![anchor], vec![], self.now);
        let (revocation, policy) = (RevocationData::default(), Policy::eu_baseline());
        let context = Context { trust: &trust, revocation: &revocation, at: self.now, policy: &policy };
        if file.starts_with(b"PK") {
            return asic::validate(Container::read(file).expect("a container"), &context).report;
        }
        if file.starts_with(b"<") {
            return validate_xml(file, &NoContents, &context).expect("XML").report;
        }
        let mut document = UnverifiedDocument::parse(file).expect("a signature");
        if let Some(content) = content {
            let digests = document.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, content));
            let digests = digests.collect();
            document = document.with_detached(digests);
        }
        validate(document, &context).report
    }
}
