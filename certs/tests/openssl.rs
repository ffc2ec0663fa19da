//! What the throw-away PKI makes and what this crate reads, judged by the `openssl` command line, which shares no code with
//! either. Where the command is absent each test says so and passes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests")]

use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage};
use certs::path::{self, Budget};
use certs::revocation::{Crl, OcspResponse, RevocationData, RevocationError, Status, ocsp_request, status};
use certs::timestamp::{self, TrustedTime, TstInfo};
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{DigestAlgorithm, digest};
use crypto::key::{Curve, KeyKind};
use std::process::Command;
use time::{Duration, OffsetDateTime};

/// openssl judges by its own clock, so these tests must too.
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().replace_nanosecond(0).unwrap()
}

struct Bench {
    pki: DevPki,
    now: OffsetDateTime,
    folder: tempfile::TempDir,
}

/// What a command printed, and whether it succeeded.
struct Said {
    text: String,
    ok: bool,
}

impl Bench {
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: the openssl command is absent");
            return None;
        }
        let now = now();
        let pki = DevPki::new(now, Duration::days(30), "http://127.0.0.1:1/ocsp").unwrap();
        let bench = Self { pki, now, folder: tempfile::tempdir().unwrap() };
        bench.write("root.pem", bench.pki.root().to_pem());
        bench.write("issuing.pem", bench.pki.issuing_ca().to_pem());
        bench.write("chain.pem", bench.pki.issuing_ca().to_pem() + &bench.pki.root().to_pem());
        Some(bench)
    }

    fn issue(&self, usage: Usage, key: KeyKind) -> Identity {
        let profile = Profile {
            common_name: "Тест Тестович".to_owned(),
            organisation: Some("КП \"Вузол, обл.\"".to_owned()),
            edrpou: Some("12345678".to_owned()),
            rnokpp: Some("1234567890".to_owned()),
            usage,
            key,
            not_before: self.now - Duration::hours(1),
            not_after: self.now + Duration::days(10),
            dns_names: vec!["vuzol.test".to_owned()],
        };
        self.pki.issue(profile).unwrap()
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn openssl(&self, arguments: &str) -> Said {
        let output =
            Command::new("openssl").args(arguments.split(' ')).current_dir(self.folder.path()).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said { text: String::from_utf8_lossy(&text).into_owned(), ok: output.status.success() }
    }

    #[track_caller]
    fn accepts(&self, arguments: &str) -> String {
        let said = self.openssl(arguments);
        assert!(said.ok, "openssl {arguments}: {}", said.text);
        said.text
    }

    fn trust(&self, purpose: Purpose) -> TrustSnapshot {
        let anchor = TrustAnchor { certificate: self.pki.root().clone(), purposes: vec![purpose] };
        TrustSnapshot::new(vec![anchor], vec![self.pki.issuing_ca().clone()], self.now)
    }
}

const P256: KeyKind = KeyKind::Ec(Curve::P256);

#[test]
fn chains_of_every_usage_verify() {
    let Some(bench) = Bench::new() else { return };
    // The portable provider makes no RSA keys.
    let signing_key = if cfg!(feature = "native") { KeyKind::Rsa { bits: 2048 } } else { P256 };
    let cases = [
        (Usage::TlsServer, P256, "sslserver"),
        (Usage::TlsClient, KeyKind::Ed25519, "sslclient"),
        (Usage::Signing, signing_key, "any"),
        (Usage::Seal, KeyKind::Ec(Curve::P384), "any"),
        (Usage::Encryption, P256, "any"),
        (Usage::TimeStamping, P256, "timestampsign"),
        (Usage::OcspResponder, P256, "ocsphelper"),
    ];
    for (usage, key, purpose) in cases {
        bench.write("leaf.pem", bench.issue(usage, key).certificate.to_pem());
        let verify = format!("verify -x509_strict -purpose {purpose} -CAfile root.pem -untrusted issuing.pem leaf.pem");
        bench.accepts(&verify);
    }
    bench.write("leaf.pem", bench.issue(Usage::TlsServer, P256).certificate.to_pem());
    assert!(!bench.openssl("verify -purpose sslclient -CAfile root.pem -untrusted issuing.pem leaf.pem").ok);
    bench.accepts("verify -verify_hostname vuzol.test -CAfile root.pem -untrusted issuing.pem leaf.pem");
    bench.accepts("verify -verify_ip 127.0.0.1 -CAfile root.pem -untrusted issuing.pem leaf.pem");
}

#[test]
fn fields_read_as_openssl_reads_them() {
    let Some(bench) = Bench::new() else { return };
    let identity = bench.issue(Usage::Signing, P256);
    let certificate = &identity.certificate;
    bench.write("leaf.der", certificate.der());
    let field = |option: &str| {
        let text = bench.accepts(&format!("x509 -inform DER -in leaf.der -noout {option}"));
        text.trim().split_once('=').map(|(_, value)| value.to_owned()).unwrap_or(text)
    };
    assert_eq!(field("-serial").to_lowercase(), certificate.serial_hex());
    let fingerprint = field("-fingerprint -sha256").replace(':', "").to_lowercase();
    assert_eq!(fingerprint, crypto::digest::hex(&certificate.fingerprint()));
    // The names of two attribute types differ between the RFC's registry and openssl's tables; the rest is literal.
    let subject = field("-subject -nameopt RFC2253,-esc_msb,utf8");
    assert_eq!(subject, certificate.subject());
    assert_eq!(field("-issuer -nameopt RFC2253,-esc_msb,utf8"), certificate.issuer());
    assert!(field("-ocsp_uri").contains("http://127.0.0.1:1/ocsp"));
    assert_eq!(certificate.ocsp_urls(), ["http://127.0.0.1:1/ocsp"]);
    let text = bench.accepts("x509 -inform DER -in leaf.der -noout -text");
    assert!(text.contains("Digital Signature, Non Repudiation"), "{text}");
    let usage = certificate.key_usage().unwrap();
    assert!(usage.digital_signature() && usage.content_commitment() && !usage.key_cert_sign());
    let identifier = crypto::digest::hex(certificate.subject_key_identifier().unwrap()).to_uppercase();
    let pairs: Vec<_> = identifier.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    assert!(text.contains(&pairs.join(":")), "{text}");
    bench.accepts("x509 -inform DER -in leaf.der -out leaf.pem");
    let pem = String::from_utf8(bench.read("leaf.pem")).unwrap();
    assert_eq!(pem, certificate.to_pem());
    assert_eq!(
        Certificate::from_pem(&format!("a note\n{pem}{pem}")).unwrap(),
        [certificate.clone(), certificate.clone()]
    );
    assert_eq!(
        (certificate.edrpou().as_deref(), certificate.rnokpp().as_deref()),
        (Some("12345678"), Some("1234567890"))
    );
}

#[test]
fn certificates_of_openssl_are_read_and_their_paths_found() {
    let Some(bench) = Bench::new() else { return };
    let make = "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /C=UA/O=Else/CN=Else \
                -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
                -addext nameConstraints=critical,permitted;dirName:scope -sigopt rsa_padding_mode:pss";
    bench.write("ca.cnf", "[req]\ndistinguished_name=dn\n[dn]\n[scope]\nC=UA\nO=Within\n");
    bench.accepts(&(make.split_whitespace().collect::<Vec<_>>().join(" ") + " -config ca.cnf"));
    bench.write("leaf.ext", "keyUsage=digitalSignature\nauthorityKeyIdentifier=keyid\n");
    let leaf = |organisation: &str| {
        bench.accepts(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout l.key -out l.csr -config ca.cnf \
             -subj /C=UA/O={organisation}/CN=Leaf"
        ));
        bench.accepts(
            "x509 -req -in l.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3 -extfile leaf.ext -out l.pem",
        );
        Certificate::from_pem(&String::from_utf8(bench.read("l.pem")).unwrap()).unwrap().remove(0)
    };
    let root = Certificate::from_pem(&String::from_utf8(bench.read("ca.pem")).unwrap()).unwrap().remove(0);
    let anchor = TrustAnchor { certificate: root, purposes: vec![Purpose::Signing] };
    let trust = TrustSnapshot::new(vec![anchor], vec![], bench.now);
    let verify = |leaf: &Certificate| {
        let at = bench.now + Duration::minutes(1);
        path::verify(leaf, &[], &trust, Purpose::Signing, at, &mut Budget::default())
    };
    assert_eq!(verify(&leaf("Within")).unwrap().certificates().len(), 2);
    let outside = leaf("Without");
    let subject = outside.subject();
    assert_eq!(verify(&outside).unwrap_err(), path::PathError::NameConstraint { subject });
}

/// Asks our responder with openssl's request, and has openssl judge the answer.
#[test]
fn our_ocsp_answers_satisfy_openssl() {
    let Some(bench) = Bench::new() else { return };
    let (good, bad) = (bench.issue(Usage::Signing, P256), bench.issue(Usage::Signing, P256));
    bench.pki.revoke(&bad.certificate, bench.now - Duration::minutes(5), 1);
    let ask = |subject: &str, issuer: &str, hash: &str| {
        bench.accepts(&format!("ocsp {hash} -issuer {issuer} {subject} -reqout request.der"));
        bench.write("response.der", bench.pki.answer_ocsp(&bench.read("request.der"), bench.now));
        // With -reqin openssl compares the nonces, with -cert it says what the answer is; it does not do both at once.
        let believe = "-respin response.der -CAfile root.pem -verify_other issuing.pem";
        bench.accepts(&format!("ocsp -reqin request.der {believe}"));
        bench.accepts(&format!("ocsp -no_nonce {hash} -issuer {issuer} {subject} {believe}"))
    };
    let check = |certificate: &Certificate, issuer: &str, hash: &str| {
        bench.write("leaf.pem", certificate.to_pem());
        ask("-cert leaf.pem", issuer, hash)
    };
    let said = check(&good.certificate, "issuing.pem", "-sha1");
    assert!(said.contains("Response verify OK") && said.contains("leaf.pem: good"), "{said}");
    let said = check(&bad.certificate, "issuing.pem", "-sha256");
    assert!(said.contains("leaf.pem: revoked") && said.contains("keyCompromise"), "{said}");
    let said = check(bench.pki.issuing_ca(), "root.pem", "-sha1");
    assert!(said.contains("Response verify OK") && said.contains("leaf.pem: good"), "{said}");
    let said = ask("-serial 0x123456", "issuing.pem", "-sha1");
    assert!(said.contains("0x123456: unknown"), "{said}");
    bench.write("request.der", ocsp_request(&good.certificate, bench.pki.issuing_ca(), Some(b"0123456789abcdef")));
    let said = bench.accepts("ocsp -reqin request.der -req_text -noverify");
    assert!(said.contains("OCSP Nonce") && said.contains(&good.certificate.serial_hex().to_uppercase()), "{said}");
    bench.write("response.der", bench.pki.answer_ocsp(b"no request", bench.now));
    assert!(bench.openssl("ocsp -respin response.der -noverify").text.contains("malformedrequest"));
}

/// openssl's own responder answers for an authority of openssl; our reader judges.
#[test]
fn ocsp_answers_and_lists_of_openssl_are_believed() {
    let Some(bench) = Bench::new() else { return };
    let other = Elsewhere::new(&bench);
    for hash in ["-sha1", "-sha256"] {
        bench.accepts(&format!("ocsp {hash} -issuer ca.pem -cert 01.pem -cert 02.pem -reqout both.der"));
        bench.accepts("ocsp -index index.txt -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin both.der -respout answer.der -ndays 1");
        let answer = OcspResponse::from_der(&bench.read("answer.der")).unwrap();
        other.expect(&bench, &RevocationData { ocsp: vec![answer], crls: vec![] }, Some(1));
    }
    bench.accepts("ca -config ca.cnf -gencrl -out list.pem -crldays 1");
    bench.accepts("crl -in list.pem -outform DER -out list.der");
    let list = Crl::from_der(&bench.read("list.der")).unwrap();
    other.expect(&bench, &RevocationData { ocsp: vec![], crls: vec![list] }, Some(1));

    // A responder that the authority did not delegate to, although the authority issued its certificate.
    bench.accepts("ocsp -index index.txt -CA ca.pem -rsigner 01.pem -rkey 01.key -issuer ca.pem -cert 01.pem -respout answer.der -ndays 1");
    let answer = OcspResponse::from_der(&bench.read("answer.der")).unwrap();
    let data = RevocationData { ocsp: vec![answer], crls: vec![] };
    let tried = vec![RevocationError::ResponderNotAuthorised];
    assert_eq!(status(&other.good, &other.issuer, &data, bench.now), Status::Unknown { tried });
}

/// An authority that openssl's `ca` command runs, with one good and one revoked certificate.
struct Elsewhere {
    issuer: Certificate,
    good: Certificate,
    revoked: Certificate,
}

impl Elsewhere {
    fn new(bench: &Bench) -> Self {
        bench.write("index.txt", "");
        bench.write("serial", "01");
        bench.write(
            "ca.cnf",
            "[req]\ndistinguished_name=dn\n[dn]\n[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\nserial=serial\n\
             new_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=any\ndefault_days=2\n\
             [any]\ncommonName=supplied\n",
        );
        bench.accepts(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=Elsewhere -config ca.cnf \
             -addext basicConstraints=critical,CA:TRUE",
        );
        for number in ["01", "02"] {
            bench.accepts(&format!(
                "req -new -newkey rsa:2048 -nodes -keyout {number}.key -out {number}.csr -subj /CN={number} -config ca.cnf"
            ));
            bench.accepts(&format!("ca -config ca.cnf -batch -notext -in {number}.csr"));
        }
        bench.accepts("ca -config ca.cnf -revoke 02.pem -crl_reason keyCompromise");
        let read = |name: &str| Certificate::from_pem(&String::from_utf8(bench.read(name)).unwrap()).unwrap().remove(0);
        Self { issuer: read("ca.pem"), good: read("01.pem"), revoked: read("02.pem") }
    }

    #[track_caller]
    fn expect(&self, bench: &Bench, data: &RevocationData, expected: Option<u8>) {
        let of_good = status(&self.good, &self.issuer, data, bench.now);
        assert!(matches!(of_good, Status::Good { next_update: Some(_), .. }), "{of_good:?}");
        let of_revoked = status(&self.revoked, &self.issuer, data, bench.now);
        assert!(matches!(of_revoked, Status::Revoked { reason, .. } if reason == expected), "{of_revoked:?}");
    }
}

#[test]
fn our_lists_satisfy_openssl() {
    let Some(bench) = Bench::new() else { return };
    let (good, bad) = (bench.issue(Usage::Signing, P256), bench.issue(Usage::Signing, P256));
    bench.pki.revoke(&bad.certificate, bench.now - Duration::minutes(5), 4);
    for (name, list) in [("list", bench.pki.crl(bench.now)), ("root", bench.pki.root_crl(bench.now))] {
        bench.write(&format!("{name}.der"), list.unwrap());
        bench.accepts(&format!("crl -inform DER -in {name}.der -out {name}-crl.pem"));
    }
    let text = bench.accepts("crl -in list-crl.pem -noout -text -CAfile chain.pem");
    assert!(text.contains("verify OK") && text.contains("Superseded"), "{text}");
    let lists = [bench.read("list-crl.pem"), bench.read("root-crl.pem")].concat();
    bench.write("lists.pem", lists);
    let verify = "verify -crl_check_all -CAfile root.pem -untrusted issuing.pem -CRLfile lists.pem leaf.pem";
    bench.write("leaf.pem", good.certificate.to_pem());
    bench.accepts(verify);
    bench.write("leaf.pem", bad.certificate.to_pem());
    assert!(bench.openssl(verify).text.contains("certificate revoked"));
}

#[test]
fn our_time_stamps_satisfy_openssl() {
    let Some(bench) = Bench::new() else { return };
    bench.write("data", "the document");
    for (number, algorithm) in ["sha256", "sha512", "sha3-256"].into_iter().enumerate() {
        bench.accepts(&format!("ts -query -data data -{algorithm} -cert -out query.tsq"));
        bench.write("reply.tsr", bench.pki.answer_tsa(&bench.read("query.tsq"), bench.now));
        let said =
            bench.accepts("ts -verify -queryfile query.tsq -in reply.tsr -CAfile root.pem -untrusted issuing.pem");
        assert!(said.contains("Verification: OK"), "{number}: {said}");
    }
    let text = bench.accepts("ts -reply -in reply.tsr -text");
    assert!(text.contains("Status: Granted") && text.contains("Accuracy: 0x01 seconds"), "{text}");

    let imprint = digest(DigestAlgorithm::Sha256, b"the document");
    bench.write("query.tsq", timestamp::request(&imprint, Some(&[0, 0x9a, 1, 2, 3, 4, 5, 6]), true));
    let text = bench.accepts("ts -query -in query.tsq -text");
    assert!(text.contains("Hash Algorithm: sha256") && text.contains("Nonce: 0x9A010203040506"), "{text}");
    assert!(text.contains("Certificate required: yes"), "{text}");
    let reply = bench.pki.answer_tsa(&bench.read("query.tsq"), bench.now);
    bench.write("reply.tsr", &reply);
    bench.accepts("ts -verify -queryfile query.tsq -in reply.tsr -CAfile root.pem -untrusted issuing.pem");

    // The TSTInfo inside, by openssl's CMS reader, then by ours.
    bench.write("token.der", timestamp::token_of_response(&reply).unwrap());
    bench.accepts("cms -verify -inform DER -in token.der -noverify -binary -out info.der -certfile issuing.pem");
    let info = TstInfo::from_der(&bench.read("info.der")).unwrap();
    assert_eq!((info.gen_time, info.accuracy), (bench.now, Some(Duration::seconds(1))));
    info.check_nonce(&[0x9a, 1, 2, 3, 4, 5, 6]).unwrap();
    assert!(info.check_nonce(&[1]).is_err());
    let path = path::verify(
        bench.pki.tsa_certificate(),
        &[],
        &bench.trust(Purpose::TimeStamping),
        Purpose::TimeStamping,
        bench.now,
        &mut Budget::default(),
    )
    .unwrap();
    assert_eq!(TrustedTime::attest(&path, &info, &imprint).unwrap().at(), bench.now);
    let other = digest(DigestAlgorithm::Sha256, b"another document");
    assert_eq!(TrustedTime::attest(&path, &info, &other), Err(timestamp::TimestampError::ImprintMismatch));
}

#[test]
fn time_stamp_requests_that_cannot_be_served_are_refused_with_the_reason() {
    let Some(bench) = Bench::new() else { return };
    let refused = |request: &[u8]| {
        let reply = bench.pki.answer_tsa(request, bench.now);
        let refusal = timestamp::TimestampError::Refused { status: 2 };
        assert_eq!(timestamp::token_of_response(&reply), Err(refusal));
        bench.write("reply.tsr", reply);
        bench.openssl("ts -reply -in reply.tsr -text").text
    };
    assert!(refused(b"garbage").contains("the data submitted has the wrong format"));
    bench.write("data", "x");
    bench.accepts("ts -query -data data -md5 -out query.tsq");
    assert!(refused(&bench.read("query.tsq")).contains("unrecognized or unsupported algorithm"));
    bench.accepts("ts -query -data data -sha256 -tspolicy 1.2.3 -out query.tsq");
    assert!(refused(&bench.read("query.tsq")).contains("policy is not supported"));
}
