//! The functions for the parsers of `signing`, and their seeds. Where `VUZOL_CORPORA` names the corpora, their smaller signatures are seeds too.

use std::sync::LazyLock;

use certs::dev::{DevPki, Family, Identity, Profile, Usage};
use certs::revocation::{OcspResponse, RevocationData, ocsp_request};
use certs::timestamp;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest, sha256};
use crypto::dstu4145;
use crypto::key::{Curve, KeyHandle as _, KeyKind};
use signing::asn1::{Layers, Limits, Reader, Writer, normalise, tag};
use signing::cades::{self, Content};
use signing::envelope::national::Profile as NationalProfile;
use signing::envelope::{Cipher, EnvelopeError, Opener, Sealer};
use signing::validate::{ContentStream, Context, DocumentStream, Outcome, Policy, UnverifiedDocument, validate};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Target;
use super::certs::corpus;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);
const CONTENT: &[u8] = b"What was signed, and what was sealed, more than a block of it.";

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "ber", seeds: ber_seeds, run: ber },
    Target { name: "signed_data", seeds: signed_data_seeds, run: signed_data },
    Target { name: "signed_stream", seeds: signed_stream_seeds, run: signed_stream },
    Target { name: "cades_attributes", seeds: attributes_seeds, run: cades_attributes },
    Target { name: "timestamp_token", seeds: token_seeds, run: timestamp_token },
    Target { name: "envelope", seeds: envelope_seeds, run: envelope },
];

struct World {
    signer: Identity,
    trust: TrustSnapshot,
    revocation: RevocationData,
    /// CAdES B with the content in it.
    signed: Vec<u8>,
    /// A token over its signature value.
    token: Vec<u8>,
}

fn profile(usage: Usage, key: KeyKind) -> Profile {
    Profile {
        common_name: "Тест".to_owned(),
        organisation: Some("Вузол".to_owned()),
        edrpou: None,
        rnokpp: None,
        usage,
        key,
        not_before: NOW - Duration::days(2),
        not_after: NOW + Duration::days(2),
        dns_names: Vec::new(),
    }
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let pki = DevPki::new(NOW - Duration::days(3), Duration::days(30), "http://ocsp.test/").unwrap();
    let signer = pki.issue(profile(Usage::Signing, KeyKind::Ec(Curve::P256))).unwrap();
    let chain = [signer.certificate.clone(), pki.issuing_ca().clone()];
    let algorithm = signer.key.default_algorithm();
    let signed = cades::sign(Content::Attached(CONTENT), &signer.key, algorithm, &chain, NOW - Duration::HOUR).unwrap();
    let imprint = cades::timestamp_imprint(&signed, DigestAlgorithm::Sha256).unwrap();
    let response = pki.answer_tsa(&timestamp::request(&imprint, None, true), STAMPED);
    let mut revocation = RevocationData::default();
    let tsa = pki.tsa_certificate();
    let issued = [(&signer.certificate, pki.issuing_ca()), (pki.issuing_ca(), pki.root())];
    for (subject, issuer) in issued.into_iter().chain([(tsa, pki.issuing_ca()), (tsa, pki.root())]) {
        let answer = pki.answer_ocsp(&ocsp_request(subject, issuer, None), NOW);
        revocation.ocsp.extend(OcspResponse::from_der(&answer));
    }
    let purposes = vec![Purpose::Signing, Purpose::TimeStamping];
    let anchor = TrustAnchor { certificate: pki.root().clone(), purposes };
    World {
        trust: TrustSnapshot::new(vec![anchor], vec![pki.issuing_ca().clone()], NOW),
        token: timestamp::token_of_response(&response).unwrap(),
        revocation,
        signed,
        signer,
    }
});

/// When the token was made.
const STAMPED: OffsetDateTime = datetime!(2026-11-23 11:30 UTC);

fn judge(bytes: &[u8]) -> Option<Outcome> {
    Some(judge_document(UnverifiedDocument::parse(bytes).ok()?))
}

fn judge_document(document: UnverifiedDocument) -> Outcome {
    let _ = (document.is_attached(), document.digest_algorithms(), document.signing_certificates());
    let World { trust, revocation, .. } = &*WORLD;
    let outcome = validate(document, &Context { trust, revocation, at: NOW, policy: &Policy::default() });
    let json = serde_json::to_string(&outcome.report).unwrap();
    assert_eq!(serde_json::from_str::<schemas::report::Report>(&json).unwrap(), outcome.report);
    assert_eq!(outcome.passed.is_some(), outcome.problem().is_none());
    outcome
}

/// The same in BER: what lies no deeper than `depth` gets indefinite lengths.
fn indefinite(der: &[u8], depth: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let elements = Reader::new(der).all(1 << 10).unwrap();
    for element in elements {
        if depth == 0 || element.tag & 0x20 == 0 {
            out.extend_from_slice(element.raw);
        } else {
            out.extend([element.tag, 0x80]);
            out.extend(indefinite(element.content, depth - 1));
            out.extend([0, 0]);
        }
    }
    out
}

fn ber_seeds() -> Vec<Vec<u8>> {
    // SEQUENCE { constructed OCTET STRING { two segments, and segments in segments } }
    let segments = [0x30, 0x80, 0x24, 0x80, 4, 1, 1, 0x24, 6, 4, 1, 2, 4, 1, 3, 0, 0, 2, 0x81, 1, 5, 0, 0];
    vec![WORLD.signed.clone(), indefinite(&WORLD.signed, 4), indefinite(&WORLD.token, 7), segments.to_vec()]
}

/// What is DER stays as it is; what becomes DER is DER, and takes no more than was given.
pub fn ber(data: &[u8]) {
    for layers in [Layers::ALL, Layers::SIGNED_DATA] {
        let Ok((der, taken)) = normalise(data, layers, &Limits::default()) else { continue };
        assert!(taken <= data.len() && der.len() <= data.len());
        let (again, all) = normalise(&der, layers, &Limits::default()).unwrap();
        assert_eq!((again.as_ref(), all), (der.as_ref(), der.len()));
    }
    let tight = Limits { bytes: 64, depth: 3, elements: 8 };
    if let Ok((_, taken)) = normalise(data, Layers::ALL, &tight) {
        assert!(taken <= 64);
    }
}

fn signed_data_seeds() -> Vec<Vec<u8>> {
    let stamped = cades::add_timestamp(&WORLD.signed, &WORLD.token).unwrap();
    let own = vec![WORLD.signed.clone(), indefinite(&stamped, 4), stamped];
    let corpora = ["p7m", "p7s", "pkcs7"].map(|ending| corpus("cades/files", ending)).concat();
    let ukrainian = corpus("ukrainian/files", "p7s");
    let others = corpora.into_iter().chain(ukrainian).filter(|file| file.len() <= LARGEST_SEED);
    own.into_iter().chain(others).collect()
}

/// Larger signatures take long and differ in what is in their revocation lists.
const LARGEST_SEED: usize = 12 << 10;

/// Only what was signed passes, and it is the signer's.
pub fn signed_data(data: &[u8]) {
    let Some(Outcome { passed: Some(passed), .. }) = judge(data) else { return };
    assert_eq!(passed.content(), Some(CONTENT));
    assert!(passed.signers().iter().all(|signer| *signer == WORLD.signer.certificate));
}

/// Zeros, then the content: more than is kept of a file that streams by.
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| [&vec![0; ZERO_SEGMENTS << 16], CONTENT].concat());
const ZERO_SEGMENTS: usize = 17;

/// A signature over the large content in segments, without the zeros.
fn signed_stream_seeds() -> Vec<Vec<u8>> {
    let signer = &WORLD.signer;
    let chain = [signer.certificate.clone()];
    let algorithm = signer.key.default_algorithm();
    let signed = cades::sign(Content::Attached(&LARGE), &signer.key, algorithm, &chain, NOW - Duration::HOUR).unwrap();
    let ber = indefinite(&signed, 5);
    let whole = Writer::new().value(tag::OCTET_STRING, &LARGE).into_bytes();
    let at = ber.windows(5).position(|window| *window == whole[..5]).unwrap();
    let segment = Writer::new().value(tag::OCTET_STRING, CONTENT).into_bytes();
    vec![[&ber[..at], &[0x24, 0x80], &segment, &[0, 0], &ber[at + whole.len()..]].concat()]
}

/// The zeros put back as segments before that of the content, where that is still found.
fn with_zeros(data: &[u8]) -> Vec<u8> {
    let segment = Writer::new().value(tag::OCTET_STRING, CONTENT).into_bytes();
    let Some(at) = data.windows(segment.len()).position(|window| window == segment) else { return data.to_vec() };
    let zeros = Writer::new().value(tag::OCTET_STRING, &[0; 1 << 16]).into_bytes().repeat(ZERO_SEGMENTS);
    [&data[..at], &zeros, &data[at..]].concat()
}

/// A large file as it streams by. What passes so passes as a whole, and what was handed on is what was signed, also to who asks for
/// the content alone.
pub fn signed_stream(data: &[u8]) {
    let file = with_zeros(data);
    let alone = content_alone(&file);
    let mut content = Vec::new();
    let Some(Outcome { passed: Some(passed), .. }) = judge_stream(&file, &mut content) else { return };
    assert!(content == *LARGE && alone.is_some_and(|alone| alone == content));
    assert!(passed.signers().iter().all(|signer| *signer == WORLD.signer.certificate));
    assert!(judge(&file).is_some_and(|outcome| outcome.passed.is_some()));
}

fn content_alone(file: &[u8]) -> Option<Vec<u8>> {
    let (mut stream, mut content) = (ContentStream::new(), Vec::new());
    for piece in file.chunks(7_919) {
        stream.push(piece, &mut |octets| content.extend_from_slice(octets)).ok()?;
    }
    stream.is_complete().then_some(content)
}

fn judge_stream(file: &[u8], content: &mut Vec<u8>) -> Option<Outcome> {
    let mut stream = DocumentStream::new();
    for piece in file.chunks(9_973) {
        stream.push(piece, &mut |octets| content.extend_from_slice(octets)).ok()?;
    }
    Some(judge_document(stream.finish().ok()?))
}

/// The signature of the world taken apart: signed attributes, and unsigned ones.
fn attributes_seeds() -> Vec<Vec<u8>> {
    let stamped = cades::add_timestamp(&WORLD.signed, &WORLD.token).unwrap();
    let attributes = |signed: &[u8]| {
        let signer = signer_info(signed);
        let context = |number: u8| signer.iter().filter(move |element| element.0 == 0xa0 | number);
        context(0).chain(context(1)).flat_map(|element| element.1.clone()).collect::<Vec<u8>>()
    };
    vec![attributes(&WORLD.signed), attributes(&stamped)]
}

/// Tags and encodings of the fields of the only SignerInfo.
fn signer_info(signed: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let fields = |content| Reader::new(content).all(64).unwrap();
    let info = fields(fields(signed)[0].content);
    let data = fields(fields(info[1].content)[0].content);
    let infos = data.last().unwrap();
    fields(fields(infos.content)[0].content).iter().map(|field| (field.tag, field.raw.to_vec())).collect()
}

/// Signed attributes (`[0]`), really signed, and behind them unsigned ones. Nothing passes whose attributes do not name content and signer.
pub fn cades_attributes(data: &[u8]) {
    let (attributes, unsigned) = match Reader::new(data).any() {
        Ok(first) => (first.content, &data[first.raw.len()..]),
        Err(_) => (data, &[][..]),
    };
    let Some(Outcome { passed: Some(_), .. }) = judge(&signed_again(attributes, unsigned)) else { return };
    let holds = |part: &[u8]| attributes.windows(part.len()).any(|window| window == part);
    assert!(holds(digest(DigestAlgorithm::Sha256, CONTENT).as_bytes()));
    assert!(holds(&sha256(WORLD.signer.certificate.der())));
}

/// The signature of the world with other signed attributes, which are really signed, and with `unsigned` behind the value.
fn signed_again(attributes: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let World { signer, signed, .. } = &*WORLD;
    let algorithm = signer.key.default_algorithm();
    let value = signer.key.sign(algorithm, &Writer::new().value(tag::SET, attributes).into_bytes()).unwrap();
    let identity = signer_info(signed).into_iter().take_while(|field| field.0 != 0xa0).flat_map(|field| field.1);
    let signer_info = Writer::new()
        .raw(&identity.collect::<Vec<u8>>())
        .value(0xa0, attributes)
        .raw(&algorithm.to_algorithm_identifier())
        .value(tag::OCTET_STRING, &value)
        .raw(unsigned);
    let fields = |content| Reader::new(content).all(64).unwrap();
    let info = fields(fields(signed)[0].content);
    let data = fields(fields(info[1].content)[0].content);
    let before: Vec<u8> = data[..data.len() - 1].iter().flat_map(|field| field.raw.to_vec()).collect();
    let data = Writer::new().raw(&before).nest(tag::SET, Writer::new().nest(tag::SEQUENCE, signer_info));
    let info = Writer::new().raw(info[0].raw).nest(0xa0, Writer::new().nest(tag::SEQUENCE, data));
    Writer::new().nest(tag::SEQUENCE, info).into_bytes()
}

fn token_seeds() -> Vec<Vec<u8>> {
    vec![WORLD.token.clone(), indefinite(&WORLD.token, 4)]
}

/// A token on a signature: it proves the time at which it was made, or none.
pub fn timestamp_token(data: &[u8]) {
    let _ = judge(data);
    let Ok(stamped) = cades::add_timestamp(&WORLD.signed, data) else { return };
    let Some(outcome) = judge(&stamped) else { return };
    for signature in &outcome.report.signatures {
        assert!(signature.intact, "an unsigned attribute changes no signature");
        let proven = ["2026-11-23T12:00:00Z", "2026-11-23T11:30:00Z"];
        assert!(proven.contains(&signature.best_time.as_str()), "{}", signature.best_time);
    }
}

/// Recipients: one on P-256, one of DSTU 4145.
static RECIPIENTS: LazyLock<[Identity; 2]> = LazyLock::new(|| {
    let kinds =
        [(Family::P256, KeyKind::Ec(Curve::P256)), (Family::Dstu4145, KeyKind::Dstu4145(dstu4145::Curve::M257))];
    kinds.map(|(family, key)| {
        let pki = DevPki::of(family, NOW - Duration::days(3), Duration::days(30), "http://ocsp.test/").unwrap();
        pki.issue(profile(Usage::Encryption, key)).unwrap()
    })
});

const CIPHERS: [(Cipher, usize); 3] = [
    (Cipher::Aes256Gcm, 0),
    (Cipher::National(NationalProfile::Gost), 1),
    (Cipher::National(NationalProfile::Kalyna), 1),
];

/// Before each envelope an octet that says in what pieces it comes.
fn envelope_seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (cipher, recipient) in CIPHERS {
        for length in [None, Some(CONTENT.len() as u64)] {
            let mut out = vec![13];
            let to = [&RECIPIENTS[recipient].certificate];
            let mut sealer = Sealer::new(&to, cipher, length, &mut out).unwrap();
            sealer.update(CONTENT, &mut out).unwrap();
            sealer.finish(&mut out).unwrap();
            seeds.push(out);
        }
    }
    seeds
}

/// However the octets come, the same comes out; and what is proven is what was sealed.
pub fn envelope(data: &[u8]) {
    let Some((piece, envelope)) = data.split_first() else { return };
    for own in &*RECIPIENTS {
        let whole = open(own, envelope, envelope.len().max(1));
        let pieces = open(own, envelope, usize::from(*piece).max(1));
        assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "{whole:?} {pieces:?}");
        if let Ok((content, true)) = whole {
            assert_eq!(content, CONTENT);
        }
    }
}

/// What comes out, and whether it is proven.
fn open(own: &Identity, envelope: &[u8], piece: usize) -> Result<(Vec<u8>, bool), EnvelopeError> {
    let mut opener = Opener::new(&own.certificate, &own.key, &[]);
    let mut content = Vec::new();
    for piece in envelope.chunks(piece) {
        content.extend_from_slice(opener.update(piece)?.as_bytes());
        assert!(content.len() <= envelope.len());
    }
    let opened = opener.finish()?;
    content.extend_from_slice(opened.rest.as_bytes());
    let proven = opened.authenticated.map(|proof| assert_eq!(proof.plaintext_bytes(), content.len() as u64));
    Ok((content, proven.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else the targets would say nothing.
    #[test]
    fn seeds_are_accepted() {
        for seed in &signed_data_seeds()[..3] {
            assert!(judge(seed).unwrap().passed.is_some());
        }
        for seed in signed_stream_seeds() {
            let mut content = Vec::new();
            assert!(judge_stream(&with_zeros(&seed), &mut content).unwrap().passed.is_some());
            assert!(content == *LARGE);
        }
        for seed in attributes_seeds() {
            let signed = Reader::new(&seed).any().unwrap();
            let outcome = judge(&signed_again(signed.content, &seed[signed.raw.len()..])).unwrap();
            assert!(outcome.passed.is_some(), "{:?}", outcome.report);
        }
        for token in token_seeds() {
            let outcome = judge(&cades::add_timestamp(&WORLD.signed, &token).unwrap()).unwrap();
            assert_eq!(outcome.report.signatures[0].best_time, "2026-11-23T11:30:00Z");
        }
        for (seed, (cipher, recipient)) in envelope_seeds().iter().zip(CIPHERS.iter().flat_map(|one| [one; 2])) {
            let (own, other) = (&RECIPIENTS[*recipient], &RECIPIENTS[1 - recipient]);
            assert_eq!(open(own, &seed[1..], 7), Ok((CONTENT.to_vec(), *cipher == Cipher::Aes256Gcm)));
            assert!(open(other, &seed[1..], 7).is_err());
        }
    }
}
