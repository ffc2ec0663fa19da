//! Whether an XML document tells all that its level promises; the form itself is told by [`crate::xades::level`].

use certs::certificate::Certificate;

use crate::xades::{self, unsigned_names};

use super::level::MOST_LOOKED_AT;
use super::signature::LevelGround;
use super::xml_signature::XmlDocumentSignature;

/// Format and level.
pub(super) fn of(
    signature: &XmlDocumentSignature<'_, '_, '_>,
    ground: &LevelGround<'_>,
) -> (&'static str, &'static str) {
    let names = signature.properties.as_ref().map(unsigned_names).unwrap_or_default();
    let has = |name: &str| names.contains(&name);
    let has_values = (has("RevocationValues") || has("TimeStampValidationData")) && are_told(ground);
    let form = xades::LevelGround { certificate: ground.signing_certificate, has_values };
    xades::level(signature.signature, signature.properties.as_ref(), &signature.facts, form)
}

/// Whether the file tells the status of every certificate in it, as for CAdES.
fn are_told(ground: &LevelGround<'_>) -> bool {
    let known =
        |certificate: &Certificate| super::level::is_known(certificate, ground.pool, ground.known, ground.trust);
    ground.pool.len() > MOST_LOOKED_AT || ground.pool.iter().all(known)
}
