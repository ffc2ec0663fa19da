//! Records of our own making: over a tree, renewed in time, renewed in their hash, within a signature.

use certs::dev::Usage;
use certs::revocation::RevocationData;
use certs::timestamp;
use schemas::report::Indication;
use time::{Duration, OffsetDateTime};

use super::*;
use crate::cades::Content as Signed;
use crate::testing::{NOW, P256, World};
use crate::validate::{Outcome, Policy};

const SHA256: DigestAlgorithm = DigestAlgorithm::Sha256;
const SHA512: DigestAlgorithm = DigestAlgorithm::Sha512;

fn identifier(algorithm: DigestAlgorithm) -> Writer {
    Writer::new().oid(&oid::contents(algorithm.oid()).unwrap())
}

fn stamp(world: &World, imprint: &Digest, at: OffsetDateTime) -> Vec<u8> {
    let response = world.pki.answer_tsa(&timestamp::request(imprint, None, true), at);
    timestamp::token_of_response(&response).unwrap()
}

/// An ArchiveTimeStamp with a tree whose first level holds `covered` and a stranger's hash, and whose second level holds two more.
fn archive_timestamp(world: &World, algorithm: DigestAlgorithm, covered: &[u8], at: OffsetDateTime) -> Vec<u8> {
    let strangers = [digest(algorithm, b"one"), digest(algorithm, b"two"), digest(algorithm, b"three")];
    let first = level(algorithm, vec![covered, strangers[0].as_bytes()]);
    let root = level(algorithm, vec![first.as_bytes(), strangers[1].as_bytes(), strangers[2].as_bytes()]);
    let hashes = |hashes: &[&[u8]]| hashes.iter().fold(Writer::new(), |list, hash| list.value(tag::OCTET_STRING, hash));
    let tree = Writer::new()
        .nest(tag::SEQUENCE, hashes(&[covered, strangers[0].as_bytes()]))
        .nest(tag::SEQUENCE, hashes(&[strangers[1].as_bytes(), strangers[2].as_bytes()]));
    let whole = Writer::new()
        .nest(tag::context_constructed(0), identifier(algorithm))
        .nest(tag::context_constructed(2), tree)
        .raw(&stamp(world, &root, at));
    Writer::new().nest(tag::SEQUENCE, whole).into_bytes()
}

fn token_of(stamp: &[u8]) -> Vec<u8> {
    let element = Element::only(stamp).unwrap();
    ArchiveTimestamp::read(&element).unwrap().token.to_vec()
}

fn sequence(members: &[Vec<u8>]) -> Vec<u8> {
    Writer::new().value(tag::SEQUENCE, &members.concat()).into_bytes()
}

fn record(chains: &[Vec<u8>]) -> Vec<u8> {
    let algorithms = Writer::new().nest(tag::SEQUENCE, identifier(SHA256));
    let whole = Writer::new().small_integer(1).nest(tag::SEQUENCE, algorithms).raw(&sequence(chains));
    Writer::new().nest(tag::SEQUENCE, whole).into_bytes()
}

/// A signature with a record put in as an internal one.
fn with_record(cms: &[u8], record: &[u8]) -> Vec<u8> {
    let signed = SignedData::read(cms).unwrap();
    let attribute = Writer::new().oid(oid::EVIDENCE_RECORD_INTERNAL).nest(tag::SET, Writer::new().raw(record));
    let unsigned = Writer::new().nest(tag::SEQUENCE, attribute).into_bytes();
    let signer = Writer::new().raw(signed.signers[0].signed_part).value(tag::context_constructed(1), &unsigned);
    let signers = Writer::new().nest(tag::SEQUENCE, signer).into_bytes();
    let data = Writer::new().raw(signed.head).value(tag::SET, &signers);
    let info = Writer::new().oid(oid::SIGNED_DATA).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

struct Town {
    world: World,
    cms: Vec<u8>,
    revocation: RevocationData,
}

impl Town {
    fn new() -> Self {
        let world = World::new();
        let signer = world.identity(P256, Usage::Signing);
        let cms = world.sign(Signed::Attached(b"a letter"), &signer);
        let revocation = world.revocation(&signer.certificate, NOW);
        Self { world, cms, revocation }
    }

    fn validate(&self, record: &[u8]) -> Outcome {
        self.world.validate_at(&with_record(&self.cms, record), &self.revocation, NOW, &Policy::default())
    }

    /// Made an hour ago, renewed half an hour ago, and again with another digest a minute ago.
    fn stamps(&self) -> [Vec<u8>; 3] {
        let at = |minutes| NOW - Duration::minutes(minutes);
        let first = archive_timestamp(&self.world, SHA256, digest(SHA256, &self.cms).as_bytes(), at(60));
        let previous = digest(SHA256, &token_of(&first));
        let second = archive_timestamp(&self.world, SHA256, previous.as_bytes(), at(30));
        let so_far = digest(SHA512, &sequence(&[sequence(&[first.clone(), second.clone()])]));
        let object = digest(SHA512, &self.cms);
        let renewed = digest(SHA512, &[object.as_bytes(), so_far.as_bytes()].concat());
        let third = archive_timestamp(&self.world, SHA512, renewed.as_bytes(), at(1));
        [first, second, third]
    }
}

fn verdict(outcome: &Outcome) -> (bool, Indication) {
    let [stamp] = outcome.report.signatures[0].timestamps.as_slice() else { panic!("{:?}", outcome.report) };
    assert_eq!(stamp.kind, TimestampKind::EvidenceRecord);
    (stamp.intact, stamp.indication)
}

#[test]
fn a_record_proves_the_time_of_its_first_time_stamp() {
    let town = Town::new();
    let [first, second, third] = town.stamps();
    for chains in [
        vec![sequence(std::slice::from_ref(&first))],
        vec![sequence(&[first.clone(), second.clone()])],
        vec![sequence(&[first, second]), sequence(&[third])],
    ] {
        let outcome = town.validate(&record(&chains));
        assert_eq!(verdict(&outcome), (true, Indication::TotalPassed), "{:?}", outcome.report);
        assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T11:00:00Z");
        assert!(outcome.passed.is_some());
    }
}

#[test]
fn a_record_over_other_files_or_with_a_broken_renewal_proves_nothing() {
    let town = Town::new();
    let [first, second, third] = town.stamps();
    let [stranger, ..] = Town { cms: b"something else".to_vec(), ..Town::new() }.stamps();
    for (name, chains) in [
        ("over another file", vec![sequence(&[stranger])]),
        ("renewal without what it renews", vec![sequence(std::slice::from_ref(&second))]),
        ("renewal in the wrong order", vec![sequence(&[second.clone(), first.clone()])]),
        (
            "hash renewal of another sequence",
            vec![sequence(std::slice::from_ref(&first)), sequence(std::slice::from_ref(&third))],
        ),
        ("hash renewal in the same chain", vec![sequence(&[first.clone(), second.clone(), third.clone()])]),
    ] {
        let outcome = town.validate(&record(&chains));
        assert_eq!(verdict(&outcome), (false, Indication::TotalFailed), "{name}");
        assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T12:00:00Z", "{name}");
        assert_eq!(outcome.report.signatures[0].timestamps[0].reasons[0].code, "timestamp.imprint_differs", "{name}");
    }
}

#[test]
fn what_is_no_record_is_said_to_be_none() {
    let town = Town::new();
    let [first, ..] = town.stamps();
    let whole = record(&[sequence(&[first])]);
    for malformed in [
        sequence(&[]),
        record(&[]),
        record(&[sequence(&[])]),
        Writer::new().value(tag::SEQUENCE, &whole[..whole.len() / 2]).into_bytes(),
    ] {
        assert_eq!(verdict(&town.validate(&malformed)), (false, Indication::TotalFailed));
    }
    for cut in (4..whole.len()).step_by(7) {
        assert!(Record::read(&whole[..cut]).is_err());
    }
}
