//! `vuzol augment`: makes signatures last.

mod markup;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crypto::digest::{Digest, DigestAlgorithm};
use schemas::report::{Indication, Report, TimestampKind};
use signing::cades;
use signing::validate::{Context, Policy, UnverifiedDocument, validate, validation_data};
use storage::Clock;
use storage::clock::SystemClock;

use super::anchors::{self, Belief};
use super::files::{Existing, FileSource, NewFile, Readers, digests, read, unreadable};
use super::terminal::Terminal;
use super::verify::ZIP_MAGIC;
use super::{Failure, exit, stamp};

/// Raises the signatures of a file to a higher level of CAdES or XAdES: T (a time-stamp), LT (all that a verdict rests on), LTA (an
/// archive time-stamp over everything). The file is a CMS or XML file, or an ASiC-E container with XAdES. Each level includes those below. What is signed does not change.
///
/// Certificates and answers come from the folder of anchors and from the file; nothing is fetched but time-stamps, for which
/// only digests are sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol augment --level lt --tsa http://tsa.example/ --anchors roots/ -o letter.lt.p7m letter.p7m
  vuzol augment --level lt --tsa http://tsa.example/ --anchors roots/ -o order.lt.xml order.signed.xml
  vuzol augment --level lta --tsa http://tsa.example/ --anchors roots/ --detached letter.pdf -o kept.p7s letter.pdf.p7s

Exit codes: 0 done; 1 a signature does not pass, or an authority's token cannot be believed; 3 a file cannot be read or written;
69 the authority cannot be reached.")]
pub(super) struct Arguments {
    /// How far.
    #[arg(long, value_enum)]
    level: Level,
    /// The time-stamp authority (RFC 3161). Needed unless every signature is stamped already and the level is lt.
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// A folder as for `vuzol verify`: who is believed, and lists and answers to be kept with the signature.
    #[arg(long, value_name = "DIR")]
    anchors: PathBuf,
    /// The content that a detached signature is over.
    #[arg(long, value_name = "FILE")]
    detached: Option<PathBuf>,
    /// Where to write the signature.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    /// The signature.
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Level {
    T,
    Lt,
    Lta,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let belief = anchors::load(Some(&arguments.anchors), SystemClock.now())?;
    let octets = read(&arguments.file, LARGEST)?;
    let source = FileSource::open(&arguments.file)?;
    let raised = if source.begins_with(ZIP_MAGIC) {
        markup::container(arguments, octets, &belief, terminal)?
    } else if source.is_markup() {
        markup::document(arguments, octets, &belief, terminal)?
    } else {
        message(arguments, octets, &belief, terminal)?
    };
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut output = NewFile::create(&arguments.output, existing, Readers::AsUsual)?;
    output.write(&raised)?;
    output.commit()?;
    Ok(exit::OK)
}

/// A file of CMS with its signatures raised.
fn message(
    arguments: &Arguments,
    mut cms: Vec<u8>,
    belief: &Belief,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    let before = judge(arguments, &cms, belief)?;
    all_pass(&before)?;
    // What is added gives the signatures of a file other numbers; their identifiers stay.
    for signature in &before.signatures {
        if !signature.timestamps.iter().any(|stamp| stamp.kind == TimestampKind::Signature) {
            let number = cades::signer_with_id(&cms, &signature.id).map_err(refused)?;
            let imprint = cades::signature_imprint(&cms, number, BY).map_err(refused)?;
            let token = token(arguments, &imprint, terminal)?;
            cms = cades::add_signature_timestamp(&cms, number, &token).map_err(refused)?;
        }
    }
    if arguments.level >= Level::Lt {
        let document = document(arguments, &cms)?;
        let policy = Policy::default();
        let context = context(belief, &policy);
        let data = validation_data(&document, &context);
        cms = cades::add_validation_data(&cms, &data.certificates, &data.revocation).map_err(refused)?;
    }
    if arguments.level == Level::Lta {
        for signature in &before.signatures {
            let number = cades::signer_with_id(&cms, &signature.id).map_err(refused)?;
            let content = arguments.detached.as_ref().map(|path| digests(path, &[BY])).transpose()?;
            let content = content.and_then(|digests| digests.first().copied());
            let request = cades::request_archive_timestamp(&cms, number, BY, content).map_err(refused)?;
            let token = token(arguments, request.imprint(), terminal)?;
            cms = request.complete(&token).map_err(refused)?;
        }
    }
    // Nothing is written that does not pass.
    all_pass(&judge(arguments, &cms, belief)?)?;
    Ok(cms)
}

fn all_pass(report: &Report) -> Result<(), Failure> {
    match report.signatures.iter().find(|one| one.indication != Indication::TotalPassed) {
        None => Ok(()),
        Some(signature) => {
            let why = signature.reasons.first().map_or("", |reason| reason.text_en.as_str());
            Err(Failure::Refused(format!("{} does not pass: {why}", signature.id)))
        }
    }
}

fn refused(error: cades::SignError) -> Failure {
    Failure::Refused(format!("cannot be augmented: {error}"))
}

/// A token of the authority, validated against the folder.
fn token(arguments: &Arguments, imprint: &Digest, terminal: &mut Terminal<'_>) -> Result<Vec<u8>, Failure> {
    let url =
        arguments.tsa.as_deref().ok_or_else(|| Failure::Refused("a time-stamp is needed: give --tsa".to_owned()))?;
    stamp::token(url, imprint, Some(&arguments.anchors), terminal)
}

fn context<'a>(belief: &'a Belief, policy: &'a Policy) -> Context<'a> {
    // A second of grace, as authorities' clocks may be a little ahead.
    let at = SystemClock.now() + time::Duration::SECOND;
    Context { trust: &belief.trust, revocation: &belief.revocation, at, policy }
}

fn judge(arguments: &Arguments, cms: &[u8], belief: &Belief) -> Result<Report, Failure> {
    let policy = Policy::default();
    Ok(validate(document(arguments, cms)?, &context(belief, &policy)).report)
}

fn document(arguments: &Arguments, cms: &[u8]) -> Result<UnverifiedDocument, Failure> {
    let document = UnverifiedDocument::parse(cms).map_err(|error| unreadable(&arguments.file, error))?;
    match &arguments.detached {
        Some(content) => {
            let found = digests(content, &document.digest_algorithms())?;
            Ok(document.with_detached(found))
        }
        None => Ok(document),
    }
}

/// With what imprints are made: every authority serves it.
const BY: DigestAlgorithm = DigestAlgorithm::Sha256;
/// What is augmented is held in memory whole.
const LARGEST: u64 = 512 * 1024 * 1024;
