//! Statements of subscriptions and notices (migrations/sqlite/0010_notices.sql).

use schemas::limits::DEAD_LETTERS;
use schemas::notice::{DeadLetter, NoticeEvent};
use schemas::{LeaseToken, MailboxId, MessageId, NoticeId};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

use super::{id, number, parsed};
use crate::notices::courier::Due;
use crate::notices::{NewNotice, Subscribed};

pub(crate) fn subscription_version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "-- subscription_version
        SELECT version FROM subscription_version WHERE id = 1";
    tx.query_optional(sql, &[], |row| row.integer(0))?.ok_or(StoreError::Corrupt("subscription_version"))
}

/// All subscriptions with the version that they are of.
pub(crate) fn subscriptions(tx: &mut Tx<'_>) -> Result<(i64, Vec<(MailboxId, Subscribed)>), StoreError> {
    let sql = "-- load_subscriptions
        SELECT mailbox, url, secret, events, stated_at FROM subscription ORDER BY mailbox";
    let version = subscription_version(tx)?;
    let rows = tx.query(sql, &[], |row| {
        let events = row.text(3)?;
        let events = events.split(' ').map(|name| name.parse().map_err(|_| StoreError::Corrupt("subscription.events")));
        let subscribed = Subscribed {
            url: row.text(1)?,
            secret: row.blob(2)?,
            events: events.collect::<Result<Vec<NoticeEvent>, _>>()?,
            stated_at: row.time(4)?,
        };
        Ok((parsed(row, 0, "subscription.mailbox")?, subscribed))
    })?;
    Ok((version, rows))
}

fn grow_version(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "-- grow_subscription_version
        UPDATE subscription_version SET version = version + 1 WHERE id = 1";
    tx.execute(sql, &[]).map(drop)
}

/// States it, and makes due at once what waits.
pub(crate) fn put_subscription(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    subscribed: &Subscribed,
) -> Result<(), StoreError> {
    let put = "-- put_subscription
        INSERT INTO subscription (mailbox, url, secret, events, stated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (mailbox) DO UPDATE SET url = excluded.url, secret = excluded.secret, events = excluded.events,
            stated_at = excluded.stated_at";
    let hurry = "-- hurry_notices
        UPDATE notice SET available_at = $2 WHERE mailbox = $1 AND available_at > $2 AND lease_token IS NULL";
    let events: Vec<_> = subscribed.events.iter().map(|event| event.as_str()).collect();
    let (mailbox, events) = (mailbox.to_string(), events.join(" "));
    let values = [
        (&mailbox).into(),
        (&subscribed.url).into(),
        (&subscribed.secret).into(),
        (&events).into(),
        subscribed.stated_at.into(),
    ];
    tx.execute(put, &values)?;
    tx.execute(hurry, &[(&mailbox).into(), subscribed.stated_at.into()])?;
    grow_version(tx)
}

/// Takes it back. Notices that wait stay: the courier ends them.
pub(crate) fn delete_subscription(tx: &mut Tx<'_>, mailbox: &MailboxId) -> Result<(), StoreError> {
    let delete = "-- delete_subscription
        DELETE FROM subscription WHERE mailbox = $1";
    let bury = "-- delete_dead_notices
        DELETE FROM notice WHERE mailbox = $1 AND available_at IS NULL";
    let mailbox = mailbox.to_string();
    tx.execute(delete, &[(&mailbox).into()])?;
    tx.execute(bury, &[(&mailbox).into()])?;
    grow_version(tx)
}

/// Puts another wrapping of the same secret in the place of this one, where it is still there.
pub(crate) fn replace_secret(tx: &mut Tx<'_>, mailbox: &MailboxId, old: &[u8], new: &[u8]) -> Result<(), StoreError> {
    let sql = "-- replace_secret
        UPDATE subscription SET secret = $3 WHERE mailbox = $1 AND secret = $2";
    tx.execute(sql, &[(&mailbox.to_string()).into(), old.into(), new.into()])?;
    grow_version(tx)
}

pub(crate) fn insert_notices(tx: &mut Tx<'_>, message: MessageId, notices: &[NewNotice]) -> Result<(), StoreError> {
    let sql = "-- insert_notice
        INSERT INTO notice (id, mailbox, message_id, event, reminders, body, created_at, available_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    for notice in notices {
        let mailbox = notice.mailbox.to_string();
        let values = [
            notice.id.as_bytes().into(),
            (&mailbox).into(),
            message.as_bytes().into(),
            notice.event.as_str().into(),
            i64::from(notice.reminders).into(),
            (&notice.body).into(),
            notice.at.into(),
        ];
        tx.execute(sql, &values)?;
    }
    Ok(())
}

/// Whether this reminder was given and is not taken in yet.
pub(crate) fn reminder_waits(tx: &mut Tx<'_>, message: MessageId, reminders: u8) -> Result<bool, StoreError> {
    let sql = "-- reminder_waits
        SELECT 1 FROM notice WHERE message_id = $1 AND reminders = $2 AND event = 'reminder' AND available_at IS NOT NULL";
    let values = [message.as_bytes().into(), i64::from(reminders).into()];
    Ok(tx.query_optional(sql, &values, |row| row.integer(0))?.is_some())
}

/// The mailboxes that something is due for. Steps from one mailbox to the next in the index, whatever waits for each.
pub(crate) fn receivers(tx: &mut Tx<'_>, now: OffsetDateTime) -> Result<Vec<MailboxId>, StoreError> {
    let sql = "-- notice_receivers
        WITH RECURSIVE receiver (mailbox) AS (
            SELECT min(mailbox) FROM notice WHERE available_at IS NOT NULL
            UNION ALL
            SELECT (SELECT min(n.mailbox) FROM notice n WHERE n.available_at IS NOT NULL AND n.mailbox > receiver.mailbox)
            FROM receiver WHERE receiver.mailbox IS NOT NULL)
        SELECT mailbox FROM receiver
        WHERE mailbox IS NOT NULL AND EXISTS (
            SELECT 1 FROM notice d WHERE d.mailbox = receiver.mailbox AND d.available_at IS NOT NULL AND d.available_at <= $1)";
    tx.query(sql, &[now.into()], |row| parsed(row, 0, "notice.mailbox"))
}

/// Leases what is due for one receiver, the longest due first.
pub(crate) fn claim_notices(
    tx: &mut Tx<'_>,
    mailbox: &MailboxId,
    token: LeaseToken,
    until: OffsetDateTime,
    now: OffsetDateTime,
    limit: u32,
) -> Result<Vec<Due>, StoreError> {
    let sql = "-- claim_notices
        UPDATE notice SET lease_token = $1, available_at = $2, attempts = attempts + 1
        WHERE available_at <= $3 AND id IN (
            SELECT id FROM notice WHERE mailbox = $4 AND available_at IS NOT NULL AND available_at <= $3
            ORDER BY available_at, id LIMIT $5)
        RETURNING id, mailbox, message_id, event, reminders, body, created_at, attempts";
    let mailbox = mailbox.to_string();
    let values = [token.as_bytes().into(), until.into(), now.into(), (&mailbox).into(), limit.into()];
    tx.query(sql, &values, |row| {
        Ok(Due {
            id: id(row, 0, NoticeId::from_bytes, "notice.id")?,
            mailbox: parsed(row, 1, "notice.mailbox")?,
            message: id(row, 2, MessageId::from_bytes, "notice.message_id")?,
            event: parsed(row, 3, "notice.event")?,
            reminders: u8::try_from(row.integer(4)?).map_err(|_| StoreError::Corrupt("notice.reminders"))?,
            body: row.text(5)?,
            created_at: row.time(6)?,
            attempts: number(row, 7, "notice.attempts")?,
            token,
        })
    })
}

/// Ends a leased notice: false where the lease was lost.
pub(crate) fn delete_notice(tx: &mut Tx<'_>, due: &Due) -> Result<bool, StoreError> {
    let sql = "-- delete_notice
        DELETE FROM notice WHERE id = $1 AND lease_token = $2";
    Ok(tx.execute(sql, &[due.id.as_bytes().into(), due.token.as_bytes().into()])? == 1)
}

/// Gives it back for another try at `run_at`; None: it is dead. False where the lease was lost.
pub(crate) fn release_notice(
    tx: &mut Tx<'_>,
    due: &Due,
    run_at: Option<OffsetDateTime>,
    problem: &str,
    now: OffsetDateTime,
) -> Result<bool, StoreError> {
    let sql = "-- release_notice
        UPDATE notice SET available_at = $3, lease_token = NULL, problem = $4, failed_at = $5
        WHERE id = $1 AND lease_token = $2";
    let values = [due.id.as_bytes().into(), due.token.as_bytes().into(), run_at.into(), problem.into(), now.into()];
    Ok(tx.execute(sql, &values)? == 1)
}

/// How many notices of a mailbox wait, and its dead letters.
pub(crate) fn notices_of(tx: &mut Tx<'_>, mailbox: &MailboxId) -> Result<(u64, Vec<DeadLetter>), StoreError> {
    let waiting = "-- waiting_notices
        SELECT count(*) FROM notice WHERE mailbox = $1 AND available_at IS NOT NULL";
    let dead = "-- dead_notices_of
        SELECT id, mailbox, message_id, event, attempts, problem, failed_at FROM notice
        WHERE mailbox = $1 AND available_at IS NULL ORDER BY id LIMIT $2";
    let mailbox = mailbox.to_string();
    let waiting = tx.query_optional(waiting, &[(&mailbox).into()], |row| row.integer(0))?.unwrap_or_default();
    let dead = tx.query(dead, &[(&mailbox).into(), DEAD_LETTERS.into()], dead_letter)?;
    Ok((u64::try_from(waiting).unwrap_or_default(), dead))
}

/// Dead notices of everybody, oldest first.
pub(crate) fn dead_notices(tx: &mut Tx<'_>) -> Result<Vec<DeadLetter>, StoreError> {
    let sql = "-- dead_notices
        SELECT id, mailbox, message_id, event, attempts, problem, failed_at FROM notice
        WHERE available_at IS NULL ORDER BY id LIMIT $1";
    tx.query(sql, &[DEAD_LETTERS.into()], dead_letter)
}

/// Columns id, mailbox, message_id, event, attempts, problem, failed_at.
fn dead_letter(row: &Row<'_>) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        delivery_id: id(row, 0, NoticeId::from_bytes, "notice.id")?,
        mailbox: parsed(row, 1, "notice.mailbox")?,
        message_id: id(row, 2, MessageId::from_bytes, "notice.message_id")?,
        event: parsed(row, 3, "notice.event")?,
        attempts: number(row, 4, "notice.attempts")?,
        problem: row.text(5)?,
        failed_at: row.time(6)?,
    })
}

/// Moves on when the state machine looks at a message again; nothing where it has moved.
pub(crate) fn look_again(
    tx: &mut Tx<'_>,
    message: MessageId,
    steps: u32,
    due: OffsetDateTime,
) -> Result<bool, StoreError> {
    let sql = "-- look_again
        UPDATE message SET due_at = $3 WHERE id = $1 AND steps = $2";
    Ok(tx.execute(sql, &[message.as_bytes().into(), steps.into(), due.into()])? == 1)
}
