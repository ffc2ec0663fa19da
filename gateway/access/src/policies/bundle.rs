//! Policies that a node is handed while it runs: one file, signed, numbered, put in force as a whole or not at all.
//!
//! A bundle is JSON: `{"number": 7, "schema": "...", "policies": {"people.cedar": "..."}}`. Beside it lies a detached CMS over exactly its
//! bytes, by as many persons as the configuration says, of those whose certificates it names, and by nobody else: these are themselves the
//! anchors, so neither an authority nor a responder has a say in who may do what. A certificate that is lost is taken out of the
//! configuration. Two certificates of one person are one person.
//!
//! A number is not used twice, and none below one that was in force comes into force again, neither while the process runs nor after a
//! restart: the number stands in the database, and whoever can only put an old bundle back gets nothing. A bundle that is refused is
//! recorded once, with its reason.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use audit::{Action, EventDraft, Ledger, Outcome};
use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{digest, hex, sha256};
use schemas::ProblemCode;
use serde::{Deserialize, Serialize};
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use storage::{Clock, StoreError, TxError};
use time::OffsetDateTime;

use super::{Policies, PolicyError, PolicyFiles, UnreadableFiles, in_force};
use crate::decide::{ACTIONS, Access};

/// Largest bundle, in bytes: the texts are bounded by themselves, and JSON escapes line ends.
const BUNDLE_BYTES: usize = 4 << 20;

/// What the log keeps of a reason: errors of policies can be pages.
const REASON_CHARACTERS: usize = 1000;

/// A bundle's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Grows with every bundle that is signed.
    pub number: u64,
    /// The schema, in the language of Cedar.
    pub schema: String,
    /// Policies by the names of their files.
    pub policies: BTreeMap<String, String>,
}

/// Why a bundle does not come into force.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not read.
    #[error("the bundle has more than {BUNDLE_BYTES} bytes")]
    TooLarge,
    /// Its signature cannot be read, does not hold, or is over something else.
    #[error("the signature: {0}")]
    Signature(String),
    /// Not JSON of the shape of [`Bundle`].
    #[error("the bundle: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Its texts are too much.
    #[error(transparent)]
    Unreadable(#[from] UnreadableFiles),
    /// The policies do not parse or do not fit their schema.
    #[error(transparent)]
    Policies(#[from] PolicyError),
    /// A bundle of this number or a higher one is in force.
    #[error("the bundle has number {found}, but {in_force} is in force")]
    Older {
        /// Its number.
        found: u64,
        /// That of the one in force.
        in_force: u64,
    },
    /// Its number cannot be kept.
    #[error("the bundle has number {0}, which is too large")]
    Number(u64),
    /// That it comes into force cannot be recorded.
    #[error("the change cannot be recorded: {0}")]
    Store(#[from] StoreError),
}

/// A bundle that may come into force: signed by whom the configuration names, and sound.
pub struct SignedPolicies {
    number: u64,
    digest: [u8; 32],
    signers: Vec<[u8; 32]>,
    policies: Policies,
    count: usize,
}

impl SignedPolicies {
    /// Verifies the signatures, of so many persons at least, and checks the policies strictly.
    ///
    /// # Errors
    /// [`BundleError`], of which neither `Older` nor `Store`.
    pub fn verify(
        bundle: &[u8],
        signature: &[u8],
        signers: &[Certificate],
        signatures: usize,
        at: OffsetDateTime,
    ) -> Result<Self, BundleError> {
        if bundle.len() > BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        let by = signers_of(bundle, signature, signers, at)?;
        let found = distinct_persons(&by);
        if found < signatures.max(1) {
            let why = format!("by {found} of the persons whom the configuration names; {signatures} are needed");
            return Err(BundleError::Signature(why));
        }
        let signers = by.iter().map(Certificate::fingerprint).collect();
        let Bundle { number, schema, policies } = serde_json::from_slice(bundle)?;
        let files = PolicyFiles::new(&schema, policies.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
        let policies = Policies::new(&files, ACTIONS)?;
        let count = policies.count();
        Ok(Self { number, digest: sha256(bundle), signers, policies, count })
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many policies it has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// What decisions by it are marked with, see [`PolicyFiles::version`].
    #[must_use]
    pub fn version(&self) -> &str {
        self.policies.version()
    }
}

/// How many persons hold these certificates.
#[must_use]
pub fn distinct_persons(certificates: &[Certificate]) -> usize {
    let mut persons: Vec<&Certificate> = Vec::new();
    for certificate in certificates {
        if !persons.iter().any(|person| person.is_of_same_person(certificate)) {
            persons.push(certificate);
        }
    }
    persons.len()
}

/// The signers of a bundle, each of whom the configuration names.
fn signers_of(
    bundle: &[u8],
    signature: &[u8],
    signers: &[Certificate],
    at: OffsetDateTime,
) -> Result<Vec<Certificate>, BundleError> {
    let wrong = |why: String| BundleError::Signature(why);
    let signed = UnverifiedDocument::parse(signature).map_err(|error| wrong(error.to_string()))?;
    if signed.is_attached() {
        return Err(wrong("it carries its content; a detached one is needed".to_owned()));
    }
    let digests = signed.digest_algorithms().into_iter().map(|algorithm| digest(algorithm, bundle)).collect();
    let anchors =
        signers.iter().map(|signer| TrustAnchor { certificate: signer.clone(), purposes: vec![Purpose::Signing] });
    let trust = TrustSnapshot::new(anchors.collect(), Vec::new(), at);
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    let context = Context { trust: &trust, revocation: &revocation, at, policy: &policy };
    let outcome = validate(signed.with_detached(digests), &context);
    let Some(passed) = outcome.passed else {
        return Err(wrong(outcome.problem().map_or_else(|| "it does not hold".to_owned(), |code| code.to_string())));
    };
    let is_named = |signer: &Certificate| signers.iter().any(|named| named.der() == signer.der());
    if !passed.signers().iter().all(is_named) {
        return Err(wrong("it is by none of the certificates that the configuration names".to_owned()));
    }
    Ok(passed.signers().to_vec())
}

/// Puts bundles in force.
pub struct PolicyKeeper {
    access: Access,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    signers: Vec<Certificate>,
    signatures: usize,
    /// Digest of the bundle that this process decides by; none while the shipped policies are.
    in_force: Mutex<Option<[u8; 32]>>,
    /// Digest of the last bundle with its signature that was refused: the file is read every minute, and the log has one row of it.
    refused: Mutex<Option<[u8; 32]>>,
}

/// Why a sound bundle was not written down as in force.
enum NotAdopted {
    Older(u64),
    Store(StoreError),
}

impl From<StoreError> for NotAdopted {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<TxError<Self>> for NotAdopted {
    fn from(error: TxError<Self>) -> Self {
        match error {
            TxError::Refused(refused) => refused,
            TxError::Store(error) => Self::Store(error),
        }
    }
}

impl PolicyKeeper {
    /// `signers`: whose bundles come into force; `signatures`: how many persons of them it takes.
    #[must_use]
    pub fn new(
        access: Access,
        ledger: Ledger,
        clock: Arc<dyn Clock>,
        signers: Vec<Certificate>,
        signatures: usize,
    ) -> Self {
        let (in_force, refused) = (Mutex::default(), Mutex::default());
        Self { access, ledger, clock, signers, signatures, in_force, refused }
    }

    /// Puts a bundle in force, once that is on record; false: it is in force already. One caller at a time.
    ///
    /// # Errors
    /// [`BundleError`]: the policies in force stay, and that it was refused is on record.
    pub async fn adopt(&self, bundle: &[u8], signature: &[u8]) -> Result<bool, BundleError> {
        if *lock(&self.in_force) == Some(sha256(bundle)) {
            return Ok(false);
        }
        match self.put_in_force(bundle, signature).await {
            Ok(()) => Ok(true),
            Err(error) => {
                self.record_refusal(bundle, signature, &error).await?;
                Err(error)
            }
        }
    }

    async fn put_in_force(&self, bundle: &[u8], signature: &[u8]) -> Result<(), BundleError> {
        let SignedPolicies { number: found, digest, signers, policies, count } =
            SignedPolicies::verify(bundle, signature, &self.signers, self.signatures, self.clock.now())?;
        let number = i64::try_from(found).map_err(|_| BundleError::Number(found))?;
        let details = serde_json::json!({
            "number": found, "sha256": hex(&digest), "signers": signers.iter().map(|it| hex(it)).collect::<Vec<_>>(),
            "policies": count, "before": &*self.access.policy_version(),
        });
        let (actor, object) = ("node".to_owned(), Some(format!("policies:{}", policies.version())));
        let draft = EventDraft { action: Action::PoliciesChanged, actor, object, outcome: Outcome::Done, details };
        let event = self.ledger.prepare(draft);
        let adopted = self.ledger.transact("adopt_policies", move |tx| {
            match in_force::last(tx)? {
                // Of this node's other processes, or of this one before it started anew.
                Some((last, of)) if last == number && of == digest => {}
                Some((last, _)) if last >= number => return Err(NotAdopted::Older(last.unsigned_abs())),
                _ => in_force::advance(tx, number, &digest, event.at())?,
            }
            Ok(audit::append(tx, &event)?.with(()))
        });
        adopted.await.map_err(|error| match NotAdopted::from(error) {
            NotAdopted::Older(in_force) => BundleError::Older { found, in_force },
            NotAdopted::Store(error) => BundleError::Store(error),
        })?;
        self.access.inner.policies.store(Arc::new(policies));
        *lock(&self.in_force) = Some(digest);
        Ok(())
    }

    /// One row of each bundle that is refused, whatever lies there how long. A store that fails is no refusal, and nothing can be written.
    async fn record_refusal(&self, bundle: &[u8], signature: &[u8], why: &BundleError) -> Result<(), BundleError> {
        if matches!(why, BundleError::Store(_)) {
            return Ok(());
        }
        let refused = sha256(&[sha256(bundle), sha256(signature)].concat());
        if *lock(&self.refused) == Some(refused) {
            return Ok(());
        }
        let reason: String = why.to_string().chars().take(REASON_CHARACTERS).collect();
        let details = serde_json::json!({ "sha256": hex(&sha256(bundle)), "reason": reason });
        let (actor, outcome) = ("node".to_owned(), Outcome::Refused(ProblemCode::BundleRefused));
        let draft = EventDraft { action: Action::PoliciesChanged, actor, object: None, outcome, details };
        self.ledger.record(draft).await?;
        *lock(&self.refused) = Some(refused);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
