//! Trusted lists: one of 5 MB, and thirty of them.
//!
//! The lists are made up: providers with services, each with a certificate of its own, a present state with qualifiers and additional
//! information, and two former states, as the large lists of Europe have them; signed as those are.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;

use certs::certificate::Certificate;
use certs::dev::{DevPki, Identity, Profile, Usage, lists};
use certs::trust::{Purpose, TrustSnapshot};
use certs::trust_list::{
    AdditionalService, BelievedList, Criteria, Criterion, Match, Qualification, Qualifier, Scheme, Service,
    ServiceStatus, ServiceType, Services,
};
use crypto::digest::DigestAlgorithm;
use crypto::key::{Curve, KeyKind};
use crypto::signature::SignatureAlgorithm;
use signing::cades::Signatory;
use signing::trust_list::{AuthenticatedList, authenticate};
use signing::validate::suite::UKRAINIAN;
use signing::xades::create::{Options, sign};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use super::xml::xmlsec1;
use crate::bench::measure::{Contender, Contest, Row, Unit};
use crate::bench::memory;

const NOW: OffsetDateTime = datetime!(2026-11-26 12:00 UTC);

/// Of a list with its signature.
const OCTETS: usize = 5_000_000;

/// As many as the Union has members, and some.
const COUNTRIES: usize = 30;

pub(super) fn rows() -> Vec<Row> {
    vec![Row::new("trust-list-5mb", || one(OCTETS)), Row::new("trust-lists-30", thirty)]
}

fn one(octets: usize) -> Contest {
    let scheme = Operator::new();
    let list = scheme.list("UA", octets);
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&list).expect("a file");
    let path = file.path().to_owned();
    let signers = scheme.signers();
    let ours = move |_| {
        let _kept_until_here = &file;
        std::hint::black_box(authenticate(&list, &signers, &UKRAINIAN, NOW).expect("authentic"));
    };
    let mut contenders = vec![Contender::operation("vuzol", ours)];
    contenders.extend(xmlsec1(&path, 5));
    Contest { unit: Unit::Operations, contenders }
}

/// Thirty lists of the sizes that the Union's have, from files to a snapshot: the largest of 5 MB, most far smaller.
fn thirty() -> Contest {
    let lists = Lists::write(sizes());
    Contest { unit: Unit::Operations, contenders: vec![Contender::operation("vuzol", move |_| drop(lists.load()))] }
}

/// The largest has 5 MB, each next one an eighth less: 38 MB together, twice of what the Union publishes.
fn sizes() -> [usize; COUNTRIES] {
    let mut size = OCTETS;
    std::array::from_fn(|_| {
        let this = size;
        size = size / 8 * 7;
        this
    })
}

/// What the process holds at most while it loads the thirty, and holds them.
pub(super) fn load_thirty() {
    let lists = Lists::write(sizes());
    assert!(memory::forget_peak(), "Linux");
    std::hint::black_box(lists.load());
}

/// The same with thirty of 5 MB each.
pub(super) fn load_thirty_largest() {
    let lists = Lists::write([OCTETS; COUNTRIES]);
    assert!(memory::forget_peak(), "Linux");
    std::hint::black_box(lists.load());
}

/// Files of lists, all of one operator.
struct Lists {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
    signers: Vec<Certificate>,
}

impl Lists {
    fn write(sizes: [usize; COUNTRIES]) -> Self {
        let scheme = Operator::new();
        let folder = tempfile::tempdir().expect("a folder");
        let files = sizes.iter().enumerate().map(|(index, octets)| {
            let file = folder.path().join(format!("{index}.xml"));
            let letter = |number: usize| char::from(b'A' + u8::try_from(number % 26).expect("below 26"));
            let territory: String = [letter(index), letter(index / 26)].iter().collect();
            std::fs::write(&file, scheme.list(&territory, *octets)).expect("a file");
            file
        });
        let files = files.collect();
        Self { folder, files, signers: scheme.signers() }
    }

    fn load(&self) -> TrustSnapshot {
        debug_assert!(self.folder.path().is_dir());
        let believed = |file: &PathBuf| {
            let octets = std::fs::read(file).expect("a file that was there");
            let list: AuthenticatedList = authenticate(&octets, &self.signers, &UKRAINIAN, NOW).expect("authentic");
            BelievedList { list: list.list().clone(), purposes: vec![Purpose::Signing, Purpose::TimeStamping] }
        };
        let lists: Vec<_> = self.files.iter().map(believed).collect();
        TrustSnapshot::with_services(vec![], vec![], Services::believed(&lists, &BTreeSet::new()), NOW)
    }
}

/// Who issues lists, and the authorities in them.
struct Operator {
    pki: DevPki,
    signer: Identity,
}

impl Operator {
    fn new() -> Self {
        let pki = DevPki::new(NOW - Duration::days(400), Duration::days(2000), "http://ocsp.example/").expect("a PKI");
        let signer = issue(&pki, "Operator of lists");
        Self { pki, signer }
    }

    fn signers(&self) -> Vec<Certificate> {
        vec![self.signer.certificate.clone()]
    }

    /// A signed list of `territory`, of about `octets`.
    fn list(&self, territory: &str, octets: usize) -> Vec<u8> {
        // A service takes as much as the next.
        let text = |services: usize| {
            let services = (0..services).map(|number| self.service(number));
            let mut providers = Vec::new();
            let mut left: Vec<Service> = services.collect();
            while !left.is_empty() {
                let some = left.split_off(left.len().saturating_sub(12));
                providers.push(lists::provider(&format!("Provider {}", providers.len()), some));
            }
            lists::tag(&lists::list(territory, NOW - Duration::HOUR, providers)).to_xml()
        };
        let each = (text(24).len() - text(12).len()) / 12;
        let signatory = Signatory {
            chain: std::slice::from_ref(&self.signer.certificate),
            algorithm: SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
            signing_time: NOW,
        };
        let text = text(octets / each);
        sign(text.as_bytes(), &self.signer.key, &signatory, &Options::default()).expect("a signed list")
    }

    fn service(&self, number: usize) -> Service {
        let certificate = issue(&self.pki, &format!("Authority {number}")).certificate;
        let states =
            [(ServiceStatus::Granted, 100), (ServiceStatus::Granted, 900), (ServiceStatus::UnderSupervision, 2500)];
        let states = states.map(|(status, days)| (status, NOW - Duration::days(days)));
        let kind = ServiceType::QualifiedCertificates(Scheme::European);
        let mut service = lists::service(&format!("Service {number}"), kind, &certificate, &states);
        for state in service.states.iter_mut().take(2) {
            state.additional = vec![AdditionalService::Signatures, AdditionalService::Seals];
            let criteria = vec![
                Criterion::KeyUsage(vec![(1, true)]),
                Criterion::Policies(vec!["1.3.6.1.4.1.99999.1.2.3".into(), "0.4.0.194112.1.2".into()]),
            ];
            state.qualifications = vec![Qualification {
                qualifiers: vec![Qualifier::WithDevice],
                criteria: Criteria { of: Match::Any, criteria },
            }];
        }
        service
    }
}

fn issue(pki: &DevPki, common_name: &str) -> Identity {
    let profile = Profile {
        common_name: common_name.into(),
        organisation: Some("Agency of the region".into()),
        edrpou: Some("00000001".into()),
        rnokpp: None,
        usage: Usage::Seal,
        key: KeyKind::Ec(Curve::P256),
        not_before: NOW - Duration::days(300),
        not_after: NOW + Duration::days(300),
        dns_names: Vec::new(),
    };
    pki.issue(profile).expect("a certificate")
}
