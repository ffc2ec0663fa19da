//! Asks the throw-away trust services, as a participant's own software would ask real ones.

use std::time::Duration;

use certs::certificate::Certificate;
use certs::revocation::{Crl, OcspResponse, RevocationData, ocsp_request};
use certs::timestamp::{self, TstInfo};
use crypto::digest::Digest;
use signing::validate::UnverifiedDocument;

use super::screen::Failure;
use super::services::DemoServices;
use crate::client;

/// A client of the services. It speaks plain HTTP to a loopback port; what comes back is signed.
#[derive(Clone)]
pub struct Inquiry {
    http: reqwest::Client,
    ocsp_url: String,
    tsa_url: String,
    crl_url: String,
}

impl Inquiry {
    /// A client of running services.
    ///
    /// # Errors
    /// [`Failure`] when no HTTP client can be made.
    pub fn new(services: &DemoServices) -> Result<Self, Failure> {
        Ok(Self {
            http: client::plain_http_client()?,
            ocsp_url: services.ocsp_url(),
            tsa_url: services.tsa_url(),
            crl_url: services.crl_url(),
        })
    }

    /// A time-stamp token over `imprint` whose nonce and imprint are the asked ones. Its signature is checked with the
    /// signature that carries it.
    ///
    /// # Errors
    /// [`Failure`] when the authority refuses or answers something else.
    pub async fn time_stamp(&self, imprint: &Digest) -> Result<Vec<u8>, Failure> {
        let mut nonce = crypto::random::array::<8>();
        // A DER INTEGER of fixed length: neither negative nor with a leading zero.
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        let request = timestamp::request(imprint, Some(&nonce), true);
        let response = self.post(&self.tsa_url, "application/timestamp-query", request).await?;
        let token = timestamp::token_of_response(&response)?;
        let document = UnverifiedDocument::parse(&token)?;
        let info = TstInfo::from_der(document.content().ok_or_else(|| Failure::of("the token carries nothing"))?)?;
        if info.nonce.as_deref() != Some(&nonce[..]) || info.imprint != imprint.as_bytes() {
            return Err(Failure::of("the time-stamp is an answer to another question"));
        }
        Ok(token)
    }

    /// What the responder says of each certificate and issuer, and the current CRL.
    ///
    /// # Errors
    /// [`Failure`] when an answer is missing or unreadable.
    pub async fn revocation(&self, asked: &[(&Certificate, &Certificate)]) -> Result<RevocationData, Failure> {
        let mut data = RevocationData::default();
        for (certificate, issuer) in asked {
            let request = ocsp_request(certificate, issuer, None);
            let response = self.post(&self.ocsp_url, "application/ocsp-request", request).await?;
            data.ocsp.push(OcspResponse::from_der(&response)?);
        }
        let crl = self.http.get(&self.crl_url).timeout(PATIENCE).send().await?.error_for_status()?.bytes().await?;
        data.crls.push(Crl::from_der(&crl)?);
        Ok(data)
    }

    async fn post(&self, url: &str, media_type: &str, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let request = self.http.post(url).header(http::header::CONTENT_TYPE, media_type).timeout(PATIENCE).body(body);
        Ok(request.send().await?.error_for_status()?.bytes().await?.to_vec())
    }
}

/// The services are in this very process.
const PATIENCE: Duration = Duration::from_secs(5);
