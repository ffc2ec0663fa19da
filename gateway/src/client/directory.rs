//! Participants, channels, addresses and trust: what the node knows of those it serves, and what operators state of them.

use http::{Method, StatusCode};
use schemas::Edrpou;
use schemas::registry::{Channel, Participant, ParticipantQuery, ParticipantRegistration, Participants};
use schemas::routing::{AddressQuery, CapabilityQuery, Deliverability, FunctionalAddress, Suspension};
use schemas::trust::{CertificateDigest, Trust, TrustStatement, TrustedCertificate};

use super::{ANSWER_BYTES, Client, ClientError, expect};

impl Client {
    /// All participants, page by page.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn participants(&self) -> Result<Participants, ClientError> {
        self.search(&ParticipantQuery::default()).await
    }

    /// All participants that meet a query, page by page; `limit` is the size of one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn search(&self, query: &ParticipantQuery) -> Result<Participants, ClientError> {
        let mut page: Participants = self.find("/v1/participants", query).await?;
        let mut found = std::mem::take(&mut page.participants);
        while let Some(after) = page.next_after {
            page = self.find("/v1/participants", &ParticipantQuery { after: Some(after), ..query.clone() }).await?;
            if page.next_after.is_some_and(|next| next <= after) {
                return Err(ClientError::Unexpected("pages that do not go on".to_owned()));
            }
            found.append(&mut page.participants);
        }
        Ok(Participants { participants: found, next_after: None })
    }

    /// Registers a participant, or replaces its registration. Operators only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn register(
        &self,
        edrpou: Edrpou,
        registration: &ParticipantRegistration,
    ) -> Result<Participant, ClientError> {
        let path = format!("/v1/participants/{edrpou}");
        let answer = self.send(self.with_json(Method::PUT, &path, registration)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::OK)?.json()
    }

    /// Opens a channel, or replaces the kinds of document that it carries. Operators only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_channel(&self, channel: &Channel) -> Result<(), ClientError> {
        let answer = self.send(self.with_json(Method::PUT, "/v1/channels", channel)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(|_| ())
    }

    /// Who performs a service in an area.
    ///
    /// # Errors
    /// [`ClientError`]; `request.not_found` where nobody is stated.
    pub async fn resolve(&self, query: &AddressQuery) -> Result<FunctionalAddress, ClientError> {
        self.find("/v1/addresses", query).await
    }

    /// States who performs a service in an area. Operators only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_address(&self, address: &FunctionalAddress) -> Result<(), ClientError> {
        let answer = self.send(self.with_json(Method::PUT, "/v1/addresses", address)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(|_| ())
    }

    /// Takes such a statement back. Operators only.
    ///
    /// # Errors
    /// [`ClientError`]; `request.not_found` where there is none.
    pub async fn remove_address(&self, query: &AddressQuery) -> Result<(), ClientError> {
        let request = self.with_query(Method::DELETE, "/v1/addresses", query)?;
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::NO_CONTENT).map(|_| ())
    }

    /// Stops everybody from sending to a participant or a mailbox, or lets them again. Operators only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_suspension(&self, suspension: &Suspension) -> Result<(), ClientError> {
        let answer = self.send(self.with_json(Method::PUT, "/v1/suspensions", suspension)?, ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(|_| ())
    }

    /// Whether a document could be sent now. Participants only.
    ///
    /// # Errors
    /// [`ClientError`]. That it could not is no error.
    pub async fn capabilities(&self, question: &CapabilityQuery) -> Result<Deliverability, ClientError> {
        self.find("/v1/capabilities", question).await
    }

    /// Whom the node believes. Operators only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn trust(&self) -> Result<Trust, ClientError> {
        self.get_json("/v1/trust").await
    }

    /// States what a certificate is believed for; nothing, where the statement names no purpose. Operators only.
    ///
    /// # Errors
    /// [`ClientError`]; `trust.last_anchor` where the node would be left without an anchor that it needs.
    pub async fn set_trust(
        &self,
        sha256: CertificateDigest,
        statement: &TrustStatement,
    ) -> Result<TrustedCertificate, ClientError> {
        let request = self.with_json(Method::PUT, &format!("/v1/trust/{sha256}"), statement)?;
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    /// Takes such a statement back. Operators only.
    ///
    /// # Errors
    /// As [`Client::set_trust`]; `request.not_found` where there is none.
    pub async fn withdraw_trust(&self, sha256: CertificateDigest) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/v1/trust/{sha256}"));
        expect(self.send(request, ANSWER_BYTES).await?, StatusCode::NO_CONTENT).map(|_| ())
    }
}
