//! Validation of XML signatures.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use certs::certificate::Certificate;
use certs::revocation::RevocationData;
use certs::trust::TrustSnapshot;
use schemas::report::Report;
use signing::validate::{Context, Policy, validate_xml};
use signing::xades::{NoContents, UnsignedValues, UnverifiedProperties, XmlSignature, signatures, time_stamps};
use signing::xml::{Limits, Source};
use time::OffsetDateTime;
use time::macros::datetime;

use super::documents::anchors;
use crate::bench::measure::{Contender, Contest, Row, Unit};

struct Sample {
    row: &'static str,
    file: &'static str,
    /// Within the validity of its certificates.
    at: OffsetDateTime,
}

const SAMPLES: [Sample; 3] = [
    Sample {
        row: "xades-b-15kb",
        file: "dss2517/xades-dataobjectformat-no-mimetype.xml",
        at: datetime!(2023-06-07 12:00 UTC),
    },
    Sample { row: "xades-x-17kb", file: "xades-x-level-v2.xml", at: datetime!(2021-02-24 17:00 UTC) },
    Sample {
        row: "xades-b-invoice-13kb",
        file: "dss1135/factura_ejemplo2_32v1.xml",
        at: datetime!(2011-04-01 12:00 UTC),
    },
];

/// Where the corpus has them.
const FOLDER: &str = "xades/files/dss-xades/src/test/resources/validation";

/// A row for each file that is at hand; says which are not.
#[allow(clippy::print_stderr, reason = "a row that is not measured is said, and not on the stream of figures")]
pub(super) fn rows() -> Vec<Row> {
    let corpus = std::env::var_os("VUZOL_CORPORA").map(|corpora| PathBuf::from(corpora).join(FOLDER));
    let mut rows = Vec::new();
    for sample in SAMPLES {
        match corpus.as_ref().map(|folder| folder.join(sample.file)).filter(|file| file.is_file()) {
            Some(file) => rows.push(Row::new(sample.row, move || contest(&file, sample.at))),
            None => eprintln!("{}: not measured, {} is not at hand (VUZOL_CORPORA)", sample.row, sample.file),
        }
    }
    rows
}

fn contest(file: &Path, at: OffsetDateTime) -> Contest {
    let octets = std::fs::read(file).expect("a file that was there");
    let anchors = anchors(&certificates(&octets));
    let trust = TrustSnapshot::new(anchors.clone(), Vec::new(), at);
    let judged = report(&octets, &trust, at);
    assert!(judged.signatures.iter().all(|signature| signature.intact), "{}: {:?}", file.display(), judged.signatures);
    let own = octets.clone();
    let first = move |_| {
        let trust = TrustSnapshot::new(anchors.clone(), Vec::new(), at);
        std::hint::black_box(serde_json::to_string(&report(&own, &trust, at)).expect("JSON"));
    };
    let ours = move |_| {
        std::hint::black_box(serde_json::to_string(&report(&octets, &trust, at)).expect("JSON"));
    };
    let mut contenders = vec![Contender::operation("vuzol", ours), Contender::operation("vuzol-first-sight", first)];
    contenders.extend(xmlsec1(file, 500));
    Contest { unit: Unit::Operations, contenders }
}

/// `xmlsec1 --verify`, so many times in one process: the file read and parsed, references and value verified, no certificate looked at.
#[allow(clippy::print_stderr, reason = "a peer that is not there is said")]
pub(super) fn xmlsec1(file: &Path, times: u32) -> Option<Contender> {
    let file = file.to_owned();
    let verify = move |times: u32| {
        let mut command = Command::new("xmlsec1");
        command.args(["--verify", "--insecure", "--repeat", &times.to_string()]);
        for element in
            ["http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "http://www.w3.org/2000/09/xmldsig#:KeyInfo"]
        {
            command.args(["--id-attr:Id", element]);
        }
        command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).status()
    };
    match verify(1) {
        Ok(status) if status.success() => Some(Contender::process("xmlsec1-integrity", times, move |_| {
            assert!(verify(times).is_ok_and(|status| status.success()), "it did before");
        })),
        Ok(_) => {
            eprintln!("xmlsec1 does not verify this file; it is not measured");
            None
        }
        Err(error) => {
            eprintln!("xmlsec1 is not measured: {error}");
            None
        }
    }
}

fn report(octets: &[u8], trust: &TrustSnapshot, at: OffsetDateTime) -> Report {
    let (revocation, policy) = (RevocationData::default(), Policy::default());
    let context = Context { trust, revocation: &revocation, at, policy: &policy };
    validate_xml(octets, &NoContents, &context).expect("XML").report
}

/// Every certificate that the signatures and their time-stamps carry.
fn certificates(octets: &[u8]) -> Vec<Certificate> {
    let source = Source::read(octets, &Limits::DOCUMENT).expect("XML");
    let document = source.parse().expect("XML");
    let mut found = Vec::new();
    for node in signatures(&document) {
        let signature = XmlSignature::read(node).expect("a signature");
        found.extend(signature.certificates.clone());
        let Ok(Some(properties)) = UnverifiedProperties::of(&signature) else { continue };
        found.extend(UnsignedValues::read(&properties).certificates);
        for token in time_stamps(&properties).into_iter().flat_map(|stamp| stamp.tokens) {
            if let Ok(token) = signing::validate::UnverifiedDocument::parse(&token) {
                found.extend(token.certificates().iter().map(|certificate| certificate.der().to_vec()));
            }
        }
    }
    found.iter().filter_map(|der| Certificate::from_der(der).ok()).collect()
}
