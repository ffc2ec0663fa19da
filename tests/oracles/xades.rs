//! XML signatures of every kind that we write, for the oracles.

use certs::revocation::{OcspResponse, RevocationData};
use crypto::key::KeyHandle as _;
use signing::asic::create::Part;
use signing::asic::create::xades::{Opened, digest_algorithm, prepare};
use signing::xades::augment::{
    StampRequest, add_validation_data, request_archive_timestamp, request_signature_timestamp,
};
use signing::xades::create::{Options, sign};
use signing::xades::{Contents, NoContents};

use crate::workshop::{DOCUMENTS, SHA256, Signer, Workshop};

/// Line ends of two kinds, names that are not ASCII, a comment, a prefix that others use.
pub(crate) const ORDER: &[u8] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- before --><z:заява xmlns:z=\"urn:orders\" \
    xmlns:ds=\"urn:other\" xmlns=\"urn:default\" Id=\"order\">\r\n\t<сума валюта='грн'>10 &lt; 20<!-- agreed --></сума>\n<ds:x/></z:заява>\n"
    .as_bytes();

/// Level B, enveloped.
pub(crate) fn enveloped(workshop: &Workshop, signer: &Signer, document: &[u8], options: &Options<'_>) -> Vec<u8> {
    sign(document, &signer.identity.key, &workshop.signatory(signer), options).expect("a signed document")
}

/// The levels above B.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    B,
    T,
    Lt,
    Lta,
    Renewed,
}

/// A signature of level B raised; `contents` is what lies beside the document.
pub(crate) fn raised(
    workshop: &Workshop,
    signer: &Signer,
    document: &[u8],
    number: usize,
    level: Level,
    contents: &dyn Contents,
) -> Vec<u8> {
    let stamp = |request: StampRequest, minute| {
        let token = workshop.token(request.imprint(), workshop.minute(minute));
        request.complete(&token).expect("a token")
    };
    let mut document = document.to_vec();
    if level >= Level::T {
        document = stamp(request_signature_timestamp(&document, number, SHA256).expect("an imprint"), 1);
    }
    if level >= Level::Lt {
        document = with_answers(workshop, &[signer], &document, number);
    }
    for (least, minute) in [(Level::Lta, 3), (Level::Renewed, 4)] {
        if level >= least {
            let request = request_archive_timestamp(&document, number, SHA256, contents).expect("an imprint");
            document = stamp(request, minute);
        }
    }
    document
}

/// With the authorities' certificates, and what responders say of them and of these signers.
pub(crate) fn with_answers(workshop: &Workshop, signers: &[&Signer], document: &[u8], number: usize) -> Vec<u8> {
    let read = |answer: Vec<u8>| OcspResponse::from_der(&answer).expect("an answer");
    let ocsp = workshop.answers(signers).into_iter().map(read).collect();
    let pki = &workshop.pki;
    let authorities = [pki.issuing_ca().clone(), pki.root().clone(), pki.tsa_certificate().clone()];
    add_validation_data(document, number, &authorities, &RevocationData { ocsp, crls: vec![] }).expect("a document")
}

/// An enveloped signature of this level.
pub(crate) fn order(workshop: &Workshop, signer: &Signer, level: Level) -> Vec<u8> {
    let b = enveloped(workshop, signer, ORDER, &Options::default());
    raised(workshop, signer, &b, 0, level, &NoContents)
}

/// ASiC-E with one signature of this level.
pub(crate) fn container(workshop: &Workshop, signer: &Signer, level: Level) -> Vec<u8> {
    let signatory = workshop.signatory(signer);
    let by = digest_algorithm(&signatory);
    let part = |(name, content): &(&str, &[u8])| Part::of_bytes(name, Some("text/plain"), content, by).expect("a part");
    let prepared = prepare(DOCUMENTS.iter().map(part).collect(), &signatory).expect("a container");
    let value = signer.identity.key.sign(prepared.algorithm(), prepared.to_be_signed()).expect("a value");
    let b = prepared.complete(&value).expect("a signature").to_vec(DOCUMENTS).expect("a container");
    raise_in(workshop, signer, &b, "META-INF/signatures0.xml", level)
}

/// One more signature of this level in a container.
pub(crate) fn one_more(workshop: &Workshop, signer: &Signer, container: &[u8], level: Level) -> Vec<u8> {
    let prepared =
        Opened::read(container).expect("a container").prepare(&workshop.signatory(signer)).expect("a signature");
    let value = signer.identity.key.sign(prepared.algorithm(), prepared.to_be_signed()).expect("a value");
    let b = prepared.complete(&value).expect("a signature").to_vec(&[]).expect("a container");
    raise_in(workshop, signer, &b, "META-INF/signatures1.xml", level)
}

fn raise_in(workshop: &Workshop, signer: &Signer, container: &[u8], name: &str, level: Level) -> Vec<u8> {
    let opened = Opened::read(container).expect("a container");
    let file = opened.signature_file(name).expect("a signature file");
    let file = raised(workshop, signer, file, 0, level, &opened.contents());
    opened.with_signature_file(name, &file).expect("a container")
}
