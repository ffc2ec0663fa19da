//! What operators state of certificates: believe this one for these purposes, or for none.
//!
//! A statement outweighs the folders of the configuration for its certificate, until it is withdrawn; so an authority whose key
//! was stolen can be left in a minute, wherever its certificate lies. Statements are rows, and each change has its audit row in
//! the same transaction. What set of anchors follows from them is put together in the gateway.

use audit::{Action, EventDraft, Ledger, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use schemas::ProblemCode;
use schemas::trust::{CertificateDigest, TrustPurpose, TrustStatement};
use storage::{Row, StoreError, Tx, TxError};
use time::OffsetDateTime;

use crate::decide::{Permit, SetTrust};

/// Statements that there may be. A region has some dozens of authorities.
const STATEMENTS: i64 = 1024;

/// What an operator states of one certificate, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sha256: CertificateDigest,
    certificate: Option<Certificate>,
    purposes: Vec<TrustPurpose>,
}

/// A statement cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum StatementError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operator stated something that cannot be.
    #[error("{code}: {detail}")]
    Invalid {
        /// What the operator is told.
        code: ProblemCode,
        /// What exactly is wrong.
        detail: String,
    },
}

impl StatementError {
    fn invalid(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self::Invalid { code, detail: detail.into() }
    }
}

impl Statement {
    /// Checks a statement about the certificate with this SHA-256; `known` finds a certificate that the node has already.
    ///
    /// # Errors
    /// [`StatementError::Invalid`] with `MalformedJson`: the certificate does not parse, is another one, or is missing.
    pub fn check(
        sha256: CertificateDigest,
        statement: &TrustStatement,
        known: impl FnOnce() -> Option<Certificate>,
    ) -> Result<Self, StatementError> {
        let wrong = |reason: &str| StatementError::invalid(ProblemCode::MalformedJson, format!("der: {reason}"));
        let certificate = match &statement.der {
            Some(text) => {
                let der = STANDARD.decode(text).map_err(|_| wrong("not base64"))?;
                Some(Certificate::from_der(&der).map_err(|error| wrong(&error.to_string()))?)
            }
            None => known(),
        };
        if certificate.as_ref().is_some_and(|certificate| certificate.fingerprint() != *sha256.as_bytes()) {
            return Err(wrong("another certificate than the one in the address"));
        }
        let mut purposes = statement.purposes.clone();
        purposes.sort_unstable();
        purposes.dedup();
        if certificate.is_none() && !purposes.is_empty() {
            return Err(wrong("needed, since the node does not have the certificate"));
        }
        Ok(Self { sha256, certificate, purposes })
    }

    /// SHA-256 of the certificate.
    #[must_use]
    pub fn sha256(&self) -> CertificateDigest {
        self.sha256
    }

    /// The certificate, where it is known; it is where there are purposes.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// What it is believed for; nothing, where empty.
    #[must_use]
    pub fn purposes(&self) -> &[TrustPurpose] {
        &self.purposes
    }
}

/// The statements. Cheap to clone.
#[derive(Clone)]
pub struct Statements {
    ledger: Ledger,
}

impl Statements {
    /// Statements in the ledger's database.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self { ledger }
    }

    /// All statements, by SHA-256.
    ///
    /// # Errors
    /// Where the database cannot be read, or holds something that was never stated.
    pub async fn all(&self) -> Result<Vec<Statement>, StoreError> {
        let sql = "-- load_trust_statements
            SELECT sha256, der, purposes FROM trust_statement ORDER BY sha256 LIMIT 4096";
        self.ledger.reader().read("trust_statements", move |tx| tx.query(sql, &[], of_row)).await
    }

    /// Makes a statement, in the place of an earlier one about the same certificate. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`StatementError::Invalid`] with `MalformedJson` where the statement is about another certificate than the permit, or
    /// there are too many.
    pub async fn state(&self, permit: Permit<SetTrust>, statement: Statement) -> Result<(), StatementError> {
        if statement.sha256 != *permit.resource() {
            let detail = "the statement is about another certificate than the one that was asked for";
            return Err(StatementError::invalid(ProblemCode::MalformedJson, detail));
        }
        let event = self.ledger.prepare(EventDraft {
            action: Action::SetTrust,
            actor: permit.actor().pseudonym(),
            object: Some(object(statement.sha256)),
            outcome: Outcome::Done,
            details: serde_json::json!({ "purposes": &statement.purposes }),
        });
        let made = self.ledger.transact("state_trust", move |tx| {
            replace(tx, &statement, event.at())?;
            let all = "-- count_trust_statements
                SELECT count(*) FROM trust_statement";
            if tx.query_optional(all, &[], |row| row.integer(0))?.is_none_or(|count| count > STATEMENTS) {
                let detail = format!("at most {STATEMENTS} statements");
                return Err(StatementError::invalid(ProblemCode::MalformedJson, detail));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        made.await.map_err(of_transaction)
    }

    /// Takes a statement back, so that the folders decide again. The audit row is in the same transaction.
    ///
    /// # Errors
    /// [`StatementError::Invalid`] with `NotFound` where there is none.
    pub async fn withdraw(&self, permit: Permit<SetTrust>) -> Result<(), StatementError> {
        self.remove(*permit.resource(), permit.actor().pseudonym()).await
    }

    /// [`Self::withdraw`] by whoever has the node's files: the way back where a statement keeps every operator from logging in.
    ///
    /// # Errors
    /// As [`Self::withdraw`].
    pub async fn withdraw_offline(&self, sha256: CertificateDigest) -> Result<(), StatementError> {
        self.remove(sha256, "node".to_owned()).await
    }

    async fn remove(&self, sha256: CertificateDigest, actor: String) -> Result<(), StatementError> {
        let event = self.ledger.prepare(EventDraft {
            action: Action::WithdrawTrust,
            actor,
            object: Some(object(sha256)),
            outcome: Outcome::Done,
            details: serde_json::Value::Null,
        });
        let removed = self.ledger.transact("withdraw_trust", move |tx| {
            let sql = "-- delete_trust_statement
                DELETE FROM trust_statement WHERE sha256 = $1";
            if tx.execute(sql, &[sha256.as_bytes().into()])? == 0 {
                return Err(StatementError::invalid(
                    ProblemCode::NotFound,
                    "nobody stated anything of this certificate",
                ));
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        removed.await.map_err(of_transaction)
    }
}

fn replace(tx: &mut Tx<'_>, statement: &Statement, at: OffsetDateTime) -> Result<(), StoreError> {
    let sql = "-- upsert_trust_statement
        INSERT INTO trust_statement (sha256, purposes, der, stated_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (sha256) DO UPDATE
        SET purposes = excluded.purposes, der = excluded.der, stated_at = excluded.stated_at";
    let words: Vec<&str> = statement.purposes.iter().map(|purpose| purpose.as_str()).collect();
    let der = statement.certificate.as_ref().map(Certificate::der);
    tx.execute(sql, &[statement.sha256.as_bytes().into(), (&words.join(" ")).into(), der.into(), at.into()])?;
    Ok(())
}

fn of_row(row: &Row<'_>) -> Result<Statement, StoreError> {
    const DER: &str = "trust_statement.der";
    let sha256 = CertificateDigest::from(row.array::<32>(0)?);
    let certificate = if row.is_null(1)? {
        None
    } else {
        Some(Certificate::from_der(&row.blob(1)?).map_err(|_| StoreError::Corrupt(DER))?)
    };
    if certificate.as_ref().is_some_and(|certificate| certificate.fingerprint() != *sha256.as_bytes()) {
        return Err(StoreError::Corrupt(DER));
    }
    let words = row.text(2)?;
    let purposes: Option<Vec<_>> = words.split_whitespace().map(TrustPurpose::of_word).collect();
    let purposes = purposes.ok_or(StoreError::Corrupt("trust_statement.purposes"))?;
    if certificate.is_none() && !purposes.is_empty() {
        return Err(StoreError::Corrupt(DER));
    }
    Ok(Statement { sha256, certificate, purposes })
}

fn object(sha256: CertificateDigest) -> String {
    format!("certificate:{sha256}")
}

fn of_transaction(error: TxError<StatementError>) -> StatementError {
    match error {
        TxError::Refused(error) => error,
        TxError::Store(error) => error.into(),
    }
}

#[cfg(test)]
mod tests;
