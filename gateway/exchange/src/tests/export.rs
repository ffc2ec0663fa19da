//! A case taken away, and what a third party makes of it.

use std::collections::BTreeMap;

use audit::Log;
use certs::certificate::Certificate;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, sha256};
use crypto::merkle::NoteVerifier;
use schemas::export::{CaseManifest, MANIFEST_FILE};
use schemas::limits::EXPORT_EVIDENCE;
use schemas::message::{MessageState, Receipt};
use signing::asic::zip::{Archive, Limits};
use signing::asic::{Container, create, validate};
use signing::validate::{Context, Policy};
use time::Duration;

use super::town::{NOON, Town, acknowledgement};
use crate::evidence::EvidenceSigner;
use crate::export::check::{Checked, Fault, Known, Matched, check};

const LETTER: &[u8] = b"a letter of importance";

/// A letter that B has accepted, its sealed bytes, and the log with all of it.
async fn accepted(town: &Town) -> (Receipt, Vec<u8>, Log) {
    let receipt = town.deliver(LETTER, "k").await;
    town.time_passes(Duration::seconds(1));
    let lease = town.lease(&town.b).await;
    let sealed = town.download(&town.b, receipt.message_id, 0, lease.token).await.unwrap();
    let signed = town.states(&town.b.signer, &acknowledgement(receipt.message_id, LETTER, None));
    town.acknowledge(&town.b, receipt.message_id, lease.token, signed).await.unwrap();
    let log = town.log();
    log.round().await.unwrap();
    (receipt, sealed, log)
}

/// A container that a test spoils and signs again.
struct Spoiled {
    files: BTreeMap<String, Vec<u8>>,
}

impl Spoiled {
    fn of(container: &[u8]) -> Self {
        let archive = Archive::read(container, &Limits::default()).unwrap();
        let entries = archive.entries().iter().filter(|entry| entry.name() != "mimetype");
        let files = entries.filter(|entry| !entry.name().starts_with("META-INF/"));
        let files = files.map(|entry| (entry.name().to_owned(), archive.content(entry, usize::MAX).unwrap()));
        Self { files: files.collect() }
    }

    fn manifest(&self) -> CaseManifest {
        serde_json::from_slice(&self.files[MANIFEST_FILE]).unwrap()
    }

    fn tells(&mut self, change: impl FnOnce(&mut CaseManifest)) {
        let mut manifest = self.manifest();
        change(&mut manifest);
        self.files.insert(MANIFEST_FILE.to_owned(), serde_json::to_vec(&manifest).unwrap());
    }

    /// The file of the n-th piece of evidence.
    fn evidence(&mut self, index: usize) -> &mut Vec<u8> {
        let name = self.manifest().messages[0].evidence[index].file.clone();
        self.files.get_mut(&name).unwrap()
    }

    fn signed(&self, signer: &EvidenceSigner) -> Vec<u8> {
        let part = |(name, content): (&String, &Vec<u8>)| {
            create::Part::of_bytes(name, None, content, DigestAlgorithm::Sha256).unwrap()
        };
        let prepared = create::extended(self.files.iter().map(part).collect()).unwrap();
        let contents: Vec<_> = self.files.iter().map(|(name, content)| (name.as_str(), content.as_slice())).collect();
        signer.seal(prepared, NOON).unwrap().to_vec(&contents).unwrap()
    }
}

fn known<'a>(node: &'a [Certificate], files: &'a [(u8, [u8; 32])], log: Option<&'a NoteVerifier>) -> Known<'a> {
    Known { node, log, files, message: None, now: NOON + Duration::days(1) }
}

fn checked(town: &Town, container: &[u8]) -> Checked {
    check(container, &known(&[town.signer.certificate().clone()], &[], None)).unwrap()
}

/// What is found wrong, each once.
fn faults(checked: &Checked) -> Vec<&'static str> {
    let mut codes: Vec<_> = checked.findings.iter().map(|finding| finding.fault.code()).collect();
    codes.dedup();
    codes
}

#[tokio::test]
async fn a_case_is_proven_without_the_node() {
    let town = Town::new().await;
    let (receipt, sealed, log) = accepted(&town).await;
    let export = town.export(&town.a, receipt.case_id, &log).await;
    assert_eq!(export.next_after, None);
    assert_eq!(town.audited().await.last().unwrap(), &format!("case.export done case:{}", receipt.case_id));

    let node = [town.signer.certificate().clone()];
    let files = [(0, sha256(LETTER)), (0, sha256(&sealed))];
    let found = check(&export.container, &known(&node, &files, Some(&log.verifier()))).unwrap();
    assert_eq!(found.findings, []);
    let kinds: Vec<_> = found.statements.iter().map(|statement| statement.kind.code()).collect();
    assert_eq!((kinds.as_slice(), found.logged), (&["A.1", "D.1", "E.1", "C.3"][..], 4));
    let matched = |sealed| Matched { message: receipt.message_id, part: 0, sealed };
    assert_eq!(found.matched, [matched(false), matched(true)]);
    assert_eq!(found.manifest.messages[0].parts, receipt.parts);

    // People read it in both languages, and programs of others as XML.
    let files = Spoiled::of(&export.container).files;
    assert_eq!(files.keys().filter(|name| name.ends_with(".xml")).count(), 4);
    let protocol = String::from_utf8(files["protocol.txt"].clone()).unwrap();
    for told in ["ПРОТОКОЛ СПРАВИ", "PROTOCOL OF A CASE", "отримувач прийняв документ", &receipt.parts[0].sha256]
    {
        assert!(protocol.contains(told), "{told} is not in the protocol:\n{protocol}");
    }
    assert_eq!(Certificate::from_pem(std::str::from_utf8(&files["certificates.pem"]).unwrap()).unwrap().len(), 2);
}

#[tokio::test]
async fn the_container_is_a_signature_like_any_other() {
    let town = Town::new().await;
    let (receipt, _, log) = accepted(&town).await;
    let export = town.export(&town.b, receipt.case_id, &log).await;
    let anchor = TrustAnchor { certificate: town.pki.root().clone(), purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], Vec::new(), NOON);
    let chain = [town.signer.chain(), &[town.pki.root().clone()]].concat();
    let (revocation, policy, at) = (town.revocation(&chain), Policy::default(), NOON + Duration::seconds(2));
    let context = Context { trust: &trust, revocation: &revocation, at, policy: &policy };
    let outcome = validate(Container::read(export.container.as_slice()).unwrap(), &context);
    let reasons: Vec<_> = outcome.report.signatures.iter().flat_map(|signature| &signature.reasons).collect();
    assert!(outcome.passed.is_some(), "{reasons:?}");
    assert_eq!(outcome.report.signatures[0].level, "CAdES-BASELINE-B");
}

#[tokio::test]
async fn what_the_log_does_not_hold_yet_is_exported_without_its_proof() {
    let town = Town::new().await;
    let receipt = town.deliver(LETTER, "k").await;
    let export = town.export(&town.a, receipt.case_id, &town.log()).await;
    let found = checked(&town, &export.container);
    assert_eq!((found.findings.as_slice(), found.statements.len(), found.logged), (&[][..], 2, 0));
}

#[tokio::test]
async fn nothing_can_be_taken_out_put_in_or_changed() {
    let town = Town::new().await;
    let (receipt, _, log) = accepted(&town).await;
    let whole = town.export(&town.a, receipt.case_id, &log).await.container;
    let other = town.deliver(b"another letter", "k2").await;
    let others = Spoiled::of(&town.export(&town.a, other.case_id, &log).await.container);
    let spoilt = |change: &dyn Fn(&mut Spoiled)| {
        let mut spoiled = Spoiled::of(&whole);
        change(&mut spoiled);
        let found = checked(&town, &spoiled.signed(&town.signer));
        faults(&found)
    };
    assert_eq!(spoilt(&|_| ()), Vec::<&str>::new(), "signed again by the node, it is as good as before");

    let without = |spoiled: &mut Spoiled, index: usize| {
        let piece = spoiled.manifest().messages[0].evidence[index].clone();
        let log = piece.log.unwrap();
        for file in [piece.file, piece.xml.unwrap(), log.entry, log.proof] {
            spoiled.files.remove(&file);
        }
        spoiled.tells(|manifest| drop(manifest.messages[0].evidence.remove(index)));
    };
    assert_eq!(spoilt(&|s| without(s, 2)), [Fault::EvidenceOrder.code()], "a step in the middle");
    assert_eq!(
        spoilt(&|s| without(s, 3)),
        [Fault::EvidenceOrder.code(), Fault::AcknowledgementMismatch.code()],
        "the last step"
    );
    let foreign = || others.files.iter().find(|(name, _)| name.starts_with("evidence/0001")).unwrap().1.clone();
    let swapped = spoilt(&|s| *s.evidence(0) = foreign());
    assert!(swapped.contains(&Fault::ManifestMismatch.code()), "another message's evidence: {swapped:?}");
    let cut = |s: &mut Spoiled| s.evidence(1).truncate(900);
    assert!(spoilt(&cut).contains(&Fault::EvidenceMalformed.code()));
    let payload = |s: &mut Spoiled| {
        let jws = s.evidence(1);
        let first = jws.iter().position(|byte| *byte == b'.').unwrap() + 40;
        jws[first] = if jws[first] == b'A' { b'B' } else { b'A' };
    };
    assert!(spoilt(&payload).contains(&Fault::EvidenceSignature.code()));
    let xml = |s: &mut Spoiled| {
        let name = s.manifest().messages[0].evidence[1].xml.clone().unwrap();
        let said = String::from_utf8(s.files[&name].clone()).unwrap();
        s.files.insert(name, said.replace("ContentConsignment", "ContentHandover").into_bytes());
    };
    assert_eq!(spoilt(&xml), [Fault::EvidenceXml.code()]);
    let digest = |s: &mut Spoiled| s.tells(|m| m.messages[0].parts[0].sha256 = "00".repeat(32));
    assert!(spoilt(&digest).contains(&Fault::EvidenceDisagrees.code()));
    let state = |s: &mut Spoiled| s.tells(|m| m.messages[0].state = MessageState::Refused);
    assert_eq!(spoilt(&state), [Fault::EvidenceOrder.code()]);
    assert_eq!(
        spoilt(&|s| drop(s.files.insert("note.txt".to_owned(), vec![1]))),
        [Fault::ManifestMismatch.code()],
        "a file that nobody speaks of"
    );
    let acknowledgement = |s: &mut Spoiled| {
        let name = s.manifest().messages[0].acknowledgements[0].clone();
        s.files.insert(name, town.states(&town.c.signer, &acknowledgement(receipt.message_id, LETTER, None)));
    };
    assert_eq!(spoilt(&acknowledgement), [Fault::AcknowledgementMismatch.code()]);
}

#[tokio::test]
async fn a_proof_is_of_its_event_and_of_this_log() {
    let town = Town::new().await;
    let (receipt, _, log) = accepted(&town).await;
    let whole = town.export(&town.a, receipt.case_id, &log).await.container;
    let mut swapped = Spoiled::of(&whole);
    swapped.tells(|manifest| {
        let [first, second, ..] = manifest.messages[0].evidence.as_mut_slice() else { panic!("two pieces") };
        std::mem::swap(&mut first.log, &mut second.log);
    });
    let found = checked(&town, &swapped.signed(&town.signer));
    assert_eq!((faults(&found), found.logged), (vec![Fault::LogOtherEvent.code()], 2));
    let mut changed = Spoiled::of(&whole);
    let entry = changed.manifest().messages[0].evidence[0].log.clone().unwrap().entry;
    changed.files.get_mut(&entry).unwrap().push(b' ');
    let found = checked(&town, &changed.signed(&town.signer));
    assert_eq!((faults(&found), found.logged), (vec![Fault::LogProof.code()], 3));
    // A log of the same name with another key.
    let node = [town.signer.certificate().clone()];
    std::fs::remove_file(town.folder().join("signer")).unwrap();
    let found = check(&whole, &known(&node, &[], Some(&town.log().verifier()))).unwrap();
    assert_eq!((faults(&found), found.logged), (vec![Fault::LogKey.code()], 0));
}

#[tokio::test]
async fn a_container_of_somebody_else_proves_nothing() {
    let town = Town::new().await;
    let (receipt, _, log) = accepted(&town).await;
    let whole = town.export(&town.a, receipt.case_id, &log).await.container;
    let certs::dev::Identity { certificate, key } =
        super::town::issue(&town.pki, None, certs::dev::Usage::Seal, |_| ());
    let stranger = EvidenceSigner::new(std::sync::Arc::new(key), certificate.clone(), "node.example");
    let found = checked(&town, &Spoiled::of(&whole).signed(&stranger));
    assert_eq!(faults(&found), [Fault::ContainerSigner.code()]);
    // Under the stranger's certificate nothing of it verifies either.
    let found = check(&whole, &known(&[certificate], &[(0, sha256(b"no letter"))], None)).unwrap();
    assert!(found.statements.is_empty());
    let codes = faults(&found);
    for fault in [Fault::ContainerSigner, Fault::EvidenceSigner, Fault::EvidenceOrder, Fault::PartMismatch] {
        assert!(codes.contains(&fault.code()), "{codes:?}");
    }
    // One byte of a stored file, changed without signing again.
    let at = whole.windows(18).position(|window| window == b"PROTOCOL OF A CASE").unwrap();
    let mut changed = whole;
    changed[at] = b'p';
    assert!(check(&changed, &known(&[town.signer.certificate().clone()], &[], None)).is_err(), "the checksum tells");
}

#[tokio::test]
async fn a_large_case_is_taken_away_in_pieces_of_whole_messages() {
    let town = Town::new().await;
    let mut sent = vec![town.deliver(LETTER, "k0").await];
    for n in 1..4 {
        town.time_passes(Duration::milliseconds(2));
        let mut letter = town.letter(LETTER);
        letter.envelope.case_id = Some(sent[0].case_id);
        letter.key = format!("k{n}");
        sent.push(town.submit(letter).await.unwrap().receipt);
    }
    let case = (sent[0].case_id, Some(town.b.edrpou));
    let reader = town.node.ledger.reader();
    let ids: Vec<_> = sent.iter().map(|receipt| receipt.message_id).collect();
    // Each message has two pieces of evidence.
    for (after, bound, expected, more) in [
        (None, 5, &ids[..2], true),
        (Some(ids[1]), 5, &ids[2..], false),
        (None, 4, &ids[..2], true),
        (None, 1, &ids[..1], true),
        (Some(ids[2]), 1, &ids[3..], false),
        (None, 8, &ids[..], false),
        (Some(ids[3]), 8, &[], false),
    ] {
        let read = reader.read("exported", move |tx| crate::tables::exported(tx, case, after, bound));
        let (taken, goes_on) = read.await.unwrap();
        let taken: Vec<_> = taken.iter().map(|exported| exported.message.id).collect();
        assert_eq!((taken.as_slice(), goes_on), (expected, more), "{after:?} {bound}");
    }
    // Four files for each piece, an acknowledgement for every other, and what is there once.
    const { assert!(EXPORT_EVIDENCE * 4 + EXPORT_EVIDENCE / 2 + 3 <= 990) };
}

#[test]
fn every_fault_has_a_code_of_its_own_and_words_in_both_languages() {
    use crate::export::Language;
    let codes: std::collections::BTreeSet<_> = Fault::ALL.iter().map(|fault| fault.code()).collect();
    assert_eq!(codes.len(), Fault::ALL.len());
    for fault in Fault::ALL {
        assert!(fault.sentence(Language::English).is_ascii(), "{}", fault.code());
        assert!(!fault.sentence(Language::Ukrainian).is_ascii(), "{}", fault.code());
    }
}
