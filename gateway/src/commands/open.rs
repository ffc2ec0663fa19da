//! `vuzol open`: opens a sealed file, or a CMS envelope, with the recipient's key.

use std::io::Read;
use std::path::PathBuf;

use certs::certificate::Certificate;
use clap::Args;
use crypto::key::SoftwareKey;
use crypto::seal::{Opener, SealError};
use signing::envelope::{self, EnvelopeError};

use super::files::{self, Existing, NewFile, Readers, copy, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys, sealed_file};

/// Opens a sealed file or a CMS envelope (DER or BER) with the private key of the certificate that it was sealed to.
///
/// The output appears only after the whole file was found unchanged; until then nothing of it can be mistaken for the
/// document. Exit code 1: the file was changed or cut, or is sealed to somebody else.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  vuzol open --key agency-b.key --certificate agency-b.pem --output letter.pdf letter.pdf.sealed"
)]
pub(super) struct Arguments {
    /// The recipient's private key (PKCS#8, PEM or DER).
    #[arg(long, value_name = "PEM")]
    key: PathBuf,
    /// The certificate that the file was sealed to (PEM or DER).
    #[arg(long, value_name = "PEM")]
    certificate: PathBuf,
    /// Where to write the document.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Replace the output where it exists.
    #[arg(long)]
    force: bool,
    /// Open a CMS envelope that does not protect its content from change, as the national profiles do not. Believe what is inside only
    /// for its signature.
    #[arg(long)]
    unauthenticated: bool,
    /// The sealed file.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let certificate = keys::certificate(&arguments.certificate)?;
    let private = keys::private_key(&arguments.key, &certificate, terminal)?;
    let mut file = files::open(&arguments.file)?;
    if begins_a_sequence(&mut file) {
        return open_cms(arguments, &certificate, &private);
    }
    let mut file = files::open(&arguments.file)?;
    let header = sealed_file::read_header(&mut file).map_err(|error| unreadable(&arguments.file, error))?;
    let key = envelope::open_key(header.envelope(), &certificate, &private)
        .map_err(|error| of_envelope(arguments, &error))?;

    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut output = NewFile::create(&arguments.output, existing, Readers::Owner)?;
    let mut opener = Opener::new(&key, &header.context());
    let mut plain = Vec::new();
    copy(&arguments.file, &mut file, &mut |piece: &[u8]| {
        opener.update(piece, &mut plain).map_err(|error| of_stream(arguments, error))?;
        output.write(&plain)?;
        plain.clear();
        Ok(())
    })?;
    opener.finish(&mut plain).map_err(|error| of_stream(arguments, error))?;
    output.write(&plain)?;
    output.commit()?;
    Ok(exit::OK)
}

/// As every CMS ContentInfo does, and no sealed file.
fn begins_a_sequence(file: &mut impl Read) -> bool {
    let mut first = [0];
    file.read_exact(&mut first).is_ok() && first == [0x30]
}

/// The document lies beside its place until the end of the envelope has proven it.
fn open_cms(arguments: &Arguments, certificate: &Certificate, private: &SoftwareKey) -> Result<u8, Failure> {
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    let mut output = NewFile::create(&arguments.output, existing, Readers::Owner)?;
    let mut opener = envelope::Opener::new(certificate, private, &[]);
    files::stream(&arguments.file, |piece| {
        let plain = opener.update(piece).map_err(|error| of_envelope(arguments, &error))?;
        output.write(plain.as_bytes())
    })?;
    let opened = opener.finish().map_err(|error| of_envelope(arguments, &error))?;
    if opened.authenticated.is_none() && !arguments.unauthenticated {
        return Err(refused(
            arguments,
            "the envelope does not protect its content from change (--unauthenticated opens it)",
        ));
    }
    output.write(opened.rest.as_bytes())?;
    output.commit()?;
    Ok(exit::OK)
}

fn of_envelope(arguments: &Arguments, error: &EnvelopeError) -> Failure {
    match error {
        // The last two are said of envelopes that are made.
        EnvelopeError::Malformed | EnvelopeError::TooLong | EnvelopeError::Recipients | EnvelopeError::Length => {
            unreadable(&arguments.file, error)
        }
        EnvelopeError::UnsupportedKey => unreadable(&arguments.key, error),
        EnvelopeError::OtherRecipient | EnvelopeError::OriginatorUnknown | EnvelopeError::Forged => {
            refused(arguments, error)
        }
    }
}

fn of_stream(arguments: &Arguments, error: SealError) -> Failure {
    match error {
        SealError::NotSealed => unreadable(&arguments.file, error),
        SealError::Forged | SealError::TooLong | SealError::WrongKey => refused(arguments, error),
    }
}

fn refused(arguments: &Arguments, error: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("{}: {error}", arguments.file.display()))
}
