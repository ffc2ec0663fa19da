//! Archive time-stamps whose hash index lies (EN 319 122-1, 5.5.2). The signature beneath needs none of them and passes; the lie proves nothing.

use schemas::report::{SubIndication, TimestampKind};
use time::Duration;

use super::long_life::{archived, at, long_term};
use super::*;
use crate::asn1::{Writer, tag};

/// The file with the hash index of its only archive time-stamp taken out of the token, or others put in: what was stamped stays.
fn with_indices(cms: &[u8], change: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<u8> {
    assemble::edit(cms, 0, |mut assembly, signed, chosen| {
        let token = chosen.unsigned(oid::ARCHIVE_TIME_STAMP_V3).next().unwrap().values[0];
        let old = SignedData::read(token).unwrap();
        let index = old.signers[0].unsigned(oid::HASH_INDEX_V3).next().unwrap().values[0];
        let changed = assemble::edit(token, 0, |mut inner, _, authority| {
            let attributes = change(index).into_iter().map(|index| {
                let attribute = Writer::new().oid(oid::HASH_INDEX_V3).nest(tag::SET, Writer::new().raw(&index));
                Writer::new().nest(tag::SEQUENCE, attribute).into_bytes()
            });
            let mut whole = Writer::new().raw(authority.signed_part);
            let attributes: Vec<_> = attributes.collect();
            if !attributes.is_empty() {
                whole = whole.set_of(tag::context_constructed(1), attributes);
            }
            inner.signers[0] = Writer::new().nest(tag::SEQUENCE, whole).into_bytes();
            Ok(inner.into_der())
        })?;
        let without: Vec<&[u8]> = chosen
            .unsigned_raw
            .iter()
            .copied()
            .filter(|raw| !raw.windows(oid::ARCHIVE_TIME_STAMP_V3.len()).any(|part| part == oid::ARCHIVE_TIME_STAMP_V3))
            .collect();
        let signer = crate::cms::SignerInfo { unsigned_raw: without, ..chosen.clone() };
        assert_eq!(signed.signers.len(), 1);
        assembly.signers[0] = assemble::with_unsigned(&signer, oid::ARCHIVE_TIME_STAMP_V3, &changed);
        Ok(assembly.into_der())
    })
    .unwrap()
}

/// Code and sub-indication of the archive time-stamp; the signature itself passes.
fn verdict(world: &World, cms: &[u8]) -> Option<(String, Option<SubIndication>)> {
    let outcome = at(world, cms, NOW + Duration::HOUR);
    assert!(outcome.passed.is_some(), "{:?}", outcome.report);
    let stamps = &outcome.report.signatures[0].timestamps;
    let archive = stamps.iter().find(|stamp| stamp.kind == TimestampKind::Archive).unwrap();
    assert_eq!(archive.intact, archive.reasons.is_empty());
    archive.reasons.first().map(|reason| (reason.code.clone(), archive.sub_indication))
}

#[test]
fn an_index_that_is_missing_doubled_or_changed_is_no_index() {
    let world = World::new();
    let signer = world.signer();
    let lta = archived(&world, &long_term(&world, &signer, NOW - Duration::MINUTE), NOW + Duration::MINUTE);
    assert_eq!(verdict(&world, &lta), None);
    assert_eq!(verdict(&world, &with_indices(&lta, |index| vec![index.to_vec()])), None);
    let lie = Some(("timestamp.hash_index".to_owned(), Some(SubIndication::FormatFailure)));
    assert_eq!(verdict(&world, &with_indices(&lta, |_| Vec::new())), lie);
    // A second one, whatever it says.
    let empty = |index: &[u8]| {
        let algorithm = Element::only(index).unwrap().open(tag::SEQUENCE).unwrap().all(4).unwrap()[0].raw.to_vec();
        let lists = [tag::SEQUENCE, 0].repeat(3);
        Writer::new().value(tag::SEQUENCE, &[algorithm, lists].concat()).into_bytes()
    };
    assert_eq!(verdict(&world, &with_indices(&lta, |index| vec![index.to_vec(), empty(index)])), lie);
    assert_eq!(verdict(&world, &with_indices(&lta, |_| vec![octets_of(b"no index")])), lie);
    // One that claims less than was stamped: the imprint is over the true one.
    let imprint = Some(("timestamp.imprint_differs".to_owned(), Some(SubIndication::HashFailure)));
    assert_eq!(verdict(&world, &with_indices(&lta, |index| vec![empty(index)])), imprint);
}

fn octets_of(content: &[u8]) -> Vec<u8> {
    Writer::new().value(tag::OCTET_STRING, content).into_bytes()
}

#[test]
fn an_index_that_names_what_is_not_there_is_a_lie() {
    let world = World::new();
    let signer = world.signer();
    let lta = archived(&world, &long_term(&world, &signer, NOW - Duration::MINUTE), NOW + Duration::MINUTE);
    let root = world.pki.root().der();
    let place = lta.windows(root.len()).position(|window| window == root).unwrap();
    let mut changed = lta;
    // One octet of a certificate that nothing else needs: its hash is another.
    changed[place + root.len() - 1] ^= 1;
    let lie = Some(("timestamp.hash_index".to_owned(), Some(SubIndication::FormatFailure)));
    assert_eq!(verdict(&world, &changed), lie);
}
