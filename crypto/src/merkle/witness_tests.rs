//! Cosignatures, policies, and the second line of our own checkpoints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{Id, PKey};
use openssl::sign::Verifier;
use proptest::prelude::*;

use super::*;
use crate::dstu4145;
use crate::key::{Curve, KeyHandle, KeyKind, SoftwareKey};

const ORIGIN: &str = "vuzol.example/log";
const TIME: u64 = 1_679_315_147;

fn key(kind: KeyKind) -> SoftwareKey {
    SoftwareKey::generate(kind).unwrap()
}

fn log() -> NoteSigner {
    NoteSigner::new(ORIGIN, key(KeyKind::Ed25519)).unwrap()
}

fn witness(name: &str) -> Cosigner {
    Cosigner::new(name, key(KeyKind::Ed25519)).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 70_000, root: [7; 32] }
}

fn blob(line: &str) -> Vec<u8> {
    STANDARD.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap()
}

fn respelt(line: &str, blob: &[u8]) -> String {
    let (head, _) = line.trim_end().rsplit_once(' ').unwrap();
    format!("{head} {}\n", STANDARD.encode(blob))
}

#[test]
fn a_cosignature_is_over_the_message_of_the_standard() {
    let raw = key(KeyKind::Ed25519);
    let public = raw.public_key().subject_public_key().to_vec();
    let cosigner = Cosigner::new("witness.example.com/w1", raw).unwrap();
    let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let line = cosigner.cosign(text, TIME).unwrap();
    assert!(line.starts_with("— witness.example.com/w1 ") && line.ends_with('\n'));
    let blob = blob(&line);
    assert_eq!(blob.len(), 4 + 8 + 64);
    let id = crate::digest::sha256(&[b"witness.example.com/w1\n\x04".as_slice(), &public].concat());
    assert_eq!(blob[..4], id[..4]);
    assert_eq!(blob[4..12], [0, 0, 0, 0, 0x64, 0x18, 0x50, 0xcb], "the time of the standard's example");
    // Another implementation, over the message written out by hand.
    let message = format!("cosignature/v1\ntime 1679315147\n{text}");
    let peer = PKey::public_key_from_raw_bytes(&public, Id::ED25519).unwrap();
    let mut verifier = Verifier::new_without_digest(&peer).unwrap();
    assert!(verifier.verify_oneshot(&blob[12..], message.as_bytes()).unwrap());

    let vkey = cosigner.verifier().vkey();
    assert_eq!(CosignatureVerifier::from_vkey(&vkey), Ok(cosigner.verifier()));
    let note = log().sign(&checkpoint().text()).unwrap();
    let extended = "example.com\n1\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nextension\n";
    let cosigned = format!("{extended}\n{}", cosigner.cosign(extended, 5).unwrap());
    assert_eq!(cosigner.verifier().verify(&cosigned).unwrap().1, 5, "extension lines are signed too");
    let stripped = cosigned.replace("extension\n", "");
    assert_eq!(cosigner.verifier().verify(&stripped), Err(LogError::BadSignature));
    assert_eq!(cosigner.verifier().verify(&note), Err(LogError::NoKnownSignature));
}

#[test]
fn a_cosignature_that_was_touched_spoils_the_note() {
    let (log, cosigner) = (log(), witness("w.example/1"));
    let text = checkpoint().text();
    let note = log.sign(&text).unwrap();
    let line = cosigner.cosign(&text, TIME).unwrap();
    let verifier = cosigner.verifier();
    let verify = |line: &str| verifier.verify(&format!("{note}{line}"));
    assert_eq!(verify(&line), Ok((checkpoint(), TIME)));
    let later = cosigner.cosign(&text, TIME + 9).unwrap();
    assert_eq!(verify(&format!("{later}{line}")), Ok((checkpoint(), TIME + 9)));
    let whole = blob(&line);
    for at in 4..whole.len() {
        let mut touched = whole.clone();
        touched[at] ^= 1;
        assert_eq!(verify(&respelt(&line, &touched)), Err(LogError::BadSignature), "octet {at}");
    }
    for length in 5..whole.len() {
        assert_eq!(verify(&respelt(&line, &whole[..length])), Err(LogError::BadSignature), "{length} octets");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(verify(&format!("{line}{}", respelt(&line, &longer))), Err(LogError::BadSignature));
    let moved = format!("{note}{line}").replace("70000", "70001");
    assert_eq!(verifier.verify(&moved), Err(LogError::BadSignature));
    // Of another id, so of another key.
    let mut other = whole;
    other[0] ^= 1;
    assert_eq!(verify(&respelt(&line, &other)), Err(LogError::NoKnownSignature));
}

#[test]
fn a_note_is_kept_without_the_lines_of_others() {
    let (log, cosigner) = (log(), witness("w.example/1"));
    let text = checkpoint().text();
    let note = log.sign(&text).unwrap();
    let own = note.lines().last().unwrap();
    let crowded = format!("{text}\n{}{own}\n{own}\n", cosigner.cosign(&text, TIME).unwrap());
    assert_eq!(log.verifier().alone(&crowded), Ok(note.clone()));
    assert_eq!(log.verifier().alone(&crowded.replace("70000", "70001")), Err(LogError::BadSignature));
    assert_eq!(self::log().verifier().alone(&note), Err(LogError::NoKnownSignature));
}

#[test]
fn of_an_answer_only_the_witnesss_own_latest_line_is_kept() {
    let (own, other) = (witness("w.example/1"), witness("w.example/2"));
    let note = log().sign(&checkpoint().text()).unwrap();
    let text = checkpoint().text();
    let lines =
        [own.cosign(&text, TIME), other.cosign(&text, TIME + 9), own.cosign(&text, TIME + 5)].map(Result::unwrap);
    let crowded = lines.iter().fold(note.clone(), |note, line| note + line) + "— stranger.example AAAAAAA=\n";
    assert_eq!(own.verifier().alone(&crowded).unwrap(), (lines[2].clone(), TIME + 5));
    assert_eq!(own.verifier().alone(&note), Err(LogError::NoKnownSignature));
    let mut touched = blob(&lines[0]);
    touched[20] ^= 1;
    let touched = crowded + &respelt(&lines[0], &touched);
    assert_eq!(own.verifier().alone(&touched), Err(LogError::BadSignature), "one false line spoils the others");
}

#[test]
fn a_policy_tells_beforehand_who_would_suffice() {
    let (log, witnesses) = (log(), [witness("w.example/1"), witness("w.example/2"), witness("w.example/3")]);
    let lines: String =
        (0..).zip(&witnesses).map(|(number, one)| format!("witness w{number} {}\n", one.verifier().vkey())).collect();
    let policy = Policy::parse(format!("{lines}group two 2 w0 w1 w2\nquorum two\n").as_bytes()).unwrap();
    for choice in 0_u32..8 {
        let chosen: Vec<bool> = (0..3).map(|number| choice >> number & 1 == 1).collect();
        assert_eq!(policy.would_suffice(&chosen), choice.count_ones() >= 2, "{chosen:?}");
    }
    assert!(policy.accepts(&log.verifier()), "a policy without logs is for every log");
    let listed = format!("log {}\n{lines}quorum w0\n", self::log().verifier().vkey());
    assert!(!Policy::parse(listed.as_bytes()).unwrap().accepts(&log.verifier()));
}

#[test]
fn times_and_texts_that_no_witness_may_sign() {
    let cosigner = witness("w.example/1");
    let text = checkpoint().text();
    for seconds in [0, 1 << 63, u64::MAX] {
        assert_eq!(cosigner.cosign(&text, seconds), Err(LogError::Malformed("cosignature time")));
    }
    cosigner.cosign(&text, i64::MAX.unsigned_abs()).unwrap();
    for text in ["", "no checkpoint\n", "vuzol.example/log\n070\nBwc=\n"] {
        assert_eq!(cosigner.cosign(text, TIME), Err(LogError::Malformed("checkpoint")));
    }
    // A time of 0 that a key signed all the same.
    let raw = SoftwareKey::from_pkcs8_der(&key(KeyKind::Ed25519).to_pkcs8_der().unwrap()).unwrap();
    let message = format!("cosignature/v1\ntime 0\n{text}");
    let signature = raw.sign(crate::signature::SignatureAlgorithm::Ed25519, message.as_bytes()).unwrap();
    let verifier = Cosigner::new("w.example/0", raw).unwrap().verifier();
    let id = crate::digest::from_hex(verifier.vkey().split('+').nth(1).unwrap()).unwrap();
    let line = format!("— w.example/0 {}\n", STANDARD.encode([id, vec![0; 8], signature].concat()));
    assert_eq!(verifier.verify(&format!("{text}\n{line}")), Err(LogError::BadSignature));
}

#[test]
fn keys_of_logs_and_of_witnesses_are_not_exchanged() {
    let (log, cosigner) = (log(), witness("w.example/1"));
    assert!(CosignatureVerifier::from_vkey(&log.verifier().vkey()).is_err());
    assert!(NoteVerifier::from_vkey(&cosigner.verifier().vkey()).is_err());
    let wrong = key(KeyKind::Ec(Curve::P256));
    assert_eq!(Cosigner::new("w.example/1", wrong).err(), Some(LogError::Malformed("note key")));
    for name in ["", "a b", "a+b", "a\n"] {
        assert_eq!(Cosigner::new(name, key(KeyKind::Ed25519)).err(), Some(LogError::Malformed("key name")));
    }
    let vkey = cosigner.verifier().vkey();
    for bad in [vkey.replace("w.example/1", "w.example/2"), vkey.replace('+', " "), vkey[..vkey.len() - 4].to_owned()] {
        assert!(CosignatureVerifier::from_vkey(&bad).is_err(), "{bad}");
    }
    // A plain signature by the same key under the same name is another key id, and no cosignature.
    let raw = key(KeyKind::Ed25519);
    let same = SoftwareKey::from_pkcs8_der(&raw.to_pkcs8_der().unwrap()).unwrap();
    let plain = NoteSigner::new("w.example/1", raw).unwrap().sign(&checkpoint().text()).unwrap();
    let verifier = Cosigner::new("w.example/1", same).unwrap().verifier();
    assert_eq!(verifier.verify(&plain), Err(LogError::NoKnownSignature));
}

#[test]
fn the_second_line_is_verified_by_who_knows_it_and_passed_over_by_others() {
    let curve = dstu4145::Curve::M257;
    let signer = log().with_national(Box::new(key(KeyKind::Dstu4145(curve)))).unwrap();
    let text = checkpoint().text();
    let note = signer.sign(&text).unwrap();
    assert_eq!(note.lines().filter(|line| line.starts_with("— vuzol.example/log ")).count(), 2);
    assert_eq!(signer.verifier().verify(&note), Ok(text.as_str()), "the first line stands for itself");
    let national = signer.national_verifier().unwrap();
    assert_eq!(national.verify(&note), Ok(text.as_str()));
    assert_eq!(national.name(), ORIGIN);

    let vkey = national.vkey();
    assert_eq!(NationalVerifier::from_vkey(&vkey), Ok(national.clone()));
    let typed = STANDARD.decode(vkey.splitn(3, '+').nth(2).unwrap()).unwrap();
    assert!(typed.starts_with(b"\xffvuzol/signed-note/dstu4145-kupyna256/v1\n"));
    assert!(NoteVerifier::from_vkey(&vkey).is_err() && CosignatureVerifier::from_vkey(&vkey).is_err());
    for bad in [signer.verifier().vkey(), vkey.replacen("vuzol", "vozul", 1), vkey[..vkey.len() - 8].to_owned()] {
        assert!(NationalVerifier::from_vkey(&bad).is_err(), "{bad}");
    }

    // Touched, it spoils the note for whoever knows it, and for nobody else.
    let line = note.lines().last().unwrap();
    let mut touched = blob(line);
    touched[9] ^= 1;
    let spoilt = note.replace(&format!("{line}\n"), &respelt(line, &touched));
    assert_eq!(national.verify(&spoilt), Err(LogError::BadSignature));
    assert_eq!(signer.verifier().verify(&spoilt), Ok(text.as_str()));
    let edited = note.replace("\n70000\n", "\n70001\n");
    assert_eq!(national.verify(&edited), Err(LogError::BadSignature));
    let first_only = note.replace(&format!("{line}\n"), "");
    assert_eq!(national.verify(&first_only), Err(LogError::NoKnownSignature));

    for kind in [KeyKind::Ed25519, KeyKind::Ec(Curve::P256)] {
        assert_eq!(log().with_national(Box::new(key(kind))).err(), Some(LogError::Malformed("note key")));
    }
}

/// The example of tlog-policy: two of three, and one of three.
fn example(witnesses: &[Cosigner], log: &NoteSigner) -> String {
    let vkey = |number: usize| witnesses[number].verifier().vkey();
    format!(
        "# Two groups\n\nlog {}\n\t witness X1 {} https://x1.example/\nwitness X2 {}\nwitness\t X3 {}\n\
         group X-witnesses 2 X1 X2 X3\n  # of another organisation\nwitness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\n\
         group Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y  \n",
        log.verifier().vkey(),
        vkey(0),
        vkey(1),
        vkey(2),
        vkey(3),
        vkey(4),
        vkey(5)
    )
}

#[test]
fn a_quorum_is_what_the_groups_say_for_every_choice_of_witnesses() {
    let log = log();
    let witnesses: Vec<_> = (0..6).map(|number| witness(&format!("w.example/{number}"))).collect();
    let policy = Policy::parse(example(&witnesses, &log).as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 6));
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some(b"https://x1.example/".as_slice()));
    let text = checkpoint().text();
    let note = log.sign(&text).unwrap();
    let lines: Vec<_> = (0..).zip(&witnesses).map(|(number, w)| w.cosign(&text, TIME + number).unwrap()).collect();
    for choice in 0_u32..64 {
        let chosen: Vec<_> = (0..6).filter(|number| choice >> number & 1 == 1).collect();
        let note = chosen.iter().fold(note.clone(), |note, number| note + &lines[*number]);
        let wanted = (choice & 7).count_ones() >= 2 && choice >> 3 != 0;
        match policy.judge(&note, None) {
            Ok(witnessed) => {
                assert!(wanted, "{choice:b}");
                assert_eq!(*witnessed.checkpoint(), checkpoint());
                let times: Vec<_> = chosen.iter().map(|number| TIME + *number as u64).collect();
                assert_eq!(witnessed.cosignatures().iter().map(|(_, time)| *time).collect::<Vec<_>>(), times);
            }
            Err(error) => {
                assert!(!wanted, "{choice:b}");
                assert_eq!(error, LogError::NoQuorum { cosigned: chosen.len() });
            }
        }
    }
    // One witness that signs often is one witness.
    let often = format!("{note}{}{}{}", lines[0], witnesses[0].cosign(&text, 5).unwrap(), lines[3]);
    assert_eq!(policy.judge(&often, None), Err(LogError::NoQuorum { cosigned: 2 }));
}

#[test]
fn a_policy_judges_the_log_too() {
    let (log, other, cosigner) = (log(), log(), witness("w.example/1"));
    let policy = |text: String| Policy::parse(text.as_bytes()).unwrap();
    let one = policy(format!("log {}\nwitness w {}\nquorum w\n", log.verifier().vkey(), cosigner.verifier().vkey()));
    let text = checkpoint().text();
    let line = cosigner.cosign(&text, TIME).unwrap();
    let note = |signer: &NoteSigner| signer.sign(&text).unwrap() + &line;
    assert!(one.judge(&note(&log), None).is_ok());
    assert!(one.judge(&note(&log), Some(&log.verifier())).is_ok());
    // Cosigned, and signed by nobody whom the policy knows.
    assert_eq!(one.judge(&note(&other), None), Err(LogError::NoKnownSignature));
    assert_eq!(one.judge(&note(&other), Some(&other.verifier())), Err(LogError::NoKnownSignature));
    assert_eq!(one.judge(&note(&log), Some(&other.verifier())), Err(LogError::NoKnownSignature));
    assert_eq!(one.judge(&format!("{text}\n{line}"), None), Err(LogError::NoKnownSignature));
    // A log signs under its own name only.
    let foreign = Checkpoint { origin: "other.example/log".to_owned(), ..checkpoint() }.text();
    let foreign = log.sign(&foreign).unwrap() + &cosigner.cosign(&foreign, TIME).unwrap();
    assert_eq!(one.judge(&foreign, None), Err(LogError::NoKnownSignature));
    assert_eq!(one.judge(&foreign, Some(&log.verifier())), Err(LogError::WrongOrigin));
    // A false line of a witness spoils the note, even where the quorum stands without it.
    let two = witness("w.example/2");
    let any = policy(format!(
        "witness a {}\nwitness b {}\ngroup g any a b\nquorum g\n",
        cosigner.verifier().vkey(),
        two.verifier().vkey()
    ));
    let false_line = two.cosign(&Checkpoint { size: 1, ..checkpoint() }.text(), TIME).unwrap();
    let spoilt = note(&log) + &false_line;
    assert_eq!(any.judge(&spoilt, Some(&log.verifier())), Err(LogError::BadSignature));
    assert!(any.judge(&note(&log), Some(&log.verifier())).is_ok(), "without logs the known one is enough");
    assert_eq!(any.judge(&note(&log), None), Err(LogError::NoKnownSignature), "and without either none is");
    let none = policy(format!("log {}\nquorum none\n", log.verifier().vkey()));
    assert!(none.judge(&log.sign(&text).unwrap(), None).unwrap().cosignatures().is_empty());
    assert_eq!(none.judge("rubbish", None), Err(LogError::Malformed("note")));
    assert_eq!(none.judge(&log.sign("rubbish\n").unwrap(), None), Err(LogError::Malformed("checkpoint")));
}

#[test]
fn a_policy_is_read_strictly() {
    let (l, w) = (log().verifier().vkey(), witness("w.example/1").verifier().vkey());
    let raw = key(KeyKind::Ed25519);
    let again = SoftwareKey::from_pkcs8_der(&raw.to_pkcs8_der().unwrap()).unwrap();
    let (one, same) = (Cosigner::new("w.example/a", raw).unwrap(), Cosigner::new("w.example/b", again).unwrap());
    let (one, same) = (one.verifier().vkey(), same.verifier().vkey());
    let refused: Vec<(String, usize, PolicyFault)> = vec![
        (String::new(), 1, PolicyFault::NoQuorum),
        (format!("log {l}\n\n"), 3, PolicyFault::NoQuorum),
        ("quorum none".to_owned(), 1, PolicyFault::Unterminated),
        ("quorum none\r\n".to_owned(), 1, PolicyFault::ControlCharacter),
        ("quorum\u{7f}none\n".to_owned(), 1, PolicyFault::ControlCharacter),
        ("# a\u{0}b\nquorum none\n".to_owned(), 1, PolicyFault::ControlCharacter),
        ("quorum none\nquorum none\n".to_owned(), 2, PolicyFault::SecondQuorum),
        ("quorum none # nobody\n".to_owned(), 1, PolicyFault::Words),
        ("quorum\n".to_owned(), 1, PolicyFault::Words),
        ("Quorum none\n".to_owned(), 1, PolicyFault::Keyword),
        ("quorum\u{a0}none\n".to_owned(), 1, PolicyFault::Keyword),
        (format!("quorum a\nwitness a {w}\n"), 1, PolicyFault::UnknownName),
        ("log\nquorum none\n".to_owned(), 1, PolicyFault::Words),
        (format!("log {l} a b\nquorum none\n"), 1, PolicyFault::Words),
        (format!("log {w}\nquorum none\n"), 1, PolicyFault::Key),
        (format!("log {l}\nlog {l} https://mirror.example\nquorum none\n"), 2, PolicyFault::DuplicateKey),
        (format!("witness a {l}\nquorum none\n"), 1, PolicyFault::Key),
        (format!("witness a {w} u v\nquorum none\n"), 1, PolicyFault::Words),
        (format!("witness {w}\nquorum none\n"), 1, PolicyFault::Words),
        (format!("witness none {w}\nquorum none\n"), 1, PolicyFault::NameTaken),
        (format!("witness a {w}\nwitness a {one}\nquorum none\n"), 2, PolicyFault::NameTaken),
        (format!("witness a {one}\nwitness b {same}\nquorum none\n"), 2, PolicyFault::DuplicateKey),
        (format!("witness a {w}\ngroup a any a\nquorum a\n"), 2, PolicyFault::NameTaken),
        (format!("witness a {w}\ngroup none any a\nquorum none\n"), 2, PolicyFault::NameTaken),
        (format!("witness a {w}\ngroup g any\nquorum g\n"), 2, PolicyFault::Words),
        (format!("witness a {w}\ngroup g\nquorum g\n"), 2, PolicyFault::Words),
        (format!("witness a {w}\ngroup g any b\nquorum g\n"), 2, PolicyFault::UnknownName),
        (format!("witness a {w}\ngroup g any none\nquorum g\n"), 2, PolicyFault::UnknownName),
        (format!("witness a {w}\ngroup g any g\nquorum g\n"), 2, PolicyFault::UnknownName),
        (format!("witness a {w}\ngroup g any a a\nquorum g\n"), 2, PolicyFault::MemberTwice),
        (format!("witness a {w}\ngroup g any a\ngroup h any a\nquorum h\n"), 3, PolicyFault::MemberTwice),
    ];
    for (text, line, fault) in refused {
        assert_eq!(Policy::parse(text.as_bytes()), Err(PolicyError { line, fault }), "{text}");
    }
    for threshold in ["0", "2", "01", "+1", "-1", "", "1.0", "ALL", "18446744073709551617"] {
        let text = format!("witness a {w}\ngroup g {threshold} a\nquorum g\n");
        // Without a threshold the member is taken for one, and there is none.
        assert!(Policy::parse(text.as_bytes()).is_err(), "{threshold:?}");
    }
    for threshold in ["1", "any", "all"] {
        Policy::parse(format!("witness a {w}\ngroup g {threshold} a\nquorum g\n").as_bytes()).unwrap();
    }
    // Octets above ASCII are names like others, UTF-8 or not.
    let mut odd = b"witness \xff\xfe ".to_vec();
    odd.extend_from_slice(w.as_bytes());
    odd.extend_from_slice(b" \x80\nquorum \xff\xfe\n");
    assert_eq!(Policy::parse(&odd).unwrap().witnesses()[0].name, b"\xff\xfe");
    assert_eq!(Policy::parse(&vec![b'\n'; (256 << 10) + 1]).unwrap_err().fault, PolicyFault::TooLarge);
}

#[test]
fn as_many_as_the_specification_asks_for_are_read_and_no_flood() {
    let mut text = String::new();
    let line = |text: &mut String, line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for number in 0..32 {
        line(&mut text, format!("log {}", log().verifier().vkey()));
        line(&mut text, format!("witness w{number} {}", witness("w").verifier().vkey()));
        line(&mut text, format!("group g{number} any w{number}"));
    }
    let groups: Vec<_> = (0..32).map(|number| format!("g{number}")).collect();
    line(&mut text, format!("group all 17 {}", groups.join(" ")));
    line(&mut text, "quorum all".to_owned());
    assert_eq!(Policy::parse(text.as_bytes()).unwrap().witnesses().len(), 32);
    let mut flood = format!("witness w {}\ngroup g0 any w\n", witness("w").verifier().vkey());
    for number in 1..300 {
        line(&mut flood, format!("group g{number} any g{}", number - 1));
    }
    assert_eq!(Policy::parse(flood.as_bytes()), Err(PolicyError { line: 257, fault: PolicyFault::TooLarge }));
}

proptest! {
    #[test]
    fn strangers_policies_never_panic(file in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Policy::parse(&file);
    }

    #[test]
    fn words_in_any_order_never_panic(words in prop::collection::vec(
        prop::sample::select(vec!["log", "witness", "group", "quorum", "none", "all", "any", "1", "2", "a", "b", "#", "\n", "\n", "w+00000000+BA=="]),
        0..40,
    )) {
        let file = words.join(" ").into_bytes();
        let _ = Policy::parse(&file);
    }
}
