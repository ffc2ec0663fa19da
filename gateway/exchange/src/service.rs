//! The service: what it is made of.
use crate::evidence::EvidenceSigner;
use access::registry::Registry;
use audit::Ledger;
use certs::revocation::RevocationSource;
use certs::trust::TrustSource;
use std::sync::Arc;
use storage::{Clock, Writer, objects::Objects};
/// `jobs`: the writer, for leasing jobs only (bookkeeping without an audit row).
pub struct Parts { pub ledger: Ledger, pub jobs: Writer, pub objects: Objects, pub clock: Arc<dyn Clock>, pub trust: Arc<dyn TrustSource>, pub revocation: Arc<dyn RevocationSource>, pub signer: EvidenceSigner, pub registry: Registry, pub policy: signing::validate::Policy }
#[derive(Clone)]
pub struct Exchange { inner: Arc<()> }
impl Exchange { pub fn new(_parts: Parts) -> Self { todo!() } }
