//! From an archive to what is in it.

use std::collections::{BTreeMap, BTreeSet};

use certs::timestamp::TstInfo;
use crypto::digest::{Digest, DigestAlgorithm, Digester, digest};
use schemas::limits::SIGNATURE_BYTES;

use crate::asic::error::ContainerError;
use crate::asic::kind::Kind;
use crate::asic::manifest::{LONGEST_MANIFEST, Manifest};
use crate::asic::xml_signatures::{Names, XmlContent, XmlSignatureFile, is_open_document_manifest};
use crate::asic::zip::{Archive, Entry, Source};
use crate::asn1::{Layers, Limits as Asn1Limits, normalise};
use crate::cms::SignedData;
use crate::validate::UnverifiedDocument;

use super::{Container, File, ManifestFile, SignatureFile, TimestampFile};

impl Container {
    /// Reads what is not payload; gives it by entry.
    pub(super) fn read_metadata<S: Source>(
        &mut self,
        archive: &Archive<S>,
    ) -> Result<BTreeMap<usize, Vec<u8>>, ContainerError> {
        let mut contents = BTreeMap::new();
        for (index, (file, entry)) in self.files.iter().zip(archive.entries()).enumerate() {
            let limit = match file.kind {
                Kind::Signature | Kind::Timestamp => SIGNATURE_BYTES,
                kind if kind.is_xml_signatures() => SIGNATURE_BYTES,
                kind if kind.is_manifest() || kind == Kind::OpenDocumentManifest => LONGEST_MANIFEST,
                _ => continue,
            };
            let content = archive.content(entry, limit)?;
            match file.kind {
                Kind::Signature => {
                    self.signatures.push(SignatureFile { file: index, document: UnverifiedDocument::parse(&content) });
                }
                Kind::Timestamp => {
                    let info = token_info(&content);
                    let claimed = info.as_ref().map(|info| info.gen_time);
                    let imprint = info.as_ref().and_then(|info| DigestAlgorithm::from_oid(&info.imprint_oid));
                    let over = info.zip(imprint).and_then(|(info, algorithm)| Digest::new(algorithm, &info.imprint));
                    let token = content.clone();
                    self.timestamps.push(TimestampFile { file: index, token, imprint, over, claimed });
                }
                Kind::XadesSignatures | Kind::OpenDocumentSignatures => {
                    let read = XmlContent::read(&content, &Names::of(&self.files));
                    let signature = XmlSignatureFile { file: index, octets: content.clone(), content: read };
                    self.xml_signatures.push(signature);
                }
                Kind::OpenDocumentManifest => {
                    self.open_document_manifest = is_open_document_manifest(&content).then_some(index);
                }
                _ => {
                    let manifest = Manifest::read(&content)?;
                    let names = &Names::of(&self.files);
                    self.manifests.push(ManifestFile {
                        file: index,
                        signature: names.resolve(&manifest.signature),
                        objects: manifest.objects.iter().map(|object| names.resolve(&object.uri)).collect(),
                        manifest,
                    });
                }
            }
            contents.insert(index, content);
        }
        Ok(contents)
    }

    /// Reads every entry once: its checksum is compared even if nobody needs its digest.
    pub(super) fn hash<S: Source>(
        &mut self,
        archive: &Archive<S>,
        mut metadata: BTreeMap<usize, Vec<u8>>,
        needed: &[Vec<DigestAlgorithm>],
        kept: &BTreeSet<usize>,
    ) -> Result<(), ContainerError> {
        for (index, ((file, entry), algorithms)) in self.files.iter_mut().zip(archive.entries()).zip(needed).enumerate()
        {
            let is_kept = kept.contains(&index);
            if let Some(content) = metadata.remove(&index) {
                file.digests = algorithms.iter().map(|algorithm| digest(*algorithm, &content)).collect();
                file.octets = is_kept.then_some(content);
                continue;
            }
            let mut content = Vec::new();
            let mut digesters: Vec<Digester> = algorithms.iter().map(|algorithm| Digester::new(*algorithm)).collect();
            archive.stream(entry, |piece| {
                digesters.iter_mut().for_each(|digester| digester.update(piece));
                if is_kept {
                    content.extend_from_slice(piece);
                }
            })?;
            file.digests = digesters.into_iter().map(Digester::finish).collect();
            file.octets = is_kept.then_some(content);
        }
        self.digest = archive.digest()?;
        Ok(())
    }
}

pub(super) fn files<S: Source>(archive: &Archive<S>, kinds: &[Kind]) -> Vec<File> {
    let file = |(entry, kind): (&Entry, &Kind)| File {
        name: entry.name().to_owned(),
        kind: *kind,
        size: entry.size(),
        digests: Vec::new(),
        octets: None,
    };
    archive.entries().iter().zip(kinds).map(file).collect()
}

/// What a time-stamp token says, unverified.
fn token_info(token: &[u8]) -> Option<TstInfo> {
    let (der, _) = normalise(token, Layers::SIGNED_DATA, &Asn1Limits::default()).ok()?;
    TstInfo::from_der(SignedData::read(&der).ok()?.content?).ok()
}
