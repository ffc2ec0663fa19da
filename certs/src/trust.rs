//! Trust as a dated, immutable snapshot: whom we believe, for what, since when we know.
//!
//! What is in a snapshot is decided elsewhere (configuration, trusted lists). An anchor is a name and a key (RFC 5280 6.1.1 d):
//! its own validity period is not looked at, the snapshot vouches for it.
mod remembered;

use crate::certificate::Certificate;
use crate::name::Canonical;
use crate::path::VerifiedPath;
use crate::revocation::{Crl, OcspResponse};
use crate::trust_list::{ListedAnchor, Services, Standing};
use crypto::digest;
use remembered::Remembered;
use std::collections::HashMap;
use std::sync::Arc;
use time::OffsetDateTime;

/// What an anchor is trusted for, and what a path is verified for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signatures and seals over documents.
    Signing,
    /// TLS clients.
    TlsClient,
    /// Sealing documents to the certificate's holder.
    Encryption,
    /// Time-stamp authorities.
    TimeStamping,
    /// TLS servers that the node connects to.
    TlsServer,
    /// OCSP responders. They are authorised by the authority that they answer for; no anchor carries this.
    OcspSigning,
}

impl Purpose {
    const fn bit(self) -> u8 {
        match self {
            Self::Signing => 1,
            Self::TlsClient => 2,
            Self::Encryption => 4,
            Self::TimeStamping => 8,
            Self::OcspSigning => 16,
            Self::TlsServer => 32,
        }
    }
}

/// A certificate that is believed without further proof.
#[derive(Debug, Clone)]
pub struct TrustAnchor {
    /// Whose name and key are believed.
    pub certificate: Certificate,
    /// For what.
    pub purposes: Vec<Purpose>,
}

/// All that was trusted at one moment. Cheap to clone, never changed.
#[derive(Debug, Clone)]
pub struct TrustSnapshot {
    inner: Arc<Snapshot>,
}

/// What is remembered, twice at most: some 4 KiB each, and lists of up to half a megabyte.
const MOST_CERTIFICATES: usize = 2048;
const MOST_ANSWERS: usize = 2048;
const MOST_LISTS: usize = 32;
const LONGEST_LIST: usize = 512 * 1024;

#[derive(Debug)]
struct Snapshot {
    id: [u8; 32],
    taken_at: OffsetDateTime,
    anchors: Vec<TrustAnchor>,
    intermediates: Vec<Certificate>,
    anchors_by_subject: HashMap<Canonical, Vec<usize>>,
    listed_by_subject: HashMap<Canonical, Vec<usize>>,
    intermediates_by_subject: HashMap<Canonical, Vec<usize>>,
    certificates: Remembered<Certificate>,
    answers: Remembered<OcspResponse>,
    lists: Remembered<Crl>,
    services: Services,
}

impl TrustSnapshot {
    /// A snapshot of `anchors`, with `intermediates` as known but unproven help for path building.
    #[must_use]
    pub fn new(anchors: Vec<TrustAnchor>, intermediates: Vec<Certificate>, taken_at: OffsetDateTime) -> Self {
        Self::with_services(anchors, intermediates, Services::default(), taken_at)
    }

    /// As [`Self::new`], with what trusted lists say of services.
    #[must_use]
    pub fn with_services(
        anchors: Vec<TrustAnchor>,
        intermediates: Vec<Certificate>,
        services: Services,
        taken_at: OffsetDateTime,
    ) -> Self {
        let id = id(&anchors, &intermediates, &services);
        let anchors_by_subject = by_subject(anchors.iter().map(|anchor| &anchor.certificate));
        let listed_by_subject = by_subject(services.anchors().iter().map(|anchor| &anchor.certificate));
        let intermediates_by_subject = by_subject(intermediates.iter());
        let snapshot = Snapshot {
            id,
            taken_at,
            anchors,
            intermediates,
            anchors_by_subject,
            listed_by_subject,
            intermediates_by_subject,
            certificates: Remembered::new(MOST_CERTIFICATES),
            answers: Remembered::new(MOST_ANSWERS),
            lists: Remembered::new(MOST_LISTS),
            services,
        };
        Self { inner: Arc::new(snapshot) }
    }

    /// SHA-256 over the sorted entries, each a certificate's SHA-256 and one octet of purposes (Signing 1, TlsClient 2,
    /// Encryption 4, TimeStamping 8, OcspSigning 16, TlsServer 32; 0 for an intermediate; and 64 for a listed service), and
    /// over the SHA-256 of each trusted list, sorted, where there are any. The same trust has the same id, whenever taken.
    #[must_use]
    pub fn id(&self) -> [u8; 32] {
        self.inner.id
    }

    /// When the snapshot was taken.
    #[must_use]
    pub fn taken_at(&self) -> OffsetDateTime {
        self.inner.taken_at
    }

    /// What trusted lists say of services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.inner.services
    }

    /// The anchors as given.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.inner.anchors
    }

    /// The certificates of all anchors, those of listed services after the others.
    pub fn anchor_certificates(&self) -> impl Iterator<Item = &Certificate> {
        let listed = self.inner.services.anchors().iter().map(|anchor| &anchor.certificate);
        self.inner.anchors.iter().map(|anchor| &anchor.certificate).chain(listed)
    }

    /// The intermediates as given.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.inner.intermediates
    }

    /// A certificate that was believed under this snapshot before, with what was found of it that does not change. It is the one with
    /// these very bytes, so that it makes no verdict better or worse, only faster.
    #[must_use]
    pub fn recall(&self, der: &[u8]) -> Option<Certificate> {
        self.inner.certificates.recall(der)
    }

    /// Keeps the certificates of a path for [`Self::recall`]. How many is bounded; the oldest make room.
    pub fn remember(&self, path: &VerifiedPath) {
        let below_anchor = path.certificates().split_last().map_or(&[][..], |(_, below)| below);
        below_anchor.iter().for_each(|certificate| self.inner.certificates.remember(certificate));
    }

    /// An answer that was believed before, as [`Self::recall`].
    #[must_use]
    pub fn recall_answer(&self, der: &[u8]) -> Option<OcspResponse> {
        self.inner.answers.recall(der)
    }

    /// A list that was believed before, as [`Self::recall`].
    #[must_use]
    pub fn recall_list(&self, der: &[u8]) -> Option<Crl> {
        self.inner.lists.recall(der)
    }

    /// Keeps an answer that was found authentic for `issuer`, and the certificate of the responder that made it; any other is not
    /// kept. `issuer` must be of a verified path.
    pub fn remember_answer(&self, answer: &OcspResponse, issuer: &Certificate) {
        if issuer.public_key().is_ok_and(|key| answer.is_believed_by(key)) {
            self.inner.answers.remember(answer);
            answer.believed_responder().into_iter().for_each(|responder| self.inner.certificates.remember(responder));
        }
    }

    /// Keeps a list that `issuer` was found to have signed, and that is not long; any other is not kept. `issuer` must be of a
    /// verified path.
    pub fn remember_list(&self, list: &Crl, issuer: &Certificate) {
        if list.der().len() <= LONGEST_LIST && issuer.public_key().is_ok_and(|key| list.is_believed_by(key)) {
            self.inner.lists.remember(list);
        }
    }

    /// Whether this very certificate is an anchor for `purpose` without end.
    #[must_use]
    pub fn is_anchor(&self, certificate: &Certificate, purpose: Purpose) -> bool {
        certificate
            .subject_name()
            .is_some_and(|subject| self.anchors_named(subject, purpose).any(|anchor| anchor == certificate))
    }

    /// How this very certificate stands as a listed service; `None`: it is none, or was never believed for `purpose`.
    #[must_use]
    pub fn listed_standing(&self, certificate: &Certificate, purpose: Purpose, at: OffsetDateTime) -> Option<Standing> {
        let mut listed = self.listed_named(certificate.subject_name()?);
        listed.find(|anchor| anchor.certificate == *certificate)?.standing(purpose, at)
    }

    pub(crate) fn anchors_named<'s>(
        &'s self,
        subject: &Canonical,
        purpose: Purpose,
    ) -> impl Iterator<Item = &'s Certificate> + use<'s> {
        let indices = self.inner.anchors_by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        let anchors = indices.iter().filter_map(|index| self.inner.anchors.get(*index));
        anchors.filter(move |anchor| anchor.purposes.contains(&purpose)).map(|anchor| &anchor.certificate)
    }

    pub(crate) fn listed_named<'s>(&'s self, subject: &Canonical) -> impl Iterator<Item = &'s ListedAnchor> + use<'s> {
        let indices = self.inner.listed_by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.inner.services.anchors().get(*index))
    }

    pub(crate) fn intermediates_named<'s>(
        &'s self,
        subject: &Canonical,
    ) -> impl Iterator<Item = &'s Certificate> + use<'s> {
        let indices = self.inner.intermediates_by_subject.get(subject).map(Vec::as_slice).unwrap_or_default();
        indices.iter().filter_map(|index| self.inner.intermediates.get(*index))
    }
}

/// Marks a listed service in the id.
const LISTED: u8 = 64;

fn id(anchors: &[TrustAnchor], intermediates: &[Certificate], services: &Services) -> [u8; 32] {
    let bits = |purposes: &[Purpose]| purposes.iter().fold(0, |bits, purpose| bits | purpose.bit());
    let anchors = anchors.iter().map(|anchor| (anchor.certificate.fingerprint(), bits(&anchor.purposes)));
    let listed = services.anchors().iter();
    let listed = listed.map(|anchor| (anchor.certificate.fingerprint(), LISTED | bits(&anchor.purposes())));
    let intermediates = intermediates.iter().map(|certificate| (certificate.fingerprint(), 0));
    let mut entries: Vec<_> = anchors.chain(listed).chain(intermediates).collect();
    entries.sort_unstable();
    let mut lists: Vec<_> = services.lists().iter().map(|list| list.sha256).collect();
    lists.sort_unstable();
    let entries = entries.into_iter().flat_map(|(fingerprint, purposes)| fingerprint.into_iter().chain([purposes]));
    let bytes: Vec<u8> = entries.chain(lists.into_iter().flatten()).collect();
    digest::sha256(&bytes)
}

fn by_subject<'c>(certificates: impl Iterator<Item = &'c Certificate>) -> HashMap<Canonical, Vec<usize>> {
    let mut index: HashMap<Canonical, Vec<usize>> = HashMap::new();
    for (position, certificate) in certificates.enumerate() {
        if let Some(subject) = certificate.subject_name() {
            index.entry(subject.clone()).or_default().push(position);
        }
    }
    index
}

/// Where services get the current snapshot from.
pub trait TrustSource: Send + Sync {
    /// The newest snapshot; never blocks on the network.
    fn current(&self) -> Arc<TrustSnapshot>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::DevPki;
    use time::macros::datetime;

    #[test]
    fn id_names_the_trust_and_not_its_order_or_date() {
        let now = datetime!(2026-11-23 12:00 UTC);
        let pki = DevPki::new(now, time::Duration::days(1), "").unwrap();
        let anchor = |certificate: &Certificate, purposes: &[Purpose]| TrustAnchor {
            certificate: certificate.clone(),
            purposes: purposes.to_vec(),
        };
        let (root, issuing) = (pki.root(), pki.issuing_ca());
        let both = [Purpose::Signing, Purpose::TlsClient];
        let first = TrustSnapshot::new(vec![anchor(root, &both), anchor(issuing, &[])], vec![], now);
        let turned = [Purpose::TlsClient, Purpose::Signing];
        let later = now + time::Duration::days(1);
        let second = TrustSnapshot::new(vec![anchor(issuing, &[]), anchor(root, &turned)], vec![], later);
        assert_eq!(first.id(), second.id());
        let narrower = TrustSnapshot::new(vec![anchor(root, &both[..1]), anchor(issuing, &[])], vec![], now);
        assert_ne!(first.id(), narrower.id());
        assert!(first.is_anchor(root, Purpose::Signing) && !first.is_anchor(root, Purpose::TimeStamping));
    }
}
