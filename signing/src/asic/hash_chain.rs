//! Hash chains of X-Road, by which one signature or time-stamp is over many messages.
//!
//! A result (`sig-hashchainresult.xml`, HashChainResult) states the digest of a step, and a chain (`sig-hashchain.xml`, HashChain) holds the
//! steps. The octets of a step are
//!
//! ```text
//! SEQUENCE OF SEQUENCE { digest OCTET STRING, algorithm UTF8String, transforms SEQUENCE {} }
//! ```
//!
//! with one member for each of its values: a HashValue gives its digest as it stands (of another message of the batch), a StepRef that of another
//! step, a DataRef that of an entry, which is compared with the entry itself. No standard describes them; X-Road's own verifier
//! (`HashChainVerifier`, its schema `hashchain.xsd`) is what we go by.
//!
//! Who signs a result signs digests, in their order, and nothing else: neither the names of the entries nor what kind of value a digest
//! was. What a chain says of these is the sender's word.

mod model;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crypto::digest::{Digest, DigestAlgorithm, digest};

use crate::asn1::{Writer, tag};

use super::container::{Located, Target};
use super::error::{ContainerError, Finding};
use super::manifest::LONGEST_MANIFEST;
use super::xml_signatures::{Names, Part};
use model::{Chain, Hash, Value};

/// Octets of a result or chain.
pub(super) const LONGEST: usize = LONGEST_MANIFEST;
/// Steps, steps on the way from the result to an entry, and values of all steps: as X-Road's verifier has them.
const MOST_STEPS: usize = 1024;
const DEEPEST: usize = 64;
const MOST_VALUES: usize = 10_000;
/// Files with steps. X-Road writes one.
const MOST_FILES: usize = 16;

/// How the result of a chain is named, at whatever place.
const RESULT: &str = "hashchainresult.xml";

/// A chain, followed from its result. What the entries themselves are is compared later, when their digests are known.
#[derive(Debug)]
pub(super) struct HashChain {
    /// The entry with the result.
    pub(super) result: usize,
    /// Entries with steps, and whether all steps in them count.
    pub(super) files: BTreeMap<usize, bool>,
    /// What the steps say of entries.
    pub(super) parts: Vec<Part>,
    /// With which steps were hashed.
    pub(super) algorithms: Vec<DigestAlgorithm>,
    /// What is wrong with it, and with which reference; nothing for the result itself.
    pub(super) finding: Option<Located>,
}

/// Why a chain is not followed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Malformed,
    Limits,
    Algorithm,
    Missing,
    Ambiguous,
    /// The steps have another digest than the result states.
    Wrong,
}

impl Stop {
    fn finding(self) -> Finding {
        match self {
            Self::Malformed => Finding::HashChain,
            Self::Limits => Finding::HashChainLimits,
            Self::Algorithm => Finding::DigestUnknown,
            Self::Missing => Finding::ObjectMissing,
            Self::Ambiguous => Finding::ObjectAmbiguous,
            Self::Wrong => Finding::HashChainResult,
        }
    }
}

/// Gives the octets of an entry; `None` where it is longer than [`LONGEST`].
pub(super) type Library<'l> = dyn FnMut(usize) -> Result<Option<Vec<u8>>, ContainerError> + 'l;

/// Whether an entry may be the result of a chain. What is named so and holds something else is a document.
pub(super) fn may_be_result(name: &str) -> bool {
    name.ends_with(RESULT)
}

impl HashChain {
    /// Follows the chain from the entry `result`. `None` where that holds no result.
    ///
    /// # Errors
    /// Those of the library.
    pub(super) fn follow(
        result: usize,
        names: &Names<'_>,
        library: &mut Library<'_>,
    ) -> Result<Option<Self>, ContainerError> {
        let Some(octets) = library(result)?.filter(|octets| model::is_result(octets)) else { return Ok(None) };
        let mut walk = Walk::new(names, library);
        let stop = walk.check(&octets);
        if let Some(error) = walk.error {
            return Err(error);
        }
        let whole = |(file, chain): (&usize, &Rc<Chain>)| {
            let mut steps = chain.keys();
            (*file, steps.all(|id| walk.known.contains_key(&(*file, id.clone()))))
        };
        Ok(Some(Self {
            result,
            files: walk.files.iter().map(whole).collect(),
            finding: stop.err().map(|stop| (stop.finding(), walk.at)),
            parts: walk.parts,
            algorithms: walk.algorithms,
        }))
    }
}

/// A file, and the id of a step in it.
type Place = (usize, String);

struct Walk<'w, 'n, 'l> {
    names: &'w Names<'n>,
    library: &'w mut Library<'l>,
    files: BTreeMap<usize, Rc<Chain>>,
    /// Octets of the steps that were reached; none yet of those under way.
    known: BTreeMap<Place, Option<Rc<[u8]>>>,
    hashed: HashMap<(Place, DigestAlgorithm), Digest>,
    values: usize,
    parts: Vec<Part>,
    algorithms: Vec<DigestAlgorithm>,
    /// The reference that is being followed, as it stands; nothing while it is the result itself.
    at: String,
    error: Option<ContainerError>,
}

impl<'w, 'n, 'l> Walk<'w, 'n, 'l> {
    fn new(names: &'w Names<'n>, library: &'w mut Library<'l>) -> Self {
        Self {
            names,
            library,
            files: BTreeMap::new(),
            known: BTreeMap::new(),
            hashed: HashMap::new(),
            values: 0,
            parts: Vec::new(),
            algorithms: Vec::new(),
            at: String::new(),
            error: None,
        }
    }

    fn check(&mut self, octets: &[u8]) -> Result<(), Stop> {
        let result = model::read_result(octets)?;
        let found = self.step(None, &result.uri, result.digest.algorithm(), 1)?;
        self.at.clear();
        if found == result.digest { Ok(()) } else { Err(Stop::Wrong) }
    }

    /// The digest of the step at `uri`. `from`: the file in which that stands.
    fn step(
        &mut self,
        from: Option<usize>,
        uri: &str,
        algorithm: DigestAlgorithm,
        depth: usize,
    ) -> Result<Digest, Stop> {
        uri.clone_into(&mut self.at);
        let (file, id) = uri.split_once('#').filter(|(_, id)| !id.is_empty()).ok_or(Stop::Malformed)?;
        let file = match (file, from) {
            ("", Some(from)) => from,
            _ => match self.names.resolve(file) {
                Target::File(file) => file,
                Target::Missing => return Err(Stop::Missing),
                Target::Ambiguous => return Err(Stop::Ambiguous),
            },
        };
        let place = (file, id.to_owned());
        if !self.algorithms.contains(&algorithm) {
            self.algorithms.push(algorithm);
        }
        let key = (place, algorithm);
        if let Some(known) = self.hashed.get(&key) {
            return Ok(*known);
        }
        let octets = self.octets(&key.0, depth)?;
        let found = digest(algorithm, &octets);
        self.hashed.insert(key, found);
        Ok(found)
    }

    /// The octets of a step, each made once.
    fn octets(&mut self, place: &Place, depth: usize) -> Result<Rc<[u8]>, Stop> {
        match self.known.get(place) {
            Some(Some(octets)) => return Ok(Rc::clone(octets)),
            // It leads back to itself.
            Some(None) => return Err(Stop::Malformed),
            None if depth > DEEPEST || self.known.len() >= MOST_STEPS => return Err(Stop::Limits),
            None => {}
        }
        let chain = self.chain(place.0)?;
        let values = chain.get(&place.1).ok_or(Stop::Malformed)?;
        self.values = self.values.saturating_add(values.len());
        if self.values > MOST_VALUES {
            return Err(Stop::Limits);
        }
        self.known.insert(place.clone(), None);
        let mut members = Writer::new();
        for value in values {
            let (method, digest) = match value {
                Value::Opaque(Hash { method, value }) => (method, *value),
                Value::Step(uri, method) => (method, self.step(Some(place.0), uri, method.algorithm, depth + 1)?),
                Value::Data(uri, Hash { method, value }) => {
                    self.parts.push(Part {
                        uri: uri.clone(),
                        target: self.names.resolve(uri),
                        digest: Ok(*value),
                        is_transformed: false,
                    });
                    (method, *value)
                }
            };
            let member = Writer::new().value(tag::OCTET_STRING, digest.as_bytes());
            let member = member.value(tag::UTF8_STRING, method.identifier.as_bytes());
            members = members.nest(tag::SEQUENCE, member.value(tag::SEQUENCE, &[]));
        }
        let octets: Rc<[u8]> = Writer::new().nest(tag::SEQUENCE, members).into_bytes().into();
        self.known.insert(place.clone(), Some(Rc::clone(&octets)));
        Ok(octets)
    }

    /// The steps of a file, read once.
    fn chain(&mut self, file: usize) -> Result<Rc<Chain>, Stop> {
        if let Some(chain) = self.files.get(&file) {
            return Ok(Rc::clone(chain));
        }
        if self.files.len() >= MOST_FILES {
            return Err(Stop::Limits);
        }
        let octets = match (self.library)(file) {
            Ok(octets) => octets.ok_or(Stop::Limits)?,
            Err(error) => {
                self.error = Some(error);
                return Err(Stop::Malformed);
            }
        };
        let chain = Rc::new(model::read_chain(&octets)?);
        self.files.insert(file, Rc::clone(&chain));
        Ok(chain)
    }
}

#[cfg(test)]
mod tests;
