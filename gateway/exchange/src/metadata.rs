//! Metadata of a submission, before its document is read: as the channel demands, and as their own schema says.
//!
//! Where the channel demands none, those that come have to follow the schema that they name; one that this node does not know is
//! refused, since nobody here could say what was accepted. What another node brings was checked there, by the schemas that it
//! knows; here only its digest is held against the evidence.

use crypto::digest::{hex, sha256};
use schemas::ProblemCode;
use schemas::kinds::{Metadata, MetadataFault};
use schemas::message::Envelope;
use schemas::registry::ChannelPolicy;

use crate::refusal::Refusal;

/// # Errors
/// `MetadataRequired`, `MetadataSchemaUnknown`; `MetadataInvalid` with the place and keyword of each violation, as far as there are few.
pub(crate) fn check(envelope: &Envelope, policy: Option<&ChannelPolicy>) -> Result<(), Refusal> {
    let demanded = policy.and_then(|policy| policy.metadata_schema.as_deref());
    let Some(metadata) = &envelope.metadata else {
        return match demanded {
            None => Ok(()),
            Some(uri) => Err(Refusal::with_detail(ProblemCode::MetadataRequired, uri)),
        };
    };
    if let Some(uri) = demanded.filter(|uri| *uri != metadata.schema) {
        return Err(Refusal::with_detail(ProblemCode::MetadataSchemaUnknown, format!("the channel demands {uri}")));
    }
    metadata.check().map_err(|fault| match fault {
        MetadataFault::UnknownSchema => ProblemCode::MetadataSchemaUnknown.into(),
        fault @ (MetadataFault::OutOfBounds(_) | MetadataFault::Invalid(_)) => {
            Refusal::with_detail(ProblemCode::MetadataInvalid, fault.to_string())
        }
    })
}

/// What evidence names them by.
pub(crate) fn digest(metadata: &Metadata) -> String {
    hex(&sha256(&metadata.octets()))
}
