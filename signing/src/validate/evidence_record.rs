//! Evidence records, RFC 4998: time-stamps over hash trees, renewed in time and in their hash.
//!
//! `EvidenceRecord ::= SEQUENCE { version, digestAlgorithms, cryptoInfos [0] OPTIONAL, encryptionInfo [1] OPTIONAL,
//! archiveTimeStampSequence SEQUENCE OF ArchiveTimeStampChain }`. A chain holds time-stamps of one digest, each over the one
//! before; a new chain begins with a new digest over the objects and everything before. What is proven is that the objects
//! existed at the time of the first.
//!
//! Here: the whole of section 5.3, over objects of which the caller knows the digests; and which objects those are for a
//! record within a CMS (appendix A). Encrypted groups are not processed.

use certs::path::Budget;
use certs::timestamp::TrustedTime;
use crypto::digest::{Digest, DigestAlgorithm, digest};
use schemas::report::{TimestampKind, TimestampReport};

use crate::asn1::{Asn1Error, Element, Layers, Limits, Reader, Writer, normalise, oid, tag};
use crate::cms::{AlgorithmIdentifier, SignedData, SignerInfo};

use super::Context;
use super::cause::{Cause, Findings};
use super::context::add_certificates;
use super::proof::Object;
use super::report;
use super::timestamp::{self, Ground, Stamp};
use super::token::{Form, Source};

/// Time-stamps of one record: renewals in decades.
const MOST_STAMPS: usize = 64;
/// Levels of a hash tree, and hashes on one level.
const MOST_LEVELS: usize = 64;
const MOST_HASHES: usize = 1024;
/// Records of one signature. Each costs two digests over the whole file at most.
pub(super) const MOST_RECORDS: usize = 4;

/// A record that could be read.
struct Record<'a> {
    chains: Vec<Chain<'a>>,
}

struct Chain<'a> {
    raw: &'a [u8],
    stamps: Vec<ArchiveTimestamp<'a>>,
}

struct ArchiveTimestamp<'a> {
    algorithm: Option<DigestAlgorithm>,
    /// Partial hash trees; empty: the time-stamp is over the object's hash itself.
    tree: Vec<Vec<&'a [u8]>>,
    token: &'a [u8],
}

/// Digests of the objects that a record stands over; an `Err` says why there are none.
pub(super) type Objects<'o> = &'o mut dyn FnMut(DigestAlgorithm) -> Result<Vec<Digest>, Cause>;

/// Validates a record. `ground.existed`: when the record is known to have existed.
pub(super) fn validate(
    record: &[u8],
    objects: Objects<'_>,
    ground: Ground<'_>,
    context: &Context<'_>,
    budget: &mut Budget,
) -> Stamp {
    let source = Source::new(TimestampKind::EvidenceRecord, Form::Plain, Object::Elsewhere, record);
    let read = normalise(record, Layers::ALL, &Limits::default());
    let Some(parsed) = read.as_ref().ok().and_then(|(der, _)| Record::read(der).ok()) else {
        return timestamp::unreadable(&source);
    };
    let mut judged = Judged { findings: Findings::default(), first: None, existed: ground.existed };
    let steps = parsed.steps();
    // From the last to the first: each is judged at the time of the one that stands over it.
    for (number, step) in steps.iter().enumerate().rev() {
        let imprint = step.imprint(&parsed, &steps, number, objects);
        judged.add(step.stamp, imprint, ground, context, budget);
    }
    judged.conclude(&source)
}

/// What the time-stamps of a record came to.
struct Judged {
    findings: Findings,
    /// The time-stamp judged last, which is the first of the record.
    first: Option<(TimestampReport, Option<TrustedTime>)>,
    existed: time::OffsetDateTime,
}

impl Judged {
    fn add(
        &mut self,
        stamp: &ArchiveTimestamp<'_>,
        imprint: Result<Digest, Cause>,
        ground: Ground<'_>,
        context: &Context<'_>,
        budget: &mut Budget,
    ) {
        let source = Source::new(TimestampKind::EvidenceRecord, Form::Plain, Object::Elsewhere, stamp.token);
        let Some(token) = source.read() else {
            self.findings.add(Cause::Malformed);
            return;
        };
        let mut pool = ground.pool.to_vec();
        add_certificates(&token.signed, Some(context.trust), &mut pool);
        let ground = Ground { existed: self.existed, pool: &pool, ..ground };
        let stamp = timestamp::validate(&source, &token, imprint, ground, context, budget);
        match stamp.time {
            Some(time) => self.existed = self.existed.min(time.at()),
            None => self.findings.extend(&stamp.findings),
        }
        self.first = Some((stamp.report, stamp.time));
    }

    fn conclude(self, source: &Source<'_>) -> Stamp {
        let Some((first, time)) = self.first else { return timestamp::unreadable(source) };
        let time = if self.findings.is_empty() { time } else { None };
        let report = report::of_record(source, first, &self.findings);
        Stamp { report, time, findings: self.findings }
    }
}

/// One time-stamp and its place.
struct Step<'r, 'a> {
    chain: usize,
    is_first_of_chain: bool,
    algorithm: DigestAlgorithm,
    stamp: &'r ArchiveTimestamp<'a>,
}

impl Step<'_, '_> {
    /// The root of its hash tree, once the first level holds what it should stand over (5.3, steps 1 to 4).
    fn imprint(
        &self,
        record: &Record<'_>,
        steps: &[Step<'_, '_>],
        number: usize,
        objects: Objects<'_>,
    ) -> Result<Digest, Cause> {
        let covered = if self.is_first_of_chain {
            let hashes = objects(self.algorithm)?;
            match record.before(self.chain) {
                None => hashes,
                // Hash renewal: H(H(object) || H(the sequence so far)).
                Some(sequence) => {
                    let so_far = digest(self.algorithm, &sequence);
                    let renewed = |own: &Digest| digest(self.algorithm, &[own.as_bytes(), so_far.as_bytes()].concat());
                    hashes.iter().map(renewed).collect()
                }
            }
        } else {
            let previous = number.checked_sub(1).and_then(|number| steps.get(number)).ok_or(Cause::Malformed)?;
            vec![digest(self.algorithm, previous.stamp.token)]
        };
        self.stamp.root(self.algorithm, &covered)
    }
}

impl ArchiveTimestamp<'_> {
    /// RFC 4998, 4.3: the hashes of a level, with the one from below among them, sorted, put together and hashed.
    fn root(&self, algorithm: DigestAlgorithm, covered: &[Digest]) -> Result<Digest, Cause> {
        let Some((first, above)) = self.tree.split_first() else {
            // No tree: the time-stamp is over the one hash, or over the hash of the sorted group.
            return Ok(match covered {
                [one] => *one,
                group => level(algorithm, group.iter().map(Digest::as_bytes).collect()),
            });
        };
        if !covered.iter().all(|hash| first.iter().any(|known| *known == hash.as_bytes())) {
            return Err(Cause::ImprintDiffers);
        }
        let mut root = match (first.as_slice(), covered) {
            ([_], [own]) => *own,
            _ => level(algorithm, first.clone()),
        };
        for hashes in above {
            let below = root.as_bytes().to_vec();
            let mut all = hashes.clone();
            if !all.contains(&below.as_slice()) {
                all.push(&below);
            }
            root = level(algorithm, all);
        }
        Ok(root)
    }
}

fn level(algorithm: DigestAlgorithm, mut hashes: Vec<&[u8]>) -> Digest {
    hashes.sort_unstable();
    digest(algorithm, &hashes.concat())
}

impl<'a> Record<'a> {
    fn read(der: &'a [u8]) -> Result<Self, Asn1Error> {
        let mut reader = Element::only(der)?.open(tag::SEQUENCE)?;
        if reader.small_integer()? != 1 {
            return Err(Asn1Error::Value);
        }
        let _digest_algorithms = reader.element(tag::SEQUENCE)?;
        let _crypto_infos = reader.optional(tag::context_constructed(0))?;
        if reader.optional(tag::context_constructed(1))?.is_some() {
            // Encrypted groups: what stands in the tree is the hash of a ciphertext that nobody gave.
            return Err(Asn1Error::Unexpected);
        }
        let chains = reader.open(tag::SEQUENCE)?.all(MOST_STAMPS)?;
        reader.end()?;
        let chains: Vec<Chain<'a>> = chains.iter().map(Chain::read).collect::<Result<_, _>>()?;
        let stamps: usize = chains.iter().map(|chain| chain.stamps.len()).sum();
        if stamps > MOST_STAMPS {
            return Err(Asn1Error::Budget);
        }
        Ok(Self { chains })
    }

    /// Every time-stamp in order, with the digest of its chain.
    fn steps(&self) -> Vec<Step<'_, 'a>> {
        let mut steps = Vec::new();
        for (chain, one) in self.chains.iter().enumerate() {
            for (place, stamp) in one.stamps.iter().enumerate() {
                let Some(algorithm) = stamp.algorithm.or_else(|| stamp.imprint_algorithm()) else { continue };
                steps.push(Step { chain, is_first_of_chain: place == 0, algorithm, stamp });
            }
        }
        steps
    }

    /// DER of the sequence of chains before `chain`; `None` for the first.
    fn before(&self, chain: usize) -> Option<Vec<u8>> {
        let before = self.chains.get(..chain).filter(|before| !before.is_empty())?;
        let chains: Vec<&[u8]> = before.iter().map(|chain| chain.raw).collect();
        Some(Writer::new().value(tag::SEQUENCE, &chains.concat()).into_bytes())
    }
}

impl<'a> Chain<'a> {
    fn read(element: &Element<'a>) -> Result<Self, Asn1Error> {
        let stamps = element.open(tag::SEQUENCE)?.all(MOST_STAMPS)?;
        if stamps.is_empty() {
            return Err(Asn1Error::Value);
        }
        let stamps = stamps.iter().map(ArchiveTimestamp::read).collect::<Result<_, _>>()?;
        Ok(Self { raw: element.raw, stamps })
    }
}

impl<'a> ArchiveTimestamp<'a> {
    /// `SEQUENCE { digestAlgorithm [0] OPTIONAL, attributes [1] OPTIONAL, reducedHashtree [2] SEQUENCE OF SEQUENCE OF OCTET
    /// STRING OPTIONAL, timeStamp ContentInfo }`.
    fn read(element: &Element<'a>) -> Result<Self, Asn1Error> {
        let mut reader = element.open(tag::SEQUENCE)?;
        let algorithm = match reader.optional(tag::context_constructed(0))? {
            Some(identifier) => {
                let named = AlgorithmIdentifier::read(Reader::new(identifier.content))?.dotted();
                Some(DigestAlgorithm::from_oid(&named).ok_or(Asn1Error::Unexpected)?)
            }
            None => None,
        };
        let _attributes = reader.optional(tag::context_constructed(1))?;
        let mut tree = Vec::new();
        if let Some(levels) = reader.optional(tag::context_constructed(2))? {
            for level in Reader::new(levels.content).all(MOST_LEVELS)? {
                let hashes = level.open(tag::SEQUENCE)?.all(MOST_HASHES)?;
                tree.push(hashes.iter().map(|hash| hash.expect(tag::OCTET_STRING)).collect::<Result<_, _>>()?);
            }
        }
        let token = reader.element(tag::SEQUENCE)?.raw;
        reader.end()?;
        Ok(Self { algorithm, tree, token })
    }

    fn imprint_algorithm(&self) -> Option<DigestAlgorithm> {
        let source = Source::new(TimestampKind::EvidenceRecord, Form::Plain, Object::Elsewhere, self.token);
        DigestAlgorithm::from_oid(&source.read()?.info.imprint_oid)
    }
}

/// A record among the unsigned attributes of a signer, by the places of attribute and value.
pub(super) fn places(signer: &SignerInfo<'_>) -> Vec<(usize, usize)> {
    let kinds = [oid::EVIDENCE_RECORD_INTERNAL, oid::EVIDENCE_RECORD_EXTERNAL];
    let attributes = signer.unsigned_attributes.iter().enumerate();
    let records = attributes.filter(|(_, attribute)| kinds.contains(&attribute.oid));
    records
        .flat_map(|(place, attribute)| (0..attribute.values.len()).map(move |number| (place, number)))
        .take(MOST_RECORDS)
        .collect()
}

/// The file as it may have been before a record came in (RFC 4998, A): without any record, where several were made side by side,
/// or without this one alone, where it was the last. As there is no order among attributes, both are tried.
pub(super) fn files_before(file: &SignedData<'_>, signer: &SignerInfo<'_>, record: (usize, usize)) -> Vec<Vec<u8>> {
    let records = places(signer);
    let mut files = vec![without(file, signer, &records)];
    if records.len() > 1 {
        files.push(without(file, signer, &[record]));
    }
    files
}

/// The ContentInfo without some values of unsigned attributes; an attribute without values goes, and so does an empty set.
fn without(file: &SignedData<'_>, signer: &SignerInfo<'_>, values: &[(usize, usize)]) -> Vec<u8> {
    let mut attributes = Vec::new();
    for (place, (attribute, raw)) in signer.unsigned_attributes.iter().zip(&signer.unsigned_raw).enumerate() {
        let left: Vec<&[u8]> = attribute
            .values
            .iter()
            .enumerate()
            .filter(|(number, _)| !values.contains(&(place, *number)))
            .map(|(_, value)| *value)
            .collect();
        if left.len() == attribute.values.len() {
            attributes.extend_from_slice(raw);
        } else if !left.is_empty() {
            let set = Writer::new().oid(attribute.oid).value(tag::SET, &left.concat());
            attributes.extend(Writer::new().nest(tag::SEQUENCE, set).into_bytes());
        }
    }
    let mut info = Writer::new().raw(signer.signed_part);
    if !attributes.is_empty() {
        info = info.value(tag::context_constructed(1), &attributes);
    }
    let changed = Writer::new().nest(tag::SEQUENCE, info).into_bytes();
    let signers: Vec<&[u8]> =
        file.signers_raw.iter().map(|raw| if *raw == signer.raw { changed.as_slice() } else { *raw }).collect();
    let data = Writer::new().raw(file.head).value(tag::SET, &signers.concat());
    let explicit = Writer::new().nest(tag::SEQUENCE, data);
    let whole = Writer::new().oid(oid::SIGNED_DATA).nest(tag::context_constructed(0), explicit);
    Writer::new().nest(tag::SEQUENCE, whole).into_bytes()
}

#[cfg(test)]
mod tests;
