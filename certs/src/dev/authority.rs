//! An authority of the throw-away PKI: composes and signs certificates and revocation lists (RFC 5280 sections 4 and 5).
use super::{Identity, Profile, Revocation, Usage};
use crate::asn1::{oid, tag, write};
use crate::certificate::Certificate;
use const_oid::ObjectIdentifier;
use crypto::digest::{self, DigestAlgorithm};
use crypto::key::{KeyError, KeyHandle, KeyKind, SoftwareKey};
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};

const KEY_CERT_SIGN: u16 = 1 << 5;
const CRL_SIGN: u16 = 1 << 6;
/// How long a list is good.
const LIST_LIFE: Duration = Duration::days(1);

pub(super) struct Authority {
    identity: Identity,
}

/// The subject of a certificate.
pub(super) struct Subject {
    /// DER of the Name.
    pub(super) name: Vec<u8>,
}

/// All that differs between certificates.
pub(super) struct Draft<'a> {
    pub(super) issuer_name: &'a [u8],
    pub(super) issuer_key: &'a SoftwareKey,
    pub(super) subject: &'a Subject,
    pub(super) key: &'a SoftwareKey,
    pub(super) not_before: OffsetDateTime,
    pub(super) not_after: OffsetDateTime,
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Subject {
    pub(super) fn of_authority(common_name: &str) -> Self {
        Self::new(&[(&oid::COUNTRY, "UA"), (&oid::ORGANISATION, "Throw-away PKI"), (&oid::COMMON_NAME, common_name)])
    }

    fn of(profile: &Profile) -> Self {
        let organisation_identifier = profile.edrpou.as_ref().map(|code| format!("NTRUA-{code}"));
        let serial_number = profile.rnokpp.as_ref().map(|code| format!("TINUA-{code}"));
        let optional = [
            (&oid::ORGANISATION, profile.organisation.as_deref()),
            (&oid::ORGANISATION_IDENTIFIER, organisation_identifier.as_deref()),
            (&oid::SERIAL_NUMBER, serial_number.as_deref()),
            (&oid::COMMON_NAME, Some(profile.common_name.as_str())),
        ];
        let mut attributes = vec![(&oid::COUNTRY, "UA")];
        attributes.extend(optional.into_iter().filter_map(|(oid, value)| Some((oid, value?))));
        Self::new(&attributes)
    }

    fn new(attributes: &[(&ObjectIdentifier, &str)]) -> Self {
        let rdns = attributes.iter().map(|(oid, value)| {
            // RFC 5280 appendix A: country and serial number are PrintableStrings.
            let printable = **oid == oid::COUNTRY || **oid == oid::SERIAL_NUMBER;
            let value = if printable { write::printable(value) } else { write::utf8(value) };
            write::set_of(vec![write::sequence(&[&write::oid(oid), &value])])
        });
        Self { name: write::element(tag::SEQUENCE, &rdns.collect::<Vec<_>>().concat()) }
    }
}

impl Authority {
    /// A self-signed authority.
    pub(super) fn root(
        kind: KeyKind,
        subject: &Subject,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Self, KeyError> {
        let key = SoftwareKey::generate(kind)?;
        let draft = Draft {
            issuer_name: &subject.name,
            issuer_key: &key,
            subject,
            key: &key,
            not_before: from,
            not_after: to,
            extensions: vec![basic_constraints(true, None), key_usage(KEY_CERT_SIGN | CRL_SIGN)],
        };
        let certificate = draft.sign()?;
        Ok(Self { identity: Identity { certificate, key } })
    }

    /// An authority below this one that issues no further authorities.
    pub(super) fn subordinate(
        &self,
        kind: KeyKind,
        subject: &Subject,
        from: OffsetDateTime,
        to: OffsetDateTime,
        ocsp_url: &str,
    ) -> Result<Self, KeyError> {
        let key = SoftwareKey::generate(kind)?;
        let mut extensions = vec![basic_constraints(true, Some(0)), key_usage(KEY_CERT_SIGN | CRL_SIGN)];
        extensions.extend(information_access(ocsp_url, ""));
        let certificate = self.draft(subject, &key, from, to, extensions).sign()?;
        Ok(Self { identity: Identity { certificate, key } })
    }

    pub(super) fn issue(&self, profile: &Profile, ocsp_url: &str, issuer_url: &str) -> Result<Identity, KeyError> {
        let key = SoftwareKey::generate(profile.key)?;
        let (bits, extended) = profile.usage.purposes(profile.key);
        let mut extensions = vec![basic_constraints(false, None), key_usage(bits)];
        extensions.extend(extended.map(|(purpose, critical)| extended_key_usage(purpose, critical)));
        extensions.extend(alternative_names(profile));
        if profile.usage == Usage::OcspResponder {
            extensions.push(extension(&oid::OCSP_NO_CHECK, false, &[0x05, 0x00]));
        } else {
            extensions.extend(information_access(ocsp_url, issuer_url));
        }
        let subject = Subject::of(profile);
        let certificate = self.draft(&subject, &key, profile.not_before, profile.not_after, extensions).sign()?;
        Ok(Identity { certificate, key })
    }

    /// CertificateList of the `revoked`, whoever issued them: serial numbers are random, so others' do no harm here.
    pub(super) fn revocation_list(
        &self,
        revoked: &BTreeMap<Vec<u8>, Revocation>,
        now: OffsetDateTime,
    ) -> Result<Vec<u8>, KeyError> {
        let entries: Vec<u8> = revoked.iter().flat_map(|(serial, revocation)| entry(serial, *revocation)).collect();
        let entries = if entries.is_empty() { entries } else { write::element(tag::SEQUENCE, &entries) };
        let number = write::unsigned(&now.unix_timestamp().to_be_bytes());
        let extensions = write::sequence(&[
            &authority_key_identifier(&self.identity.key),
            &extension(&oid::CRL_NUMBER, false, &number),
        ]);
        let algorithm = self.identity.key.default_algorithm();
        let list = write::sequence(&[
            &write::unsigned(&[1]),
            &algorithm.to_algorithm_identifier(),
            self.certificate().subject_der(),
            &write::certificate_time(now),
            &write::certificate_time(now + LIST_LIFE),
            &entries,
            &write::explicit(0, &extensions),
        ]);
        signed(&list, &self.identity.key)
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.identity.certificate
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    fn draft<'a>(
        &'a self,
        subject: &'a Subject,
        key: &'a SoftwareKey,
        not_before: OffsetDateTime,
        not_after: OffsetDateTime,
        extensions: Vec<Vec<u8>>,
    ) -> Draft<'a> {
        let issuer_name = self.certificate().subject_der();
        Draft { issuer_name, issuer_key: &self.identity.key, subject, key, not_before, not_after, extensions }
    }
}

impl Draft<'_> {
    pub(super) fn sign(mut self) -> Result<Certificate, KeyError> {
        let identifier = write::octet_string(&key_identifier(self.key));
        self.extensions.push(extension(&oid::SUBJECT_KEY_IDENTIFIER, false, &identifier));
        self.extensions.push(authority_key_identifier(self.issuer_key));
        let validity =
            write::sequence(&[&write::certificate_time(self.not_before), &write::certificate_time(self.not_after)]);
        let body = write::sequence(&[
            &write::explicit(0, &write::unsigned(&[2])),
            &write::unsigned(&serial()),
            &self.issuer_key.default_algorithm().to_algorithm_identifier(),
            self.issuer_name,
            &validity,
            &self.subject.name,
            self.key.public_key().spki_der(),
            &write::explicit(3, &write::element(tag::SEQUENCE, &self.extensions.concat())),
        ]);
        let der = signed(&body, self.issuer_key)?;
        Certificate::from_der(&der).map_err(|_| KeyError::OperationFailed)
    }
}

/// SEQUENCE { `body`, AlgorithmIdentifier, BIT STRING }: certificates, lists, OCSP answers.
pub(super) fn signed(body: &[u8], key: &SoftwareKey) -> Result<Vec<u8>, KeyError> {
    signed_with(body, key, &[])
}

/// [`signed`] with further elements behind the signature.
pub(super) fn signed_with(body: &[u8], key: &SoftwareKey, rest: &[u8]) -> Result<Vec<u8>, KeyError> {
    let algorithm = key.default_algorithm();
    let signature = write::bit_string(&algorithm.value_to_bit_string(key.sign(algorithm, body)?));
    Ok(write::sequence(&[body, &algorithm.to_algorithm_identifier(), &signature, rest]))
}

/// 127 random bits: positive, never zero, sixteen octets (RFC 5280 4.1.2.2 allows twenty).
pub(super) fn serial() -> [u8; 16] {
    let mut serial = crypto::random::array::<16>();
    let [first, ..] = &mut serial;
    *first = *first & 0x3f | 0x40;
    serial
}

pub(super) fn extension(oid: &ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    // DER leaves a DEFAULT FALSE out.
    let critical = if critical { write::boolean(true) } else { Vec::new() };
    write::sequence(&[&write::oid(oid), &critical, &write::octet_string(value)])
}

fn basic_constraints(is_ca: bool, path_len: Option<u8>) -> Vec<u8> {
    let ca = if is_ca { write::boolean(true) } else { Vec::new() };
    let path_len = path_len.map(|length| write::unsigned(&[length])).unwrap_or_default();
    extension(&oid::BASIC_CONSTRAINTS, true, &write::sequence(&[&ca, &path_len]))
}

fn key_usage(bits: u16) -> Vec<u8> {
    extension(&oid::KEY_USAGE, true, &write::named_bits(bits))
}

fn extended_key_usage(purpose: &str, critical: bool) -> Vec<u8> {
    let purposes = ObjectIdentifier::new(purpose).map(|purpose| write::oid(&purpose)).unwrap_or_default();
    extension(&oid::EXTENDED_KEY_USAGE, critical, &write::sequence(&[&purposes]))
}

/// AuthorityInfoAccessSyntax of the addresses that are not empty; nothing where all are.
fn information_access(ocsp_url: &str, issuer_url: &str) -> Option<Vec<u8>> {
    let named = [(&oid::ACCESS_OCSP, ocsp_url), (&oid::ACCESS_ISSUERS, issuer_url)];
    let descriptions: Vec<u8> = named
        .into_iter()
        .filter(|(_, url)| !url.is_empty())
        .flat_map(|(method, url)| {
            write::sequence(&[&write::oid(method), &write::element(tag::context(6), url.as_bytes())])
        })
        .collect();
    let access = write::element(tag::SEQUENCE, &descriptions);
    (!descriptions.is_empty()).then(|| extension(&oid::AUTHORITY_INFORMATION_ACCESS, false, &access))
}

fn alternative_names(profile: &Profile) -> Option<Vec<u8>> {
    let mut names: Vec<_> =
        profile.dns_names.iter().map(|name| write::element(tag::context(2), name.as_bytes())).collect();
    if profile.usage == Usage::TlsServer {
        names.push(write::element(tag::context(7), &std::net::Ipv4Addr::LOCALHOST.octets()));
        names.push(write::element(tag::context(7), &std::net::Ipv6Addr::LOCALHOST.octets()));
    }
    let value = write::element(tag::SEQUENCE, &names.concat());
    (!names.is_empty()).then(|| extension(&oid::SUBJECT_ALT_NAME, false, &value))
}

fn authority_key_identifier(issuer_key: &SoftwareKey) -> Vec<u8> {
    let identifier = write::element(tag::context(0), &key_identifier(issuer_key));
    extension(&oid::AUTHORITY_KEY_IDENTIFIER, false, &write::sequence(&[&identifier]))
}

/// The leftmost 160 bits of SHA-256 of the SubjectPublicKeyInfo (RFC 7093 2, method 4). For a key of DSTU 4145 as its authorities do it:
/// Kupyna-256 of the content of the BIT STRING.
fn key_identifier(key: &SoftwareKey) -> Vec<u8> {
    if let KeyKind::Dstu4145(_) = key.public_key().kind() {
        return digest::digest(DigestAlgorithm::Kupyna256, key.public_key().subject_public_key()).as_bytes().to_vec();
    }
    digest::sha256(key.public_key().spki_der()).into_iter().take(20).collect()
}

/// RevokedCertificate ::= SEQUENCE { userCertificate, revocationDate, crlEntryExtensions OPTIONAL }
fn entry(serial: &[u8], revocation: Revocation) -> Vec<u8> {
    let reason = write::element(tag::ENUMERATED, &[revocation.reason]);
    // RFC 5280 5.3.1: the reason unspecified is said by saying nothing.
    let extensions =
        (revocation.reason != 0).then(|| write::sequence(&[&extension(&oid::REASON_CODE, false, &reason)]));
    write::sequence(&[
        &write::element(tag::INTEGER, serial),
        &write::certificate_time(revocation.at),
        &extensions.unwrap_or_default(),
    ])
}
