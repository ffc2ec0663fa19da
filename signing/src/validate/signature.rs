//! One signature with everything that stands on it: EN 319 102-1 5.5 (signatures with time and long-term values) and 5.6
//! (archival data), for every format.
//!
//! Time-stamps are validated from the outermost to the innermost, so that each can rely on what those around it prove: the
//! archive time-stamps from the latest to the earliest, then those over references, then those over the signature value.
//! What they prove ([`Proofs`]) decides at which time the signature itself, the certificates and the answers are judged.
//! Counter-signatures are signatures of their own, over the value, within an attribute that may be proven too.
//!
//! What depends on a format is asked of a [`Signature`]; what depends on trust and time is decided here.

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::timestamp::TrustedTime;
use certs::trust::{Purpose, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm};
use schemas::report::{Indication, MissingFact, MissingKind, SignatureReport, TimestampKind, TimestampReport};
use time::OffsetDateTime;

use super::basic::{self, Assessed, Core, Grounds};
use super::cause::{Cause, Findings};
use super::context::{add_certificates, add_der, certificate_pool, revocation_of_file, revocation_of_signature};
use super::evidence_record::{self, Objects};
use super::proof::{Object, Proofs};
use super::report::{self, Extent, Verdict};
use super::status::{Embedded, Known, Work};
use super::timestamp::{self, Ground, Stamp};
use super::token::{Form, Source, Token};
use super::x509::Times;
use super::{Context, Policy, ValidationData};

/// Counter-signatures of counter-signatures.
const MOST_NESTED: usize = 4;

/// A signature of some format, as the process sees it.
pub(crate) trait Signature {
    /// Identifier for the report.
    fn id(&self) -> String;

    /// What should be time-stamp tokens, in the order of the file.
    fn tokens(&self) -> Vec<Source<'_>>;

    /// Certificates that it brings besides the file's, in DER. Of a counter-signature in XML: those in its own KeyInfo.
    fn certificates(&self) -> Vec<&[u8]> {
        Vec::new()
    }

    /// Revocation data that it and its time-stamps bring, besides what the file has for all.
    fn revocation(&self, tokens: &[(Object, &Token<'_>)], trust: &TrustSnapshot) -> Embedded;

    /// What the bytes alone say: format checking, identification of the signing certificate in `pool`, the signature policy,
    /// cryptographic verification, constraints on attributes (5.2.2 to 5.2.4, 5.2.7, 5.2.8).
    fn check(&self, pool: &[Certificate], policy: &Policy) -> Core;

    /// The imprint that a token should have, and what it then proves. `claimed`: the times in all tokens, by what holds them.
    ///
    /// # Errors
    /// A cause where the imprint cannot be made.
    fn imprint(
        &self,
        source: &Source<'_>,
        token: &Token<'_>,
        claimed: &[(Object, OffsetDateTime)],
    ) -> Result<(Digest, Vec<Object>), Cause>;

    /// Lets `judge` judge each evidence record over the objects that it should stand over.
    fn records(&self, _judge: &mut JudgeRecord<'_>) -> Vec<(Object, Stamp)> {
        Vec::new()
    }

    /// Everything that an evidence record proves.
    fn objects(&self) -> Vec<Object>;

    /// Format and level, by what is present.
    fn level(&self, ground: &LevelGround<'_>) -> (&'static str, &'static str);

    /// For the report.
    fn signature_policy(&self) -> Option<String>;

    /// Names of documents beside the file that it refers to.
    fn signed_parts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Shows each counter-signature, with what holds it.
    fn counter_signatures(&self, visit: &mut dyn FnMut(&dyn Signature, Object));
}

/// Judges a record over objects; the last argument is what holds the record.
pub(super) type JudgeRecord<'j> = dyn FnMut(&[u8], Objects<'_>, Object) -> Stamp + 'j;

/// What a level depends on beside the signature.
pub(crate) struct LevelGround<'g> {
    /// Certificates of the file and of the time-stamps over the signature value.
    pub(super) pool: &'g [Certificate],
    pub(super) known: &'g Known<'g>,
    pub(super) trust: &'g TrustSnapshot,
    pub(super) signing_certificate: Option<&'g Certificate>,
}

/// What all signatures of a file share.
pub(super) struct Shared<'w> {
    /// What the file knows for all its signatures. Without proofs, which are each signature's own.
    pub(super) known: &'w Known<'w>,
    pub(super) budget: Budget,
    /// Counter-signatures that may still be looked at.
    pub(super) counter_signatures: usize,
    /// Where somebody wants to keep what the verdict rests on.
    pub(super) gathered: Option<ValidationData>,
}

/// Where a signature stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    /// Certificates of the file.
    pub(super) pool: &'p [Certificate],
    /// What is proven of the attribute that holds a counter-signature.
    pub(super) within: Option<(&'p Proofs, Object)>,
    /// How many signatures stand around it.
    pub(super) depth: usize,
}

/// Validates a signature, its time-stamps and its counter-signatures.
pub(super) fn validate(
    signature: &dyn Signature,
    place: Place<'_>,
    context: &Context<'_>,
    shared: &mut Shared<'_>,
) -> Verdict {
    let sources = signature.tokens();
    let tokens: Vec<Option<Token<'_>>> = sources.iter().map(Source::read).collect();
    let read = || sources.iter().zip(&tokens).filter_map(|(source, token)| Some((source, token.as_ref()?)));
    let mut pool = place.pool.to_vec();
    add_der(&signature.certificates(), context.trust, &mut pool);
    let over_value = |source: &Source<'_>| source.kind == TimestampKind::Signature;
    read()
        .filter(|(source, _)| over_value(source))
        .for_each(|(_, token)| add_certificates(&token.signed, Some(context.trust), &mut pool));
    let of_level = pool.len();
    read()
        .filter(|(source, _)| !over_value(source))
        .for_each(|(_, token)| add_certificates(&token.signed, Some(context.trust), &mut pool));
    let holders: Vec<_> = read().map(|(source, token)| (source.object, token)).collect();
    let more = signature.revocation(&holders, context.trust);
    let own;
    // Signatures that bring nothing of their own share what was looked up.
    let known = if sources.is_empty() && more.is_empty() && place.within.is_none() {
        shared.known
    } else {
        own = shared.known.with(context, more, place.within);
        &own
    };
    let grounds = Grounds { pool: &pool, known, purpose: Purpose::Signing };
    let mut core = signature.check(&pool, context.policy);
    let stamps = Stamps::validate(signature, &sources, &tokens, grounds, context, &mut shared.budget);
    let best = if core.verified.is_some() { known.proofs().existed(Object::Signature) } else { context.at };
    stamps.remark(best < context.at, &mut core.findings);
    let times = Times { at: context.at, best, made_after: stamps.made_after };
    let assessed = basic::check_trust(core, grounds, times, context, &mut shared.budget);
    let level_pool = pool.get(..of_level).unwrap_or(&pool);
    let signing_certificate = assessed.certificate.as_ref();
    let (format, level) =
        signature.level(&LevelGround { pool: level_pool, known, trust: context.trust, signing_certificate });
    if let Some(gathered) = &mut shared.gathered {
        known.gather(gathered);
    }
    let extent = Extent {
        id: signature.id(),
        format,
        level,
        best_time: best,
        signature_policy: signature.signature_policy(),
        signed_parts: signature.signed_parts(),
        timestamps: stamps.reports,
        counter_signatures: counter_signatures(signature, Place { pool: &pool, ..place }, known, context, shared),
        missing: missing(&assessed, &pool, context.trust),
    };
    report::conclude(assessed, extent, context)
}

/// The time-stamps of a signature after validation.
#[derive(Default)]
struct Stamps {
    /// In the order of the file.
    reports: Vec<TimestampReport>,
    passed: Vec<(TimestampKind, OffsetDateTime)>,
    made_after: Option<OffsetDateTime>,
}

impl Stamps {
    /// Validates all, from the outermost to the innermost, and adds what they prove to what is known.
    fn validate(
        signature: &dyn Signature,
        sources: &[Source<'_>],
        tokens: &[Option<Token<'_>>],
        grounds: Grounds<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Self {
        let claimed_time = |index: &usize| tokens.get(*index)?.as_ref().map(|token| token.info.gen_time);
        let claimed: Vec<_> = sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| Some((source.object, claimed_time(&index)?)))
            .collect();
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|index| {
            let kind = sources.get(*index).map_or(0, |source| depth(source.kind));
            (kind, std::cmp::Reverse(claimed_time(index)))
        });
        let mut stamps = Self::default();
        // An evidence record stands over everything else.
        let records = stamps.records(signature, grounds, context, budget);
        let mut reports: Vec<(usize, TimestampReport)> = Vec::with_capacity(order.len());
        for index in order {
            let (Some(source), Some(token)) = (sources.get(index), tokens.get(index)) else { continue };
            let stamp = match token {
                Some(token) => {
                    let imprint = signature.imprint(source, token, &claimed);
                    stamps.one(source, token, imprint, grounds, context, budget)
                }
                None => timestamp::unreadable(source),
            };
            reports.push((index, stamp.report));
        }
        reports.sort_by_key(|(index, _)| *index);
        stamps.reports = reports.into_iter().map(|(_, report)| report).chain(records).collect();
        stamps
    }

    /// Validates the evidence records. Only those of a file that was read whole can be: they stand over all of it.
    fn records(
        &mut self,
        signature: &dyn Signature,
        grounds: Grounds<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Vec<TimestampReport> {
        let Grounds { pool, known, .. } = grounds;
        let mut judge = |record: &[u8], objects: Objects<'_>, holder: Object| {
            let ground = Ground { pool, known, existed: known.proofs().existed(holder) };
            evidence_record::validate(record, objects, ground, context, budget)
        };
        let judged = signature.records(&mut judge);
        for (holder, stamp) in &judged {
            let Some(time) = stamp.time else { continue };
            self.passed.push((TimestampKind::EvidenceRecord, time.at()));
            let proven: Vec<Object> = signature.objects().into_iter().filter(|object| object != holder).collect();
            known.prove(&proven, time);
        }
        judged.into_iter().map(|(_, stamp)| stamp.report).collect()
    }

    fn one(
        &mut self,
        source: &Source<'_>,
        token: &Token<'_>,
        imprint: Result<(Digest, Vec<Object>), Cause>,
        grounds: Grounds<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Stamp {
        let (imprint, objects) = match imprint {
            Ok((imprint, objects)) => (Ok(imprint), objects),
            Err(cause) => (Err(cause), Vec::new()),
        };
        let Grounds { pool, known, .. } = grounds;
        let ground = Ground { pool, known, existed: known.proofs().existed(source.object) };
        let stamp = timestamp::validate(source, token, imprint, ground, context, budget);
        if let Some(time) = stamp.time {
            self.passed.push((source.kind, time.at()));
            if source.kind == TimestampKind::Content {
                self.made_after = self.made_after.max(Some(time.at()));
            } else {
                known.prove(&objects, time);
            }
        }
        stamp
    }

    /// What the time-stamps mean for the signature beside what they prove.
    fn remark(&self, proven: bool, findings: &mut Findings) {
        let fails = |report: &TimestampReport| {
            report.indication != Indication::TotalPassed && report.kind != TimestampKind::Content
        };
        if !proven && self.reports.iter().any(fails) {
            findings.add(Cause::TimestampUnusable);
        }
        if !self.are_in_order() {
            findings.add(Cause::TimestampOrder);
        }
    }

    /// EN 319 102-1, 5.5.4: a time-stamp over the content is not younger than any other, and none over what holds the
    /// time-stamped signature is older than the oldest over the signature.
    fn are_in_order(&self) -> bool {
        let oldest = |kinds: &[TimestampKind]| {
            self.passed.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, time)| *time).min()
        };
        let signature = oldest(&[TimestampKind::Signature]);
        let outer = oldest(&[TimestampKind::SignatureAndReferences, TimestampKind::References, TimestampKind::Archive]);
        let is_before = |first: Option<OffsetDateTime>, second: Option<OffsetDateTime>| match (first, second) {
            (Some(first), Some(second)) => first <= second,
            _ => true,
        };
        is_before(signature, outer) && is_before(self.made_after, signature) && is_before(self.made_after, outer)
    }
}

/// Outermost first.
fn depth(kind: TimestampKind) -> u8 {
    match kind {
        TimestampKind::EvidenceRecord => 0,
        TimestampKind::Container => 1,
        TimestampKind::Archive => 2,
        TimestampKind::SignatureAndReferences | TimestampKind::References => 3,
        TimestampKind::Signature => 4,
        TimestampKind::Content => 5,
    }
}

/// Their verdicts are their own.
fn counter_signatures(
    signature: &dyn Signature,
    place: Place<'_>,
    known: &Known<'_>,
    context: &Context<'_>,
    shared: &mut Shared<'_>,
) -> Vec<SignatureReport> {
    let mut reports = Vec::new();
    if place.depth == MOST_NESTED {
        return reports;
    }
    let proofs = known.proofs().clone();
    signature.counter_signatures(&mut |counter, holder| {
        if let Some(left) = shared.counter_signatures.checked_sub(1) {
            shared.counter_signatures = left;
            let place = Place { within: Some((&proofs, holder)), depth: place.depth + 1, ..place };
            reports.push(validate(counter, place, context, shared).report);
        }
    });
    reports
}

/// What should be fetched before asking again.
fn missing(assessed: &Assessed, pool: &[Certificate], trust: &TrustSnapshot) -> Vec<MissingFact> {
    let mut missing = report::missing_revocation(assessed);
    if let (Some(leaf), None) = (&assessed.certificate, &assessed.path) {
        missing.extend(missing_issuer(leaf, pool, trust));
    }
    missing
}

/// The first certificate above `leaf` whose issuer nobody here knows; none where the end is a root that is not trusted.
fn missing_issuer(leaf: &Certificate, pool: &[Certificate], trust: &TrustSnapshot) -> Option<MissingFact> {
    let anchors = trust.anchor_certificates();
    let known: Vec<_> = pool.iter().chain(trust.intermediates()).chain(anchors).collect();
    let mut current = leaf;
    for _ in 0..Budget::default().path_length {
        if current.is_self_issued() {
            return None;
        }
        match known.iter().find(|one| current.names_issuer(one)) {
            Some(issuer) => current = issuer,
            None => return Some(report::missing(MissingKind::Issuer, current)),
        }
    }
    None
}

/// See [`super::timestamp_over`].
pub(super) fn container_timestamp(
    token: &[u8],
    digest: &dyn Fn(DigestAlgorithm) -> Option<Digest>,
    certificates: &[Certificate],
    existed: Option<TrustedTime>,
    context: &Context<'_>,
) -> Stamp {
    let source = Source::new(TimestampKind::Container, Form::Plain, Object::Signature, token);
    let Some(token) = source.read() else { return timestamp::unreadable(&source) };
    let mut pool = certificate_pool(&token.signed);
    pool.extend(certificates.iter().filter(|one| !pool.contains(one)).cloned().collect::<Vec<_>>());
    let work = Work::new(1);
    let own = token.signed.signers.first().map(|signer| revocation_of_signature(signer, &[], context.trust));
    let embedded = revocation_of_file(&token.signed, context.trust).and(own.unwrap_or_default());
    let known = Known::new(context, embedded, &work);
    existed.into_iter().for_each(|time| known.prove_whole(time));
    let existed = known.proofs().existed(Object::Signature);
    let algorithm = DigestAlgorithm::from_oid(&token.info.imprint_oid);
    let imprint = match algorithm {
        Some(algorithm) => digest(algorithm).ok_or(Cause::DataNotFound),
        None => Err(Cause::AlgorithmUnknown),
    };
    let ground = Ground { pool: &pool, known: &known, existed };
    timestamp::validate(&source, &token, imprint, ground, context, &mut Budget::default())
}
