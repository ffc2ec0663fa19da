//! What an entry is by its name, and what a container is by what it says of itself and by what is in it: ETSI EN 319 162-1, 4.3, 4.4
//! and A.1.

use super::error::{ContainerError, Finding};

/// The folder of signatures and what belongs to them.
const META_INF: &str = "META-INF/";
const MIMETYPE: &str = "mimetype";
const ASIC_S: &str = "application/vnd.etsi.asic-s+zip";
const ASIC_E: &str = "application/vnd.etsi.asic-e+zip";
const OPEN_DOCUMENT: &str = "application/vnd.oasis.opendocument.";

/// Type of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerType {
    /// ASiC-S: one document, and what is over it.
    Simple,
    /// ASiC-E: any number of documents, and signatures over some of them each.
    Extended,
    /// An OpenDocument file with signatures of its own kind.
    OpenDocument,
}

impl ContainerType {
    /// As a report names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "ASiC-S",
            Self::Extended => "ASiC-E",
            Self::OpenDocument => "OpenDocument",
        }
    }

    /// As a mimetype entry or a comment names it.
    fn of_mime_type(mime_type: &str) -> Option<Self> {
        match mime_type {
            ASIC_S => Some(Self::Simple),
            ASIC_E => Some(Self::Extended),
            other if other.starts_with(OPEN_DOCUMENT) => Some(Self::OpenDocument),
            _ => None,
        }
    }

    /// The content of the mimetype entry.
    pub(super) fn mime_type(self) -> &'static str {
        match self {
            Self::Simple => ASIC_S,
            Self::Extended => ASIC_E,
            Self::OpenDocument => OPEN_DOCUMENT,
        }
    }
}

/// What signs in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// CAdES signatures, beside time-stamps.
    Cades,
    /// XAdES signatures.
    Xades,
    /// Time-stamps or evidence records alone.
    TimeAssertions,
}

/// What an entry is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Mimetype,
    Folder,
    /// A document.
    Payload,
    /// CAdES, `*signature*.p7s`.
    Signature,
    /// RFC 3161 token, `*timestamp*.tst`.
    Timestamp,
    /// `*ASiCManifest*.xml`.
    Manifest,
    /// `*ASiCArchiveManifest*.xml`.
    ArchiveManifest,
    /// `*ASiCEvidenceRecordManifest*.xml`.
    EvidenceRecordManifest,
    /// `*evidencerecord*.ers` or `.xml`.
    EvidenceRecord,
    /// XAdES, `*signatures*.xml`.
    XadesSignatures,
    /// `documentsignatures.xml`.
    OpenDocumentSignatures,
    /// `manifest.xml`: the entries with their media types.
    OpenDocumentManifest,
    /// Result or steps of a hash chain. No name makes an entry one, but a signature or time-stamp that it serves.
    HashChain,
    /// In META-INF, and nothing of the above.
    Unknown,
}

impl Kind {
    /// By the name alone; letter case counts, as everywhere in EN 319 162-1.
    pub(super) fn of(name: &str) -> Self {
        if name.ends_with('/') {
            return Self::Folder;
        }
        let Some(file) = name.strip_prefix(META_INF) else {
            return if name == MIMETYPE { Self::Mimetype } else { Self::Payload };
        };
        let has = |word: &str, ending: &str| file.contains(word) && file.ends_with(ending);
        match file {
            _ if file.contains('/') => Self::Unknown,
            "documentsignatures.xml" => Self::OpenDocumentSignatures,
            "manifest.xml" => Self::OpenDocumentManifest,
            _ if has("ASiCArchiveManifest", ".xml") => Self::ArchiveManifest,
            _ if has("ASiCEvidenceRecordManifest", ".xml") => Self::EvidenceRecordManifest,
            _ if has("ASiCManifest", ".xml") => Self::Manifest,
            _ if has("evidencerecord", ".ers") || has("evidencerecord", ".xml") => Self::EvidenceRecord,
            _ if has("signatures", ".xml") => Self::XadesSignatures,
            _ if has("signature", ".p7s") => Self::Signature,
            _ if has("timestamp", ".tst") => Self::Timestamp,
            _ => Self::Unknown,
        }
    }

    /// Whether an entry of this kind may turn out to be a part of a hash chain.
    pub(super) fn may_be_hash_chain(self) -> bool {
        matches!(self, Self::Payload | Self::HashChain | Self::Unknown)
    }

    pub(super) fn is_xml_signatures(self) -> bool {
        matches!(self, Self::XadesSignatures | Self::OpenDocumentSignatures)
    }

    pub(super) fn is_manifest(self) -> bool {
        matches!(self, Self::Manifest | Self::ArchiveManifest | Self::EvidenceRecordManifest)
    }
}

/// The type that the mimetype entry names. A type that is no container's may be that of the document in ASiC-S (4.3.3.1), and
/// decides nothing.
pub(super) fn declared_in_mimetype(content: &[u8]) -> (Option<ContainerType>, Option<Finding>) {
    let text = String::from_utf8_lossy(content);
    let bare = text.trim_start_matches('\u{feff}').trim();
    let found = ContainerType::of_mime_type(bare);
    (found, (found.is_some() && bare.len() != content.len()).then_some(Finding::MimetypeContent))
}

/// The type that the archive's comment names: `mimetype=` and the type (A.1). Other comments decide nothing.
pub(super) fn declared_in_comment(comment: &[u8]) -> Option<ContainerType> {
    let comment = std::str::from_utf8(comment).ok()?;
    ContainerType::of_mime_type(comment.strip_prefix("mimetype=")?.trim())
}

/// What the container is. `kinds`: those of all entries.
pub(super) fn decide(
    mimetype: Option<ContainerType>,
    comment: Option<ContainerType>,
    kinds: &[Kind],
) -> Result<(ContainerType, Flavour), ContainerError> {
    let has = |kind: Kind| kinds.contains(&kind);
    if mimetype.is_some() && comment.is_some() && mimetype != comment {
        return Err(ContainerError::TypeConflict);
    }
    let declared = mimetype.or(comment);
    let by_content = if has(Kind::OpenDocumentSignatures) {
        Some(ContainerType::OpenDocument)
    } else if has(Kind::Manifest) || has(Kind::ArchiveManifest) || has(Kind::EvidenceRecordManifest) {
        Some(ContainerType::Extended)
    } else if [Kind::Signature, Kind::Timestamp, Kind::EvidenceRecord, Kind::XadesSignatures].into_iter().any(has) {
        let payloads = kinds.iter().filter(|kind| **kind == Kind::Payload).count();
        Some(if payloads == 1 { ContainerType::Simple } else { ContainerType::Extended })
    } else {
        None
    };
    let found = declared.or(by_content).ok_or(ContainerError::NotAsic)?;
    let (cades, xades) = (has(Kind::Signature), has(Kind::XadesSignatures) || has(Kind::OpenDocumentSignatures));
    match (cades, xades) {
        (true, true) => Err(ContainerError::MixedFlavours),
        (true, false) => Ok((found, Flavour::Cades)),
        (false, true) => Ok((found, Flavour::Xades)),
        (false, false) if has(Kind::Timestamp) || has(Kind::EvidenceRecord) => Ok((found, Flavour::TimeAssertions)),
        (false, false) => Err(ContainerError::NoSignature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_known_by_their_names() {
        for (name, kind) in [
            ("mimetype", Kind::Mimetype),
            ("META-INF/", Kind::Folder),
            ("document.pdf", Kind::Payload),
            ("folder/mimetype", Kind::Payload),
            ("meta-inf/signature.p7s", Kind::Payload),
            ("META-INF/signature001.p7s", Kind::Signature),
            ("META-INF/arch_timestamp_1.tst", Kind::Timestamp),
            ("META-INF/ASiCManifest.xml", Kind::Manifest),
            ("META-INF/ASiCArchiveManifest001.xml", Kind::ArchiveManifest),
            ("META-INF/ASiCEvidenceRecordManifest1.xml", Kind::EvidenceRecordManifest),
            ("META-INF/evidencerecord001.xml", Kind::EvidenceRecord),
            ("META-INF/evidencerecord.ers", Kind::EvidenceRecord),
            ("META-INF/signatures0.xml", Kind::XadesSignatures),
            ("META-INF/documentsignatures.xml", Kind::OpenDocumentSignatures),
            ("META-INF/manifest.xml", Kind::OpenDocumentManifest),
            ("META-INF/x/signature.p7s", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_container_is_what_it_says_or_else_what_is_in_it() {
        let (simple, extended) = (ContainerType::Simple, ContainerType::Extended);
        let one = [Kind::Payload, Kind::Signature];
        let two = [Kind::Payload, Kind::Payload, Kind::Signature];
        let manifest = [Kind::Payload, Kind::Signature, Kind::Manifest];
        assert_eq!(decide(Some(extended), None, &one), Ok((extended, Flavour::Cades)));
        assert_eq!(decide(None, Some(extended), &one), Ok((extended, Flavour::Cades)));
        assert_eq!(decide(None, None, &one), Ok((simple, Flavour::Cades)));
        assert_eq!(decide(None, None, &two), Ok((extended, Flavour::Cades)));
        assert_eq!(decide(None, None, &manifest), Ok((extended, Flavour::Cades)));
        assert_eq!(decide(None, None, &[Kind::Payload, Kind::Timestamp]), Ok((simple, Flavour::TimeAssertions)));
        assert_eq!(decide(None, None, &[Kind::Payload, Kind::XadesSignatures]), Ok((simple, Flavour::Xades)));
        assert_eq!(decide(Some(simple), Some(extended), &one), Err(ContainerError::TypeConflict));
        assert_eq!(decide(None, None, &[Kind::Payload]), Err(ContainerError::NotAsic));
        assert_eq!(decide(Some(simple), None, &[Kind::Payload]), Err(ContainerError::NoSignature));
        let mixed = [Kind::Payload, Kind::Signature, Kind::XadesSignatures];
        assert_eq!(decide(None, None, &mixed), Err(ContainerError::MixedFlavours));
    }

    #[test]
    fn a_type_may_be_declared_in_two_places() {
        assert_eq!(declared_in_mimetype(ASIC_E.as_bytes()), (Some(ContainerType::Extended), None));
        let with_mark = format!("\u{feff}{ASIC_S}\r\n");
        let untidy = (Some(ContainerType::Simple), Some(Finding::MimetypeContent));
        assert_eq!(declared_in_mimetype(with_mark.as_bytes()), untidy);
        assert_eq!(declared_in_mimetype(b"text/plain"), (None, None));
        let text = "application/vnd.oasis.opendocument.text";
        assert_eq!(declared_in_mimetype(text.as_bytes()), (Some(ContainerType::OpenDocument), None));
        assert_eq!(declared_in_comment(b"mimetype=application/vnd.etsi.asic-e+zip"), Some(ContainerType::Extended));
        assert_eq!(declared_in_comment(b"made by somebody"), None);
    }
}
