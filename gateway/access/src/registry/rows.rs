//! The registry's tables (migrations/sqlite/0003_registry.sql and 0007_routing.sql).

use certs::certificate::Certificate;
use schemas::registry::{CertificateUsage, ChannelPolicy, Reception};
use schemas::routing::FunctionalAddress;
use schemas::{Addressee, AreaCode, DocumentKind, Edrpou, MailboxId, ServiceName};
use serde::de::DeserializeOwned;
use storage::{Row, StoreError, Tx, Value};
use time::OffsetDateTime;

use super::registration::Registration;

/// The tables as read in one transaction.
pub(crate) struct Rows {
    pub(super) version: i64,
    pub(super) participants: Vec<ParticipantRow>,
    pub(super) mailboxes: Vec<MailboxId>,
    pub(super) logins: Vec<([u8; 32], Edrpou)>,
    pub(super) encryption: Vec<(Edrpou, Vec<u8>)>,
    pub(super) channels: Vec<(Edrpou, MailboxId, DocumentKind, ChannelPolicy)>,
    pub(super) addresses: Vec<FunctionalAddress>,
    pub(super) suspended: Vec<Addressee>,
}

pub(crate) struct ParticipantRow {
    pub(super) edrpou: Edrpou,
    pub(super) name: String,
    pub(super) area: Option<AreaCode>,
    pub(super) reception: Reception,
    pub(super) node: Option<String>,
}

fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    row.text(column)?.parse().map_err(|_| StoreError::Corrupt(name))
}

/// A text that may be absent.
fn optional<T: std::str::FromStr>(row: &Row<'_>, column: usize, name: &'static str) -> Result<Option<T>, StoreError> {
    if row.is_null(column)? { Ok(None) } else { parsed(row, column, name).map(Some) }
}

/// JSON whose absence means what is usual. One that cannot be read fails: terms that nobody knows are not guessed.
fn stated<T: DeserializeOwned + Default>(row: &Row<'_>, column: usize, name: &'static str) -> Result<T, StoreError> {
    if row.is_null(column)? {
        return Ok(T::default());
    }
    serde_json::from_str(&row.text(column)?).map_err(|_| StoreError::Corrupt(name))
}

/// JSON for a column; NULL for what is usual.
fn statement<T: serde::Serialize + Default + PartialEq>(value: &T) -> Result<Option<String>, StoreError> {
    let json = (*value != T::default()).then(|| serde_json::to_string(value)).transpose();
    json.map_err(|error| StoreError::Database(error.to_string()))
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
        SELECT edrpou, name, area, reception, node FROM participant ORDER BY edrpou";
    let participants = tx.query(participants, &[], |row| {
        Ok(ParticipantRow {
            edrpou: parsed(row, 0, "participant.edrpou")?,
            name: row.text(1)?,
            area: optional(row, 2, "participant.area")?,
            reception: stated(row, 3, "participant.reception")?,
            node: if row.is_null(4)? { None } else { Some(row.text(4)?) },
        })
    })?;
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
        SELECT sender, mailbox, kind, policy FROM channel";
    let channels = tx.query(channels, &[], |row| {
        let (sender, mailbox) = (parsed(row, 0, "channel.sender")?, parsed(row, 1, "channel.mailbox")?);
        Ok((sender, mailbox, parsed(row, 2, "channel.kind")?, stated(row, 3, "channel.policy")?))
    })?;
    let (addresses, suspended) = (addresses(tx)?, suspended(tx)?);
    Ok(Rows { version, participants, mailboxes, logins, encryption, channels, addresses, suspended })
}

fn addresses(tx: &mut Tx<'_>) -> Result<Vec<FunctionalAddress>, StoreError> {
    let sql = "-- load_addresses
        SELECT service, area, mailbox FROM functional_address";
    tx.query(sql, &[], |row| {
        Ok(FunctionalAddress {
            service: parsed(row, 0, "functional_address.service")?,
            area: optional(row, 1, "functional_address.area")?,
            mailbox: parsed(row, 2, "functional_address.mailbox")?,
        })
    })
}

fn suspended(tx: &mut Tx<'_>) -> Result<Vec<Addressee>, StoreError> {
    let sql = "-- load_suspensions
        SELECT address FROM suspension";
    tx.query(sql, &[], |row| parsed(row, 0, "suspension.address"))
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
        INSERT INTO participant (edrpou, name, registered_at, area, reception, node) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (edrpou) DO UPDATE SET name = excluded.name, registered_at = excluded.registered_at,
            area = excluded.area, reception = excluded.reception, node = excluded.node";
    let area = registration.area().map(|area| area.to_string());
    let reception = statement(registration.reception())?;
    let (area, reception) = (area.as_ref().into(), reception.as_ref().into());
    let node = registration.node().into();
    tx.execute(sql, &[edrpou.as_str().into(), registration.name().into(), at.into(), area, reception, node])?;
    let sql = "-- delete_mailboxes
        DELETE FROM mailbox WHERE participant = $1";
    tx.execute(sql, &[edrpou.as_str().into()])?;
    insert_mailboxes(tx, registration)?;
    let sql = "-- delete_channels_to_missing_mailboxes
        DELETE FROM channel WHERE mailbox NOT IN (SELECT id FROM mailbox)";
    tx.execute(sql, &[])?;
    let sql = "-- delete_addresses_of_missing_mailboxes
        DELETE FROM functional_address WHERE mailbox NOT IN (SELECT id FROM mailbox)";
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

/// Enters a participant that is not there, without certificates. What is the same for all is left to the caller: see [`changed`].
pub(super) fn insert_participant(
    tx: &mut Tx<'_>,
    registration: &Registration,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let edrpou = registration.edrpou();
    let sql = "-- insert_participant
        INSERT INTO participant (edrpou, name, registered_at, area) VALUES ($1, $2, $3, $4)";
    let area = registration.area().map(|area| area.to_string());
    tx.execute(sql, &[edrpou.as_str().into(), registration.name().into(), at.into(), area.as_ref().into()])?;
    insert_mailboxes(tx, registration)
}

fn insert_mailboxes(tx: &mut Tx<'_>, registration: &Registration) -> Result<(), StoreError> {
    let sql = "-- insert_mailbox
        INSERT INTO mailbox (id, participant) VALUES ($1, $2)";
    for mailbox in registration.mailboxes() {
        tx.execute(sql, &[(&mailbox.to_string()).into(), registration.edrpou().as_str().into()])?;
    }
    Ok(())
}

pub(super) fn replace_channel(
    tx: &mut Tx<'_>,
    sender: Edrpou,
    mailbox: &MailboxId,
    kinds: &[DocumentKind],
    policy: Option<&ChannelPolicy>,
) -> Result<(), StoreError> {
    let mailbox = mailbox.to_string();
    let policy = policy.map(statement).transpose()?.flatten();
    let sql = "-- delete_channel
        DELETE FROM channel WHERE sender = $1 AND mailbox = $2";
    tx.execute(sql, &[sender.as_str().into(), (&mailbox).into()])?;
    for kind in kinds {
        let sql = "-- insert_channel
            INSERT INTO channel (sender, mailbox, kind, policy) VALUES ($1, $2, $3, $4)";
        let policy = policy.as_ref().into();
        tx.execute(sql, &[sender.as_str().into(), (&mailbox).into(), kind.as_str().into(), policy])?;
    }
    changed(tx)
}

pub(super) fn replace_address(
    tx: &mut Tx<'_>,
    address: &FunctionalAddress,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    let sql = "-- upsert_address
        INSERT INTO functional_address (service, levels, area, mailbox, stated_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (service, levels) DO UPDATE
        SET area = excluded.area, mailbox = excluded.mailbox, stated_at = excluded.stated_at";
    let FunctionalAddress { service, area, mailbox } = address;
    let (area, levels, mailbox) = (area.map(|area| area.to_string()), levels(*area), mailbox.to_string());
    let values = [service.as_str().into(), (&levels).into(), area.as_ref().into(), (&mailbox).into(), at.into()];
    tx.execute(sql, &values)?;
    changed(tx)
}

/// False: there was none.
pub(super) fn delete_address(
    tx: &mut Tx<'_>,
    service: &ServiceName,
    area: Option<AreaCode>,
) -> Result<bool, StoreError> {
    let sql = "-- delete_address
        DELETE FROM functional_address WHERE service = $1 AND levels = $2";
    let gone = tx.execute(sql, &[service.as_str().into(), (&levels(area)).into()])?;
    changed(tx)?;
    Ok(gone > 0)
}

fn levels(area: Option<AreaCode>) -> String {
    area.map(|area| area.levels().as_str().to_owned()).unwrap_or_default()
}

/// `since`: none, where the suspension ends.
pub(super) fn replace_suspension(
    tx: &mut Tx<'_>,
    address: &Addressee,
    since: Option<OffsetDateTime>,
) -> Result<(), StoreError> {
    let address = address.to_string();
    let sql = "-- delete_suspension
        DELETE FROM suspension WHERE address = $1";
    tx.execute(sql, &[(&address).into()])?;
    if let Some(since) = since {
        let sql = "-- insert_suspension
            INSERT INTO suspension (address, suspended_at) VALUES ($1, $2)";
        tx.execute(sql, &[(&address).into(), Value::from(since)])?;
    }
    changed(tx)
}

fn changed(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let sql = "-- bump_registry_version
        UPDATE registry_version SET version = version + 1 WHERE id = 1";
    tx.execute(sql, &[]).map(|_| ())
}
