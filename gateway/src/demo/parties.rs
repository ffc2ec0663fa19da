//! What an agency's own software does: sign a document, read its mail, open it, check it, acknowledge it.
//!
//! A party holds its agency's keys and a client of the public API, nothing else: it opens and believes only what any
//! recipient could.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use certs::certificate::Certificate;
use certs::dev::Identity;
use crypto::digest::{Digest, DigestAlgorithm, digest, hex, sha256};
use schemas::message::{
    Acknowledgement, AcknowledgementOutcome, Envelope, Lease, LeaseRequest, LeasedMessage, MediaType, MessageState,
};
use schemas::{LeaseToken, MailboxId, MessageId};
use signing::cades::{self, Content};
use signing::envelope;
use signing::validate::{Context, Policy, UnverifiedDocument, ValidatedDocument, validate};
use time::OffsetDateTime;

use super::inquiry::Inquiry;
use super::screen::Failure;
use super::site::{Agency, Site, document_kind};
use crate::client::Client;

/// An agency at work.
pub struct Party<'s> {
    site: &'s Site,
    agency: &'s Agency,
    client: Client,
}

/// A message that was opened: its parts as they were handed in, digests compared.
pub struct Opened {
    /// Which.
    pub message: MessageId,
    /// The document.
    pub document: Vec<u8>,
    /// The detached signature over it.
    pub signature: Vec<u8>,
}

impl<'s> Party<'s> {
    /// `agency` of `site`, working against the node at `base`.
    ///
    /// # Errors
    /// [`Failure`] when its login cannot be used.
    pub fn new(site: &'s Site, agency: &'s Agency, base: &str) -> Result<Self, Failure> {
        Ok(Self { site, agency, client: site.client(base, &agency.login)? })
    }

    /// Its connection to the node.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The agency.
    #[must_use]
    pub fn agency(&self) -> &'s Agency {
        self.agency
    }

    /// An envelope for a PDF letter to `recipient`, which opens a new case.
    ///
    /// # Errors
    /// Never for the fixed kind and media type; [`Failure`] if they stopped being well formed.
    pub fn envelope(&self, recipient: &MailboxId) -> Result<Envelope, Failure> {
        Ok(Envelope {
            sender: self.agency.edrpou,
            recipient: recipient.clone(),
            kind: document_kind().ok_or_else(|| Failure::of("the kind of document is not well formed"))?,
            case_id: None,
            media_type: MediaType::try_from("application/pdf".to_owned())?,
            metadata: None,
        })
    }

    /// CAdES-BASELINE-B, detached, by the agency's official.
    ///
    /// # Errors
    /// [`Failure`] when signing fails.
    pub fn sign(&self, document: &[u8], at: OffsetDateTime) -> Result<Vec<u8>, Failure> {
        self.sign_as(&self.agency.signing, Content::Detached(digest(DigestAlgorithm::Sha256, document)), at)
    }

    /// CAdES-BASELINE-B by any of the site's identities.
    ///
    /// # Errors
    /// [`Failure`] when signing fails.
    pub fn sign_as(&self, signer: &Identity, content: Content<'_>, at: OffsetDateTime) -> Result<Vec<u8>, Failure> {
        let chain = [signer.certificate.clone(), self.site.pki().issuing_ca().clone()];
        Ok(cades::sign(content, &signer.key, signer.key.default_algorithm(), &chain, at)?)
    }

    /// Raises a signature to CAdES-BASELINE-T.
    ///
    /// # Errors
    /// [`Failure`] when the authority gives no time-stamp.
    pub async fn stamp(&self, signature: &[u8], inquiry: &Inquiry) -> Result<Vec<u8>, Failure> {
        let imprint = cades::timestamp_imprint(signature, DigestAlgorithm::Sha256)?;
        Ok(cades::add_timestamp(signature, &inquiry.time_stamp(&imprint).await?)?)
    }

    /// Waits until `message` lies in the agency's mailbox.
    ///
    /// # Errors
    /// [`Failure`] when it does not within five seconds.
    pub async fn await_consignment(&self, message: MessageId) -> Result<(), Failure> {
        for _ in 0..POLLS {
            let page = self.client.list(&self.agency.mailbox, Some(MessageState::Consigned), None, None).await?;
            if page.messages.iter().any(|summary| summary.message_id == message) {
                return Ok(());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(Failure::of("the message did not arrive in the mailbox in time"))
    }

    /// Leases what waits in the agency's mailbox for a minute.
    ///
    /// # Errors
    /// [`Failure`] when the node refuses.
    pub async fn lease(&self) -> Result<Lease, Failure> {
        let request = LeaseRequest { max_messages: 10, seconds: 60, contents: false, wait_seconds: 0 };
        Ok(self.client.lease(&self.agency.mailbox, &request).await?)
    }

    /// Downloads both parts, unwraps the document key, opens the parts and compares their digests with what the node
    /// evidenced.
    ///
    /// # Errors
    /// [`Failure`] when anything of it does not hold.
    pub async fn open(&self, token: LeaseToken, leased: &LeasedMessage) -> Result<Opened, Failure> {
        let message = leased.summary.message_id;
        let wrapped = STANDARD.decode(&leased.key_envelope)?;
        let key = envelope::open_key(&wrapped, &self.agency.encryption.certificate, &self.agency.encryption.key)?;
        let mut parts = Vec::with_capacity(2);
        for number in [DOCUMENT_PART, SIGNATURE_PART] {
            let part = leased.parts.iter().find(|part| part.number == number);
            let part = part.ok_or_else(|| Failure::of(format!("part {number} is not there")))?;
            let sealed: Bytes = self.client.download(message, number, token).await?;
            let opened = crypto::seal::open(&key, &part_context(message, number), &sealed)?;
            if hex(&sha256(&opened)) != part.sha256 || opened.len() as u64 != part.size {
                return Err(Failure::of(format!("part {number} is not what the node evidenced")));
            }
            parts.push(opened);
        }
        let mut parts = parts.into_iter();
        match (parts.next(), parts.next()) {
            (Some(document), Some(signature)) => Ok(Opened { message, document, signature }),
            _ => Err(Failure::of("the message has not two parts")),
        }
    }

    /// Verifies the signature of an opened document as a recipient does: against its own anchors, with revocation data
    /// that it fetched itself.
    ///
    /// # Errors
    /// [`Failure`] with the reasons when it is not TOTAL_PASSED.
    pub async fn verify(
        &self,
        opened: &Opened,
        inquiry: &Inquiry,
        at: OffsetDateTime,
    ) -> Result<ValidatedDocument, Failure> {
        let document = UnverifiedDocument::parse(&opened.signature)?;
        let digests: Vec<Digest> =
            document.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, &opened.document)).collect();
        let (root, issuing) = (self.site.pki().root(), self.site.pki().issuing_ca());
        let signers = document.signing_certificates();
        let mut asked: Vec<(&Certificate, &Certificate)> =
            signers.iter().flatten().map(|signer| (signer, issuing)).collect();
        asked.push((self.site.pki().tsa_certificate(), issuing));
        asked.push((issuing, root));
        let revocation = inquiry.revocation(&asked).await?;
        let (trust, policy) = (self.site.trust(), Policy::default());
        let context = Context { trust: &trust, revocation: &revocation, at, policy: &policy };
        let outcome = validate(document.with_detached(digests), &context);
        outcome.passed.ok_or_else(|| {
            let reasons = outcome.report.signatures.iter().flat_map(|signature| &signature.reasons);
            let texts: Vec<&str> = reasons.map(|reason| reason.text_en.as_str()).collect();
            Failure::of(format!("the signature did not pass: {}", texts.join("; ")))
        })
    }

    /// The acknowledgement of an opened message, signed by the agency's official, content attached.
    ///
    /// # Errors
    /// [`Failure`] when signing fails.
    pub fn acknowledgement(
        &self,
        opened: &Opened,
        outcome: AcknowledgementOutcome,
        reason: Option<String>,
        at: OffsetDateTime,
    ) -> Result<Vec<u8>, Failure> {
        let document_sha256 = hex(&sha256(&opened.document));
        let statement =
            Acknowledgement { message_id: opened.message, outcome, document_sha256, reason, registration: None };
        self.sign_as(&self.agency.signing, Content::Attached(&serde_json::to_vec(&statement)?), at)
    }
}

/// What a part is sealed under beside its key: the sixteen bytes of the message's id and the part's number.
#[must_use]
pub fn part_context(message: MessageId, number: u8) -> [u8; 17] {
    let mut context = [number; 17];
    context.iter_mut().zip(message.as_bytes()).for_each(|(slot, byte)| *slot = *byte);
    context
}

/// The part that is the document.
pub const DOCUMENT_PART: u8 = 0;
/// The part that is its signature.
pub const SIGNATURE_PART: u8 = 1;
/// Delivery within one node takes milliseconds; five seconds mean that it does not happen.
const POLLS: u32 = 250;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_bound_to_its_message_and_number() {
        let message = MessageId::from_parts(1_700_000_000_000, [7; 10]);
        let context = part_context(message, 1);
        assert_eq!(&context[..16], message.as_bytes());
        assert_eq!(context[16], 1);
    }
}
