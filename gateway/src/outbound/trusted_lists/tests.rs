//! Lists that come, lists that are none, and a node that starts again.

use super::*;

use std::path::Path;

use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage, lists};
use certs::trust::{Purpose, TrustSource};
use certs::trust_list::{Scheme, ServiceStatus, ServiceType, TrustList};
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use signing::cades::Signatory;
use signing::xades::create::{Options, sign};
use storage::clock::ManualClock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::config::TrustConfig;
use crate::outbound::trust::FolderTrust;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-26 12:00 UTC);

/// What lies at each path of a server; what is not there is not found.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Shelf {
    fn put(&self, path: &str, octets: impl Into<Vec<u8>>) {
        self.0.lock().unwrap().insert(path.to_owned(), octets.into());
    }

    fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }

    /// Serves it on a loopback port, whose `host:port` is returned.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shelf = self.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(stream.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let found = shelf.0.lock().unwrap().get(request.split(' ').nth(1).unwrap()).cloned();
                let (status, body) = found.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            }
        });
        host
    }
}

/// A country, and the operator of its list.
struct Country {
    territory: &'static str,
    pki: DevPki,
    operator: Identity,
}

impl Country {
    fn new(territory: &'static str) -> Self {
        let pki = DevPki::new(NOW - Duration::days(400), Duration::days(2000), "").unwrap();
        let profile = Profile {
            common_name: "Operator of lists".into(),
            organisation: None,
            edrpou: None,
            rnokpp: None,
            usage: Usage::Seal,
            key: KeyKind::Ec(Curve::P256),
            not_before: NOW - Duration::days(300),
            not_after: NOW + Duration::days(300),
            dns_names: Vec::new(),
        };
        let operator = pki.issue(profile).unwrap();
        Self { territory, pki, operator }
    }

    /// Its list, whose only service is in `status` since yesterday, and was granted before.
    fn list(&self, number: u64, status: ServiceStatus) -> TrustList {
        let states = [(status, NOW - Duration::DAY), (ServiceStatus::Granted, NOW - Duration::days(200))];
        let kind = ServiceType::QualifiedCertificates(Scheme::Ukrainian);
        let service = lists::service("CA", kind, self.pki.issuing_ca(), &states);
        let list = lists::list(self.territory, NOW - Duration::HOUR, vec![lists::provider("QTSP", vec![service])]);
        TrustList { sequence_number: number, ..list }
    }

    fn signed(&self, list: &TrustList) -> Vec<u8> {
        let signatory = Signatory {
            chain: std::slice::from_ref(&self.operator.certificate),
            algorithm: SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
            signing_time: NOW,
        };
        sign(lists::tag(list).to_xml().as_bytes(), &self.operator.key, &signatory, &Options::default()).unwrap()
    }

    fn granted(&self, number: u64) -> Vec<u8> {
        self.signed(&self.list(number, ServiceStatus::Granted))
    }
}

/// A node's configuration, in a folder of its own.
struct Node {
    folder: tempfile::TempDir,
    config: TrustedListsConfig,
    clock: Arc<ManualClock>,
}

impl Node {
    /// Which believes `location` where `signer` signed it.
    fn new(name: &str, location: &str, signer: &Certificate) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signers = folder.path().join("signers");
        std::fs::create_dir(&signers).unwrap();
        std::fs::write(signers.join("operator.pem"), signer.to_pem()).unwrap();
        let list = TrustedListConfig {
            name: name.into(),
            location: location.into(),
            signers,
            territories: Vec::new(),
            purposes: vec![TrustPurpose::Signing, TrustPurpose::Timestamping],
        };
        let kept = folder.path().join("lists");
        let config = TrustedListsConfig { folder: kept, tls_roots: None, refresh_hours: 6, lists: vec![list] };
        Self { folder, config, clock: Arc::new(ManualClock::new(NOW)) }
    }

    fn start(&self) -> TrustedLists {
        TrustedLists::open(&self.config, self.clock.clone()).unwrap()
    }

    /// Asks when everything is due again.
    async fn ask_again(&self, lists: &TrustedLists) -> bool {
        self.clock.advance(Duration::hours(6) + Duration::SECOND);
        lists.refresh().await
    }
}

fn status(lists: &TrustedLists, name: &str) -> TrustedListStatus {
    let all = lists.status();
    all.into_iter().find(|status| status.name == name).unwrap_or_else(|| panic!("{name} is not in the status"))
}

fn problem(lists: &TrustedLists, name: &str) -> Option<String> {
    status(lists, name).problem.map(|problem| problem.code)
}

fn number(lists: &TrustedLists, name: &str) -> Option<u64> {
    status(lists, name).sequence_number
}

#[tokio::test]
async fn what_is_no_better_list_leaves_the_one_in_use() {
    let (shelf, country, stranger) = (Shelf::default(), Country::new("UA"), Country::new("UA"));
    let location = format!("http://{}/ua.xml", shelf.serve().await);
    let node = Node::new("UA", &location, &country.operator.certificate);
    let lists = node.start();
    assert!(!lists.refresh().await, "nothing is there yet");
    assert_eq!((problem(&lists, "UA").as_deref(), number(&lists, "UA")), (Some("trust_list.not_fetched"), None));
    assert!(lists.in_use().is_empty());

    shelf.put("/ua.xml", country.granted(7));
    assert!(node.ask_again(&lists).await);
    assert_eq!((problem(&lists, "UA"), number(&lists, "UA")), (None, Some(7)));
    assert_eq!(status(&lists, "UA").anchors, 1);

    let changed = String::from_utf8(country.granted(8)).unwrap().replace("QTSP", "QTSQ");
    let poland = TrustList { territory: "PL".into(), ..country.list(8, ServiceStatus::Granted) };
    let future = TrustList { issued_at: NOW + Duration::days(9), ..country.list(8, ServiceStatus::Granted) };
    let overdue = TrustList { next_update: Some(NOW - Duration::MINUTE), ..country.list(8, ServiceStatus::Granted) };
    let bad: [(Vec<u8>, &str); 10] = [
        (b"<!DOCTYPE html><html><body>Maintenance</body></html>".to_vec(), "xml.doctype"),
        (b"<html><body>Maintenance</body></html>".to_vec(), "trust_list.not_a_list"),
        (Vec::new(), "xml.malformed"),
        (country.granted(6), "trust_list.older"),
        (lists::tag(&country.list(8, ServiceStatus::Granted)).to_xml().into_bytes(), "trust_list.unsigned"),
        (changed.into_bytes(), "xades.reference_changed"),
        (stranger.granted(8), "trust_list.stranger"),
        (country.signed(&poland), "trust_list.another_list"),
        (country.signed(&future), "trust_list.not_yet"),
        (country.signed(&overdue), "trust_list.expired"),
    ];
    for (octets, code) in bad {
        shelf.put("/ua.xml", octets);
        assert!(!node.ask_again(&lists).await, "{code}");
        assert_eq!((problem(&lists, "UA").as_deref(), number(&lists, "UA")), (Some(code), Some(7)));
        assert_eq!(lists.in_use().len(), 1, "{code}");
    }
    shelf.remove("/ua.xml");
    assert!(!node.ask_again(&lists).await);
    assert_eq!(problem(&lists, "UA").as_deref(), Some("trust_list.not_fetched"));
    let kept = std::fs::read_dir(&node.config.folder).unwrap().count();
    assert_eq!(kept, 1, "only what is in use is kept");

    shelf.put("/ua.xml", country.granted(8));
    assert!(node.ask_again(&lists).await);
    assert_eq!((problem(&lists, "UA"), number(&lists, "UA")), (None, Some(8)));
}

#[tokio::test]
async fn an_older_list_does_not_come_back_after_a_restart() {
    let (shelf, country) = (Shelf::default(), Country::new("UA"));
    let location = format!("http://{}/ua.xml", shelf.serve().await);
    let node = Node::new("UA", &location, &country.operator.certificate);
    shelf.put("/ua.xml", country.granted(7));
    assert!(node.start().refresh().await);

    shelf.put("/ua.xml", country.granted(6));
    let lists = node.start();
    assert_eq!(number(&lists, "UA"), Some(7), "known before anybody is asked");
    assert!(!lists.refresh().await);
    assert_eq!((problem(&lists, "UA").as_deref(), number(&lists, "UA")), (Some("trust_list.older"), Some(7)));

    // Whoever can write to the folder cannot sign.
    let file = node.config.folder.join("UA.xml");
    let forged = std::fs::read_to_string(&file).unwrap().replace("QTSP", "QTSQ");
    std::fs::write(&file, forged).unwrap();
    let lists = node.start();
    assert_eq!((problem(&lists, "UA").as_deref(), number(&lists, "UA")), (Some("xades.reference_changed"), None));
    assert!(lists.in_use().is_empty());

    // A signer who is not believed any more takes the list along.
    shelf.put("/ua.xml", country.granted(9));
    let lists = node.start();
    assert!(lists.refresh().await);
    let signers = node.folder.path().join("signers/operator.pem");
    std::fs::write(signers, Country::new("UA").operator.certificate.to_pem()).unwrap();
    assert_eq!(problem(&node.start(), "UA").as_deref(), Some("trust_list.stranger"));
}

#[tokio::test]
async fn nobody_is_asked_before_it_is_due() {
    let (shelf, country) = (Shelf::default(), Country::new("UA"));
    let location = format!("http://{}/ua.xml", shelf.serve().await);
    let node = Node::new("UA", &location, &country.operator.certificate);
    shelf.put("/ua.xml", country.granted(7));
    let lists = node.start();
    assert!(lists.refresh().await);
    shelf.put("/ua.xml", country.granted(8));
    node.clock.advance(Duration::hours(5));
    assert!(!lists.refresh().await);
    assert_eq!(number(&lists, "UA"), Some(7));
    node.clock.advance(Duration::hours(1));
    assert!(lists.refresh().await);
    // A list in use that is past its day stays in force, and says so.
    node.clock.advance(Duration::days(200));
    assert!(status(&lists, "UA").overdue);
    assert_eq!(lists.in_use().len(), 1);
}

/// A list of lists that points to the lists of `countries` on the same server.
fn union_of(union: &Country, number: u64, host: &str, countries: &[&Country]) -> Vec<u8> {
    let pointer = |country: &&Country| {
        let location = format!("http://{host}/{}.xml", country.territory);
        lists::pointer(country.territory, &location, vec![country.operator.certificate.clone()])
    };
    let list = lists::list_of_lists("EU", NOW - Duration::HOUR, countries.iter().map(pointer).collect());
    union.signed(&TrustList { sequence_number: number, ..list })
}

#[tokio::test]
async fn a_list_of_lists_brings_its_members_and_takes_them_along() {
    let shelf = Shelf::default();
    let (union, estonia, poland) = (Country::new("EU"), Country::new("EE"), Country::new("PL"));
    let host = shelf.serve().await;
    let mut node = Node::new("EU", &format!("http://{host}/lotl.xml"), &union.operator.certificate);
    node.config.lists[0].territories = vec!["EE".into(), "PL".into()];
    let latvia = Country::new("LV");
    shelf.put("/lotl.xml", union_of(&union, 1, &host, &[&estonia, &poland, &latvia]));
    shelf.put("/EE.xml", estonia.granted(3));
    // Somebody else's list where Poland's should be.
    shelf.put("/PL.xml", estonia.granted(4));
    let lists = node.start();
    assert!(lists.refresh().await);
    assert_eq!((number(&lists, "EU"), number(&lists, "EU.EE")), (Some(1), Some(3)));
    assert_eq!(problem(&lists, "EU.PL").as_deref(), Some("trust_list.stranger"));
    assert!(!lists.status().iter().any(|status| status.name == "EU.LV"), "nobody asked to follow it");
    // The signer that the list of lists names, and the list of another country.
    let disguised = TrustList { territory: "EE".into(), ..poland.list(5, ServiceStatus::Granted) };
    shelf.put("/PL.xml", poland.signed(&disguised));
    node.ask_again(&lists).await;
    assert_eq!(problem(&lists, "EU.PL").as_deref(), Some("trust_list.another_list"));
    shelf.put("/PL.xml", poland.granted(5));
    assert!(node.ask_again(&lists).await);
    assert_eq!(lists.in_use().len(), 3);
    assert_eq!(node.start().in_use().len(), 3, "members are known after a restart");

    shelf.put("/lotl.xml", union_of(&union, 2, &host, &[&estonia]));
    assert!(node.ask_again(&lists).await);
    let names: Vec<String> = lists.status().into_iter().map(|status| status.name).collect();
    assert_eq!(names, ["EU", "EU.EE"]);
}

#[tokio::test]
async fn members_in_the_nodes_own_network_are_not_asked() {
    let (shelf, inner) = (Shelf::default(), Shelf::default());
    let (union, estonia) = (Country::new("EU"), Country::new("EE"));
    let (host, inside) = (shelf.serve().await, inner.serve().await);
    inner.put("/EE.xml", estonia.granted(1));
    shelf.put("/lotl.xml", union_of(&union, 1, &inside, &[&estonia]));
    let node = Node::new("EU", &format!("http://{host}/lotl.xml"), &union.operator.certificate);
    let lists = node.start();
    lists.refresh().await;
    assert_eq!((problem(&lists, "EU.EE").as_deref(), number(&lists, "EU.EE")), (Some("trust_list.not_fetched"), None));
}

#[tokio::test]
async fn new_signers_are_found_along_the_pivots() {
    let shelf = Shelf::default();
    let (old, new) = (Country::new("EU"), Country::new("EU"));
    let host = shelf.serve().await;
    let own = |signer: &Country| certs::trust_list::Pointer {
        kind: Some(ListKind::Lists),
        ..lists::pointer("EU", &format!("http://{host}/lotl.xml"), vec![signer.operator.certificate.clone()])
    };
    let pivot_address = format!("http://{host}/pivot-1.xml");
    let issue = |number, by: &Country, announcing: &Country| {
        let list = lists::list_of_lists("EU", NOW - Duration::HOUR, vec![own(announcing)]);
        let information = vec![pivot_address.clone(), "https://example.org/about".into()];
        by.signed(&TrustList { sequence_number: number, information, ..list })
    };
    shelf.put("/lotl.xml", issue(2, &new, &new));
    let node = Node::new("EU", &format!("http://{host}/lotl.xml"), &old.operator.certificate);
    let lists = node.start();
    lists.refresh().await;
    assert_eq!(problem(&lists, "EU").as_deref(), Some("trust_list.not_fetched"), "the pivot is missing");
    shelf.put("/pivot-1.xml", issue(1, &new, &new));
    node.ask_again(&lists).await;
    assert_eq!(problem(&lists, "EU").as_deref(), Some("trust_list.stranger"), "it announces itself");
    shelf.put("/pivot-1.xml", issue(1, &old, &new));
    assert!(node.ask_again(&lists).await);
    assert_eq!((problem(&lists, "EU"), number(&lists, "EU")), (None, Some(2)));
    assert_eq!(number(&node.start(), "EU"), Some(2), "the way is kept with the list");
}

fn folders(folder: &Path, root: &Certificate) -> TrustConfig {
    let [signing, login, encryption, timestamping] = ["signing", "login", "encryption", "timestamping"].map(|name| {
        let path = folder.join(name);
        std::fs::create_dir(&path).unwrap();
        path
    });
    for folder in [&login, &encryption] {
        std::fs::write(folder.join("root.pem"), root.to_pem()).unwrap();
    }
    TrustConfig { signing, login, encryption, timestamping, intermediates: None, lists: None }
}

#[tokio::test]
async fn listed_services_are_anchors_until_they_are_withdrawn() {
    let (shelf, country) = (Shelf::default(), Country::new("UA"));
    let location = format!("http://{}/ua.xml", shelf.serve().await);
    let node = Node::new("UA", &location, &country.operator.certificate);
    shelf.put("/ua.xml", country.granted(7));
    let lists = node.start();
    let config = folders(node.folder.path(), country.pki.root());
    let trust = FolderTrust::open_beside(&config, Some(&lists), node.clock.clone()).unwrap();
    let signer = &country.operator.certificate;
    let believed = |at| {
        let mut budget = certs::path::Budget::default();
        certs::path::verify(signer, &[], &trust.current(), Purpose::Signing, at, &mut budget).map(|_| ())
    };
    assert!(believed(NOW).is_err(), "no list has come yet");
    lists.refresh().await;
    trust.list(lists.in_use());
    assert_eq!(trust.reload(), Ok(true));
    assert_eq!(believed(NOW), Ok(()));
    shelf.put("/ua.xml", country.signed(&country.list(8, ServiceStatus::Withdrawn)));
    assert!(node.ask_again(&lists).await);
    trust.list(lists.in_use());
    assert_eq!(trust.reload(), Ok(true));
    assert_eq!(believed(NOW).map_err(|error| error.code()), Err("anchor_ended"));
    assert_eq!(believed(NOW - Duration::days(2)), Ok(()), "what it signed before");
}
