//! The two signatures of an act.
//!
//! Each is a detached CMS over exactly the document, validated as that of any document is (ETSI EN 319 102-1), by one member of the
//! commission that the configuration names by certificate. The two are two persons: another certificate of the same one does not count
//! (`same_person`). Whoever brings a signature is an operator; whose it is, the signature alone says. With the second one, in the same transaction, the
//! act is to be carried out.

use access::Permit;
use access::decide::DisposeMessages;
use audit::Action;
use certs::certificate::Certificate;
use crypto::digest::{digest, hex};
use schemas::limits::SIGNATURE_BYTES;
use schemas::retention::{ActState, ActSummary};
use schemas::{DisposalActId, ProblemCode};
use storage::{StoreError, TxError};

use super::act::object;
use super::same_person;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::tables::{self, StoredAct, StoredSignature};

/// How often a signature is judged anew because another came at the same moment.
const TRIES: u32 = 4;

/// Why a signature was not written.
enum NotSigned {
    /// Another was faster, or the act was taken back.
    Overtaken,
    Store(StoreError),
}

impl From<StoreError> for NotSigned {
    fn from(error: StoreError) -> Self {
        match error {
            // Two signatures for one place.
            StoreError::Conflict => Self::Overtaken,
            other => Self::Store(other),
        }
    }
}

/// An act before a signature is added.
struct Signable {
    act: StoredAct,
    document: Vec<u8>,
    signatures: Vec<StoredSignature>,
}

impl Exchange {
    /// Adds a signature to an act; the second has it carried out. The same bytes again change nothing.
    ///
    /// # Errors
    /// `NotFound`; `DisposalActClosed`; a code of the signature; `SignerNotOfCommission`; `DisposalSamePerson`; otherwise when the
    /// store fails.
    pub async fn sign_act(
        &self,
        permit: Permit<DisposeMessages>,
        act: DisposalActId,
        cms: Vec<u8>,
    ) -> Result<ActSummary, Refusal> {
        if cms.len() > SIGNATURE_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        for _ in 0..TRIES {
            let signable = self.signable(act).await?;
            if signable.signatures.iter().any(|signature| signature.cms == cms) {
                let details = serde_json::json!({ "replayed": true });
                let actor = permit.actor().pseudonym();
                self.record_read(Action::SignDisposalAct, actor, Some(object(act)), details).await?;
                return Ok(signable.act.summary(signable.signatures.len()));
            }
            if signable.act.state != ActState::Open {
                return Err(ProblemCode::DisposalActClosed.into());
            }
            let signer = self.signer_of(&cms, &signable.document).await?;
            self.may_sign(&signer, &signable.signatures)?;
            match self.keep_signature(&permit, &signable, &signer, &cms).await {
                Ok(summary) => return Ok(summary),
                Err(TxError::Refused(NotSigned::Overtaken) | TxError::Store(StoreError::Conflict)) => {}
                Err(TxError::Refused(NotSigned::Store(error)) | TxError::Store(error)) => return Err(error.into()),
            }
        }
        Err(ProblemCode::Overloaded.into())
    }

    async fn signable(&self, act: DisposalActId) -> Result<Signable, Refusal> {
        let found = self.inner.ledger.reader().read("act_to_sign", move |tx| {
            let Some(stored) = tables::act(tx, act)? else { return Ok(None) };
            let (document, signatures) = (tables::act_document(tx, act)?, tables::act_signatures(tx, act)?);
            Ok(Some(Signable { act: stored, document, signatures }))
        });
        found.await?.ok_or_else(|| ProblemCode::NotFound.into())
    }

    /// Who signed the document; every signature of the file is valid, and there is one.
    async fn signer_of(&self, cms: &[u8], document: &[u8]) -> Result<Certificate, Refusal> {
        let signed = signature::read(cms)?;
        if signed.is_attached() {
            let detail = "the signature carries its content; a detached one is needed";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let digests = signed.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, document)).collect();
        let paths = self.signer_paths(&signed)?;
        let revocation = self.revocation(&paths).await;
        let validated = self.judge(signed.with_detached(digests), &revocation)?;
        match validated.signers() {
            [signer] => Ok(signer.clone()),
            _ => {
                let detail = "one file for the signature of each member";
                Err(Refusal::with_detail(ProblemCode::SignatureConstraints, detail))
            }
        }
    }

    fn may_sign(&self, signer: &Certificate, earlier: &[StoredSignature]) -> Result<(), Refusal> {
        let rules = &self.inner.retention;
        if !rules.is_member(signer) {
            return Err(ProblemCode::SignerNotOfCommission.into());
        }
        for signature in earlier {
            let other = Certificate::from_der(&signature.certificate)
                .map_err(|_| StoreError::Corrupt("disposal_signature.certificate"))?;
            if !rules.is_member(&other) {
                let detail = "who signed first is no member any more: withdraw the act and draw it up anew";
                return Err(Refusal::with_detail(ProblemCode::SignerNotOfCommission, detail));
            }
            if same_person(signer, &other) {
                return Err(ProblemCode::DisposalSamePerson.into());
            }
        }
        Ok(())
    }

    async fn keep_signature(
        &self,
        permit: &Permit<DisposeMessages>,
        signable: &Signable,
        signer: &Certificate,
        cms: &[u8],
    ) -> Result<ActSummary, TxError<NotSigned>> {
        let (act, place) = (signable.act.id, signable.signatures.len().saturating_add(1));
        let state = if place < 2 { ActState::Open } else { ActState::Executing };
        let details = serde_json::json!({
            "place": place, "certificate": hex(&signer.fingerprint()), "sha256": hex(&signable.act.sha256),
        });
        let event = self.act_event(permit, Action::SignDisposalAct, act, details);
        let (certificate, cms) = (signer.der().to_vec(), cms.to_vec());
        let (validated_at, brought_by) = (event.at(), permit.actor().pseudonym());
        let signature = StoredSignature { certificate, cms, validated_at, brought_by };
        let kept = self.inner.ledger.transact("sign_disposal_act", move |tx| {
            if !tables::move_act(tx, act, state)? {
                return Err(NotSigned::Overtaken);
            }
            tables::insert_act_signature(tx, act, place, &signature)?;
            Ok(audit::append(tx, &event)?.with(()))
        });
        kept.await?;
        Ok(StoredAct { state, ..signable.act.clone() }.summary(place))
    }
}
