//! The tables of alerts (migrations/sqlite, audit_index).

use schemas::AlertId;
use schemas::audit::{Alert, AlertSeen, KeptAlert};
use storage::{Row, StoreError, Tx};
use time::{Duration, OffsetDateTime};

use crate::detect::Rule;
use crate::log::state::{signed, unsigned};

/// The next entry to be judged.
pub(super) fn next(tx: &mut Tx<'_>) -> Result<u64, StoreError> {
    let sql = "-- next_judged
        SELECT next_seq FROM alert_head WHERE id = 1";
    tx.query_optional(sql, &[], |row| unsigned(row, 0))?.ok_or(StoreError::Corrupt("alert_head has no row"))
}

/// Moves on, unless somebody else has.
pub(super) fn advance(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<bool, StoreError> {
    let sql = "-- advance_alerts
        UPDATE alert_head SET next_seq = $1 WHERE id = 1 AND next_seq = $2";
    Ok(tx.execute(sql, &[to.into(), from.into()])? == 1)
}

/// The log's clock at the newest finding of each rule and subject.
pub(super) fn raised(tx: &mut Tx<'_>) -> Result<Vec<(Rule, String, OffsetDateTime)>, StoreError> {
    let sql = "-- raised_alerts
        SELECT rule, subject, max(cause_at) FROM alert GROUP BY rule, subject";
    let rows = tx.query(sql, &[], |row| Ok((Rule::named(&row.text(0)?), row.text(1)?, row.time(2)?)))?;
    Ok(rows.into_iter().filter_map(|(rule, subject, at)| Some((rule?, subject, at))).collect())
}

/// The first entry that may be within a window which ends at the entry before `next`.
pub(super) fn window_start(tx: &mut Tx<'_>, next: u64, window: Duration) -> Result<u64, StoreError> {
    let clock = "-- clock_at
        SELECT high FROM audit_index WHERE seq = $1 - 1";
    let first = "-- window_start
        SELECT seq FROM audit_index WHERE high > $1 ORDER BY high, seq LIMIT 1";
    let Some(high) = tx.query_optional(clock, &[signed(next)?.into()], |row| row.time(0))? else { return Ok(next) };
    let Some(since) = high.checked_sub(window) else { return Ok(0) };
    Ok(tx.query_optional(first, &[since.into()], |row| unsigned(row, 0))?.unwrap_or(next).min(next))
}

pub(super) fn insert(tx: &mut Tx<'_>, alert: &Alert, clock: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- insert_alert
        INSERT INTO alert (id, rule, subject, cause, cause_at, raised_at, alert) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let shown = serde_json::to_string(alert).map_err(|_| StoreError::Corrupt("an alert is no JSON"))?;
    let cause = signed(alert.entries.last().copied().unwrap_or(0))?;
    let values = [
        alert.alert_id.as_bytes().into(),
        (&alert.rule).into(),
        (&alert.subject).into(),
        cause.into(),
        clock.into(),
        alert.raised_at.into(),
        (&shown).into(),
    ];
    tx.execute(sql, &values).map(drop)
}

pub(super) fn alert(tx: &mut Tx<'_>, id: AlertId) -> Result<Option<KeptAlert>, StoreError> {
    let sql = "-- alert
        SELECT a.alert, a.seen_at, a.seen_by, a.remark,
            (SELECT group_concat(d.receiver) FROM alert_delivery d WHERE d.alert_id = a.id)
        FROM alert a WHERE a.id = $1";
    tx.query_optional(sql, &[id.as_bytes().into()], kept)
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    all: bool,
    before: Option<AlertId>,
    limit: u32,
) -> Result<Vec<KeptAlert>, StoreError> {
    let sql = "-- alerts
        SELECT a.alert, a.seen_at, a.seen_by, a.remark,
            (SELECT group_concat(d.receiver) FROM alert_delivery d WHERE d.alert_id = a.id)
        FROM alert a WHERE ($1 = 1 OR a.seen_at IS NULL) AND ($2 IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3";
    let before = before.as_ref().map(AlertId::as_bytes);
    tx.query(sql, &[all.into(), before.into(), limit.into()], kept)
}

fn kept(row: &Row<'_>) -> Result<KeptAlert, StoreError> {
    let alert = serde_json::from_str(&row.text(0)?).map_err(|_| StoreError::Corrupt("alert.alert"))?;
    let seen = if row.is_null(1)? {
        None
    } else {
        Some(AlertSeen { at: row.time(1)?, by: row.text(2)?, remark: row.text(3)? })
    };
    let mut delivered: Vec<String> = Vec::new();
    if !row.is_null(4)? {
        delivered.extend(row.text(4)?.split(',').map(str::to_owned));
        delivered.sort();
    }
    Ok(KeptAlert { alert, delivered, seen })
}

/// The caller has seen that nobody has.
pub(super) fn see(tx: &mut Tx<'_>, id: AlertId, seen: &AlertSeen) -> Result<(), StoreError> {
    let sql = "-- see_alert
        UPDATE alert SET seen_at = $2, seen_by = $3, remark = $4 WHERE id = $1";
    let AlertSeen { by, at, remark } = seen;
    tx.execute(sql, &[id.as_bytes().into(), (*at).into(), by.into(), remark.into()]).map(drop)
}

pub(super) fn deliver(tx: &mut Tx<'_>, id: AlertId, receiver: &str, at: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- deliver_alert
        INSERT INTO alert_delivery (alert_id, receiver, delivered_at) VALUES ($1, $2, $3)";
    tx.execute(sql, &[id.as_bytes().into(), receiver.into(), at.into()]).map(drop)
}
