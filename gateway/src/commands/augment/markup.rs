//! `vuzol augment` for XAdES: XML files, and containers with such signatures.

use crypto::digest::Digest;
use schemas::report::{Indication, Report, TimestampKind};
use signing::asic::create::xades::Opened;
use signing::asic::{self, Container};
use signing::validate::{Policy, validate_xml, xml_validation_data};
use signing::xades::augment::{add_validation_data, request_archive_timestamp, request_signature_timestamp};
use signing::xades::create::CreateError;
use signing::xades::{Contents, Files};

use super::{Arguments, BY, Level, context, token};
use crate::commands::Failure;
use crate::commands::anchors::Belief;
use crate::commands::files::{read, unreadable};
use crate::commands::terminal::Terminal;

/// An XML file with its signatures raised.
pub(super) fn document(
    arguments: &Arguments,
    octets: Vec<u8>,
    belief: &Belief,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    let beside = arguments.detached.as_ref().map(|path| read(path, super::LARGEST)).transpose()?;
    let name = arguments.detached.as_ref().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
    let files: Vec<(&str, &[u8])> = beside.iter().map(|octets| (name.as_ref(), octets.as_slice())).collect();
    let files = Files(&files);
    let raised = Raising { arguments, belief }.raise(octets, &files, terminal)?;
    // Nothing is written that does not pass.
    super::all_pass(&judged(arguments, &raised, &files, belief)?)?;
    Ok(raised)
}

/// A container with all its signatures raised.
pub(super) fn container(
    arguments: &Arguments,
    mut octets: Vec<u8>,
    belief: &Belief,
    terminal: &mut Terminal<'_>,
) -> Result<Vec<u8>, Failure> {
    if arguments.detached.is_some() {
        return Err(unreadable(&arguments.file, "a container carries what is signed; --detached does not go with it"));
    }
    let unread = |error: &dyn std::fmt::Display| unreadable(&arguments.file, error.to_string());
    let opened = Opened::read(&octets).map_err(|error| unread(&error))?;
    let names: Vec<String> = opened.signature_files().map(str::to_owned).collect();
    super::all_pass(&judged_container(arguments, &octets, belief)?)?;
    for name in names {
        let opened = Opened::read(&octets).map_err(|error| unread(&error))?;
        let file = opened.signature_file(&name).unwrap_or_default().to_vec();
        let raised = Raising { arguments, belief }.raise(file, &opened.contents(), terminal)?;
        octets = opened
            .with_signature_file(&name, &raised)
            .map_err(|error| Failure::Refused(format!("cannot be augmented: {error}")))?;
    }
    super::all_pass(&judged_container(arguments, &octets, belief)?)?;
    Ok(octets)
}

fn judged_container(arguments: &Arguments, octets: &[u8], belief: &Belief) -> Result<Report, Failure> {
    let policy = Policy::default();
    let container = Container::read(octets).map_err(|error| unreadable(&arguments.file, error))?;
    Ok(asic::validate(container, &context(belief, &policy)).report)
}

fn judged(arguments: &Arguments, octets: &[u8], contents: &dyn Contents, belief: &Belief) -> Result<Report, Failure> {
    let policy = Policy::default();
    let outcome = validate_xml(octets, contents, &context(belief, &policy));
    outcome.map(|outcome| outcome.report).map_err(|error| unreadable(&arguments.file, error))
}

struct Raising<'a> {
    arguments: &'a Arguments,
    belief: &'a Belief,
}

impl Raising<'_> {
    /// Raises each signature of an XML file, one after the other.
    fn raise(
        &self,
        mut octets: Vec<u8>,
        contents: &dyn Contents,
        terminal: &mut Terminal<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let before = judged(self.arguments, &octets, contents, self.belief)?;
        super::all_pass(&before)?;
        if before.signatures.is_empty() {
            return Err(unreadable(&self.arguments.file, "holds no signature"));
        }
        let level = self.arguments.level;
        for (number, signature) in before.signatures.iter().enumerate() {
            debug_assert_eq!(signature.indication, Indication::TotalPassed);
            if !signature.timestamps.iter().any(|stamp| stamp.kind == TimestampKind::Signature) {
                let request = request_signature_timestamp(&octets, number, BY).map_err(refused)?;
                let token = self.token(request.imprint(), terminal)?;
                octets = request.complete(&token).map_err(refused)?;
            }
            if level >= Level::Lt {
                let policy = Policy::default();
                let data = xml_validation_data(&octets, number, contents, &context(self.belief, &policy));
                let data = data.map_err(|error| unreadable(&self.arguments.file, error))?;
                octets = add_validation_data(&octets, number, &data.certificates, &data.revocation).map_err(refused)?;
            }
            if level == Level::Lta {
                let request = request_archive_timestamp(&octets, number, BY, contents).map_err(refused)?;
                let token = self.token(request.imprint(), terminal)?;
                octets = request.complete(&token).map_err(refused)?;
            }
        }
        Ok(octets)
    }

    fn token(&self, imprint: &Digest, terminal: &mut Terminal<'_>) -> Result<Vec<u8>, Failure> {
        token(self.arguments, imprint, terminal)
    }
}

fn refused(error: CreateError) -> Failure {
    Failure::Refused(format!("cannot be augmented: {error} [{}]", error.reason().code))
}
