//! A person at a portal: a login with a signature, and what those who watch over the node do with its log.

use http::{Method, StatusCode, header};
use reqwest::RequestBuilder;
use schemas::AlertId;
use schemas::audit::{AlertPage, AlertRemark, AuditExport, AuditPage, AuditSearch, KeptAlert};
use schemas::session::{ChallengeRequest, LoginChallenge, LoginRequest, SessionView};

use super::{ANSWER_BYTES, Client, ClientError, TRANSFER_TIMEOUT, collect, expect, refusal, to_json, transport_error};

/// A client with a session.
pub struct PortalClient {
    client: Client,
    origin: String,
    cookie: String,
    csrf: String,
}

impl PortalClient {
    /// Logs in: `sign` makes a CAdES signature over the octets of the text that the node gives. `client` speaks to the portal's door, without a client
    /// certificate; `origin`: the portal's own, as the node's configuration has it.
    ///
    /// # Errors
    /// [`ClientError`]; what `sign` says.
    pub async fn log_in(
        client: Client,
        origin: &str,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, ClientError>,
    ) -> Result<Self, ClientError> {
        let mut portal = Self { client, origin: origin.to_owned(), cookie: String::new(), csrf: String::new() };
        let request = portal.posts("/v1/logins/challenges", &ChallengeRequest::default())?;
        let answer = expect(portal.client.send(request, ANSWER_BYTES).await?, StatusCode::OK)?;
        let LoginChallenge { challenge, .. } = answer.json()?;
        let signature = sign(challenge.as_bytes())?;
        let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
        let request = portal.posts("/v1/logins", &LoginRequest { challenge, signature, acting_for: None })?;
        let answer = expect(portal.client.send(request, ANSWER_BYTES).await?, StatusCode::CREATED)?;
        let cookie = answer.headers.get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next());
        let missing = || ClientError::Unexpected("a session without a cookie".to_owned());
        portal.cookie = cookie.ok_or_else(missing)?.to_owned();
        portal.csrf = answer.json::<SessionView>()?.csrf_token;
        Ok(portal)
    }

    /// Ends the session.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn log_out(&self) -> Result<(), ClientError> {
        let answer = self.client.send(self.request(Method::DELETE, "/v1/session"), ANSWER_BYTES).await?;
        expect(answer, StatusCode::NO_CONTENT).map(drop)
    }

    /// One page of a search of the log.
    ///
    /// # Errors
    /// [`ClientError`]; `audit.filter_wrong`.
    pub async fn search_audit(&self, search: &AuditSearch) -> Result<AuditPage, ClientError> {
        let request = self.posts("/v1/audit/searches", search)?;
        expect(self.client.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    /// Takes a part of the log away, handing each piece of the archive to `consume` as it arrives.
    ///
    /// # Errors
    /// [`ClientError`]; `audit.range_wrong`; `consume`'s own error ends it and is passed on as [`ClientError::Unexpected`].
    pub async fn export_audit<E: std::fmt::Display>(
        &self,
        export: &AuditExport,
        mut consume: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), ClientError> {
        let request = self.posts("/v1/audit/exports", export)?.timeout(TRANSFER_TIMEOUT);
        let mut response = request.send().await.map_err(transport_error)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&collect(response, ANSWER_BYTES).await?));
        }
        while let Some(piece) = response.chunk().await.map_err(transport_error)? {
            consume(&piece).map_err(|error| ClientError::Unexpected(error.to_string()))?;
        }
        Ok(())
    }

    /// One page of alerts, the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn alerts(&self, all: bool, before: Option<AlertId>) -> Result<AlertPage, ClientError> {
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        let request = self.request(Method::GET, &format!("/v1/alerts?all={all}{before}"));
        expect(self.client.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    /// States that an alert was seen.
    ///
    /// # Errors
    /// [`ClientError`]; `alert.remark_wrong`, `alert.seen_before`.
    pub async fn see_alert(&self, alert: AlertId, remark: &str) -> Result<KeptAlert, ClientError> {
        let remark = AlertRemark { remark: remark.to_owned() };
        let request = self.posts(&format!("/v1/alerts/{alert}/seen"), &remark)?;
        expect(self.client.send(request, ANSWER_BYTES).await?, StatusCode::OK)?.json()
    }

    fn posts(&self, path: &str, body: &impl serde::Serialize) -> Result<RequestBuilder, ClientError> {
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        Ok(request.body(to_json(body)?))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, path).header(header::ORIGIN, &self.origin);
        if self.cookie.is_empty() {
            return request;
        }
        request.header(header::COOKIE, &self.cookie).header("vuzol-csrf", &self.csrf)
    }
}
