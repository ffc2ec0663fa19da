//! Validation of signed files.

use std::path::{Path, PathBuf};

use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::{Purpose, TrustAnchor, TrustSnapshot};
use crypto::digest::{Digest, digest};
use openssl::cms::{CMSOptions, CmsContentInfo};
use schemas::report::{Indication, Report};
use signing::validate::{Context, Policy, UnverifiedDocument, validate};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::bench::measure::{Contender, Contest, Row, Unit};

/// A file of the corpus, or of the source that the corpus was taken from.
#[derive(Debug, Clone, Copy)]
struct Sample {
    row: &'static str,
    file: &'static str,
    /// The content, where it is detached.
    content: Option<&'static str>,
    /// When what the file says about revocation was fresh.
    at: OffsetDateTime,
    /// Whether everything that a verdict needs is in the file.
    passes: bool,
}

const SAMPLES: [Sample; 6] = [
    Sample {
        row: "cades-b-b-77kb",
        file: "Signature-C-B-B-8.p7m",
        content: None,
        at: datetime!(2015-07-02 12:00 UTC),
        passes: true,
    },
    Sample {
        row: "cades-lta-113kb",
        file: "Signature-C-B-LTA-10.p7m",
        content: None,
        at: datetime!(2015-07-01 16:00 UTC),
        passes: true,
    },
    // SHA-1, and no root: what is measured is the integrity of a small file.
    Sample {
        row: "cms-counter-signed-6kb",
        file: "counterSig.p7m",
        content: None,
        at: datetime!(2010-01-01 12:00 UTC),
        passes: false,
    },
    Sample {
        row: "cades-large-crls-343kb",
        file: "Signature-C-CZ_SIX-1.p7m",
        content: None,
        at: datetime!(2012-05-01 00:00 UTC),
        passes: true,
    },
    Sample {
        row: "cades-x-93kb",
        file: "cades-dss1997.p7m",
        content: None,
        at: datetime!(2015-06-17 18:00 UTC),
        passes: false,
    },
    Sample {
        row: "cades-xl-detached-181kb",
        file: "dss-1344/screenshot.png.signed_qes_detached.p7s",
        content: Some("dss-1344/screenshot.png"),
        at: datetime!(2013-08-14 16:00 UTC),
        passes: false,
    },
];

/// Where the corpus has them.
const FOLDER: &str = "cades/files/dss-cades/src/test/resources/validation";

/// A row for each file that is at hand; says which are not.
#[allow(clippy::print_stderr, reason = "a row that is not measured is said, and not on the stream of figures")]
pub(super) fn rows(documents: Option<&Path>) -> Vec<Row> {
    let corpus = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join(FOLDER));
    let folders: Vec<PathBuf> = documents.map(Path::to_owned).into_iter().chain(corpus).collect();
    let mut rows = Vec::new();
    for sample in SAMPLES {
        match folders.iter().find(|folder| folder.join(sample.file).is_file()).cloned() {
            Some(folder) => rows.push(Row::new(sample.row, move || contest(&folder, sample))),
            None => eprintln!("{}: not measured, {} is not at hand (--documents)", sample.row, sample.file),
        }
    }
    rows
}

fn contest(folder: &Path, sample: Sample) -> Contest {
    let read = |name: &str| std::fs::read(folder.join(name)).expect("a file that was there");
    let bytes = read(sample.file);
    let content = sample.content.map(read);
    let document = UnverifiedDocument::parse(&bytes).expect("a signature");
    let anchors = anchors(document.certificates());
    let trust = TrustSnapshot::new(anchors.clone(), Vec::new(), sample.at);
    // Digests of detached content are made while it streams by, so not here.
    let algorithms = document.digest_algorithms();
    let digests: Vec<Digest> =
        content.iter().flat_map(|content| algorithms.iter().map(|algorithm| digest(*algorithm, content))).collect();
    let judged = report(&bytes, &digests, &trust, sample.at);
    let as_expected = |indication| indication == Indication::TotalPassed || !sample.passes;
    for signature in &judged.signatures {
        assert!(signature.intact && as_expected(signature.indication), "{}: {:?}", sample.file, signature.reasons);
    }
    // A snapshot that has seen nothing: certificates, lists and answers are met for the first time.
    let (data, own) = (bytes.clone(), digests.clone());
    let first = move |_| {
        let trust = TrustSnapshot::new(anchors.clone(), Vec::new(), sample.at);
        let json = serde_json::to_string(&report(&data, &own, &trust, sample.at)).expect("JSON");
        std::hint::black_box(json);
    };
    let data = bytes.clone();
    let ours = move |_| {
        let json = serde_json::to_string(&report(&data, &digests, &trust, sample.at)).expect("JSON");
        std::hint::black_box(json);
    };
    let peer = move |_| {
        let mut cms = CmsContentInfo::from_der(&bytes).expect("CMS");
        cms.verify(None, None, content.as_deref(), None, CMSOptions::NO_SIGNER_CERT_VERIFY | CMSOptions::BINARY)
            .expect("integrity");
    };
    let contenders = vec![
        Contender::operation("vuzol", ours),
        Contender::operation("vuzol-first-sight", first),
        Contender::operation("openssl-integrity", peer),
    ];
    Contest { unit: Unit::Operations, contenders }
}

/// Everything new but trust.
fn report(bytes: &[u8], digests: &[Digest], trust: &TrustSnapshot, at: OffsetDateTime) -> Report {
    let mut document = UnverifiedDocument::parse(bytes).expect("a signature");
    if !digests.is_empty() {
        document = document.with_detached(digests.to_vec());
    }
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    validate(document, &Context { trust, revocation: &revocation, at, policy: &policy }).report
}

/// Roots, and what stands highest where there is no root.
pub(super) fn anchors(certificates: &[Certificate]) -> Vec<TrustAnchor> {
    let carries_issuer = |certificate: &Certificate| {
        let mut others = certificates.iter().filter(|other| *other != certificate);
        others.any(|other| other.subject_der() == certificate.issuer_der())
    };
    let purposes = || vec![Purpose::Signing, Purpose::TimeStamping];
    let highest = certificates.iter().filter(|certificate| !carries_issuer(certificate));
    highest.map(|certificate| TrustAnchor { certificate: certificate.clone(), purposes: purposes() }).collect()
}
