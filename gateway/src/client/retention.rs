//! What is due for disposal, legal holds, disposal acts. Operators only.

use base64::Engine as _;
use http::{Method, StatusCode};
use schemas::retention::{Act, ActPage, ActRequest, ActSummary, DuePage, Hold, HoldPage, HoldRelease, HoldRequest};
use schemas::{DisposalActId, Edrpou, HoldId, MessageId, RetentionClass};
use serde::Serialize;

use super::{ANSWER_BYTES, Client, ClientError, PART_BYTES_IN_MEMORY, expect};

/// What is asked of what is due.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DueQuery {
    /// Only of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<RetentionClass>,
    /// Only in mailboxes of this participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant: Option<Edrpou>,
    /// Only after this message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<MessageId>,
}

/// Which page.
#[derive(Serialize)]
struct Page<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifted: Option<bool>,
}

impl Client {
    /// One page of what is due for disposal.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn due(&self, query: &DueQuery) -> Result<DuePage, ClientError> {
        self.find("/v1/retention/due", query).await
    }

    /// One page of the legal holds: those in force, or with `lifted` all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn holds(&self, lifted: bool, after: Option<HoldId>) -> Result<HoldPage, ClientError> {
        self.find("/v1/holds", &Page { after, lifted: lifted.then_some(true) }).await
    }

    /// Places a legal hold.
    ///
    /// # Errors
    /// [`ClientError`]; `hold.nothing_kept` where the message is erased, or was not accepted.
    pub async fn place_hold(&self, request: &HoldRequest) -> Result<Hold, ClientError> {
        let answer = self.send(self.with_json(Method::POST, "/v1/holds", request)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::CREATED)?.json()
    }

    /// Lifts one.
    ///
    /// # Errors
    /// [`ClientError`]; `hold.already_lifted`.
    pub async fn lift_hold(&self, hold: HoldId, release: &HoldRelease) -> Result<Hold, ClientError> {
        let request = self.with_json(Method::POST, &format!("/v1/holds/{hold}/lift"), release)?;
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    /// Has an act drawn up.
    ///
    /// # Errors
    /// [`ClientError`]; `disposal.nothing_due`, `disposal.number_taken`.
    pub async fn draw_act(&self, request: &ActRequest) -> Result<ActSummary, ClientError> {
        let answer = self.send(self.with_json(Method::POST, "/v1/disposal-acts", request)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::CREATED)?.json()
    }

    /// One page of the acts.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn acts(&self, after: Option<DisposalActId>) -> Result<ActPage, ClientError> {
        self.find("/v1/disposal-acts", &Page { after, lifted: None }).await
    }

    /// An act with its document, and the bytes of that.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn act(&self, act: DisposalActId) -> Result<(Act, Vec<u8>), ClientError> {
        let request = self.request(Method::GET, &format!("/v1/disposal-acts/{act}"));
        let act: Act = expect(self.send(request, PART_BYTES_IN_MEMORY).await?, StatusCode::OK)?.json()?;
        let document = base64::engine::general_purpose::STANDARD.decode(&act.document);
        let document = document.map_err(|error| ClientError::Unexpected(format!("document: {error}")))?;
        Ok((act, document))
    }

    /// Hands a signature of an act in: detached CMS over its document.
    ///
    /// # Errors
    /// [`ClientError`]; a code of the signature, `disposal.signer_not_of_commission`, `disposal.same_person`, `disposal.act_closed`.
    pub async fn sign_act(&self, act: DisposalActId, cms: Vec<u8>) -> Result<ActSummary, ClientError> {
        let request = self
            .request(Method::POST, &format!("/v1/disposal-acts/{act}/signatures"))
            .header(http::header::CONTENT_TYPE, "application/pkcs7-signature")
            .body(cms);
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    /// Takes an act back.
    ///
    /// # Errors
    /// [`ClientError`]; `disposal.act_closed`.
    pub async fn withdraw_act(&self, act: DisposalActId) -> Result<(), ClientError> {
        let answer = self.send(self.request(Method::DELETE, &format!("/v1/disposal-acts/{act}")), ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(drop)
    }
}
