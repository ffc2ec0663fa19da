//! The tables of sessions and of answered challenges (migrations/sqlite/0017_sessions.sql, 0019_provider_logins.sql,
//! 0022_session_chains.sql).

use std::sync::Arc;

use certs::certificate::Certificate;
use crypto::digest::sha256;
use schemas::access::Portal;
use schemas::{Edrpou, PersonId, SessionId};
use storage::{Row, StoreError, Tx, Value};
use time::{Duration, OffsetDateTime};

use super::{LoginBy, ProviderLogin, Session};

/// One login in so many clears away what is over.
const SWEEPER: u8 = 16;

/// Rows of each table that it clears away, some more than all of them write: what is over does not pile up, and no login waits for all of it.
const SWEPT: i64 = 128;

/// How long what is known of a session that is over stays to be looked at. The log has it for ever.
const KEPT: Duration = Duration::days(30);

/// How long the certificates of sessions outlive them at first: a signer's next logins find them there and change nothing.
const CHAIN_KEPT: Duration = Duration::days(1);

/// Octets of what stands for certificates that have a row of their own.
const REFERENCE: usize = 32;

/// Remembers that a challenge was answered.
///
/// # Errors
/// [`StoreError::Conflict`] where it was before.
pub(super) fn answered(
    tx: &mut Tx<'_>,
    nonce: &[u8; 32],
    expires_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    // Nonces are random.
    if nonce[0].is_multiple_of(SWEEPER) {
        sweep(tx, now)?;
    }
    let sql = "-- insert_answered
        INSERT INTO challenge_answered (nonce, expires_at) VALUES ($1, $2)";
    tx.execute(sql, &[nonce.into(), expires_at.into()]).map(drop)
}

fn sweep(tx: &mut Tx<'_>, now: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- sweep_answered
        DELETE FROM challenge_answered WHERE nonce IN
            (SELECT nonce FROM challenge_answered WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    tx.execute(sql, &[now.into(), SWEPT.into()])?;
    let sql = "-- sweep_sessions
        DELETE FROM session WHERE id IN (SELECT id FROM session WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2)";
    tx.execute(sql, &[(now - KEPT).into(), SWEPT.into()])?;
    let sql = "-- sweep_session_chains
        DELETE FROM session_chain WHERE sha256 IN
            (SELECT sha256 FROM session_chain WHERE kept_until <= $1 ORDER BY kept_until LIMIT $2)";
    tx.execute(sql, &[now.into(), SWEPT.into()]).map(drop)
}

/// Certificates as they are stored, and what stands for them in a session.
pub(super) struct StoredChain {
    reference: [u8; REFERENCE],
    framed: Vec<u8>,
}

impl StoredChain {
    /// None where a provider vouched for the session.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let LoginBy::Certificate(chain) = &session.login else { return None };
        let framed = framed(chain);
        Some(Self { reference: sha256(&framed), framed })
    }
}

/// `chain`: that of the session.
pub(super) fn insert(tx: &mut Tx<'_>, session: &Session, chain: Option<&StoredChain>) -> Result<(), StoreError> {
    if let Some(chain) = chain {
        let sql = "-- insert_session_chain
            INSERT INTO session_chain (sha256, certificates, kept_until) VALUES ($1, $2, $3)
            ON CONFLICT (sha256) DO UPDATE SET kept_until = excluded.kept_until WHERE session_chain.kept_until < $4";
        let kept_until = session.ends_at + CHAIN_KEPT;
        let values = [(&chain.reference).into(), (&chain.framed).into(), kept_until.into(), session.ends_at.into()];
        tx.execute(sql, &values)?;
    }
    let sql = "-- insert_session
        INSERT INTO session (id, secret_sha256, portal, person_id, acting_for, certificate, opened_at, seen_at, ends_at,
            provider, subject, organisation, assurance)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12)";
    let by_provider = match &session.login {
        LoginBy::Certificate(_) => None,
        LoginBy::Provider(login) => Some(login),
    };
    let values = [
        session.id.as_bytes().into(),
        (&session.secret_sha256).into(),
        session.portal.as_str().into(),
        session.person.as_bytes().into(),
        session.acting_for.as_ref().map(Edrpou::as_str).into(),
        chain.map_or(&[][..], |chain| &chain.reference).into(),
        session.opened_at.into(),
        session.ends_at.into(),
        by_provider.map(|login| login.provider.as_str()).into(),
        by_provider.map(|login| &login.subject[..]).into(),
        by_provider.and_then(|login| login.organisation.as_ref()).map(Edrpou::as_str).into(),
        by_provider.and_then(|login| login.assurance.as_deref()).into(),
    ];
    tx.execute(sql, &values).map(drop)
}

/// The session that this secret opens, and when it was last used by what is written; none where it is over or was never there. `known`:
/// the same session as it was read before, whose certificates need not be read again.
pub(super) fn open(
    tx: &mut Tx<'_>,
    secret_sha256: &[u8; 32],
    known: Option<&Session>,
    now: OffsetDateTime,
) -> Result<Option<(Session, OffsetDateTime)>, StoreError> {
    let sql = "-- load_session
        SELECT s.id, s.portal, s.person_id, s.acting_for, s.certificate, s.opened_at, s.ends_at, s.stepped_up_for,
            s.stepped_up_at, s.seen_at, s.provider, s.subject, s.organisation, s.assurance, c.certificates
        FROM session AS s LEFT JOIN session_chain AS c ON c.sha256 = s.certificate
        WHERE s.secret_sha256 = $1 AND s.ended_at IS NULL AND s.ends_at > $2";
    tx.query_optional(sql, &[secret_sha256.into(), now.into()], |row| {
        let id = SessionId::from_bytes(&row.array::<16>(0)?).map_err(|_| StoreError::Corrupt("session.id"))?;
        let login = match known.filter(|known| known.id == id) {
            Some(known) => known.login.clone(),
            None => login(row)?,
        };
        let session = Session {
            id,
            secret_sha256: *secret_sha256,
            portal: portal(row)?,
            person: PersonId::from_bytes(&row.array::<16>(2)?).map_err(|_| StoreError::Corrupt("session.person_id"))?,
            acting_for: optional(row, 3, "session.acting_for")?,
            login,
            opened_at: row.time(5)?,
            ends_at: row.time(6)?,
            confirmed: optional(row, 7, "session.stepped_up_for")?.map(|deed| Ok((deed, row.time(8)?))).transpose()?,
        };
        Ok((session, row.time(9)?))
    })
}

/// Open sessions of a person at a portal that have not lapsed, the oldest first. `idle_since`: what was last used before has.
pub(super) fn open_of(
    tx: &mut Tx<'_>,
    person: PersonId,
    portal: Portal,
    now: OffsetDateTime,
    idle_since: OffsetDateTime,
) -> Result<Vec<SessionId>, StoreError> {
    let sql = "-- open_sessions_of_person
        SELECT id FROM session
        WHERE person_id = $1 AND portal = $2 AND ended_at IS NULL AND ends_at > $3 AND seen_at > $4
        ORDER BY opened_at, id LIMIT 1000";
    ids(tx, sql, &[person.as_bytes().into(), portal.as_str().into(), now.into(), idle_since.into()])
}

/// All sessions of a person that are not ended.
pub(super) fn all_of(tx: &mut Tx<'_>, person: PersonId) -> Result<Vec<SessionId>, StoreError> {
    let sql = "-- sessions_of_person
        SELECT id FROM session WHERE person_id = $1 AND ended_at IS NULL ORDER BY opened_at, id LIMIT 1000";
    ids(tx, sql, &[person.as_bytes().into()])
}

/// Whether it was open until now.
pub(super) fn end(
    tx: &mut Tx<'_>,
    id: SessionId,
    at: OffsetDateTime,
    reason: &'static str,
) -> Result<bool, StoreError> {
    let sql = "-- end_session
        UPDATE session SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql, &[id.as_bytes().into(), at.into(), reason.into()])? == 1)
}

/// Whether it is open.
pub(super) fn act_for(tx: &mut Tx<'_>, id: SessionId, participant: Option<Edrpou>) -> Result<bool, StoreError> {
    let sql = "-- session_acts_for
        UPDATE session SET acting_for = $2 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql, &[id.as_bytes().into(), participant.as_ref().map(Edrpou::as_str).into()])? == 1)
}

/// Whether it is open.
pub(super) fn confirm(
    tx: &mut Tx<'_>,
    id: SessionId,
    deed: &'static str,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let sql = "-- session_stepped_up
        UPDATE session SET stepped_up_for = $2, stepped_up_at = $3 WHERE id = $1 AND ended_at IS NULL";
    Ok(tx.execute(sql, &[id.as_bytes().into(), deed.into(), at.into()])? == 1)
}

fn ids(tx: &mut Tx<'_>, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<SessionId>, StoreError> {
    tx.query(sql, values, |row| {
        SessionId::from_bytes(&row.array::<16>(0)?).map_err(|_| StoreError::Corrupt("session.id"))
    })
}

fn portal(row: &Row<'_>) -> Result<Portal, StoreError> {
    match row.text(1)?.as_str() {
        "internal" => Ok(Portal::Internal),
        "external" => Ok(Portal::External),
        _ => Err(StoreError::Corrupt("session.portal")),
    }
}

fn optional<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<Option<T>, StoreError> {
    if row.is_null(column)? {
        return Ok(None);
    }
    row.text(column)?.parse().map(Some).map_err(|_| StoreError::Corrupt(name))
}

/// Who vouched: a certificate (column 4, by reference 14), or a provider (columns 10 to 13).
fn login(row: &Row<'_>) -> Result<LoginBy, StoreError> {
    if row.is_null(10)? {
        let own = row.blob(4)?;
        let framed = match own.len() {
            REFERENCE if row.is_null(14)? => return Err(StoreError::Corrupt("session.certificate")),
            REFERENCE => row.blob(14)?,
            _ => own,
        };
        return chain_of(&framed).map(LoginBy::Certificate);
    }
    Ok(LoginBy::Provider(Arc::new(ProviderLogin {
        provider: row.text(10)?,
        subject: row.array(11)?,
        organisation: optional(row, 12, "session.organisation")?,
        assurance: if row.is_null(13)? { None } else { Some(row.text(13)?) },
    })))
}

/// Certificates one after another, each after its length in four octets.
fn framed(chain: &[Certificate]) -> Vec<u8> {
    let mut octets = Vec::new();
    for certificate in chain {
        // A certificate of four gigabytes was never read.
        let length = u32::try_from(certificate.der().len()).unwrap_or(u32::MAX);
        octets.extend_from_slice(&length.to_be_bytes());
        octets.extend_from_slice(certificate.der());
    }
    octets
}

fn chain_of(mut octets: &[u8]) -> Result<Arc<[Certificate]>, StoreError> {
    let corrupt = || StoreError::Corrupt("session.certificate");
    let mut chain = Vec::new();
    while let Some((length, rest)) = octets.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| corrupt())?;
        let der = rest.get(..length).ok_or_else(corrupt)?;
        chain.push(Certificate::from_der(der).map_err(|_| corrupt())?);
        octets = &rest[length..];
    }
    if chain.is_empty() || !octets.is_empty() { Err(corrupt()) } else { Ok(chain.into()) }
}
