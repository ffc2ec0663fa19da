//! The recipient accepts, refuses or registers: signed by itself, or stated by the node on behalf of a system of its.

use access::Permit;
use access::decide::AcknowledgeMessage;
use audit::Action;
use crypto::digest::{hex, sha256};
use schemas::limits::{ACKNOWLEDGEMENT_BYTES, REASON_CHARACTERS, REGISTRATION_CHARACTERS};
use schemas::message::{
    Acknowledgement, AcknowledgementOutcome, AcknowledgementReceipt, MessageState, PartRole, Registration,
};
use schemas::{LeaseToken, ProblemCode};
use storage::{StoreError, TxError};

use crate::edge::{self, Deed, Edge, NoEdge, Word};
use crate::message::{Evidence, Message};
use crate::notices::Bells;
use crate::refusal::Refusal;
use crate::service::Exchange;
use crate::signature;
use crate::state::{Step, apply};
use crate::tables::{self, Acknowledged};

/// Why the transaction of an acknowledgement did not commit.
enum NotCommitted {
    /// The message moved between the look and the step.
    Moved,
    Store(StoreError),
}

impl From<StoreError> for NotCommitted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Why a message that was thought to stand so was not acknowledged.
enum NotAcknowledged {
    /// It stands otherwise.
    Moved,
    Refused(Refusal),
}

impl<E: Into<Refusal>> From<E> for NotAcknowledged {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// A recipient's acknowledgement as it came.
pub enum Spoken {
    /// Attached CMS whose content is an [`Acknowledgement`].
    Signed(Vec<u8>),
    /// The JSON of an [`Acknowledgement`], from a system of the recipient's that has logged in: the node states it on that
    /// system's behalf.
    BySystem(Vec<u8>),
}

impl Spoken {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Signed(bytes) | Self::BySystem(bytes) => bytes,
        }
    }
}

impl Exchange {
    /// Ends a message as the recipient says: accepted (C.3), refused (C.4), registered (V.7). The same bytes again bring the
    /// same receipt. A lease is needed until the message was accepted or refused; a registration afterwards needs none.
    ///
    /// # Errors
    /// `MissingHeader` without a lease where one is needed, `LeaseNotHeld`, `NotHandedOver`, `AlreadyFinal`; a code of the
    /// signature; `MalformedJson` where the content is no acknowledgement, `AcknowledgementMismatch` where it is one of
    /// something else; otherwise when the store fails.
    pub async fn acknowledge(
        &self,
        permit: Permit<AcknowledgeMessage>,
        lease: Option<LeaseToken>,
        spoken: Spoken,
    ) -> Result<AcknowledgementReceipt, Refusal> {
        if spoken.bytes().len() > ACKNOWLEDGEMENT_BYTES {
            return Err(ProblemCode::TooLarge.into());
        }
        let sha256 = sha256(spoken.bytes());
        // What was handed over with its lease a moment ago is known. Where it moved since, it is read and judged anew.
        let known = self.inner.lately.take_handed_over(permit.resource().message);
        let now = self.inner.clock.now();
        if let Some((message, held)) = known.filter(|(_, held)| lease.is_some_and(|lease| held.by(lease, now))) {
            let known = Acknowledged { message, held: Some(held), earlier: Vec::new() };
            match self.acknowledge_known(&permit, lease, &spoken, &sha256, &known).await {
                Err(NotAcknowledged::Moved) => {}
                Err(NotAcknowledged::Refused(refusal)) => return Err(refusal),
                Ok(receipt) => return Ok(receipt),
            }
        }
        let found = self.before_acknowledgement(&permit).await?;
        match self.acknowledge_known(&permit, lease, &spoken, &sha256, &found).await {
            Ok(receipt) => Ok(receipt),
            Err(NotAcknowledged::Refused(refusal)) => Err(refusal),
            Err(NotAcknowledged::Moved) => {
                // The same acknowledgement may have come twice at once; else the lease ran out.
                let found = self.before_acknowledgement(&permit).await?;
                let repeated = self.repeated(&permit, &found, &sha256).await?;
                let held = lease.zip(found.held).is_some_and(|(lease, held)| held.by(lease, self.inner.clock.now()));
                let code = match found.message.standing().is_settled() {
                    true => ProblemCode::AlreadyFinal,
                    // A notice or a reminder was put on record between the two: the message still waits for this.
                    false if held => ProblemCode::Overloaded,
                    false => ProblemCode::LeaseNotHeld,
                };
                repeated.ok_or_else(|| code.into())
            }
        }
    }

    /// The same for a message that is known to stand so.
    async fn acknowledge_known(
        &self,
        permit: &Permit<AcknowledgeMessage>,
        lease: Option<LeaseToken>,
        spoken: &Spoken,
        sha256: &[u8; 32],
        found: &Acknowledged,
    ) -> Result<AcknowledgementReceipt, NotAcknowledged> {
        if let Some(repeated) = self.repeated(permit, found, sha256).await? {
            return Ok(repeated);
        }
        let lease = self.may_speak(found, lease)?;
        let acknowledgement = self.read_acknowledgement(&found.message, spoken).await?;
        let certificate = match spoken {
            Spoken::BySystem(_) => Some(*permit.actor().certificate().ok_or(ProblemCode::SessionWithoutCertificate)?),
            Spoken::Signed(_) => None,
        };
        let word = Word { sha256: *sha256, on_behalf_of: certificate };
        let edges = self.acknowledged(permit, &found.message, &acknowledgement, word)?;
        let receipt = receipt(&edges.last().ok_or(ProblemCode::Internal)?.evidence);
        let (bells, sha256, spoken) = (Bells::of(&edges), *sha256, spoken.bytes().to_vec());
        let committed = self.inner.ledger.transact("acknowledge_message", move |tx| {
            let mut appended = None;
            for (edge, lease) in edges.iter().zip(std::iter::once(lease).chain(std::iter::repeat(None))) {
                appended = Some(edge::take(tx, edge, lease)?.ok_or(NotCommitted::Moved)?);
            }
            let last = edges.last().ok_or(NotCommitted::Moved)?;
            tables::insert_acknowledgement(tx, &last.evidence, &sha256, &spoken)?;
            appended.map(|appended| appended.with(())).ok_or(NotCommitted::Moved)
        });
        match committed.await {
            Ok(()) => {
                self.rings(&bells);
                Ok(receipt)
            }
            Err(TxError::Refused(NotCommitted::Moved)) => Err(NotAcknowledged::Moved),
            Err(TxError::Refused(NotCommitted::Store(error)) | TxError::Store(error)) => {
                Err(NotAcknowledged::Refused(error.into()))
            }
        }
    }

    async fn before_acknowledgement(&self, permit: &Permit<AcknowledgeMessage>) -> Result<Acknowledged, Refusal> {
        let id = permit.resource().message;
        let reader = self.inner.ledger.reader();
        let found = reader.read("read_acknowledgement", move |tx| tables::acknowledgement(tx, id)).await?;
        found.ok_or_else(|| ProblemCode::NotFound.into())
    }

    /// The receipt of this very acknowledgement, where it came before.
    async fn repeated(
        &self,
        permit: &Permit<AcknowledgeMessage>,
        found: &Acknowledged,
        digest: &[u8; 32],
    ) -> Result<Option<AcknowledgementReceipt>, Refusal> {
        let Some((_, evidence)) = found.earlier.iter().find(|(earlier, _)| earlier == digest) else { return Ok(None) };
        let details = serde_json::json!({ "replayed": true });
        let object = Some(found.message.object());
        self.record_read(Action::AcknowledgeMessage, permit.actor().pseudonym(), object, details).await?;
        Ok(Some(receipt(evidence)))
    }

    /// Whether the recipient may say anything of the message now: which step it is, only the content tells. Answers the lease
    /// under which the first step is taken.
    fn may_speak(&self, found: &Acknowledged, lease: Option<LeaseToken>) -> Result<Option<LeaseToken>, Refusal> {
        if found.message.standing() == MessageState::Accepted {
            return Ok(None);
        }
        if found.message.standing().is_settled() {
            return Err(ProblemCode::AlreadyFinal.into());
        }
        let lease = lease.ok_or_else(|| Refusal::with_detail(ProblemCode::MissingHeader, "Vuzol-Lease"))?;
        if !found.held.is_some_and(|held| held.by(lease, self.inner.clock.now())) {
            return Err(ProblemCode::LeaseNotHeld.into());
        }
        apply(found.message.state.as_ref(), &Step::AcceptContent).map_err(NoEdge::from)?;
        Ok(Some(lease))
    }

    /// The content, once its signature is valid and the recipient's, and it speaks of this message and this document.
    async fn read_acknowledgement(&self, message: &Message, spoken: &Spoken) -> Result<Acknowledgement, Refusal> {
        let acknowledgement = match spoken {
            Spoken::Signed(signed) => self.signed_acknowledgement(message, signed).await?,
            Spoken::BySystem(json) => parse(json)?,
        };
        check_content(message, &acknowledgement)?;
        Ok(acknowledgement)
    }

    async fn signed_acknowledgement(&self, message: &Message, signed: &[u8]) -> Result<Acknowledgement, Refusal> {
        let document = signature::read(signed)?;
        if !document.is_attached() {
            let detail = "the acknowledgement must be inside its signature";
            return Err(Refusal::with_detail(ProblemCode::SignatureFormat, detail));
        }
        let revocation = self.revocation(&self.signer_paths(&document)?).await;
        let validated = self.judge(document, &revocation)?;
        signature::signed_for(&validated, message.recipient.participant())?;
        parse(validated.content().ok_or(ProblemCode::SignatureFormat)?)
    }

    /// The edges of one word: a registration of what was not accepted yet accepts it too.
    fn acknowledged(
        &self,
        permit: &Permit<AcknowledgeMessage>,
        message: &Message,
        acknowledgement: &Acknowledgement,
        word: Word,
    ) -> Result<Vec<Edge>, Refusal> {
        let mut steps = Vec::with_capacity(2);
        match (acknowledgement.outcome, &acknowledgement.registration) {
            // In the recipient's words: they are all that the sender learns of why.
            (AcknowledgementOutcome::Refused, _) => {
                steps.push(Step::RefuseContent { reason: acknowledgement.reason.clone().unwrap_or_default() });
            }
            (AcknowledgementOutcome::Registered, Some(Registration { number, date })) => {
                if message.standing() != MessageState::Accepted {
                    steps.push(Step::AcceptContent);
                }
                steps.push(Step::Register { number: number.clone(), date: date.clone() });
            }
            _ => steps.push(Step::AcceptContent),
        }
        let mut edges: Vec<Edge> = Vec::with_capacity(steps.len());
        for step in steps {
            let details =
                serde_json::json!({ "acknowledgement": hex(&word.sha256), "outcome": acknowledgement.outcome });
            let deed = Deed::of(Action::AcknowledgeMessage, permit.actor().pseudonym(), details);
            let before = edges.last().map_or(message, |edge| &edge.message);
            edges.push(self.edge(before, &step, Deed { word: Some(word), ..deed })?);
        }
        Ok(edges)
    }
}

fn parse(json: &[u8]) -> Result<Acknowledgement, Refusal> {
    serde_json::from_slice(json)
        .map_err(|_| Refusal::with_detail(ProblemCode::MalformedJson, "the content is no acknowledgement"))
}

fn check_content(message: &Message, acknowledgement: &Acknowledgement) -> Result<(), Refusal> {
    let mismatch = |detail: &str| Err(Refusal::with_detail(ProblemCode::AcknowledgementMismatch, detail));
    if acknowledgement.message_id != message.id {
        return mismatch("message_id");
    }
    let document = message.parts.iter().find(|part| part.role == PartRole::Document);
    if document.is_none_or(|part| part.sha256 != acknowledgement.document_sha256) {
        return mismatch("document_sha256");
    }
    let reason = acknowledgement.reason.as_deref().unwrap_or_default();
    if reason.chars().count() > REASON_CHARACTERS {
        return mismatch("reason: too long");
    }
    if acknowledgement.outcome == AcknowledgementOutcome::Refused && reason.trim().is_empty() {
        return mismatch("reason");
    }
    match (&acknowledgement.registration, acknowledgement.outcome == AcknowledgementOutcome::Registered) {
        (None, false) => Ok(()),
        (Some(registration), true) if is_well_formed(registration) => Ok(()),
        _ => mismatch("registration"),
    }
}

/// A number of visible characters, and a date of the calendar.
fn is_well_formed(registration: &Registration) -> bool {
    let Registration { number, date } = registration;
    let numbered = (1..=REGISTRATION_CHARACTERS).contains(&number.chars().count())
        && !number.chars().any(char::is_control)
        && number.trim() == number;
    let form = time::macros::format_description!("[year]-[month]-[day]");
    numbered && time::Date::parse(date, form).is_ok()
}

fn receipt(evidence: &Evidence) -> AcknowledgementReceipt {
    AcknowledgementReceipt {
        message_id: evidence.message,
        state: evidence.state,
        event_id: evidence.event,
        evidence: evidence.jws.clone(),
    }
}
