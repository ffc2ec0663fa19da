//! The signatures of an XML document, by the same process as those of CMS.

use std::cell::RefCell;

use certs::certificate::Certificate;
use certs::path::Budget;
use certs::timestamp::TrustedTime;
use crypto::digest::{hex, sha256};
use schemas::ProblemCode;
use schemas::report::{Report, SignatureReport};

use crate::xades::{Contents, Fault, XmlSignature, signatures};
use crate::xml::{Document, Limits, Node, Source, XmlError, canonical};

use super::report::{self, Verdict};
use super::signature::{self, Place, Shared};
use super::status::{Embedded, Known, Work};
use super::xml_signature::XmlDocumentSignature;
use super::{Context, ValidationData, severity};

/// What the validation of an XML document came to.
pub struct XmlOutcome {
    /// For people and machines.
    pub report: Report,
    /// The proof, if every signature is TOTAL_PASSED and there is one.
    pub passed: Option<ValidatedXml>,
    problem: Option<ProblemCode>,
}

impl XmlOutcome {
    /// How a door refuses the document. `None` exactly if [`Self::passed`] is there.
    #[must_use]
    pub fn problem(&self) -> Option<ProblemCode> {
        self.problem
    }
}

/// Every signature reached TOTAL_PASSED. Only [`validate_xml`] makes one.
#[derive(Debug)]
pub struct ValidatedXml {
    signers: Vec<Certificate>,
}

impl ValidatedXml {
    /// The verified signing certificates, one for each signature, in the order of the document.
    #[must_use]
    pub fn signers(&self) -> &[Certificate] {
        &self.signers
    }
}

/// Validates every signature of an XML document: enveloped, enveloping, and over `contents` beside it.
///
/// # Errors
/// [`XmlError`] where the octets are no XML that is read here.
pub fn validate_xml(octets: &[u8], contents: &dyn Contents, context: &Context<'_>) -> Result<XmlOutcome, XmlError> {
    validate_xml_since(octets, contents, None, context)
}

/// The same. `existed`: a time at which the octets are known to have existed, by a time-stamp beside them.
pub(crate) fn validate_xml_since(
    octets: &[u8],
    contents: &dyn Contents,
    existed: Option<TrustedTime>,
    context: &Context<'_>,
) -> Result<XmlOutcome, XmlError> {
    let source = Source::read(octets, &Limits::DOCUMENT)?;
    let document = source.parse()?;
    let nodes = signatures(&document);
    let verdicts = if nodes.len() > schemas::limits::SIGNATURES_IN_DOCUMENT {
        vec![unread(Fault::TooManyReferences, context)]
    } else {
        validate_all(&document, &nodes, contents, existed, context, None).0
    };
    let worst = verdicts.iter().filter(|verdict| verdict.problem.is_some()).max_by_key(|verdict| severity(verdict));
    let problem = match worst {
        Some(verdict) => verdict.problem,
        None if verdicts.is_empty() => Some(ProblemCode::SignatureUnreadable),
        None => None,
    };
    let signers: Option<Vec<Certificate>> = verdicts.iter().map(|verdict| verdict.certificate.clone()).collect();
    let passed = signers.filter(|_| problem.is_none()).map(|signers| ValidatedXml { signers });
    let problem = if passed.is_some() { None } else { problem.or(Some(ProblemCode::SignerUnidentified)) };
    let report = Report {
        format: "XML".into(),
        digest: hex(&sha256(octets)),
        validated_at: report::rfc3339(context.at).unwrap_or_default(),
        policy: context.policy.name.into(),
        trust: hex(&context.trust.id()),
        signatures: verdicts.into_iter().map(|verdict| verdict.report).collect(),
        timestamps: Vec::new(),
        unsigned_parts: Vec::new(),
    };
    Ok(XmlOutcome { report, passed, problem })
}

/// Gathers what the verdict on one signature of an XML document rests on, whatever it is: to be put into it for level LT
/// ([`crate::xades::augment::add_validation_data`]). `signature`: its number, as there; nothing is gathered of one that is not there.
///
/// # Errors
/// As [`validate_xml`].
pub fn xml_validation_data(
    octets: &[u8],
    signature: usize,
    contents: &dyn Contents,
    context: &Context<'_>,
) -> Result<ValidationData, XmlError> {
    let source = Source::read(octets, &Limits::DOCUMENT)?;
    let document = source.parse()?;
    let nodes = signatures(&document);
    let chosen: Vec<_> = nodes.get(signature).copied().into_iter().collect();
    let (_, gathered) = validate_all(&document, &chosen, contents, None, context, Some(ValidationData::default()));
    Ok(gathered.unwrap_or_default())
}

fn validate_all<'d, 't>(
    document: &'d Document<'t>,
    nodes: &[Node<'d, 't>],
    contents: &dyn Contents,
    existed: Option<TrustedTime>,
    context: &Context<'_>,
    gathered: Option<ValidationData>,
) -> (Vec<Verdict>, Option<ValidationData>) {
    // As for CMS: twice two paths for each signer and its time-stamps, and some to spare.
    let signers = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
    let mut budget = Budget::default();
    budget.signature_checks = budget.signature_checks.saturating_add(signers.saturating_mul(20));
    let octets = RefCell::new(canonical::Budget::for_document(document.text().len()));
    let work = Work::new(nodes.len());
    let known = Known::new(context, Embedded::default(), &work);
    existed.into_iter().for_each(|time| known.prove_whole(time));
    let counter_signatures = schemas::limits::SIGNATURES_IN_DOCUMENT;
    let mut shared = Shared { known: &known, budget, counter_signatures, gathered };
    let mut verdicts = Vec::with_capacity(nodes.len());
    for node in nodes {
        let verdict = match XmlSignature::read(*node) {
            Err(fault) => unread(fault, context),
            Ok(read) => {
                let signature = XmlDocumentSignature::new(document, &read, contents, &octets, None);
                let place = Place { pool: &[], within: None, depth: 0 };
                signature::validate(&signature, place, context, &mut shared)
            }
        };
        verdicts.push(verdict);
    }
    (verdicts, shared.gathered)
}

/// The verdict on what is no signature that can be read.
fn unread(fault: Fault, context: &Context<'_>) -> Verdict {
    let (indication, sub_indication) = fault.conclusion();
    let report = SignatureReport {
        id: "S-0".into(),
        format: "XMLDSig".into(),
        level: "XML-NOT-ETSI".into(),
        intact: false,
        signed_form: None,
        algorithm: None,
        indication,
        sub_indication: Some(sub_indication),
        signing_time: None,
        best_time: report::rfc3339(context.at).unwrap_or_default(),
        signer: None,
        chain: Vec::new(),
        signature_policy: None,
        signed_parts: Vec::new(),
        timestamps: Vec::new(),
        counter_signatures: Vec::new(),
        qualification: None,
        missing: Vec::new(),
        reasons: vec![fault.reason()],
    };
    Verdict { report, problem: Some(fault.problem()), certificate: None, form: None }
}
