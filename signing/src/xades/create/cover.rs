//! Whether something that is put into a document would be seen by a signature that is there already.

use crate::xades::contents::NoContents;
use crate::xades::reference::Place;
use crate::xades::resolve::{self, Covered, Ground};
use crate::xades::{Reference, XMLDSIG};
use crate::xml::canonical::{Budget, Method};
use crate::xml::{Document, Node, Target};

use super::CreateError;

/// Refuses where a reference covers `place`, an element that has just been put in. References that stand in `except` are passed over.
///
/// Counter-signatures and manifests count, and so do signatures that do not hold: why they do not may be a matter of what we know. What
/// cannot be followed is taken to cover all that it leads to.
///
/// # Errors
/// `Covered`.
pub(in crate::xades) fn check(
    document: &Document<'_>,
    place: Node<'_, '_>,
    except: Option<Node<'_, '_>>,
    budget: &mut Budget,
) -> Result<(), CreateError> {
    let references = document.root().descendants().filter(|node| node.has_tag_name((XMLDSIG, "Reference")));
    for node in references.filter(|node| except.is_none_or(|except| !node.ancestors().any(|above| above == except))) {
        let Ok(reference) = Reference::read(node) else { continue };
        if covers(document, &reference, place, budget) {
            return Err(CreateError::Covered);
        }
    }
    Ok(())
}

fn covers(document: &Document<'_>, reference: &Reference<'_, '_>, place: Node<'_, '_>, budget: &mut Budget) -> bool {
    let apex = match reference.uri.map(Place::of) {
        Some(Ok(Place::Document { .. })) => document.root(),
        Some(Ok(Place::Element { id, .. })) => match document.element_by_id(id) {
            Target::Element(element) => element,
            Target::Ambiguous | Target::Missing => return false,
        },
        Some(Ok(Place::Content(_)) | Err(_)) | None => return false,
    };
    if !place.ancestors().any(|above| above == apex) {
        return false;
    }
    let holder = reference.node.ancestors().find(|above| above.has_tag_name((XMLDSIG, "Signature")));
    let Some(holder) = holder else { return true };
    let ground = Ground::new(document, holder.id(), &NoContents);
    match resolve::follow(reference, &ground, &Method::DEFAULT, budget, &mut |_| {}) {
        Ok(Covered::Nodes(selection) | Covered::Decoded(selection)) => selection.contains(place),
        Ok(Covered::Content(_)) => false,
        Err(_) => true,
    }
}
