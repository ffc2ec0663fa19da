//! Policies that a node is handed while it runs: one file, signed, numbered, put in force as a whole or not at all.
//!
//! A bundle is JSON: `{"number": 7, "schema": "...", "policies": {"people.cedar": "..."}}`. Beside it lies a detached CMS over exactly its
//! bytes, by one of the certificates that the configuration names and by nobody else: these are themselves the anchors, so neither an
//! authority nor a responder has a say in who may do what. A certificate that is lost is taken out of the configuration.
//!
//! A number is not used twice, and none below one that was in force comes into force while the process runs: whoever can only put an old
//! bundle back gets nothing. Across a restart the file that lies there counts, and its change is in the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use audit::{Action, EventDraft, Ledger, Outcome};
use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{digest, hex, sha256};
use serde::{Deserialize, Serialize};
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use storage::{Clock, StoreError};
use time::OffsetDateTime;

use super::{Policies, PolicyError, PolicyFiles, UnreadableFiles};
use crate::decide::{ACTIONS, Access};

/// Largest bundle, in bytes: the texts are bounded by themselves, and JSON escapes line ends.
const BUNDLE_BYTES: usize = 4 << 20;

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
    /// That it comes into force cannot be recorded.
    #[error("the change cannot be recorded: {0}")]
    Store(#[from] StoreError),
}

/// A bundle that may come into force: signed by whom the configuration names, and sound.
pub struct SignedPolicies {
    number: u64,
    digest: [u8; 32],
    signer: [u8; 32],
    policies: Policies,
    count: usize,
}

impl SignedPolicies {
    /// Verifies the signature and checks the policies strictly.
    ///
    /// # Errors
    /// [`BundleError`], of which neither `Older` nor `Store`.
    pub fn verify(
        bundle: &[u8],
        signature: &[u8],
        signers: &[Certificate],
        at: OffsetDateTime,
    ) -> Result<Self, BundleError> {
        if bundle.len() > BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        let signer = signer_of(bundle, signature, signers, at)?.fingerprint();
        let Bundle { number, schema, policies } = serde_json::from_slice(bundle)?;
        let files = PolicyFiles::new(&schema, policies.iter().map(|(name, text)| (name.as_str(), text.as_str())))?;
        let policies = Policies::new(&files, ACTIONS)?;
        let count = policies.count();
        Ok(Self { number, digest: sha256(bundle), signer, policies, count })
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

/// The one signer of a bundle, which the configuration names.
fn signer_of(
    bundle: &[u8],
    signature: &[u8],
    signers: &[Certificate],
    at: OffsetDateTime,
) -> Result<Certificate, BundleError> {
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
    match passed.signers() {
        [signer] if signers.iter().any(|named| named.der() == signer.der()) => Ok(signer.clone()),
        [_] => Err(wrong("it is by none of the certificates that the configuration names".to_owned())),
        _ => Err(wrong("one signature is needed".to_owned())),
    }
}

/// Puts bundles in force.
pub struct PolicyKeeper {
    access: Access,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    signers: Vec<Certificate>,
    /// Number and digest of the bundle in force; none while the shipped policies are.
    in_force: Mutex<Option<(u64, [u8; 32])>>,
}

impl PolicyKeeper {
    /// `signers`: whose bundles come into force.
    #[must_use]
    pub fn new(access: Access, ledger: Ledger, clock: Arc<dyn Clock>, signers: Vec<Certificate>) -> Self {
        Self { access, ledger, clock, signers, in_force: Mutex::default() }
    }

    /// Puts a bundle in force, once that is on record; false: it is in force already. One caller at a time.
    ///
    /// # Errors
    /// [`BundleError`]: the policies in force stay.
    pub async fn adopt(&self, bundle: &[u8], signature: &[u8]) -> Result<bool, BundleError> {
        let in_force = *self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        if in_force.is_some_and(|(_, digest)| digest == sha256(bundle)) {
            return Ok(false);
        }
        let SignedPolicies { number: found, digest, signer, policies, count } =
            SignedPolicies::verify(bundle, signature, &self.signers, self.clock.now())?;
        if let Some((in_force, _)) = in_force.filter(|(in_force, _)| *in_force >= found) {
            return Err(BundleError::Older { found, in_force });
        }
        let details = serde_json::json!({
            "number": found, "sha256": hex(&digest), "signer": hex(&signer), "policies": count,
            "before": &*self.access.policy_version(),
        });
        let (actor, object) = ("node".to_owned(), Some(format!("policies:{}", policies.version())));
        let draft = EventDraft { action: Action::PoliciesChanged, actor, object, outcome: Outcome::Done, details };
        self.ledger.record(draft).await?;
        self.access.inner.policies.store(Arc::new(policies));
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = Some((found, digest));
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
