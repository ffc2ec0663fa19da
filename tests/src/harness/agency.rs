//! A participant with its keys, and what it does: submit, lease, open, verify, acknowledge.

use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::dev::Identity;
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::seal::{self, DocumentKey};
use gateway::client::{Client, ClientError, Submitted};
use gateway::demo::parties::part_context;
use gateway::demo::site::{self, Site};
use schemas::message::{
    Acknowledgement, AcknowledgementOutcome, AcknowledgementReceipt, Envelope, Lease, LeaseRequest, LeasedMessage,
    MediaType, Receipt,
};
use schemas::registry::ParticipantRegistration;
use schemas::report::Report;
use schemas::{CaseId, DocumentKind, Edrpou, LeaseToken, MailboxId, MessageId};
use signing::cades::{self, Content};
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use storage::Clock;

/// A participant's system and people: three keys and a connection to the node.
pub struct Agency {
    /// Its client of the node's API.
    pub client: Client,
    site: Arc<Site>,
    index: usize,
    clock: Arc<dyn Clock>,
}

/// A document that its recipient has opened.
pub struct Opened {
    /// The document as it was handed in.
    pub document: Vec<u8>,
    /// Its detached signature.
    pub signature: Vec<u8>,
}

impl Agency {
    /// The agency of that index of a site, which acts on the node at `base`.
    ///
    /// # Panics
    /// Where the site has no such agency.
    #[must_use]
    pub fn new(site: Arc<Site>, index: usize, clock: Arc<dyn Clock>, base: &str) -> Self {
        let login = &site.agency(index).expect("an agency of the site").login;
        let client = site.client(base, login).expect("the agency's keys");
        Self { client, site, index, clock }
    }

    fn own(&self) -> &site::Agency {
        self.site.agency(self.index).expect("checked when it was made")
    }

    /// Its code.
    #[must_use]
    pub fn edrpou(&self) -> Edrpou {
        self.own().edrpou
    }

    /// Its one mailbox.
    #[must_use]
    pub fn mailbox(&self) -> MailboxId {
        self.own().mailbox.clone()
    }

    /// Its system presents this to the node.
    #[must_use]
    pub fn login(&self) -> &Identity {
        &self.own().login
    }

    /// Its official signs with this.
    #[must_use]
    pub fn signer(&self) -> &Identity {
        &self.own().signing
    }

    /// How an operator registers it: one mailbox, its login and encryption certificates.
    #[must_use]
    pub fn registration(&self) -> ParticipantRegistration {
        self.own().registration()
    }

    /// Begins a submission: say where with [`Submission::to`] and await it.
    #[must_use]
    pub fn submits(&self, document: impl Into<Bytes>) -> Submission<'_> {
        Submission {
            agency: self,
            document: document.into(),
            recipient: self.mailbox(),
            kind: "letter".to_owned(),
            case: None,
            key: None,
            signature: None,
        }
    }

    /// The envelope of a letter from here to `recipient`.
    #[must_use]
    pub fn envelope(&self, recipient: &MailboxId) -> Envelope {
        Envelope {
            sender: self.edrpou(),
            recipient: recipient.clone(),
            kind: kind("letter"),
            case_id: None,
            media_type: MediaType::try_from("application/pdf".to_owned()).expect("a media type"),
            metadata: None,
        }
    }

    /// Its detached CAdES signature over a document.
    #[must_use]
    pub fn signs(&self, document: &[u8]) -> Vec<u8> {
        self.signs_as(self.signer(), document)
    }

    /// A detached CAdES signature by another identity.
    #[must_use]
    pub fn signs_as(&self, signer: &Identity, document: &[u8]) -> Vec<u8> {
        self.cades(signer, Content::Detached(digest(DigestAlgorithm::Sha256, document)))
    }

    /// A CAdES signature that carries its content.
    #[must_use]
    pub fn signs_attached(&self, content: &[u8]) -> Vec<u8> {
        self.cades(self.signer(), Content::Attached(content))
    }

    fn cades(&self, signer: &Identity, content: Content<'_>) -> Vec<u8> {
        let chain = [signer.certificate.clone(), self.site.pki().issuing_ca().clone()];
        cades::sign(content, &signer.key, signer.key.default_algorithm(), &chain, self.clock.now())
            .expect("a software key signs")
    }

    /// Leases up to `most` messages of its mailbox for a minute.
    ///
    /// # Errors
    /// What the node refuses.
    pub async fn leases(&self, most: u32) -> Result<Lease, ClientError> {
        self.client
            .lease(&self.mailbox(), &LeaseRequest { max_messages: most, seconds: 60, contents: false, wait_seconds: 0 })
            .await
    }

    /// Leases until a message comes: the carrier consigns shortly after the receipt, not before it.
    ///
    /// # Errors
    /// What the node refuses, or that nothing came within ten seconds.
    pub async fn awaits(&self, most: u32) -> Result<Lease, ClientError> {
        for _ in 0..500 {
            let lease = self.leases(most).await?;
            if !lease.messages.is_empty() {
                return Ok(lease);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        Err(ClientError::Unexpected("no message came within ten seconds".to_owned()))
    }

    /// Downloads and opens both parts of a leased message, and checks their digests.
    ///
    /// # Errors
    /// What the node refuses, or what does not open.
    pub async fn opens(&self, lease: &Lease, message: &LeasedMessage) -> Result<Opened, ClientError> {
        let id = message.summary.message_id;
        let document = self.client.download(id, 0, lease.token).await?;
        let signature = self.client.download(id, 1, lease.token).await?;
        Ok(Opened { document: self.unseals(message, 0, &document)?, signature: self.unseals(message, 1, &signature)? })
    }

    /// Opens one sealed part and checks its digest.
    ///
    /// # Errors
    /// That the envelope, the seal or the digest is wrong.
    pub fn unseals(&self, message: &LeasedMessage, number: u8, sealed: &[u8]) -> Result<Vec<u8>, ClientError> {
        let wrong = |what: &str| ClientError::Unexpected(format!("part {number}: {what}"));
        let key = self.document_key(message)?;
        let context = part_context(message.summary.message_id, number);
        let opened = seal::open(&key, &context, sealed).map_err(|e| wrong(&e.to_string()))?;
        let part = message.parts.iter().find(|part| part.number == number).ok_or_else(|| wrong("not announced"))?;
        let matches = digest(DigestAlgorithm::Sha256, &opened).to_hex() == part.sha256;
        matches.then_some(opened).ok_or_else(|| wrong("its digest differs from the announced one"))
    }

    fn document_key(&self, message: &LeasedMessage) -> Result<DocumentKey, ClientError> {
        if let Some(key) = &message.document_key {
            let key = STANDARD.decode(key).ok().and_then(|key| key.try_into().ok());
            let key = key.ok_or_else(|| ClientError::Unexpected("document key: not 32 bytes".to_owned()))?;
            return Ok(DocumentKey::from_bytes(key));
        }
        let envelope = STANDARD
            .decode(&message.key_envelope)
            .map_err(|_| ClientError::Unexpected("key envelope is not base64".to_owned()))?;
        signing::envelope::open_key(&envelope, &self.own().encryption.certificate, &self.own().encryption.key)
            .map_err(|e| ClientError::Unexpected(format!("key envelope: {e}")))
    }

    /// Validates the signature of an opened document against the authority that this agency trusts.
    #[must_use]
    pub fn verifies(&self, opened: &Opened) -> Report {
        let parsed = UnverifiedDocument::parse(&opened.signature).expect("the node accepted this signature");
        let digests = parsed.digest_algorithms().into_iter().map(|a| digest(a, &opened.document)).collect();
        let (pki, now) = (self.site.pki(), self.clock.now());
        let asked = parsed.signing_certificates().into_iter().flatten().map(|signer| (signer, pki.issuing_ca()));
        let ocsp = asked.chain([(pki.issuing_ca().clone(), pki.root())]).map(|(certificate, issuer)| {
            let answer = pki.answer_ocsp(&ocsp_request(&certificate, issuer, None), now);
            OcspResponse::from_der(&answer).expect("the authority's own answer")
        });
        let revocation = RevocationData { ocsp: ocsp.collect(), crls: Vec::new() };
        let trust = self.site.trust();
        let context = Context { trust: &trust, revocation: &revocation, at: now, policy: &Policy::default() };
        validate(parsed.with_detached(digests), &context).report
    }

    /// Acknowledges that it accepts what it opened.
    ///
    /// # Errors
    /// What the node refuses.
    pub async fn accepts(
        &self,
        lease: LeaseToken,
        message: MessageId,
        document: &[u8],
    ) -> Result<AcknowledgementReceipt, ClientError> {
        let statement = statement(message, document, None);
        self.client.acknowledge(message, lease, self.states(&statement)).await
    }

    /// Acknowledges that it refuses what it opened, and why.
    ///
    /// # Errors
    /// What the node refuses.
    pub async fn refuses(
        &self,
        lease: LeaseToken,
        message: MessageId,
        document: &[u8],
        reason: &str,
    ) -> Result<AcknowledgementReceipt, ClientError> {
        let statement = statement(message, document, Some(reason));
        self.client.acknowledge(message, lease, self.states(&statement)).await
    }

    /// A signed acknowledgement: attached CAdES over the statement's JSON.
    #[must_use]
    pub fn states(&self, statement: &Acknowledgement) -> Vec<u8> {
        self.states_as(self.signer(), statement)
    }

    /// The same, signed by another identity.
    #[must_use]
    pub fn states_as(&self, signer: &Identity, statement: &Acknowledgement) -> Vec<u8> {
        let json = serde_json::to_vec(statement).expect("a statement is JSON");
        self.cades(signer, Content::Attached(&json))
    }
}

/// What a recipient says: refused when there is a reason, accepted otherwise.
#[must_use]
pub fn statement(message: MessageId, document: &[u8], reason: Option<&str>) -> Acknowledgement {
    Acknowledgement {
        message_id: message,
        outcome: reason.map_or(AcknowledgementOutcome::Accepted, |_| AcknowledgementOutcome::Refused),
        document_sha256: digest(DigestAlgorithm::Sha256, document).to_hex(),
        reason: reason.map(str::to_owned),
        registration: None,
    }
}

/// A document kind of a test.
#[must_use]
pub fn kind(text: &str) -> DocumentKind {
    text.parse().expect("a document kind")
}

/// A submission that is about to be made; awaiting it makes it.
pub struct Submission<'a> {
    agency: &'a Agency,
    document: Bytes,
    recipient: MailboxId,
    kind: String,
    case: Option<CaseId>,
    key: Option<String>,
    signature: Option<Vec<u8>>,
}

impl Submission<'_> {
    /// Where it goes.
    #[must_use]
    pub fn to(mut self, recipient: &MailboxId) -> Self {
        self.recipient = recipient.clone();
        self
    }

    /// What kind of document it is; a letter otherwise.
    #[must_use]
    pub fn of_kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// The case that it continues; a new one otherwise.
    #[must_use]
    pub fn in_case(mut self, case: CaseId) -> Self {
        self.case = Some(case);
        self
    }

    /// Its idempotency key; a fresh one otherwise.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Its signature; one of the agency's signer over the document otherwise.
    #[must_use]
    pub fn signed_with(mut self, signature: Vec<u8>) -> Self {
        self.signature = Some(signature);
        self
    }

    /// Makes it and says whether the node had accepted it before.
    ///
    /// # Errors
    /// What the node refuses.
    ///
    /// # Panics
    /// Where the node holds it.
    pub async fn made(self) -> Result<(Receipt, bool), ClientError> {
        let (submitted, replayed) = self.answered().await?;
        Ok((submitted.accepted().expect("accepted, not held"), replayed))
    }

    /// Makes it and says what came of it, and whether the node had answered it so before.
    ///
    /// # Errors
    /// What the node refuses.
    pub async fn answered(self) -> Result<(Submitted, bool), ClientError> {
        let agency = self.agency;
        let mut envelope = agency.envelope(&self.recipient);
        envelope.kind = kind(&self.kind);
        envelope.case_id = self.case;
        let key = self.key.unwrap_or_else(fresh_key);
        let signature = self.signature.unwrap_or_else(|| agency.signs(&self.document));
        agency.client.submit(&key, &envelope, signature, self.document).await
    }
}

impl<'a> IntoFuture for Submission<'a> {
    type Output = Result<Receipt, ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.made().await.map(|(receipt, _)| receipt) })
    }
}

/// A random idempotency key.
#[must_use]
pub fn fresh_key() -> String {
    crypto::digest::hex(&crypto::random::array::<16>())
}
