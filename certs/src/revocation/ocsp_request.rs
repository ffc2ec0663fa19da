//! OCSP requests (RFC 6960 4.1): who asks writes them, a responder reads them; and CertID, by which both name a certificate.
use super::ocsp::MOST_ANSWERS;
use crate::asn1::{Malformed, Reader, Span, oid, read, tag, write};
use crate::certificate::{Certificate, Extension};
use crypto::digest::{self, DigestAlgorithm};

/// CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } (RFC 6960 4.1.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct CertId<B> {
    /// `None`: an algorithm that we do not know, so the answer can be for nobody.
    pub(crate) algorithm: Option<DigestAlgorithm>,
    pub(crate) name_hash: B,
    pub(crate) key_hash: B,
    pub(crate) serial: B,
}

impl CertId<Span> {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut id = reader.sequence("CertID")?;
        let algorithm = id.sequence("CertID")?.expect(tag::OBJECT_IDENTIFIER)?.content();
        let (name_hash, key_hash) = (id.expect(tag::OCTET_STRING)?, id.expect(tag::OCTET_STRING)?);
        let serial = id.expect(tag::INTEGER)?;
        id.finish()?;
        Ok(Self {
            algorithm: oid::dotted(algorithm).and_then(|name| DigestAlgorithm::from_oid(&name)),
            name_hash: name_hash.content_span(),
            key_hash: key_hash.content_span(),
            serial: serial.content_span(),
        })
    }

    pub(crate) fn of(self, der: &[u8]) -> CertId<&[u8]> {
        CertId {
            algorithm: self.algorithm,
            name_hash: self.name_hash.of(der),
            key_hash: self.key_hash.of(der),
            serial: self.serial.of(der),
        }
    }
}

impl CertId<&[u8]> {
    /// Whether this is the certificate of `issuer` with the number `serial`.
    pub(crate) fn is_for(&self, serial: &[u8], issuer: &Certificate) -> bool {
        self.serial == serial && self.is_of(issuer)
    }

    /// Whether this is some certificate of `issuer`.
    pub(crate) fn is_of(&self, issuer: &Certificate) -> bool {
        match self.algorithm {
            // Nearly always, and of the same few issuers.
            Some(DigestAlgorithm::Sha1) => {
                let (name, key) = issuer.sha1_of_name_and_key();
                name == self.name_hash && key == self.key_hash
            }
            Some(algorithm) => {
                digest::digest(algorithm, issuer.subject_der()).as_bytes() == self.name_hash
                    && digest::digest(algorithm, issuer.key_bits()).as_bytes() == self.key_hash
            }
            None => false,
        }
    }
}

/// DER OCSPRequest for one certificate, with an optional nonce (1 to 128 octets, RFC 9654 2.1).
///
/// The CertID is by SHA-1, which names and protects nothing here, because that is what responders understand; for others see
/// [`ocsp_request_by`].
#[must_use]
pub fn ocsp_request(certificate: &Certificate, issuer: &Certificate, nonce: Option<&[u8]>) -> Vec<u8> {
    ocsp_request_by(DigestAlgorithm::Sha1, certificate, issuer, nonce)
}

/// [`ocsp_request`] with a CertID by another digest: national responders also know GOST 34.311 and Kupyna.
#[must_use]
pub fn ocsp_request_by(
    algorithm: DigestAlgorithm,
    certificate: &Certificate,
    issuer: &Certificate,
    nonce: Option<&[u8]>,
) -> Vec<u8> {
    let hash = |bytes: &[u8]| write::octet_string(digest::digest(algorithm, bytes).as_bytes());
    // Responders of old compare the whole AlgorithmIdentifier, and with SHA-1 they expect the NULL of RFC 3279 2.2.1.
    let parameters: &[u8] = if algorithm == DigestAlgorithm::Sha1 { &NULL } else { &[] };
    // The table of `crypto` holds object identifiers only.
    let name = const_oid::ObjectIdentifier::new(algorithm.oid()).map(|oid| write::oid(&oid)).unwrap_or_default();
    let algorithm = write::sequence(&[&name, parameters]);
    let name_hash = hash(certificate.issuer_der());
    let key_hash = hash(issuer.key_bits());
    let serial = write::element(tag::INTEGER, certificate.serial());
    let request = write::sequence(&[&write::sequence(&[&algorithm, &name_hash, &key_hash, &serial])]);
    let extensions = nonce.map(|nonce| {
        let value = write::octet_string(&write::octet_string(nonce));
        let extension = write::sequence(&[&write::oid(&oid::OCSP_NONCE), &value]);
        write::explicit(2, &write::sequence(&[&extension]))
    });
    write::sequence(&[&write::sequence(&[&write::sequence(&[&request]), &extensions.unwrap_or_default()])])
}

const NULL: [u8; 2] = [0x05, 0x00];

/// An OCSP request as a responder reads it.
pub(crate) struct OcspRequest<'a> {
    /// Each CertID with its DER.
    pub(crate) ids: Vec<(CertId<&'a [u8]>, &'a [u8])>,
    /// The nonce extension's extnValue content, to be echoed.
    pub(crate) nonce: Option<&'a [u8]>,
}

impl<'a> OcspRequest<'a> {
    /// OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] }; tbsRequest ::= SEQUENCE { version [0], requestorName [1],
    /// requestList, requestExtensions [2] }. The signature is passed over.
    pub(crate) fn read(der: &'a [u8]) -> Result<Self, Malformed> {
        let mut request = read::sole_sequence("OCSPRequest", der)?;
        let mut body = request.sequence("TBSRequest")?;
        body.optional(tag::constructed(0))?;
        body.optional(tag::constructed(1))?;
        let mut list = body.sequence("requestList")?;
        let mut ids = Vec::new();
        while !list.is_empty() && ids.len() < MOST_ANSWERS {
            let mut single = list.sequence("Request")?;
            let raw = { single }.expect(tag::SEQUENCE)?.raw();
            ids.push((CertId::read(&mut single)?.of(der), raw));
        }
        let mut nonce = None;
        if let Some(explicit) = body.optional(tag::constructed(2))? {
            let list = explicit.reader("requestExtensions").sequence("requestExtensions")?;
            let extensions = Extension::read_all(list)?;
            let found = extensions.iter().find(|extension| extension.oid == oid::OCSP_NONCE.as_bytes());
            nonce = found.map(|extension| extension.span.of(der));
        }
        body.finish()?;
        if ids.is_empty() { Err(Malformed("requestList")) } else { Ok(Self { ids, nonce }) }
    }
}
