//! The table of tokens (migrations/sqlite/0017_sessions.sql).

use std::sync::Arc;

use schemas::session::TokenView;
use schemas::{Edrpou, TokenId};
use storage::{Row, StoreError, Tx};
use time::{Duration, OffsetDateTime};

use super::{Scopes, Token};

/// Rows of one list. A participant has at most a hundred open ones, and those that are over go by and by.
const LISTED: i64 = 500;

/// How long a token that has expired stays in the list. The log has it for ever.
const KEPT: Duration = Duration::days(90);

/// How many of the participant's tokens are neither expired nor taken back.
pub(super) fn open(tx: &mut Tx<'_>, participant: Edrpou, now: OffsetDateTime) -> Result<usize, StoreError> {
    let sql = "-- open_tokens
        SELECT count(*) FROM api_token WHERE participant = $1 AND revoked_at IS NULL AND expires_at > $2";
    let count = tx.query_optional(sql, &[participant.as_str().into(), now.into()], |row| row.integer(0))?;
    usize::try_from(count.unwrap_or_default()).map_err(|_| StoreError::Corrupt("api_token"))
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    participant: Edrpou,
    token: &TokenView,
    sha256: &[u8; 32],
    by: &str,
) -> Result<(), StoreError> {
    let sql = "-- sweep_tokens
        DELETE FROM api_token WHERE participant = $1 AND expires_at <= $2";
    tx.execute(sql, &[participant.as_str().into(), (token.issued_at - KEPT).into()])?;
    let sql = "-- insert_token
        INSERT INTO api_token (id, secret_sha256, participant, name, scopes, issued_by, issued_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let scopes = serde_json::to_string(&token.scopes).map_err(|error| StoreError::Database(error.to_string()))?;
    let values = [
        token.token.as_bytes().into(),
        sha256.into(),
        participant.as_str().into(),
        (&token.name).into(),
        (&scopes).into(),
        by.into(),
        token.issued_at.into(),
        token.expires_at.into(),
    ];
    tx.execute(sql, &values).map(drop)
}

pub(super) fn find(tx: &mut Tx<'_>, sha256: &[u8; 32]) -> Result<Option<Token>, StoreError> {
    let sql = "-- find_token
        SELECT id, name, scopes, issued_at, expires_at, revoked_at, participant FROM api_token WHERE secret_sha256 = $1";
    tx.query_optional(sql, &[sha256.into()], |row| {
        let view = view(row)?;
        // A scope that this version does not know is one that it does not grant.
        let known: Vec<String> =
            view.scopes.iter().filter(|scope| super::SCOPES.contains(&scope.as_str())).cloned().collect();
        let scopes = Scopes::of(&known).map_err(|_| StoreError::Corrupt("api_token.scopes"))?;
        let participant = row.text(6)?.parse().map_err(|_| StoreError::Corrupt("api_token.participant"))?;
        Ok(Token { participant, scopes: Arc::new(scopes), view })
    })
}

pub(super) fn list(tx: &mut Tx<'_>, participant: Edrpou) -> Result<Vec<TokenView>, StoreError> {
    let sql = "-- list_tokens
        SELECT id, name, scopes, issued_at, expires_at, revoked_at FROM api_token WHERE participant = $1
        ORDER BY issued_at DESC, id DESC LIMIT $2";
    tx.query(sql, &[participant.as_str().into(), LISTED.into()], view)
}

/// Whether it was the participant's, and not taken back before.
pub(super) fn revoke(
    tx: &mut Tx<'_>,
    participant: Edrpou,
    token: TokenId,
    by: &str,
    at: OffsetDateTime,
) -> Result<bool, StoreError> {
    let sql = "-- revoke_token
        UPDATE api_token SET revoked_by = $3, revoked_at = $4 WHERE id = $1 AND participant = $2 AND revoked_at IS NULL";
    let values = [token.as_bytes().into(), participant.as_str().into(), by.into(), at.into()];
    Ok(tx.execute(sql, &values)? == 1)
}

fn view(row: &Row<'_>) -> Result<TokenView, StoreError> {
    Ok(TokenView {
        token: TokenId::from_bytes(&row.array::<16>(0)?).map_err(|_| StoreError::Corrupt("api_token.id"))?,
        name: row.text(1)?,
        scopes: serde_json::from_str(&row.text(2)?).map_err(|_| StoreError::Corrupt("api_token.scopes"))?,
        issued_at: row.time(3)?,
        expires_at: row.time(4)?,
        revoked_at: if row.is_null(5)? { None } else { Some(row.time(5)?) },
    })
}
