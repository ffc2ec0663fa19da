//! The answer to a challenge: text, then signature, then person; what is cheap and what a stranger can get wrong comes first.

use std::net::IpAddr;
use std::time::Instant;

use audit::{Action, EventDraft, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use certs::path::VerifiedPath;
use crypto::digest::{digest, hex};
use schemas::access::Portal;
use schemas::session::{Deed, LoginChallenge, LoginRequest, StepUpRequest};
use schemas::{Edrpou, PersonId, ProblemCode};
use signing::validate::{Context, ReadError, UnverifiedDocument, validate};
use time::OffsetDateTime;

use super::challenge::{Challenge, ChallengeError, Purpose};
use super::entitlement::{self, NoAccess};
use crate::people::{Citizen, PersonalNumbers};
use crate::portal::{Portals, Refused};
use crate::session::open::{Opening, SessionSecret, Way};
use crate::session::{Entered, LoginBy, Session};
use crate::standing::NotReliable;

/// A challenge with a signature over it that holds.
pub(crate) struct Signed {
    pub(crate) challenge: Challenge,
    /// The signer's certificate and those above it, without the anchor.
    pub(crate) chain: Vec<Certificate>,
}

impl Signed {
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.chain[0]
    }
}

/// A session that was just opened.
pub struct LoggedIn {
    /// What opens it: goes into the cookie, and nowhere else.
    pub secret: SessionSecret,
    /// The session.
    pub entered: Entered,
}

impl Portals {
    /// Issues a text to be signed for a login, or, by who has a session, for a deed. Stores nothing.
    ///
    /// # Errors
    /// `LoginThrottled`; `NotFound` where there is no such portal.
    pub fn challenge(
        &self,
        portal: Portal,
        peer: IpAddr,
        confirms: Option<(Deed, &Session)>,
    ) -> Result<LoginChallenge, Refused> {
        self.not_too_often(peer)?;
        let purpose =
            confirms.map_or(Purpose::Login, |(deed, session)| Purpose::StepUp { deed, session: session.id() });
        let (place, now) = (self.place(portal)?, self.inner.clock.now());
        let (challenge, expires_at) = self.inner.challenges.issue(&place, purpose, now);
        Ok(LoginChallenge { challenge, expires_at })
    }

    /// Opens a session for whoever signed the challenge.
    ///
    /// # Errors
    /// `Challenge*`, `Login*`, or why the signature does not hold. Who the node does not know, who may not act for whom they
    /// name, and who was taken out of the directory are all told `LoginRefused`: only the audit row says which. At the external portal who is
    /// not known is enrolled, where the node does that; `LoginThrottled` where too many are from one address.
    pub async fn log_in(&self, portal: Portal, peer: IpAddr, request: &LoginRequest) -> Result<LoggedIn, Refused> {
        self.not_too_often(peer)?;
        let signed = self.judge(portal, &request.challenge, &request.signature).await?;
        if signed.challenge.purpose() != Purpose::Login {
            return Err(ProblemCode::ChallengeInvalid.into());
        }
        let certificate = signed.certificate();
        let numbers = numbers(certificate)?;
        let organisation = certificate.edrpou().and_then(|edrpou| edrpou.parse::<Edrpou>().ok());
        let fingerprint = certificate.fingerprint();
        if !self.inner.throttle.signer(fingerprint, request.acting_for.or(organisation), Instant::now()) {
            return Err(ProblemCode::LoginThrottled.into());
        }
        let person = match self.inner.directory.identify(&numbers).await? {
            None if self.enrols(portal, request) => self.enrol(peer, certificate, numbers).await?,
            known => known,
        };
        let Some(person) = person else { return self.no_access(portal, &fingerprint, None, NoAccess::Unknown).await };
        let entrusted = self.inner.directory.entrusted(person).await?;
        let Some(entrusted) = entrusted else {
            return self.no_access(portal, &fingerprint, Some(person), NoAccess::Removed).await;
        };
        match entitlement::acting_for(portal, organisation, request.acting_for, &entrusted) {
            Ok(acting_for) => {
                let way = Way {
                    nonce: *signed.challenge.nonce(),
                    expires_at: signed.challenge.expires_at(),
                    login: LoginBy::Certificate(signed.chain.into()),
                };
                self.open(Opening { portal, person, acting_for, way }, entrusted).await
            }
            Err(why) => self.no_access(portal, &fingerprint, Some(person), why).await,
        }
    }

    /// Confirms a deed of the session.
    ///
    /// # Errors
    /// As [`Self::log_in`]; `SessionOtherPerson` where another person signed.
    pub async fn step_up(&self, peer: IpAddr, entered: &Entered, request: &StepUpRequest) -> Result<Entered, Refused> {
        self.not_too_often(peer)?;
        let session = entered.session();
        let signed = self.judge(session.portal(), &request.challenge, &request.signature).await?;
        let deed = match signed.challenge.purpose() {
            Purpose::StepUp { deed, session: named } if named == session.id() => deed,
            Purpose::StepUp { .. } | Purpose::Login => return Err(ProblemCode::ChallengeInvalid.into()),
        };
        let numbers = numbers(signed.certificate())?;
        if self.inner.directory.identify(&numbers).await? != Some(session.person()) {
            return Err(ProblemCode::SessionOtherPerson.into());
        }
        self.confirm(entered, deed, &signed).await
    }

    /// Whether who is not known may become known by this login: at the portal where everybody acts for themselves, if they say so too.
    fn enrols(&self, portal: Portal, request: &LoginRequest) -> bool {
        self.inner.enrols && portal == Portal::External && request.acting_for.is_none()
    }

    /// Somebody's first login as an applicant. Their signature holds, under a qualified certificate of a natural person: [`numbers`] saw to it.
    /// None: they cannot be entered, and the login is refused like that of anybody whom the node does not know.
    async fn enrol(
        &self,
        peer: IpAddr,
        certificate: &Certificate,
        numbers: PersonalNumbers,
    ) -> Result<Option<PersonId>, Refused> {
        let Some(name) = certificate.common_name() else { return Ok(None) };
        if !self.inner.throttle.enrolment(peer, Instant::now()) {
            return Err(ProblemCode::LoginThrottled.into());
        }
        let citizen = Citizen { numbers, name, certificate: certificate.fingerprint() };
        Ok(self.inner.directory.enrol(&citizen).await?)
    }

    pub(super) fn not_too_often(&self, peer: IpAddr) -> Result<(), Refused> {
        let may = self.inner.throttle.address(peer, Instant::now());
        may.then_some(()).ok_or_else(|| ProblemCode::LoginThrottled.into())
    }

    /// The challenge, then the one signature over it (ETSI EN 319 102-1).
    async fn judge(&self, portal: Portal, text: &str, signature: &str) -> Result<Signed, Refused> {
        let now = self.inner.clock.now();
        let challenge = self.inner.challenges.open(text, &self.place(portal)?, now).map_err(|error| match error {
            ChallengeError::Invalid => ProblemCode::ChallengeInvalid,
            ChallengeError::Expired => ProblemCode::ChallengeExpired,
        })?;
        let signature = STANDARD.decode(signature).map_err(|_| ProblemCode::SignatureUnreadable)?;
        let document = over(text, &signature)?;
        let signer = sole_signer(&document)?;
        // Only of what leads to an anchor is revocation asked for: the addresses inside a stranger's certificate are a stranger's.
        let path = self.inner.signers.path(&signer, document.certificates()).map_err(|reason| {
            tracing::info!(%reason, tried = reason.explain(), "a login's signer has no path");
            match reason {
                NotReliable::OutsideValidity(_) => ProblemCode::SignerExpired,
                NotReliable::NoPath(_) | NotReliable::Revoked => ProblemCode::SignerUntrusted,
                NotReliable::StatusUnknown(_) => ProblemCode::SignerStatusUnknown,
            }
        })?;
        self.validate(document, &path, now).await?;
        Ok(Signed { challenge, chain: below_anchor(&path) })
    }

    /// About 200 us of arithmetic, so it stays on this thread.
    async fn validate(
        &self,
        document: UnverifiedDocument,
        path: &VerifiedPath,
        at: OffsetDateTime,
    ) -> Result<(), Refused> {
        let revocation = self.inner.signers.revocation(path, at).await;
        let trust = self.inner.trust.current();
        let context = Context { trust: &trust, revocation: &revocation, at, policy: &self.inner.policy };
        let outcome = validate(document, &context);
        let passed = outcome.passed.as_ref().and_then(|passed| passed.signers().first());
        match (outcome.problem(), passed) {
            // What was validated is the certificate that the path is of: both were found by the reference in the signature.
            (None, Some(signer)) if signer.der() == path.leaf().der() => Ok(()),
            (problem, _) => Err(problem.unwrap_or(ProblemCode::SignerUnidentified).into()),
        }
    }

    /// One answer for all that must not be told apart; the row says which it was.
    async fn no_access<T>(
        &self,
        portal: Portal,
        certificate: &[u8; 32],
        person: Option<PersonId>,
        why: NoAccess,
    ) -> Result<T, Refused> {
        let draft = EventDraft {
            action: Action::Login,
            actor: person.map_or_else(|| "anonymous".to_owned(), |person| format!("person:{person}")),
            object: None,
            outcome: Outcome::Refused(ProblemCode::LoginRefused),
            details: serde_json::json!({
                "portal": portal, "certificate": hex(certificate), "reason": why.as_str(),
            }),
        };
        let recorded = Some(self.inner.ledger.record(draft).await?);
        Err(Refused { code: ProblemCode::LoginRefused, recorded })
    }
}

/// The signature file, with the text as its content: what is inside must be the text, octet for octet.
fn over(text: &str, signature: &[u8]) -> Result<UnverifiedDocument, Refused> {
    let document = UnverifiedDocument::parse(signature).map_err(|error| match error {
        ReadError::Malformed(_) | ReadError::TooComplex => ProblemCode::SignatureUnreadable,
        ReadError::NoSignature => ProblemCode::SignatureMissing,
    })?;
    if document.is_attached() {
        let is_text = document.content() == Some(text.as_bytes());
        return if is_text { Ok(document) } else { Err(ProblemCode::SignatureOverOtherContent.into()) };
    }
    let algorithms = document.digest_algorithms();
    let digests = algorithms.into_iter().map(|algorithm| digest(algorithm, text.as_bytes())).collect();
    Ok(document.with_detached(digests))
}

fn sole_signer(document: &UnverifiedDocument) -> Result<Certificate, Refused> {
    let mut signers = document.signing_certificates().into_iter();
    match (signers.next(), signers.next()) {
        (Some(Some(signer)), None) => Ok(signer),
        (Some(None) | None, None) => Err(ProblemCode::SignerUnidentified.into()),
        (_, Some(_)) => Err(ProblemCode::LoginSeveralSigners.into()),
    }
}

/// Certificates that a path needs to be found again. A file may hold many; a path is short.
fn below_anchor(path: &VerifiedPath) -> Vec<Certificate> {
    let certificates = path.certificates();
    certificates.iter().take(certificates.len().saturating_sub(1).max(1)).cloned().collect()
}

/// A seal is an organisation's, whatever numbers stand in it: it logs nobody in.
fn numbers(certificate: &Certificate) -> Result<PersonalNumbers, Refused> {
    let numbers = PersonalNumbers { rnokpp: certificate.rnokpp(), unzr: certificate.unzr() };
    if certificate.is_seal() || (numbers.rnokpp.is_none() && numbers.unzr.is_none()) {
        return Err(ProblemCode::LoginNamesNoPerson.into());
    }
    Ok(numbers)
}
