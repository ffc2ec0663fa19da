//! `vuzol open`: opens a sealed file with the recipient's key.

use std::path::PathBuf;

use clap::Args;
use crypto::seal::{Opener, SealError};
use signing::envelope::EnvelopeError;

use super::files::{self, Existing, NewFile, Readers, copy, unreadable};
use super::terminal::Terminal;
use super::{Failure, exit, keys, sealed_file};

/// Opens a sealed file with the private key of the certificate that it was sealed to.
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
    /// The sealed file.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, terminal: &mut Terminal<'_>) -> Result<u8, Failure> {
    let certificate = keys::certificate(&arguments.certificate)?;
    let private = keys::private_key(&arguments.key, &certificate, terminal)?;
    let mut file = files::open(&arguments.file)?;
    let header = sealed_file::read_header(&mut file).map_err(|error| unreadable(&arguments.file, error))?;
    let key = signing::envelope::open_key(header.envelope(), &certificate, &private)
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
