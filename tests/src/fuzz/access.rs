//! The functions for the parsers of `access`, and their seeds: tables of an import, texts of logins, bundles of policies.

use std::sync::LazyLock;

use access::login::challenge::{Challenges, LIFETIME, Place, Purpose};
use access::login::secret::NodeSecret;
use access::people::import::table::Table;
use access::{Bundle, PolicyFiles, SignedPolicies};
use certs::dev::{DevPki, Identity, Profile, Usage};
use crypto::digest::{DigestAlgorithm, digest, hex, hmac_sha256};
use crypto::key::{Curve, KeyKind};
use schemas::SessionId;
use schemas::access::Portal;
use schemas::session::Deed;
use signing::cades::{Content, sign};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::Target;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "import_table", seeds: table_seeds, run: import_table },
    Target { name: "login_challenge", seeds: challenge_seeds, run: login_challenge },
    Target { name: "policy_bundle", seeds: bundle_seeds, run: policy_bundle },
    Target { name: "policy_signature", seeds: signature_seeds, run: policy_signature },
];

/// Rows that a table of these runs may have.
const ROWS: usize = 50;

fn table_seeds() -> Vec<Vec<u8>> {
    [
        "edrpou,name,mailboxes,area\r\n99000001,\"Центр \"\"Прозоро\"\", відділ 1\",chancellery archive,\r\n",
        "\u{feff}name,rnokpp,unzr\nОсоба,0000000011,\n\n\"Друга\nособа\",,19900101-00001",
        "role,rnokpp,participant\nhead_of_agency,0000000011,99000001\n",
        "a\n\"\"\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A table without a fault is read again as it was, however it is written; and none has more rows, or rows elsewhere, than its text.
pub fn import_table(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let table = Table::read(text, ROWS);
    let lines = text.matches('\n').count() as u64 + 1;
    assert!(table.rows.len() <= ROWS + 1);
    assert!(table.rows.iter().all(|row| row.fields.len() == table.columns.len() && row.line <= lines));
    assert!(table.rows.windows(2).all(|pair| pair[0].line < pair[1].line));
    assert!(table.faults.iter().all(|fault| fault.line <= lines + 1));
    if !table.faults.is_empty() {
        return;
    }
    let record = |fields: &[String]| {
        let quoted: Vec<String> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
        quoted.join(",") + "\r\n"
    };
    let rows: String = table.rows.iter().map(|row| record(&row.fields)).collect();
    let again = Table::read(&(record(&table.columns) + &rows), ROWS);
    let fields = |table: &Table| table.rows.iter().map(|row| row.fields.clone()).collect::<Vec<_>>();
    assert_eq!((&again.columns, fields(&again)), (&table.columns, fields(&table)));
    assert!(again.faults.is_empty());
}

const SECRET: [u8; 32] = [7; 32];
const HERE: Place<'_> = Place { node: "vuzol.test", portal: Portal::Internal, origin: "https://office.test" };
const CODE: &str = "\nКод вузла: ";

fn challenges() -> Challenges {
    Challenges::new(&NodeSecret::from_hex(&hex(&SECRET)).expect("32 octets"))
}

static ISSUED: LazyLock<Vec<String>> = LazyLock::new(|| {
    let session = SessionId::from_parts(1, [1; 10]);
    let step_up = Purpose::StepUp { deed: Deed::GrantRole, session };
    [Purpose::Login, step_up].map(|purpose| challenges().issue(&HERE, purpose, NOW).0).to_vec()
});

/// Texts as they are issued, and what stands before their codes.
fn challenge_seeds() -> Vec<Vec<u8>> {
    let bodies = ISSUED.iter().filter_map(|text| Some(text.rsplit_once(CODE)?.0.to_owned()));
    ISSUED.iter().cloned().chain(bodies).map(String::into_bytes).collect()
}

/// Nothing is opened that was not issued. What is read with a right code, which nobody outside can make, is one text for each challenge.
pub fn login_challenge(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let challenges = challenges();
    assert!(challenges.open(text, &HERE, NOW).is_err() || ISSUED.iter().any(|issued| issued == text));
    let label = [&b"vuzol login challenge 1"[..], &[1]].concat();
    let code = hmac_sha256(&hmac_sha256(&SECRET, &label), text.as_bytes());
    let coded = format!("{text}{CODE}{}", hex(&code));
    let elsewhere = Place { portal: Portal::External, ..HERE };
    assert!(challenges.open(&coded, &elsewhere, NOW).is_err(), "read at another portal");
    let Ok(opened) = challenges.open(&coded, &HERE, NOW) else { return };
    let lines: Vec<&str> = coded.split('\n').collect();
    assert_eq!(lines.len(), if opened.purpose() == Purpose::Login { 8 } else { 9 } + 1);
    assert!(coded.contains(&hex(opened.nonce())) && coded.contains(HERE.origin) && coded.contains(HERE.node));
    assert!(NOW < opened.expires_at() && opened.expires_at() <= NOW + LIFETIME);
    if let Purpose::StepUp { deed, session } = opened.purpose() {
        assert!(coded.contains(deed.text_uk()) && coded.contains(&session.to_string()));
    }
}

struct Signer {
    pki: DevPki,
    identity: Identity,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let pki = DevPki::new(NOW - Duration::days(10), Duration::days(30), "").expect("keys");
    let profile = Profile {
        common_name: "Policies".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(1),
        not_after: NOW + Duration::days(1),
        dns_names: Vec::new(),
    };
    let identity = pki.issue(profile).expect("a key and a certificate");
    Signer { pki, identity }
});

fn bundle(number: u64, policy: &str) -> Vec<u8> {
    let policies = [("people.cedar".to_owned(), policy.to_owned())].into();
    let bundle = Bundle { number, schema: PolicyFiles::shipped().schema().to_owned(), policies };
    serde_json::to_vec(&bundle).expect("JSON")
}

fn bundle_seeds() -> Vec<Vec<u8>> {
    let forbid = r#"@id("x") forbid (principal is Vuzol::Person, action == Vuzol::Action::"read_log", resource);"#;
    let permit =
        r#"@id("y") permit (principal in Vuzol::Role::"auditor", action, resource is Vuzol::Node) when { true };"#;
    vec![bundle(1, forbid), bundle(7, &format!("{forbid}\n{permit}"))]
}

fn signed(bundle: &[u8]) -> Vec<u8> {
    let Signer { pki, identity } = &*SIGNER;
    let chain = [identity.certificate.clone(), pki.issuing_ca().clone()];
    let content = Content::Detached(digest(DigestAlgorithm::Sha256, bundle));
    sign(content, &identity.key, identity.key.default_algorithm(), &chain, NOW).expect("a software key signs")
}

fn verified(bundle: &[u8], signature: &[u8]) -> Option<SignedPolicies> {
    SignedPolicies::verify(bundle, signature, std::slice::from_ref(&SIGNER.identity.certificate), 1, NOW).ok()
}

/// A bundle that its signer signed: what comes into force is what stands in it, and is sound.
pub fn policy_bundle(data: &[u8]) {
    let Some(policies) = verified(data, &signed(data)) else { return };
    let read: Bundle = serde_json::from_slice(data).expect("what was verified was read");
    assert_eq!(policies.number(), read.number);
    let texts = read.policies.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files = PolicyFiles::new(&read.schema, texts).expect("what was verified was read");
    assert!(files.check().is_ok() && files.version() == policies.version());
    assert!(verified(data, &signed(&[data, b" "].concat())).is_none(), "signed for another bundle");
}

static ONE: LazyLock<Vec<u8>> = LazyLock::new(|| bundle_seeds().remove(0));

fn signature_seeds() -> Vec<Vec<u8>> {
    vec![signed(&ONE)]
}

/// A signature that holds for one bundle holds for no other.
pub fn policy_signature(data: &[u8]) {
    if verified(&ONE, data).is_some() {
        assert!(verified(&bundle_seeds()[1], data).is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_what_they_should_be() {
        let table = |seed: &[u8]| Table::read(std::str::from_utf8(seed).expect("text"), ROWS);
        assert!(table_seeds().iter().all(|seed| table(seed).faults.is_empty()));
        assert_eq!(table(&table_seeds()[1]).rows.len(), 2);
        assert!(ISSUED.iter().all(|text| challenges().open(text, &HERE, NOW).is_ok()));
        let counts: Vec<_> = bundle_seeds()
            .iter()
            .map(|bundle| verified(bundle, &signed(bundle)).map(|policies| policies.count()))
            .collect();
        assert_eq!(counts, [Some(1), Some(2)]);
    }
}
