//! One signature with everything that stands on it: EN 319 102-1 5.5 (signatures with time and long-term values) and 5.6
//! (archival data).
//!
//! Time-stamps are validated from the outermost to the innermost, so that each can rely on what those around it prove: the
//! archive time-stamps from the latest to the earliest, then those over references, then those over the signature value.
//! What they prove ([`Proofs`]) decides at which time the signature itself, the certificates and the answers are judged.
//! Counter-signatures are signatures of their own, over the value, within an attribute that may be proven too.

use std::cell::RefCell;

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::timestamp::TrustedTime;
use certs::trust::{Purpose, TrustSnapshot};
use crypto::digest::{Digest, DigestAlgorithm, digest};
use schemas::report::{MissingFact, MissingKind, SignatureReport, TimestampKind, TimestampReport};
use time::OffsetDateTime;

use crate::asn1::{Element, Layers, Limits, normalise, oid};
use crate::cms::{SignedData, SignerInfo};

use super::basic::{self, Assessed, Subject};
use super::cause::{Cause, Findings};
use super::context::{add_certificates, certificate_pool, revocation_of_file, revocation_of_signature};
use super::cryptographic::Content;
use super::evidence_record;
use super::format::SignedAttributes;
use super::imprint::{self, Stamped};
use super::level::{self, File};
use super::proof::{Object, Proofs};
use super::report::{self, Extent, Verdict};
use super::signature_policy;
use super::status::{Known, Work};
use super::timestamp::{self, Ground, Stamp};
use super::token::{self, Form, Source, Token};
use super::x509::Times;
use super::{Context, ValidationData};

/// Counter-signatures of counter-signatures.
const MOST_NESTED: usize = 4;

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

/// A signature to be validated.
pub(super) struct Case<'c> {
    pub(super) file: &'c SignedData<'c>,
    pub(super) signer: &'c SignerInfo<'c>,
    /// `None`: a counter-signature.
    pub(super) content_type: Option<&'c [u8]>,
    /// Certificates of the file.
    pub(super) pool: &'c [Certificate],
    /// What is proven of the attribute that holds a counter-signature.
    pub(super) within: Option<(&'c Proofs, Object)>,
    /// How many signatures stand around it.
    pub(super) depth: usize,
}

/// Validates a signature, its time-stamps and its counter-signatures.
pub(super) fn validate(
    case: &Case<'_>,
    content: &mut Content<'_>,
    context: &Context<'_>,
    shared: &mut Shared<'_>,
) -> Verdict {
    let sources = token::sources(case.signer);
    let tokens: Vec<Option<Token<'_>>> = sources.iter().map(Source::read).collect();
    let read = || sources.iter().zip(&tokens).filter_map(|(source, token)| Some((source, token.as_ref()?)));
    let mut pool = case.pool.to_vec();
    let over_value = |source: &Source<'_>| source.kind == TimestampKind::Signature;
    read()
        .filter(|(source, _)| over_value(source))
        .for_each(|(_, token)| add_certificates(&token.signed, Some(context.trust), &mut pool));
    let of_level = pool.len();
    read()
        .filter(|(source, _)| !over_value(source))
        .for_each(|(_, token)| add_certificates(&token.signed, Some(context.trust), &mut pool));
    let holders: Vec<_> = read().map(|(source, token)| (source.object, token)).collect();
    let more = revocation_of_signature(case.signer, &holders, context.trust);
    let own;
    // Signatures that bring nothing of their own share what was looked up.
    let known = if sources.is_empty() && more.is_empty() && case.within.is_none() {
        shared.known
    } else {
        own = shared.known.with(context, more, case.within);
        &own
    };
    let subject =
        Subject { signer: case.signer, content_type: case.content_type, pool: &pool, known, purpose: Purpose::Signing };
    let mut core = basic::check_signature(&subject, content, context.policy);
    let stamps = Stamps::validate(case, &sources, &tokens, &subject, content, context, &mut shared.budget);
    let best = if core.verified.is_some() { known.proofs().existed(Object::Signature) } else { context.at };
    stamps.remark(best < context.at, &mut core.findings);
    let times = Times { at: context.at, best, made_after: stamps.made_after };
    let assessed = basic::check_trust(core, &subject, times, context, &mut shared.budget);
    let attributes = SignedAttributes::read(case.signer, case.content_type, &mut Findings::default());
    let level_pool = pool.get(..of_level).unwrap_or(&pool);
    let is_counter = case.content_type.is_none();
    let file = File { signed: case.file, pool: level_pool, known, trust: context.trust, is_counter };
    let (format, level) = level::of(&file, case.signer, &attributes, assessed.certificate.as_ref());
    if let Some(gathered) = &mut shared.gathered {
        known.gather(gathered);
    }
    let extent = Extent {
        format,
        level,
        best_time: best,
        signature_policy: attributes.policy.as_ref().map(signature_policy::name),
        timestamps: stamps.reports,
        counter_signatures: counter_signatures(case, &pool, known, context, shared),
        missing: missing(&assessed, &pool, context.trust),
    };
    report::conclude(case.signer, assessed, extent)
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
        case: &Case<'_>,
        sources: &[Source<'_>],
        tokens: &[Option<Token<'_>>],
        subject: &Subject<'_>,
        content: &mut Content<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Self {
        let claimed_time = |index: &usize| tokens.get(*index)?.as_ref().map(|token| token.info.gen_time);
        let claimed: Vec<_> = sources
            .iter()
            .enumerate()
            .filter_map(|(index, source)| Some((source.object, claimed_time(&index)?)))
            .collect();
        let hashes = RefCell::default();
        let stamped = Stamped { file: case.file, signer: case.signer, claimed: &claimed, hashes };
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by_key(|index| {
            let kind = sources.get(*index).map_or(0, |source| depth(source.kind));
            (kind, std::cmp::Reverse(claimed_time(index)))
        });
        let mut stamps = Self::default();
        // An evidence record stands over everything else.
        let records = stamps.records(case, subject, content, context, budget);
        let mut reports: Vec<(usize, TimestampReport)> = Vec::with_capacity(order.len());
        for index in order {
            let (Some(source), Some(token)) = (sources.get(index), tokens.get(index)) else { continue };
            let stamp = match token {
                Some(token) => stamps.one(source, token, &stamped, subject, content, context, budget),
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
        case: &Case<'_>,
        subject: &Subject<'_>,
        content: &mut Content<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Vec<TimestampReport> {
        let mut reports = Vec::new();
        for (place, number) in evidence_record::places(case.signer) {
            let Some(attribute) = case.signer.unsigned_attributes.get(place) else { continue };
            let Some(record) = attribute.values.get(number) else { continue };
            let is_external = attribute.oid == oid::EVIDENCE_RECORD_EXTERNAL;
            let files = evidence_record::files_before(case.file, case.signer, (place, number));
            let existed = subject.known.proofs().existed(Object::UnsignedValue(place, number));
            let ground = Ground { pool: subject.pool, known: subject.known, existed };
            let mut stamps = files.iter().map(|file| {
                let mut objects = |algorithm| {
                    let mut objects = vec![digest(algorithm, file)];
                    if is_external {
                        objects.push(content.found(algorithm)?);
                    }
                    Ok(objects)
                };
                evidence_record::validate(record, &mut objects, ground, context, budget)
            });
            let first = stamps.next();
            let stamp = match first {
                Some(stamp) if !stamp.report.intact => stamps.find(|other| other.report.intact).or(Some(stamp)),
                other => other,
            };
            let Some(stamp) = stamp else { continue };
            if let Some(time) = stamp.time {
                self.passed.push((TimestampKind::EvidenceRecord, time.at()));
                subject.known.prove(&everything(case, (place, number)), time);
            }
            reports.push(stamp.report);
        }
        reports
    }

    #[allow(clippy::too_many_arguments, reason = "a token, over what it stands, and what helps to judge it")]
    fn one(
        &mut self,
        source: &Source<'_>,
        token: &Token<'_>,
        stamped: &Stamped<'_, '_>,
        subject: &Subject<'_>,
        content: &mut Content<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) -> Stamp {
        let (imprint, objects) = match imprint::of(source, token, stamped, content) {
            Ok((imprint, objects)) => (Ok(imprint), objects),
            Err(cause) => (Err(cause), Vec::new()),
        };
        let existed = subject.known.proofs().existed(source.object);
        let ground = Ground { pool: subject.pool, known: subject.known, existed };
        let stamp = timestamp::validate(source, token, imprint, ground, context, budget);
        if let Some(time) = stamp.time {
            self.passed.push((source.kind, time.at()));
            if source.kind == TimestampKind::Content {
                self.made_after = self.made_after.max(Some(time.at()));
            } else {
                subject.known.prove(&objects, time);
            }
        }
        stamp
    }

    /// What the time-stamps mean for the signature beside what they prove.
    fn remark(&self, proven: bool, findings: &mut Findings) {
        let fails = |report: &TimestampReport| {
            report.indication != schemas::report::Indication::TotalPassed && report.kind != TimestampKind::Content
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

/// All objects of a signature but the evidence record with these places.
fn everything(case: &Case<'_>, record: (usize, usize)) -> Vec<Object> {
    let mut objects = vec![Object::Signature];
    objects.extend((0..case.file.parts.revocation.len()).map(Object::Revocation));
    for (place, attribute) in case.signer.unsigned_attributes.iter().enumerate() {
        let values = (0..attribute.values.len()).filter(|number| (place, *number) != record);
        objects.extend(values.map(|number| Object::UnsignedValue(place, number)));
    }
    objects
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

/// RFC 5652, 11.4: each value of the attribute is a SignerInfo over the signature value.
fn counter_signatures(
    case: &Case<'_>,
    pool: &[Certificate],
    known: &Known<'_>,
    context: &Context<'_>,
    shared: &mut Shared<'_>,
) -> Vec<SignatureReport> {
    let mut reports = Vec::new();
    if case.depth == MOST_NESTED {
        return reports;
    }
    let attributes = case.signer.unsigned_attributes.iter().enumerate();
    for (place, attribute) in attributes.filter(|(_, attribute)| attribute.oid == oid::COUNTER_SIGNATURE) {
        for (number, value) in attribute.values.iter().enumerate() {
            let Some(left) = shared.counter_signatures.checked_sub(1) else { return reports };
            shared.counter_signatures = left;
            let Ok((der, _)) = normalise(value, Layers::ALL, &Limits::default()) else { continue };
            let Ok(signer) = Element::only(&der).and_then(|element| SignerInfo::read(&element)) else { continue };
            let proofs = known.proofs().clone();
            let counter = Case {
                file: case.file,
                signer: &signer,
                content_type: None,
                pool,
                within: Some((&proofs, Object::UnsignedValue(place, number))),
                depth: case.depth + 1,
            };
            let mut content = Content::new(Some(case.signer.signature), &[]);
            reports.push(validate(&counter, &mut content, context, shared).report);
        }
    }
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
    let anchors = trust.anchors().iter().map(|anchor| &anchor.certificate);
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
