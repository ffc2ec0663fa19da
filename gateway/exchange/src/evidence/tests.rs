use base64::Engine as _;
use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::key::SoftwareKey;
use schemas::evidence::EvidenceKind;
use schemas::{EventId, EvidenceId};
use time::{Duration, OffsetDateTime};

use super::*;

fn at() -> OffsetDateTime {
    time::macros::datetime!(2026-11-23 12:00:00.000_001 UTC)
}

fn statement() -> EvidenceStatement {
    EvidenceStatement {
        version: EVIDENCE_VERSION,
        evidence_id: EvidenceId::from_parts(1, [1; 10]),
        kind: EvidenceKind::SubmissionRejection,
        node: "node.example".to_owned(),
        at: at(),
        event_id: EventId::from_parts(1, [2; 10]),
        step: None,
        state: None,
        message_id: None,
        case_id: None,
        sender: "00000001".parse().unwrap(),
        sender_certificate: "ab".repeat(32),
        recipient: "00000002.chancellery".parse().unwrap(),
        document_kind: "letter".parse().unwrap(),
        accepted_at: None,
        parts: Vec::new(),
        reason: Some("Причина".to_owned()),
        acknowledgement_sha256: None,
        on_behalf_of: None,
        rests_on: None,
        metadata_sha256: None,
    }
}

fn seal(pki: &DevPki, key: KeyKind) -> Identity {
    let profile = Profile {
        common_name: "Node".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Seal,
        key,
        not_before: at() - Duration::days(1),
        not_after: at() + Duration::days(1),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap()
}

fn pki() -> DevPki {
    DevPki::new(at(), Duration::days(2), "").unwrap()
}

fn signer(identity: Identity) -> EvidenceSigner {
    EvidenceSigner::new(Arc::new(identity.key), identity.certificate, "node.example")
}

#[test]
fn what_was_signed_is_what_is_read() {
    let signer = signer(seal(&pki(), KeyKind::Ec(Curve::P256)));
    // Enough signatures to meet r and s of every length.
    for _ in 0..300 {
        let jws = signer.sign(&statement()).unwrap();
        assert_eq!(verify(&jws, signer.certificate()), Ok(statement()));
    }
    let jws = signer.sign(&statement()).unwrap();
    let header = URL_SAFE_NO_PAD.decode(jws.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(crypto::digest::sha256(signer.certificate().der()));
    // What JAdES B-B asks for (ETSI TS 119 182-1 V1.2.1, table 1): alg, cty, one reference to the certificate, iat.
    let expected = serde_json::json!({
        "alg": "ES256", "cty": "json", "typ": "vuzol-evidence+jws", "x5t#S256": thumbprint, "iat": at().unix_timestamp(),
    });
    assert_eq!(header, expected);
}

#[test]
fn a_changed_statement_is_not_believed() {
    let pki = pki();
    let signer = signer(seal(&pki, KeyKind::Ec(Curve::P256)));
    let jws = signer.sign(&statement()).unwrap();
    let [header, payload, signature] = jws.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let mut other = statement();
    other.sender = "00000009".parse().unwrap();
    let forged = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&other).unwrap());
    let told = |jws: &str| verify(jws, signer.certificate()).unwrap_err();
    assert_eq!(told(&format!("{header}.{forged}.{signature}")), EvidenceError::Mismatch);
    let stranger = seal(&pki, KeyKind::Ec(Curve::P256)).certificate;
    assert_eq!(verify(&jws, &stranger), Err(EvidenceError::OtherSigner));
    for broken in [
        String::new(),
        "..".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}."),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{}", &signature[..signature.len() - 2]),
        format!(" {jws}"),
        "a".repeat(JWS_BYTES + 1),
    ] {
        assert_eq!(told(&broken), EvidenceError::Malformed, "{broken:.60}");
    }
}

#[test]
fn a_header_of_another_kind_is_refused_even_when_it_is_signed() {
    let identity = seal(&pki(), KeyKind::Ec(Curve::P256));
    let thumbprint = URL_SAFE_NO_PAD.encode(identity.certificate.fingerprint());
    let signed = |version: u8, header: &str| {
        let payload = serde_json::to_vec(&EvidenceStatement { version, ..statement() }).unwrap();
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = fixed::to_fixed(Curve::P256, &identity.key.sign(ES256, input.as_bytes()).unwrap()).unwrap();
        verify(&format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)), &identity.certificate)
    };
    let old = format!(r#"{{"alg":"ES256","typ":"vuzol-evidence+jws","x5t#S256":"{thumbprint}"}}"#);
    let second = at().unix_timestamp();
    let good = old.replacen('{', &format!(r#"{{"cty":"json","iat":{second},"#), 1);
    assert!(signed(3, &good).is_ok());
    // What was written before there was iat is read, and only that.
    assert!(signed(1, &old).is_ok() && signed(2, &old).is_ok());
    for (version, wrong) in [
        (3, good.replace("ES256", "none")),
        (3, good.replace("ES256", "HS256")),
        (3, good.replace("vuzol-evidence+jws", "JWT")),
        (3, good.replace("\"typ\":\"vuzol-evidence+jws\",", "")),
        (3, good.replacen('{', r#"{"crit":["exp"],"exp":1,"#, 1)),
        (3, good.replacen('{', r#"{"crit":["iat"],"#, 1)),
        (3, good.replacen('{', r#"{"alg":"ES256","#, 1)),
        (3, good.replacen('{', r#"{"jku":"http://evil.example/","#, 1)),
        (3, good.replacen('{', r#"{"sigT":"2026-11-23T12:00:00Z","#, 1)),
        (3, good.replace("\"json\"", "\"xml\"")),
        (3, good.replace("\"cty\":\"json\",", "")),
        (3, good.replace(&second.to_string(), &(second + 1).to_string())),
        (3, old.clone()),
        (2, good.clone()),
        (4, good.clone()),
    ] {
        assert_eq!(signed(version, &wrong), Err(EvidenceError::Malformed), "{version} {wrong}");
    }
}

#[test]
fn a_key_that_is_not_the_certificates_or_not_p256_signs_nothing() {
    let pki = pki();
    let mut swapped = seal(&pki, KeyKind::Ec(Curve::P256));
    swapped.key = SoftwareKey::generate(KeyKind::Ec(Curve::P256)).unwrap();
    assert_eq!(signer(swapped).sign(&statement()), Err(KeyError::WrongOperation));
    let larger = seal(&pki, KeyKind::Ec(Curve::P384));
    assert_eq!(signer(larger).sign(&statement()), Err(KeyError::WrongOperation));
}
