//! Certificates, lists and answers as tests want them, right or wrong.
use super::authority::{Draft, Subject, extension, signed};
use super::{DevPki, Identity};
use crate::asn1::{oid, tag, write};
use crate::certificate::Certificate;
use const_oid::ObjectIdentifier;
use crypto::key::{Curve, KeyKind, SoftwareKey};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

/// The moment that the tests play at.
pub(crate) const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// A certificate in the making.
#[derive(Clone)]
pub(crate) struct Forge {
    subject: Vec<u8>,
    from: OffsetDateTime,
    to: OffsetDateTime,
    extensions: Vec<Vec<u8>>,
}

impl Forge {
    /// Valid for a day around [`NOW`], no extensions but the key identifiers.
    pub(crate) fn new(common_name: &str) -> Self {
        Self::named(Subject::of_authority(common_name).name)
    }

    /// The same with a whole Name.
    pub(crate) fn named(subject: Vec<u8>) -> Self {
        Self { subject, from: NOW - Duration::days(1), to: NOW + Duration::days(1), extensions: Vec::new() }
    }

    /// With the extensions of an authority.
    pub(crate) fn authority(common_name: &str) -> Self {
        Self::new(common_name).basic_constraints(&[0x30, 3, 1, 1, 0xff]).key_usage(1 << 5 | 1 << 6)
    }

    pub(crate) fn with(mut self, oid: &ObjectIdentifier, critical: bool, value: &[u8]) -> Self {
        self.extensions.push(extension(oid, critical, value));
        self
    }

    pub(crate) fn basic_constraints(self, value: &[u8]) -> Self {
        self.with(&oid::BASIC_CONSTRAINTS, true, value)
    }

    pub(crate) fn key_usage(self, bits: u16) -> Self {
        self.with(&oid::KEY_USAGE, true, &write::named_bits(bits))
    }

    pub(crate) fn extended_key_usage(self, critical: bool, purposes: &[&str]) -> Self {
        let purposes = purposes.iter().map(|purpose| write::oid(&ObjectIdentifier::new(purpose).unwrap()));
        let value = write::element(tag::SEQUENCE, &purposes.collect::<Vec<_>>().concat());
        self.with(&oid::EXTENDED_KEY_USAGE, critical, &value)
    }

    pub(crate) fn between(mut self, from: OffsetDateTime, to: OffsetDateTime) -> Self {
        (self.from, self.to) = (from, to);
        self
    }

    /// Self-signed.
    pub(crate) fn root(self) -> Identity {
        let key = key();
        let certificate = self.clone().draft(&self.subject, &key, &key);
        Identity { certificate, key }
    }

    pub(crate) fn by(self, issuer: &Identity) -> Identity {
        let key = key();
        let certificate = self.draft(issuer.certificate.subject_der(), &issuer.key, &key);
        Identity { certificate, key }
    }

    /// Another certificate over the key of `subject`: a cross-certificate.
    pub(crate) fn cross(self, issuer: &Identity, subject: &Identity) -> Certificate {
        self.draft(issuer.certificate.subject_der(), &issuer.key, &subject.key)
    }

    fn draft(self, issuer_name: &[u8], issuer_key: &SoftwareKey, key: &SoftwareKey) -> Certificate {
        let subject = &Subject { name: self.subject };
        let (not_before, not_after, extensions) = (self.from, self.to, self.extensions);
        Draft { issuer_name, issuer_key, subject, key, not_before, not_after, extensions }.sign().unwrap()
    }
}

fn key() -> SoftwareKey {
    SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap()
}

/// A revocation list of [`NOW`], good for an hour: entries are (serial, extensions), extensions whole.
pub(crate) fn list(issuer: &Identity, entries: &[(&[u8], &[Vec<u8>])], extensions: &[Vec<u8>]) -> Vec<u8> {
    list_at(NOW, issuer, entries, extensions)
}

/// [`list`] of another moment; who is on it was revoked at [`NOW`] all the same.
pub(crate) fn list_at(
    at: OffsetDateTime,
    issuer: &Identity,
    entries: &[(&[u8], &[Vec<u8>])],
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let entries = entries.iter().map(|(serial, extensions)| {
        let extensions = write::element(tag::SEQUENCE, &extensions.concat());
        let extensions = if extensions.len() == 2 { Vec::new() } else { extensions };
        write::sequence(&[&write::element(tag::INTEGER, serial), &write::certificate_time(NOW), &extensions])
    });
    let entries = write::element(tag::SEQUENCE, &entries.collect::<Vec<_>>().concat());
    let body = write::sequence(&[
        &write::unsigned(&[1]),
        &issuer_algorithm(issuer),
        issuer.certificate.subject_der(),
        &write::certificate_time(at),
        &write::certificate_time(at + Duration::hours(1)),
        &entries,
        &write::explicit(0, &write::element(tag::SEQUENCE, &extensions.concat())),
    ]);
    signed(&body, &issuer.key).unwrap()
}

pub(crate) fn raw_extension(oid: &ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    extension(oid, critical, value)
}

fn issuer_algorithm(issuer: &Identity) -> Vec<u8> {
    issuer.key.default_algorithm().to_algorithm_identifier()
}

impl DevPki {
    /// Answers OCSP with another responder.
    pub(crate) fn answer_as(mut self, responder: Identity) -> Self {
        self.responder = responder;
        self
    }

    /// The issuing authority's certificate and key.
    pub(crate) fn issuing(&self) -> &Identity {
        self.issuing.identity()
    }
}
