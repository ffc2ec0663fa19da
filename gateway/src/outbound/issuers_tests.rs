//! Authorities whose certificates are missing, and servers that give what nobody asked for.

use super::*;

use certs::dev::{DevPki, Profile, Usage};
use certs::trust::TrustAnchor;
use crypto::key::{Curve, KeyKind};

use crate::outbound::liar::{Liar, http};

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-23 12:00 UTC);

/// What a server makes of a world.
type Form = fn(&World) -> Vec<u8>;

/// A root that we believe and an authority below it, which has taken a new key that we do not know.
struct World {
    old: DevPki,
    new: DevPki,
    trust: TrustSnapshot,
}

impl World {
    /// What is issued by the new key names `url` for its issuer's certificate.
    fn naming(url: &str) -> Self {
        let old = DevPki::new(NOW, Duration::days(30), "").unwrap();
        let new = old.with_new_issuing_key().unwrap().naming_issuer_at(url);
        let anchor = TrustAnchor { certificate: old.root().clone(), purposes: vec![Purpose::Signing] };
        let trust = TrustSnapshot::new(vec![anchor], vec![old.issuing_ca().clone()], NOW);
        Self { old, new, trust }
    }

    fn signer(&self) -> Certificate {
        issue(&self.new)
    }

    fn leads_to_an_anchor(&self, certificate: &Certificate, helpers: &[Certificate]) -> bool {
        path::verify(certificate, helpers, &self.trust, Purpose::Signing, NOW, &mut Budget::default()).is_ok()
    }
}

fn issue(pki: &DevPki) -> Certificate {
    let profile = Profile {
        common_name: "Signer".to_owned(),
        organisation: None,
        edrpou: None,
        rnokpp: None,
        usage: Usage::Signing,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::hours(1),
        not_after: NOW + Duration::days(1),
        dns_names: Vec::new(),
    };
    pki.issue(profile).unwrap().certificate
}

fn asking(hosts: &[&Liar]) -> Arc<Issuers> {
    let hosts: Vec<String> = hosts.iter().map(|liar| liar.host.clone()).collect();
    Issuers::new(Arc::new(Fetcher::new(&hosts).unwrap()))
}

fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], contents.as_slice()].concat()
}

/// A certs-only SignedData (RFC 5751, 3.8).
fn bag(certificates: &[&Certificate]) -> Vec<u8> {
    const SIGNED_DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
    const DATA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    let ders: Vec<&[u8]> = certificates.iter().map(|certificate| certificate.der()).collect();
    let (digests, signers, certificates) = (element(0x31, &[]), element(0x31, &[]), element(0xa0, &ders));
    let data = element(0x30, &[&[2, 1, 1], &digests, &element(0x30, &[DATA]), &certificates, &signers]);
    element(0x30, &[SIGNED_DATA, &element(0xa0, &[&data])])
}

/// The same in indefinite length.
fn in_ber(der: &[u8]) -> Vec<u8> {
    [&[der[0], 0x80], &der[4..], &[0, 0]].concat()
}

/// A world whose server gives the answer that `make` makes of it; what a round finds, with the signer held by an operator.
async fn found(make: impl FnOnce(&World) -> Vec<u8>) -> (World, Vec<Certificate>) {
    let slot = Arc::new(Mutex::new(Vec::new()));
    let answer = slot.clone();
    let server = Liar::answering(move |_| answer.lock().unwrap().clone()).await;
    let world = World::naming(&server.url("issuer.cer"));
    *slot.lock().unwrap() = make(&world);
    let found = asking(&[&server]).collect(&world.trust, &[world.signer()], &[], NOW).await;
    assert_eq!(server.asked(), 1);
    (world, found)
}

#[tokio::test]
async fn the_new_key_of_an_authority_is_found_in_every_form() {
    let forms: [Form; 5] = [
        |world| world.new.issuing_ca().der().to_vec(),
        |world| world.new.issuing_ca().to_pem().into_bytes(),
        |world| bag(&[world.old.root(), world.old.issuing_ca(), world.new.issuing_ca()]),
        |world| in_ber(&bag(&[world.new.issuing_ca()])),
        // Among what is of no use: a leaf, and an authority of strangers.
        |world| {
            let stranger = DevPki::new(NOW, Duration::days(30), "").unwrap();
            bag(&[&issue(&world.new), stranger.root(), stranger.issuing_ca(), world.new.issuing_ca()])
        },
    ];
    for (number, form) in forms.into_iter().enumerate() {
        let (world, found) = found(|world| http("200 OK", "", &form(world))).await;
        assert_eq!(found, [world.new.issuing_ca().clone()], "form {number}");
        let signer = world.signer();
        assert!(!world.leads_to_an_anchor(&signer, &[]) && world.leads_to_an_anchor(&signer, &found));
    }
}

#[tokio::test]
async fn what_leads_to_no_anchor_is_dropped() {
    let hostile: [(&str, Form); 10] = [
        ("a stranger's authority", |_| DevPki::new(NOW, Duration::days(30), "").unwrap().issuing_ca().der().to_vec()),
        ("a stranger's root of our root's name and kind", |world| {
            DevPki::new(NOW, Duration::days(30), "")
                .unwrap()
                .root()
                .der()
                .iter()
                .chain(world.old.root().der())
                .copied()
                .collect()
        }),
        ("a leaf of our own authority", |world| issue(&world.old).der().to_vec()),
        ("what we have already", |world| bag(&[world.old.issuing_ca(), world.old.root()])),
        ("a changed certificate", |world| {
            let mut der = world.new.issuing_ca().der().to_vec();
            if let Some(last) = der.last_mut() {
                *last ^= 1;
            }
            der
        }),
        ("a page", |_| b"<html>Welcome to the hotel's network</html>".to_vec()),
        ("nothing", |_| Vec::new()),
        ("half a certificate", |world| world.new.issuing_ca().der()[..200].to_vec()),
        ("half a bag", |world| bag(&[world.new.issuing_ca()])[..200].to_vec()),
        ("a thousand sequences in each other", |_| b"\x30\x80".repeat(1000)),
    ];
    for (what, form) in hostile {
        let (_, found) = found(|world| http("200 OK", "", &form(world))).await;
        assert_eq!(found, [], "{what}");
    }
    let (_, too_large) = found(|_| http("200 OK", "", &vec![0x30; 1024 * 1024 + 1])).await;
    let (_, refused) = found(|_| http("404 Not Found", "", b"")).await;
    let (_, broken) = found(|_| Vec::new()).await;
    assert_eq!([too_large, refused, broken].concat(), []);
}

#[tokio::test]
async fn a_bag_made_to_exhaust_ends_soon_and_hides_nothing_of_others() {
    let strangers: Vec<Certificate> =
        (0..60).map(|_| DevPki::new(NOW, Duration::days(30), "").unwrap().issuing_ca().clone()).collect();
    let before = std::time::Instant::now();
    let (world, found) = found(|world| {
        let mut all: Vec<&Certificate> = strangers.iter().collect();
        all.push(world.new.issuing_ca());
        http("200 OK", "", &bag(&all))
    })
    .await;
    assert_eq!(found, [world.new.issuing_ca().clone()]);
    assert!(before.elapsed() < std::time::Duration::from_secs(10), "{:?}", before.elapsed());
}

/// A stranger may write any name and any address of a host that we would ask: nothing is fetched for it.
#[tokio::test]
async fn a_strangers_address_is_never_dereferenced() {
    let server = Liar::saying(|_| http("200 OK", "", b"")).await;
    let world = World::naming(&server.url("issuer.cer"));
    let issuers = asking(&[&server]);
    let stranger = world.signer();
    assert!(!world.leads_to_an_anchor(&stranger, &[]));
    assert_eq!(issuers.collect(&world.trust, &[], &[], NOW).await, []);
    assert_eq!(server.asked(), 0, "it names an issuer that we know, and still nobody was asked");
}

/// Once a signer was verified, who brought the chain along, those who do not bring it are helped.
#[tokio::test]
async fn an_address_is_learnt_from_a_path_that_was_verified() {
    let slot = Arc::new(Mutex::new(Vec::new()));
    let answer = slot.clone();
    let server = Liar::answering(move |_| answer.lock().unwrap().clone()).await;
    let world = World::naming(&server.url("issuer.cer"));
    *slot.lock().unwrap() = http("200 OK", "", world.new.issuing_ca().der());
    let issuers = asking(&[&server]);
    let (signer, chain) = (world.signer(), [world.new.issuing_ca().clone()]);
    let path = path::verify(&signer, &chain, &world.trust, Purpose::Signing, NOW, &mut Budget::default()).unwrap();
    issuers.learn(&path);
    issuers.learn(&path);
    assert_eq!(issuers.collect(&world.trust, &[], &[], NOW).await, chain);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_on_the_list_is_not_asked() {
    let (listed, other) = (Liar::saying(|_| Vec::new()).await, Liar::saying(|_| Vec::new()).await);
    let world = World::naming(&other.url("issuer.cer"));
    assert_eq!(asking(&[&listed]).collect(&world.trust, &[world.signer()], &[], NOW).await, []);
    assert_eq!((listed.asked(), other.asked()), (0, 0));
}

#[tokio::test]
async fn rounds_that_overlap_share_an_exchange_and_a_file_is_not_asked_for_again_at_once() {
    let slot = Arc::new(Mutex::new(Vec::new()));
    let answer = slot.clone();
    let server = Liar::answering(move |_| answer.lock().unwrap().clone()).await;
    let world = World::naming(&server.url("issuer.cer"));
    *slot.lock().unwrap() = http("200 OK", "", world.new.issuing_ca().der());
    let (issuers, held) = (asking(&[&server]), [world.signer()]);
    let rounds = (0..8).map(|_| issuers.collect(&world.trust, &held, &[], NOW));
    for round in join_all(rounds).await {
        assert_eq!(round.len(), 1);
    }
    assert_eq!(server.asked(), 1);
    assert_eq!(issuers.collect(&world.trust, &held, &[], NOW + Duration::minutes(20)).await.len(), 1);
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn what_was_found_stays_while_its_server_is_down_and_goes_with_its_anchor() {
    let server = Liar::saying(|_| http("500 Internal Server Error", "", b"")).await;
    let world = World::naming(&server.url("issuer.cer"));
    let earlier = [world.new.issuing_ca().clone()];
    let issuers = asking(&[&server]);
    assert_eq!(issuers.collect(&world.trust, &[world.signer()], &earlier, NOW).await, earlier);
    let another = World::naming("").trust;
    assert_eq!(issuers.collect(&another, &[], &earlier, NOW).await, []);
    let late = NOW + Duration::days(60);
    assert_eq!(issuers.collect(&world.trust, &[], &earlier, late).await, [], "expired");
}
