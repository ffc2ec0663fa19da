//! Trust as a dated, immutable snapshot.
use crate::certificate::Certificate;
use time::OffsetDateTime;
/// What an anchor is trusted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose { /** signatures and seals */ Signing, /** TLS clients */ TlsClient, /** sealing documents to it */ Encryption, /** time-stamp authorities */ TimeStamping, /** OCSP responders are authorised by their issuer; not used for anchors */ OcspSigning }
#[derive(Clone)]
pub struct TrustAnchor { pub certificate: Certificate, pub purposes: Vec<Purpose> }
#[derive(Clone)]
pub struct TrustSnapshot { inner: () }
impl TrustSnapshot {
    /// `id` is the SHA-256 over the sorted fingerprints and purposes.
    pub fn new(_anchors: Vec<TrustAnchor>, _intermediates: Vec<Certificate>, _taken_at: OffsetDateTime) -> Self { todo!() }
    pub fn id(&self) -> [u8; 32] { todo!() }
    pub fn taken_at(&self) -> OffsetDateTime { todo!() }
    pub fn anchors(&self) -> &[TrustAnchor] { todo!() }
    pub fn intermediates(&self) -> &[Certificate] { todo!() }
}
/// Where services get the current snapshot from.
pub trait TrustSource: Send + Sync { fn current(&self) -> std::sync::Arc<TrustSnapshot>; }
