//! What operators do to trust over the API: read it, state something of a certificate, take a statement back.
//!
//! A change is a row with its audit row ([`access::trust`]); the set of anchors follows at once in this process, and within a
//! minute in the others, where the loop that watches the folders also watches the statements.

use std::sync::Arc;

use access::Permit;
use access::decide::SetTrust;
use access::trust::{Statement, StatementError, Statements};
use certs::certificate::Certificate;
use certs::trust::TrustSource as _;
use schemas::ProblemCode;
use schemas::trust::{CertificateDigest, HeldList, Trust, TrustOrigin, TrustStatement, TrustedCertificate};
use storage::{Clock, StoreError};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use super::trust::{Believed, FolderTrust, TrustProblem};
use super::trusted_lists::TrustedLists;

/// Keeps the set of anchors over the folders. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TrustKeeper(Arc<Inner>);

struct Inner {
    folders: Arc<FolderTrust>,
    trusted_lists: Arc<TrustedLists>,
    statements: Statements,
    clock: Arc<dyn Clock>,
    /// One change or reading at a time: two changes that would each leave an anchor may together leave none, and a reading from
    /// before a change must not be taken into use after it.
    turn: Mutex<()>,
}

impl TrustKeeper {
    pub(crate) fn new(
        folders: Arc<FolderTrust>,
        trusted_lists: Arc<TrustedLists>,
        statements: Statements,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Arc::new(Inner { folders, trusted_lists, statements, clock, turn: Mutex::new(()) }))
    }

    /// Reads what operators state, and takes the set into use that follows from it and the folders. Returns whether it differs.
    ///
    /// # Errors
    /// Where the statements cannot be read, or leave a set that is no good: then the one in use stays.
    pub(crate) async fn refresh(&self) -> Result<bool, TrustProblem> {
        let _turn = self.0.turn.lock().await;
        self.refresh_in_turn().await
    }

    async fn refresh_in_turn(&self) -> Result<bool, TrustProblem> {
        let statements = self.0.statements.all().await.map_err(|error| TrustProblem(error.to_string()))?;
        self.0.folders.state(statements);
        self.0.folders.list(self.0.trusted_lists.in_use());
        self.reload().await
    }

    /// Whom the node believes, and who said so.
    pub(crate) async fn read(&self) -> Result<Trust, StoreError> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || this.told()).await.map_err(|_| StoreError::Closed)
    }

    /// Makes a statement, unless it would leave the node without an anchor that it needs.
    ///
    /// # Errors
    /// As [`Statements::state`]; `LastAnchor`.
    pub(crate) async fn state(
        &self,
        permit: Permit<SetTrust>,
        statement: &TrustStatement,
    ) -> Result<TrustedCertificate, StatementError> {
        let _turn = self.0.turn.lock().await;
        let sha256 = *permit.resource();
        let known = self.known(sha256).await;
        let statement = Statement::check(sha256, statement, || known.clone())?;
        let mut stated = self.0.statements.all().await?;
        stated.retain(|earlier| earlier.sha256() != sha256);
        stated.push(statement.clone());
        self.hold(stated).await?;
        let told = told_of(sha256, known.as_ref().or(statement.certificate()), &statement, self.0.clock.now());
        self.0.statements.state(permit, statement).await?;
        self.apply().await;
        Ok(told)
    }

    /// Takes a statement back, unless what the folders hold would leave the node without an anchor that it needs.
    ///
    /// # Errors
    /// As [`Statements::withdraw`]; `LastAnchor`.
    pub(crate) async fn withdraw(&self, permit: Permit<SetTrust>) -> Result<(), StatementError> {
        let _turn = self.0.turn.lock().await;
        let sha256 = *permit.resource();
        let mut stated = self.0.statements.all().await?;
        let before = stated.len();
        stated.retain(|earlier| earlier.sha256() != sha256);
        // Where nothing was stated there is nothing to lose; `withdraw` says so.
        if stated.len() < before {
            self.hold(stated).await?;
        }
        self.0.statements.withdraw(permit).await?;
        self.apply().await;
        Ok(())
    }

    /// The statement is on record. That its effect is late does not undo it: the loop tries again.
    async fn apply(&self) {
        if let Err(problem) = self.refresh_in_turn().await {
            tracing::error!(cause = %problem, "what an operator stated has no effect yet");
        }
    }

    async fn reload(&self) -> Result<bool, TrustProblem> {
        let folders = self.0.folders.clone();
        let reloaded = tokio::task::spawn_blocking(move || folders.reload()).await;
        reloaded.unwrap_or_else(|error| Err(TrustProblem(error.to_string())))
    }

    async fn hold(&self, stated: Vec<Statement>) -> Result<(), StatementError> {
        let folders = self.0.folders.clone();
        let held = tokio::task::spawn_blocking(move || folders.would_hold(stated)).await;
        let problem = match held {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(problem)) => problem.0,
            Err(error) => error.to_string(),
        };
        // The folders' own faults are the operator's to read, paths and all.
        tracing::warn!(cause = problem, "a statement of trust was refused");
        Err(StatementError::Invalid { code: ProblemCode::LastAnchor, detail: "nothing was changed".to_owned() })
    }

    /// A certificate that the node has already.
    async fn known(&self, sha256: CertificateDigest) -> Option<Certificate> {
        let folders = self.0.folders.clone();
        let found = tokio::task::spawn_blocking(move || {
            let believed = folders.believed().unwrap_or_default().into_iter().map(|believed| believed.certificate);
            let mut known = believed.chain(folders.fetched());
            let sha256 = sha256.as_bytes();
            known.find(|certificate| certificate.fingerprint() == *sha256).or_else(|| folders.listed(sha256))
        });
        found.await.ok().flatten()
    }

    fn told(&self) -> Trust {
        let (folders, now) = (&self.0.folders, self.0.clock.now());
        let mut certificates: Vec<TrustedCertificate> = match folders.believed() {
            Ok(believed) => believed.iter().map(|believed| told(believed, now)).collect(),
            Err(_) => in_use(folders, now),
        };
        for statement in folders.stated() {
            if !certificates.iter().any(|told| told.sha256 == statement.sha256()) {
                certificates.push(told_of(statement.sha256(), None, &statement, now));
            }
        }
        certificates.sort_by_key(|told| told.sha256);
        let lists = folders.lists().into_iter().map(|list| HeldList {
            issuer: certs::name::rfc4514(list.issuer_der()).unwrap_or_default(),
            delta: list.is_delta(),
            this_update: list.this_update(),
            next_update: list.next_update(),
            stale: list.next_update().is_some_and(|next| next < now),
        });
        Trust {
            snapshot: folders.current().id().into(),
            certificates,
            lists: lists.collect(),
            trusted_lists: self.0.trusted_lists.status(),
            problem: folders.checked().problem.map(|problem| problem.0),
        }
    }
}

fn told(believed: &Believed, now: OffsetDateTime) -> TrustedCertificate {
    let certificate = &believed.certificate;
    TrustedCertificate {
        sha256: certificate.fingerprint().into(),
        subject: Some(certificate.subject()),
        not_after: Some(certificate.not_after()),
        purposes: believed.purposes.iter().copied().collect(),
        origin: believed.origin,
        stale: certificate.not_after() < now,
    }
}

fn told_of(
    sha256: CertificateDigest,
    certificate: Option<&Certificate>,
    statement: &Statement,
    now: OffsetDateTime,
) -> TrustedCertificate {
    TrustedCertificate {
        sha256,
        subject: certificate.map(Certificate::subject),
        not_after: certificate.map(Certificate::not_after),
        purposes: statement.purposes().to_vec(),
        origin: TrustOrigin::Operator,
        stale: certificate.is_some_and(|certificate| certificate.not_after() < now),
    }
}

/// The folders cannot be read: what was read last, without who said so.
fn in_use(folders: &FolderTrust, now: OffsetDateTime) -> Vec<TrustedCertificate> {
    let snapshot = folders.current();
    snapshot.anchors().iter().map(|anchor| told(&Believed::in_use(anchor), now)).collect()
}
