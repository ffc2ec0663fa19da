//! `vuzol verify`: is this signature valid?

use std::path::{Path, PathBuf};

use clap::Args;
use crypto::digest::{Digest, DigestAlgorithm, Digester};
use schemas::limits::SIGNATURE_BYTES;
use schemas::report::{Indication, Report, SubIndication};
use signing::asic::{self, Container};
use signing::validate::{Context, DocumentStream, Policy, UnverifiedDocument, validate, validate_xml, xml};
use signing::xades::Files;
use signing::xml::{Limits, XmlError};
use storage::Clock;
use storage::clock::SystemClock;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::files::{FileSource, digests, read, stream, unreadable};
use super::lists::ListArguments;
use super::terminal::Terminal;
use super::{Failure, anchors, exit, verdict};

/// Tells whether the signatures in a file are valid, by ETSI EN 319 102-1.
///
/// Works offline: what is not in the file or in the folder of anchors is not known. CMS and CAdES, DER and BER, with the
/// content inside or given with --detached, of any size; containers of ASiC-S and ASiC-E with CAdES; XML with
/// XAdES or XMLDSig. With trusted lists it says too whether a signature is a qualified one; that does not change the exit code.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol verify --anchors roots/ letter.p7m
  vuzol verify --anchors roots/ --detached letter.pdf letter.pdf.p7s
  vuzol verify --anchors roots/ letters.asice
  vuzol verify --trusted-list TL-UA-DSTU.xml --list-signers czo/ letter.p7s
  vuzol verify --json letter.p7m | jq .signatures[].indication

Exit codes:
  0  every signature is TOTAL_PASSED
  1  a signature is TOTAL_FAILED, or none of the files given with --detached is what was signed, or a container holds
     something that no signature covers
  2  a signature is INDETERMINATE, and none failed
  3  the file cannot be read (one line on stderr says why)")]
pub(super) struct Arguments {
    /// The content that a detached signature is over. Several: the one that matches is taken, the rest is listed as unsigned.
    #[arg(long, value_name = "FILE")]
    detached: Vec<PathBuf>,
    /// The time to validate at, for example 2026-11-23T12:00:00+02:00. Default: now.
    #[arg(long, value_name = "RFC3339", value_parser = rfc3339)]
    at: Option<OffsetDateTime>,
    /// A folder of trusted certificates (.pem, .crt, .cer, .der) and of CRL and OCSP answers (.crl, .ocsp). Without it nobody
    /// is trusted, and no signature can be more than INDETERMINATE.
    #[arg(long, value_name = "DIR")]
    anchors: Option<PathBuf>,
    #[command(flatten)]
    lists: ListArguments,
    /// What is accepted: strict (no concession to any producer), eu-baseline (algorithms of ETSI TS 119 312 only), ua-qualified
    /// (national algorithms too, and signed attributes of DSTU 4145 signers as sent).
    #[arg(long, value_name = "NAME", default_value = "ua-qualified", value_parser = policy)]
    policy: Policy,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
    /// Print the report in the XML of ETSI TS 119 102-2.
    #[arg(long, conflicts_with = "json")]
    xml: bool,
    /// The signature, or the file that carries it.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let at = arguments.at.unwrap_or_else(|| SystemClock.now());
    let lists = arguments.lists.load()?;
    let belief = anchors::load_with_lists(arguments.anchors.as_deref(), lists, at)?;
    let context = Context { trust: &belief.trust, revocation: &belief.revocation, at, policy: &arguments.policy };
    let judged = judge(&arguments.file, &arguments.detached, &context)?;

    if arguments.json {
        let json = serde_json::to_string(&judged.report).map_err(|error| Failure::Unwritable(error.to_string()))?;
        terminal.print(&format!("{json}\n"));
    } else if arguments.xml {
        terminal.print(&format!("{}\n", xml(&judged.report)));
    } else {
        let text = verdict::readable(&judged.report, &arguments.file, terminal.language());
        terminal.print(&text);
    }
    if !judged.over_given_content {
        terminal.note(terminal.language().choose(
            "what was signed is none of the files given with --detached",
            "підписано не той вміст, який надано через --detached",
        ));
    }
    Ok(judged.exit_code())
}

struct Judged {
    report: Report,
    /// False where contents were given and the signature is over none of them.
    over_given_content: bool,
    /// True where a container holds something that no signature covers.
    is_partly_unsigned: bool,
}

impl Judged {
    fn exit_code(&self) -> u8 {
        let any = |indication| self.report.signatures.iter().any(|signature| signature.indication == indication);
        if any(Indication::TotalFailed) || !self.over_given_content || self.is_partly_unsigned {
            exit::REFUSED
        } else if any(Indication::Indeterminate) || self.report.signatures.is_empty() {
            exit::UNDECIDED
        } else {
            exit::OK
        }
    }
}

fn judge(file: &Path, contents: &[PathBuf], context: &Context<'_>) -> Result<Judged, Failure> {
    let source = FileSource::open(file)?;
    if source.begins_with(ZIP_MAGIC) {
        return contained(file, source, contents, context);
    }
    if source.is_markup() {
        return markup(file, contents, context);
    }
    let mut document = DocumentStream::new();
    // Only where other contents are given is the carried one compared with them.
    let mut carried = (!contents.is_empty()).then(|| Digester::new(DigestAlgorithm::Sha256));
    stream(file, |piece| {
        let mut hash = |content: &[u8]| carried.iter_mut().for_each(|digester| digester.update(content));
        document.push(piece, &mut hash).map_err(|error| unreadable(file, error))
    })?;
    let document = document.finish().map_err(|error| unreadable(file, error))?;
    if document.is_attached() {
        return attached(document, carried.map(Digester::finish), contents, context);
    }
    if contents.is_empty() {
        let report = validate(document, context).report;
        return Ok(Judged { report, over_given_content: true, is_partly_unsigned: false });
    }
    let bytes = read(file, SIGNATURE_BYTES as u64)?;
    detached(file, &bytes, contents, context)
}

/// The signatures of an XML document. What is given beside it goes by its name.
fn markup(file: &Path, contents: &[PathBuf], context: &Context<'_>) -> Result<Judged, Failure> {
    let bytes = read(file, Limits::DOCUMENT.octets as u64)?;
    let given = contents.iter().map(|path| read(path, BESIDE_MARKUP)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<String> = contents
        .iter()
        .map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
        .collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(String::as_str).zip(given.iter().map(Vec::as_slice)).collect();
    let outcome = validate_xml(&bytes, &Files(&files), context);
    let refused = |error: XmlError| unreadable(file, format!("{error} [{}]", error.code()));
    let mut report = outcome.map_err(refused)?.report;
    let is_used = |name: &String| {
        contents.len() == 1 || report.signatures.iter().flat_map(|one| &one.signed_parts).any(|part| part == name)
    };
    let unused: Vec<String> = names.iter().filter(|name| !is_used(name)).cloned().collect();
    report.unsigned_parts.extend(unused);
    Ok(Judged { report, over_given_content: true, is_partly_unsigned: false })
}

/// The signatures of a container, which carries what they are over.
fn contained(file: &Path, source: FileSource, contents: &[PathBuf], context: &Context<'_>) -> Result<Judged, Failure> {
    if !contents.is_empty() {
        return Err(unreadable(file, "a container carries what is signed; --detached does not go with it"));
    }
    let refused =
        |error: asic::ContainerError| unreadable(file, format!("{error} [{}; {}]", error.code(), error.clause()));
    let container = Container::read(source).map_err(refused)?;
    let report = asic::validate(container, context).report;
    let is_partly_unsigned = !report.unsigned_parts.is_empty();
    Ok(Judged { report, over_given_content: true, is_partly_unsigned })
}

/// The signature carries its content. Whoever gives another content beside it must learn that it is not the signed one.
fn attached(
    document: UnverifiedDocument,
    carried: Option<Digest>,
    contents: &[PathBuf],
    context: &Context<'_>,
) -> Result<Judged, Failure> {
    let mut unsigned = Vec::new();
    for content in contents {
        if digests(content, &[DigestAlgorithm::Sha256])?.first() != carried.as_ref() {
            unsigned.push(name_of(content));
        }
    }
    let over_given_content = contents.is_empty() || unsigned.len() < contents.len();
    let mut report = validate(document, context).report;
    report.unsigned_parts.extend(unsigned);
    Ok(Judged { report, over_given_content, is_partly_unsigned: false })
}

/// Tries each content and keeps the one that the signatures agree with best; the first among equals.
fn detached(file: &Path, bytes: &[u8], contents: &[PathBuf], context: &Context<'_>) -> Result<Judged, Failure> {
    let mut best: Option<((usize, usize), usize, Report)> = None;
    for (index, content) in contents.iter().enumerate() {
        let document = parse(file, bytes)?;
        let found = digests(content, &document.digest_algorithms())?;
        let report = validate(document.with_detached(found), context).report;
        let score = agreement(&report);
        if best.as_ref().is_none_or(|(highest, _, _)| score > *highest) {
            best = Some((score, index, report));
        }
    }
    let (score, used, mut report) = best.ok_or_else(|| unreadable(file, "no content was given"))?;
    let others = contents.iter().enumerate().filter(|(index, _)| *index != used);
    report.unsigned_parts.extend(others.map(|(_, path)| name_of(path)));
    Ok(Judged { report, over_given_content: score.1 > 0, is_partly_unsigned: false })
}

/// How many signatures are intact over a content, and how many name its digest at all.
fn agreement(report: &Report) -> (usize, usize) {
    let intact = report.signatures.iter().filter(|signature| signature.intact);
    let matching = report.signatures.iter().filter(|signature| {
        !matches!(signature.sub_indication, Some(SubIndication::HashFailure | SubIndication::SignedDataNotFound))
    });
    (intact.count(), matching.count())
}

fn parse(file: &Path, bytes: &[u8]) -> Result<UnverifiedDocument, Failure> {
    UnverifiedDocument::parse(bytes).map_err(|error| unreadable(file, error))
}

fn name_of(path: &Path) -> String {
    path.display().to_string()
}

fn rfc3339(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "not a time like 2026-11-23T12:00:00Z".to_owned())
}

fn policy(name: &str) -> Result<Policy, String> {
    Policy::named(name).ok_or_else(|| "strict, eu-baseline or ua-qualified".to_owned())
}

/// What an XML signature is over beside the file is held in memory, as transforms may work on it.
const BESIDE_MARKUP: u64 = 512 * 1024 * 1024;

/// How a local file header begins (APPNOTE, 4.3.7).
pub(super) const ZIP_MAGIC: &[u8] = b"PK\x03\x04";
