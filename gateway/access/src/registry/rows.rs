//! The registry's tables (migrations/sqlite/0003_registry.sql).

use certs::certificate::Certificate;
use schemas::registry::CertificateUsage;
use schemas::{DocumentKind, Edrpou, MailboxId};
use storage::{Row, StoreError, Tx};
use time::OffsetDateTime;

use super::registration::Registration;

/// The tables as read in one transaction.
pub(super) struct Rows {
    pub(super) version: i64,
    pub(super) participants: Vec<(Edrpou, String)>,
    pub(super) mailboxes: Vec<MailboxId>,
    pub(super) logins: Vec<([u8; 32], Edrpou)>,
    pub(super) encryption: Vec<(Edrpou, Vec<u8>)>,
    pub(super) channels: Vec<(Edrpou, MailboxId, DocumentKind)>,
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_| StoreError::Corrupt(name))
}

/// Grows with each change, in the change's transaction.
pub(super) fn version(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let sql = "-- registry_version
        SELECT version FROM registry_version WHERE id = 1";
    tx.query_optional(sql, &[], |row| row.integer(0))?.ok_or(StoreError::Corrupt("registry_version"))
}

pub(super) fn load(tx: &mut Tx<'_>) -> Result<Rows, StoreError> {
    let version = version(tx)?;
    let participants = "-- load_participants
        SELECT edrpou, name FROM participant ORDER BY edrpou";
    let participants = tx.query(participants, &[], |row| Ok((parsed(row, 0, "participant.edrpou")?, row.text(1)?)))?;
    let mailboxes = "-- load_mailboxes
        SELECT id FROM mailbox ORDER BY id";
    let mailboxes = tx.query(mailboxes, &[], |row| parsed(row, 0, "mailbox.id"))?;
    let logins = "-- load_logins
        SELECT sha256, participant FROM participant_certificate WHERE usage = 'login'";
    let logins = tx.query(logins, &[], |row| {
        let sha256 = row.blob(0)?.try_into().map_err(|_| StoreError::Corrupt("participant_certificate.sha256"))?;
        Ok((sha256, parsed(row, 1, "participant_certificate.participant")?))
    })?;
    let encryption = "-- load_encryption_certificates
        SELECT participant, der FROM participant_certificate WHERE usage = 'encryption'";
    let encryption =
        tx.query(encryption, &[], |row| Ok((parsed(row, 0, "participant_certificate.participant")?, row.blob(1)?)))?;
    let channels = "-- load_channels
        SELECT sender, mailbox, kind FROM channel";
    let channels = tx.query(channels, &[], |row| {
        Ok((parsed(row, 0, "channel.sender")?, parsed(row, 1, "channel.mailbox")?, parsed(row, 2, "channel.kind")?))
    })?;
    Ok(Rows { version, participants, mailboxes, logins, encryption, channels })
}

pub(super) fn certificates(tx: &mut Tx<'_>, most: u32) -> Result<Vec<Certificate>, StoreError> {
    let sql = "-- load_registered_certificates
        SELECT der FROM participant_certificate ORDER BY registered_at DESC, sha256 LIMIT $1";
    tx.query(sql, &[most.into()], |row| {
        Certificate::from_der(&row.blob(0)?).map_err(|_| StoreError::Corrupt("participant_certificate.der"))
    })
}

pub(super) fn replace_participant(
    tx: &mut Tx<'_>,
    registration: &Registration,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let edrpou = registration.edrpou();
    let sql = "-- upsert_participant
        INSERT INTO participant (edrpou, name, registered_at) VALUES ($1, $2, $3)
        ON CONFLICT (edrpou) DO UPDATE SET name = excluded.name, registered_at = excluded.registered_at";
    tx.execute(sql, &[edrpou.as_str().into(), registration.name().into(), at.into()])?;
    let sql = "-- delete_mailboxes
        DELETE FROM mailbox WHERE participant = $1";
    tx.execute(sql, &[edrpou.as_str().into()])?;
    for mailbox in registration.mailboxes() {
        let sql = "-- insert_mailbox
            INSERT INTO mailbox (id, participant) VALUES ($1, $2)";
        tx.execute(sql, &[(&mailbox.to_string()).into(), edrpou.as_str().into()])?;
    }
    let sql = "-- delete_channels_to_missing_mailboxes
        DELETE FROM channel WHERE mailbox NOT IN (SELECT id FROM mailbox)";
    tx.execute(sql, &[])?;
    let sql = "-- delete_certificates
        DELETE FROM participant_certificate WHERE participant = $1";
    tx.execute(sql, &[edrpou.as_str().into()])?;
    for (usage, certificate) in registration.certificates() {
        let usage = match usage {
            CertificateUsage::Login => "login",
            CertificateUsage::Encryption => "encryption",
        };
        let sql = "-- insert_certificate
            INSERT INTO participant_certificate (participant, usage, sha256, der, registered_at)
            VALUES ($1, $2, $3, $4, $5)";
        let sha256 = certificate.fingerprint();
        let values = [edrpou.as_str().into(), usage.into(), (&sha256).into(), certificate.der().into(), at.into()];
        tx.execute(sql, &values)?;
    }
    changed(tx)
}

pub(super) fn replace_channel(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    mailbox: &MailboxId,
    kinds: &[DocumentKind],
) -> Result<(), StoreError> {
    let mailbox = mailbox.to_string();
    let sql = "-- delete_channel
        DELETE FROM channel WHERE sender = $1 AND mailbox = $2";
    tx.execute(sql, &[sender.as_str().into(), (&mailbox).into()])?;
    for kind in kinds {
        let sql = "-- insert_channel
            INSERT INTO channel (sender, mailbox, kind) VALUES ($1, $2, $3)";
        tx.execute(sql, &[sender.as_str().into(), (&mailbox).into(), kind.as_str().into()])?;
    }
    changed(tx)
}

fn changed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "-- bump_registry_version
        UPDATE registry_version SET version = version + 1 WHERE id = 1";
    tx.execute(sql, &[]).map(|_| ())
}
