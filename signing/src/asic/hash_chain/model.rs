//! HashChain and HashChainResult as they stand: X-Road, namespace `http://cyber.ee/hashchain`. Read strictly, as manifests are.

use std::collections::BTreeMap;

use crypto::digest::{Digest, DigestAlgorithm};

use crate::xml::{Limits, Node, Source, XmlError, algorithm, read};

use super::Stop;

const NAMESPACE: &str = "http://cyber.ee/hashchain";
const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// HashChainResult: what a signature or time-stamp is over. Unverified.
pub(super) struct ChainResult {
    /// The step that it comes from.
    pub(super) uri: String,
    pub(super) digest: Digest,
}

/// HashChain: the steps of a file by their names. Unverified.
pub(super) type Chain = BTreeMap<String, Vec<Value>>;

/// What a step adds to its digest.
pub(super) enum Value {
    /// The digest of something that is not here: another message of the batch.
    Opaque(Hash),
    /// The digest of another step.
    Step(String, Method),
    /// The digest of an entry.
    Data(String, Hash),
}

/// A digest algorithm, and the identifier by which the step's octets name it.
#[derive(Clone, Copy)]
pub(super) struct Method {
    pub(super) algorithm: DigestAlgorithm,
    pub(super) identifier: &'static str,
}

/// A digest as it is stated.
pub(super) struct Hash {
    pub(super) method: Method,
    pub(super) value: Digest,
}

/// Whether octets have a HashChainResult in them; what is named like one need not be one.
pub(super) fn is_result(octets: &[u8]) -> bool {
    let Ok(source) = Source::read(octets, &Limits::MANIFEST) else { return false };
    source.parse().is_ok_and(|document| is(document.root_element(), "HashChainResult"))
}

pub(super) fn read_result(octets: &[u8]) -> Result<ChainResult, Stop> {
    let source = Source::read(octets, &Limits::MANIFEST).map_err(refusal)?;
    let document = source.parse().map_err(refusal)?;
    let root = document.root_element();
    let children = elements(root)?;
    let hash = read_hash(&children, None)?;
    let uri = read::attribute(root, "URI").filter(|_| is(root, "HashChainResult")).ok_or(Stop::Malformed)?;
    Ok(ChainResult { uri: uri.to_owned(), digest: hash.value })
}

pub(super) fn read_chain(octets: &[u8]) -> Result<Chain, Stop> {
    let source = Source::read(octets, &Limits::MANIFEST).map_err(refusal)?;
    let document = source.parse().map_err(refusal)?;
    let root = document.root_element();
    let children = elements(root)?;
    let (first, rest) = children.split_first().filter(|_| is(root, "HashChain")).ok_or(Stop::Malformed)?;
    let (default, steps) = if is(*first, "DefaultDigestMethod") {
        (Some(read_method(*first)?), rest)
    } else {
        (None, children.as_slice())
    };
    let mut chain = Chain::new();
    for step in steps {
        let id = read::attribute(*step, "id").filter(|_| is(*step, "HashStep")).ok_or(Stop::Malformed)?;
        let values: Result<Vec<Value>, Stop> =
            elements(*step)?.into_iter().map(|value| read_value(value, default)).collect();
        if chain.insert(id.to_owned(), values?).is_some() {
            return Err(Stop::Malformed);
        }
    }
    Ok(chain)
}

fn refusal(error: XmlError) -> Stop {
    match error {
        XmlError::TooLarge
        | XmlError::TooManyNodes
        | XmlError::TooDeep
        | XmlError::TooManyAttributes
        | XmlError::TooManyNamespaces => Stop::Limits,
        XmlError::Malformed | XmlError::Encoding | XmlError::Version | XmlError::Doctype => Stop::Malformed,
    }
}

fn read_value(node: Node<'_, '_>, default: Option<Method>) -> Result<Value, Stop> {
    let children = elements(node)?;
    let uri = || read::attribute(node, "URI").map(str::to_owned).ok_or(Stop::Malformed);
    if is(node, "HashValue") {
        return read_hash(&children, default).map(Value::Opaque);
    }
    if is(node, "DataRef") {
        return Ok(Value::Data(uri()?, read_hash(&children, default)?));
    }
    let method = match children.as_slice() {
        _ if !is(node, "StepRef") => return Err(Stop::Malformed),
        [] => default,
        [method] if is_signature(*method, "DigestMethod") => Some(read_method(*method)?),
        _ => return Err(Stop::Malformed),
    };
    Ok(Value::Step(uri()?, method.ok_or(Stop::Malformed)?))
}

/// DigestMethod, where it is not the ordinary one, and DigestValue. Transforms, which may stand between them, nobody writes.
fn read_hash(children: &[Node<'_, '_>], default: Option<Method>) -> Result<Hash, Stop> {
    let (method, value) = match children {
        [value] => (default.ok_or(Stop::Malformed)?, *value),
        [method, value] if is_signature(*method, "DigestMethod") => (read_method(*method)?, *value),
        _ => return Err(Stop::Malformed),
    };
    let octets = read::base64(value).filter(|_| is_signature(value, "DigestValue")).ok_or(Stop::Malformed)?;
    Ok(Hash { method, value: Digest::new(method.algorithm, &octets).ok_or(Stop::Malformed)? })
}

fn read_method(node: Node<'_, '_>) -> Result<Method, Stop> {
    let identifier = read::attribute(node, "Algorithm").ok_or(Stop::Malformed)?;
    let (algorithm, identifier) = algorithm::known_digest(identifier).ok_or(Stop::Algorithm)?;
    Ok(Method { algorithm, identifier })
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((NAMESPACE, name))
}

fn is_signature(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((XMLDSIG, name))
}

fn elements<'d, 't>(node: Node<'d, 't>) -> Result<Vec<Node<'d, 't>>, Stop> {
    read::elements(node).ok_or(Stop::Malformed)
}
