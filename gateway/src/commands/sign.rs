//! `vuzol sign`: signs a file.

mod markup;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crypto::digest::{Digest, DigestAlgorithm};
use crypto::key::SoftwareKey;
use signing::cades::{self, Content, Signatory};
use storage::Clock;
use storage::clock::SystemClock;

use super::files::{Existing, NewFile, Readers, digests, read, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys, stamp};

/// Signs a file: CAdES or XAdES, BASELINE-B, or -T with --tsa.
///
/// A CAdES signature stands beside the file, which may be of any size, unless --attached: then it carries the file inside. An XAdES
/// signature stands in the XML file that it is over, or in a container beside files of any kind. Works offline, save for --tsa: then the signature's digest, and nothing else, is sent to the authority.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  vuzol sign --key me.key --certificate me.pem --chain issuer.pem --output letter.pdf.p7s letter.pdf
  vuzol sign --key me.key --certificate me.pem --attached --output letter.p7m letter.pdf
  vuzol sign --format xades --key me.key --certificate me.pem --output order.signed.xml order.xml
  vuzol sign --format asice --key me.key --certificate me.pem --output letter.asice letter.pdf
  vuzol sign --tsa http://tsa.example/ --anchors roots/ --key me.key --certificate me.pem -o letter.pdf.p7s letter.pdf

Check the result with `vuzol verify`.")]
pub(super) struct Arguments {
    /// The signer's private key (PKCS#8, PEM or DER).
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// The signer's certificate (PEM or DER). Certificates after the first are put into the signature too.
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// Certificates of the authorities above, put into the signature so that a verifier finds the way up.
    #[arg(long, value_name = "PEM")]
    chain: Option<PathBuf>,
    /// What to make.
    #[arg(long, value_enum, default_value_t = Format::Cades)]
    format: Format,
    /// Carry the file inside the signature (cades).
    #[arg(long)]
    attached: bool,
    /// Leave the signatures of the document out of what is signed, so that several sign one after the other, and each signature can
    /// be augmented later (xades). All of them must be made so.
    #[arg(long)]
    parallel: bool,
    /// A time-stamp authority (RFC 3161) to be asked for a proof of the time. Without its answer nothing is written.
    #[arg(long, value_name = "URL")]
    tsa: Option<String>,
    /// A folder as for `vuzol verify`, against which the time-stamp is validated before it is put in. Without it only the
    /// signature and the purpose of the authority's key are checked.
    #[arg(long, value_name = "DIR", requires = "tsa")]
    anchors: Option<PathBuf>,
    /// Where to write the signature.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    /// What to sign.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let mut chain = keys::certificates(&arguments.certificate)?;
    if let Some(path) = &arguments.chain {
        chain.extend(keys::certificates(path)?);
    }
    let signer = chain.first().cloned().ok_or_else(|| unreadable(&arguments.certificate, "holds no certificate"))?;
    let key = keys::private_key(&arguments.key, &signer, terminal)?;
    let now = SystemClock.now();
    if !(signer.not_before()..=signer.not_after()).contains(&now) {
        terminal.note("warning: the certificate is not valid now, so nobody will accept this signature");
    }

    if (arguments.attached && arguments.format != Format::Cades)
        || (arguments.parallel && arguments.format != Format::Xades)
    {
        return Err(Failure::Refused("--attached goes with --format cades, --parallel with --format xades".to_owned()));
    }
    let signatory = Signatory { chain: &chain, algorithm: key.default_algorithm(), signing_time: now };
    let mut ask = |imprint: &Digest| match &arguments.tsa {
        Some(url) => stamp::token(url, imprint, arguments.anchors.as_deref(), terminal),
        None => Err(Failure::Refused("a time-stamp is needed: give --tsa".to_owned())),
    };
    let signature = match arguments.format {
        Format::Cades => beside_or_around(arguments, &key, &signatory, terminal)?,
        Format::Xades | Format::Asice => {
            let stamp: markup::Stamp<'_> = if arguments.tsa.is_some() { Some(&mut ask) } else { None };
            if arguments.format == Format::Xades {
                markup::enveloped(&arguments.file, &key, &signatory, arguments.parallel, stamp)?
            } else {
                markup::contained(&arguments.file, &key, &signatory, stamp)?
            }
        }
    };

    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut output = NewFile::create(&arguments.output, existing, Readers::AsUsual)?;
    output.write(&signature)?;
    output.commit()?;
    Ok(exit::OK)
}

/// CAdES.
fn beside_or_around(
    arguments: &Arguments,
    key: &SoftwareKey,
    signatory: &Signatory<'_>,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    let algorithm = signatory.algorithm;
    let (attached, digest);
    let content = if arguments.attached {
        attached = read(&arguments.file, ATTACHED_BYTES)?;
        Content::Attached(&attached)
    } else {
        // RFC 8419, 3.1: Ed25519 goes with SHA-512.
        let by = algorithm.digest_algorithm().unwrap_or(DigestAlgorithm::Sha512);
        digest = digests(&arguments.file, &[by])?;
        Content::Detached(*digest.first().ok_or_else(|| unreadable(&arguments.file, "has no digest"))?)
    };
    let signature = cades::sign(content, key, algorithm, signatory.chain, signatory.signing_time)
        .map_err(|error| Failure::Refused(format!("cannot sign: {error}")))?;
    match &arguments.tsa {
        Some(url) => stamp::stamped(&signature, url, algorithm, arguments.anchors.as_deref(), terminal),
        None => Ok(signature),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// CAdES, beside the file or around it.
    Cades,
    /// XAdES in the XML file itself.
    Xades,
    /// ASiC-E with XAdES around the file; where the file is such a container, one more signature in it.
    Asice,
}

/// What is put inside a signature is held in memory whole. Larger documents are signed detached.
const ATTACHED_BYTES: u64 = 512 * 1024 * 1024;
