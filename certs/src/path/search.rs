//! The search for paths: depth first from the leaf towards the anchors, without recursion.
//!
//! Every step to a possible issuer spends a signature check of the budget, whether or not the signature is already known to
//! be right, so cross-signed and cyclic authorities cannot multiply the work (RUSTSEC-2023-0052, x509-limbo `pathological`).
//! For each certificate at most as many possible issuers are kept as the budget has checks left.
use super::failure::Failure;
use super::validate::{self, Demands};
use super::{Budget, PathError, PolicySet};
use crate::certificate::Certificate;
use crate::name::Canonical;
use crate::trust::{Purpose, TrustSnapshot};
use crate::trust_list::Standing;
use crypto::signature::VerifyError;
use std::collections::{HashMap, HashSet};
use time::OffsetDateTime;

/// A certificate of the path under construction, and the issuers that are still to be tried for it.
struct Frame<'a> {
    certificate: &'a Certificate,
    /// Best last.
    candidates: Vec<Candidate<'a>>,
}

struct Candidate<'a> {
    certificate: &'a Certificate,
    anchored: Anchored,
}

/// Whether a certificate is believed without further proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Anchored {
    No,
    /// A listed service: not now, or it would be [`Self::Yes`].
    Not(Since),
    Yes,
}

/// Why a listed service is not believed at the time that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Since {
    NotYet,
    Ended(OffsetDateTime),
}

impl Anchored {
    /// How a listed service stands.
    fn listed(standing: Standing) -> Self {
        match standing {
            Standing::Within(_) => Self::Yes,
            Standing::Ended(at) => Self::Not(Since::Ended(at)),
            Standing::NotYet(_) => Self::Not(Since::NotYet),
        }
    }

    /// What is wrong with `anchor` at the time that is asked about, where everything else is right.
    fn check(self, anchor: &Certificate) -> Result<(), PathError> {
        let subject = || anchor.subject();
        match self {
            Self::Not(Since::Ended(at)) => Err(PathError::AnchorEnded { subject: subject(), at }),
            Self::Not(Since::NotYet) => Err(PathError::AnchorNotYet { subject: subject() }),
            Self::No | Self::Yes => Ok(()),
        }
    }
}

pub(super) fn search<'a>(
    leaf: &'a Certificate,
    pool: &'a [Certificate],
    trust: &'a TrustSnapshot,
    purpose: Purpose,
    demands: &Demands<'_>,
    budget: &mut Budget,
) -> Result<(Vec<Certificate>, PolicySet), Failure> {
    let mut failure = Failure::new();
    let leaf_standing = if trust.is_anchor(leaf, purpose) {
        Some(Anchored::Yes)
    } else {
        trust.listed_standing(leaf, purpose, demands.at).map(Anchored::listed)
    };
    if let Some(anchored) = leaf_standing {
        let judged = validate::validate(&[leaf], demands, budget);
        return match judged.and_then(|policies| anchored.check(leaf).map(|()| policies)) {
            Ok(policies) => Ok((vec![leaf.clone()], policies)),
            Err(error) => {
                failure.add([leaf].into_iter(), error);
                Err(failure.closed())
            }
        };
    }
    let issuers = Issuers { trust, purpose, pool: OncePool::new(pool) };
    let frame = |certificate: &'a Certificate, budget: &Budget| {
        let candidates = issuers.of(certificate, demands.at, budget.signature_checks);
        Frame { certificate, candidates }
    };
    let mut frames = vec![frame(leaf, budget)];
    if frames.iter().all(|frame| frame.candidates.is_empty()) {
        failure.add([leaf].into_iter(), PathError::NoPath);
    }
    while let Some(top) = frames.last_mut() {
        let Some(Candidate { certificate: issuer, anchored }) = top.candidates.pop() else {
            frames.pop();
            continue;
        };
        let child = top.certificate;
        if frames.iter().any(|frame| same_entity(frame.certificate, issuer)) {
            continue;
        }
        let so_far = frames.iter().map(|frame| frame.certificate).chain([issuer]);
        if spend(&mut budget.signature_checks).is_err() {
            return Err(failure.exceeded());
        }
        if let Err(error) = check_signature(child, issuer) {
            failure.add(so_far, error);
            continue;
        }
        let length = u32::try_from(frames.len() + 1).unwrap_or(u32::MAX);
        let is_anchor = anchored != Anchored::No;
        if is_anchor && length <= budget.path_length {
            let path: Vec<_> = so_far.clone().collect();
            let judged = validate::validate(&path, demands, budget);
            match judged.and_then(|policies| anchored.check(issuer).map(|()| policies)) {
                Ok(policies) => return Ok((path.into_iter().cloned().collect(), policies)),
                Err(PathError::BudgetExceeded) => return Err(failure.exceeded()),
                Err(error) => failure.add(so_far, error),
            }
        } else if !is_anchor && length < budget.path_length {
            let next = frame(issuer, budget);
            if next.candidates.is_empty() {
                failure.add(so_far, PathError::NoPath);
            } else {
                frames.push(next);
            }
        } else {
            failure.add(so_far, PathError::BudgetExceeded);
        }
    }
    Err(failure.closed())
}

/// Takes one from what is left.
pub(super) fn spend(left: &mut u32) -> Result<(), PathError> {
    *left = left.checked_sub(1).ok_or(PathError::BudgetExceeded)?;
    Ok(())
}

/// The same name with the same key: to pass it twice is a cycle, whichever certificate says it.
fn same_entity(left: &Certificate, right: &Certificate) -> bool {
    left.spki_der() == right.spki_der() && left.subject_name() == right.subject_name()
}

fn check_signature(child: &Certificate, issuer: &Certificate) -> Result<(), PathError> {
    let verdict = match issuer.public_key() {
        Ok(key) => child.verify_signature(key),
        Err(_) => Err(VerifyError::UnsupportedAlgorithm),
    };
    verdict.map_err(|error| match error {
        VerifyError::UnsupportedAlgorithm => PathError::UnsupportedAlgorithm { subject: child.subject() },
        VerifyError::Mismatch | VerifyError::KeyMismatch => PathError::SignatureWrong { subject: child.subject() },
    })
}

/// Where possible issuers come from.
struct Issuers<'a> {
    trust: &'a TrustSnapshot,
    purpose: Purpose,
    pool: OncePool<'a>,
}

impl<'a> Issuers<'a> {
    /// Everyone who bears the name of the issuer of `certificate`, best last and at most `most`: anchors before others, then
    /// those whose key identifier is the one that `certificate` names, then those in their validity period. None of this
    /// excludes anyone: RFC 5280 6.1 knows names and signatures only.
    fn of(&self, certificate: &Certificate, at: OffsetDateTime, most: u32) -> Vec<Candidate<'a>> {
        let Some(issuer) = certificate.issuer_name().filter(|name| !name.is_empty()) else {
            // RFC 5280 4.1.2.4: the issuer field must be non-empty.
            return Vec::new();
        };
        let mut candidates: Vec<Candidate<'a>> = self
            .trust
            .anchors_named(issuer, self.purpose)
            .map(|certificate| Candidate { certificate, anchored: Anchored::Yes })
            .collect();
        // Whoever believes an authority without end does not ask the lists.
        let unending = candidates.len();
        for listed in self.trust.listed_named(issuer) {
            let certificate = &listed.certificate;
            let is_known = candidates.iter().take(unending).any(|anchor| same_entity(anchor.certificate, certificate));
            if let Some(standing) = listed.standing(self.purpose, at).filter(|_| !is_known) {
                candidates.push(Candidate { certificate, anchored: Anchored::listed(standing) });
            }
        }
        let anchors = candidates.len();
        let helpers = self.trust.intermediates_named(issuer).chain(self.pool.named(issuer));
        for helper in helpers {
            // A withdrawn service does not come back as somebody's subordinate, in whatever certificate.
            let is_anchor = candidates.iter().take(anchors).enumerate().any(|(index, anchor)| {
                if index < unending { anchor.certificate == helper } else { same_entity(anchor.certificate, helper) }
            });
            if !is_anchor {
                candidates.push(Candidate { certificate: helper, anchored: Anchored::No });
            }
        }
        let wanted = certificate.authority_key_identifier();
        let weight = |candidate: &Candidate<'_>| {
            let issuer = candidate.certificate;
            let identifier = match (wanted, issuer.subject_key_identifier()) {
                (Some(wanted), Some(found)) if wanted == found => 2,
                (Some(_), Some(_)) => 0,
                _ => 1,
            };
            let in_time = (issuer.not_before()..=issuer.not_after()).contains(&at);
            (candidate.anchored, identifier, in_time)
        };
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if let Some(surplus) = candidates.len().checked_sub(most.saturating_add(1)) {
            // One more than can be tried stays, so that the search ends for want of budget and not of candidates.
            candidates.select_nth_unstable_by_key(surplus, weight);
            candidates.drain(..surplus);
        }
        candidates.sort_by_key(weight);
        candidates
    }
}

/// The untrusted certificates by subject, each once; put in order when first asked, since most searches end at known
/// intermediates, and only where there are many.
struct OncePool<'a> {
    pool: &'a [Certificate],
    index: std::cell::OnceCell<HashMap<&'a Canonical, Vec<&'a Certificate>>>,
}

impl<'a> OncePool<'a> {
    fn new(pool: &'a [Certificate]) -> Self {
        Self { pool, index: std::cell::OnceCell::new() }
    }

    fn named(&self, subject: &Canonical) -> Vec<&'a Certificate> {
        if self.pool.len() <= FEW {
            let mut named: Vec<&Certificate> = Vec::new();
            for certificate in self.pool.iter().filter(|certificate| certificate.subject_name() == Some(subject)) {
                if !named.contains(&certificate) {
                    named.push(certificate);
                }
            }
            return named;
        }
        let index = self.index.get_or_init(|| {
            let mut seen = HashSet::new();
            let mut index: HashMap<_, Vec<_>> = HashMap::new();
            for certificate in self.pool.iter().filter(|certificate| seen.insert(certificate.der())) {
                if let Some(subject) = certificate.subject_name() {
                    index.entry(subject).or_default().push(certificate);
                }
            }
            index
        });
        index.get(subject).cloned().unwrap_or_default()
    }
}

/// So many certificates are looked through sooner than they are put in order: a document brings a dozen.
const FEW: usize = 32;
