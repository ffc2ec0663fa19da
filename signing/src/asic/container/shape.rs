//! What a container must be like before anything in it is read.

use schemas::limits::SIGNATURES_IN_DOCUMENT;

use crate::asic::error::{ContainerError, Finding};
use crate::asic::kind::{self, ContainerType, Flavour, Kind};
use crate::asic::zip::{Archive, Method, Source};

use super::{Located, MOST_METADATA};

/// Octets of a mimetype entry.
const LONGEST_MIMETYPE: usize = 256;
/// Manifests and time-stamps, each. A signature has one manifest, and each archiving adds one and a time-stamp.
const MOST_MANIFESTS: usize = 64;

/// The type that the mimetype entry names, and what is wrong with the entry: EN 319 162-1, A.1 wants it first, stored, and
/// without extra fields, so that the type stands at a fixed place in the file.
pub(super) fn read_mimetype<S: Source>(
    archive: &Archive<S>,
) -> Result<(Option<ContainerType>, Vec<Located>), ContainerError> {
    let Some(entry) = archive.entries().iter().find(|entry| Kind::of(entry.name()) == Kind::Mimetype) else {
        return Ok((None, Vec::new()));
    };
    let (declared, untidy) = kind::declared_in_mimetype(&archive.content(entry, LONGEST_MIMETYPE)?);
    let mut findings = Vec::from_iter(untidy);
    findings.extend((!entry.is_first()).then_some(Finding::MimetypeLate));
    findings.extend((entry.method() != Method::Stored).then_some(Finding::MimetypeCompressed));
    findings.extend(entry.has_local_extra().then_some(Finding::MimetypeExtraField));
    Ok((declared, findings.into_iter().map(|finding| (finding, entry.name().to_owned())).collect()))
}

/// Bounds of what is held in memory, and the one document of ASiC-S.
pub(super) fn check_counts<S: Source>(
    archive: &Archive<S>,
    kinds: &[Kind],
    kind: ContainerType,
    flavour: Flavour,
) -> Result<(), ContainerError> {
    let of = |wanted: &dyn Fn(Kind) -> bool| {
        archive
            .entries()
            .iter()
            .zip(kinds)
            .filter(|(_, kind)| wanted(**kind))
            .map(|(entry, _)| entry)
            .collect::<Vec<_>>()
    };
    let signatures = of(&|kind| kind == Kind::Signature || kind.is_xml_signatures());
    let timestamps = of(&|kind| kind == Kind::Timestamp);
    let manifests = of(&|kind| kind.is_manifest() || kind == Kind::OpenDocumentManifest);
    if signatures.len() > SIGNATURES_IN_DOCUMENT
        || timestamps.len() > MOST_MANIFESTS
        || manifests.len() > MOST_MANIFESTS
    {
        return Err(ContainerError::TooManySignatures);
    }
    let size = signatures.iter().chain(&timestamps).chain(&manifests).map(|entry| entry.size());
    if size.fold(0, u64::saturating_add) > MOST_METADATA {
        return Err(ContainerError::MetadataTooLarge);
    }
    // Where references name what is signed, a further document is an unsigned one; here it would be unclear which one is.
    if kind == ContainerType::Simple && flavour != Flavour::Xades {
        let payloads = of(&|kind| kind == Kind::Payload);
        match payloads.as_slice() {
            [only] if !only.name().contains('/') => {}
            _ => return Err(ContainerError::DataObjects),
        }
    }
    Ok(())
}
