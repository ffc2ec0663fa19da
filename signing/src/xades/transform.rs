//! Transforms, XML Signature 1.1 6.6, by allow-list. Nothing is interpreted: an XPath expression is compared with the few that real
//! signers use, all of which leave out signatures.

use crate::xml::canonical::Method;
use crate::xml::{Node, read};

use super::fault::Fault;
use super::{EXCLUSIVE, XMLDSIG};

/// Transforms of one reference. Two do what signers need: leave the signature out, then canonicalize.
const MOST_TRANSFORMS: usize = 8;
/// Expressions of one filter.
const MOST_EXPRESSIONS: usize = 4;
/// Prefixes of one list: each is looked for on each element.
const MOST_PREFIXES: usize = 64;

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const BASE64: &str = "http://www.w3.org/2000/09/xmldsig#base64";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const FILTER2: &str = "http://www.w3.org/2002/06/xmldsig-filter2";

/// One step from what a reference leads to, to what is hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transform<'d> {
    /// Leaves out the signature that holds the reference, or more.
    Without(Signatures),
    Canonicalize(Method<'d>),
    Base64,
}

/// Which signatures are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signatures {
    /// The one that holds the reference.
    Own,
    /// All in the document.
    All,
    /// The children of the outermost element.
    OfRoot,
}

/// Reads Transforms.
pub(super) fn read_all<'d>(transforms: Node<'d, '_>) -> Result<Vec<Transform<'d>>, Fault> {
    let all = read::elements(transforms).ok_or(Fault::Structure)?;
    if all.len() > MOST_TRANSFORMS {
        return Err(Fault::TooManyTransforms);
    }
    let mut read = Vec::with_capacity(all.len());
    for transform in all {
        if !transform.has_tag_name((XMLDSIG, "Transform")) {
            return Err(Fault::Structure);
        }
        match transform.attribute("Algorithm").ok_or(Fault::Structure)? {
            ENVELOPED => read.push(Transform::Without(Signatures::Own)),
            BASE64 => read.push(Transform::Base64),
            XPATH => read.push(Transform::Without(read_xpath(transform)?)),
            FILTER2 => read.extend(read_filters(transform)?.into_iter().map(Transform::Without)),
            _ => read.push(Transform::Canonicalize(read_method(transform).ok_or(Fault::TransformRefused)?)),
        }
    }
    Ok(read)
}

/// The canonicalization that an element names: Transform, CanonicalizationMethod and their like. `None` for another algorithm, or
/// parameters that it does not have.
pub(super) fn read_method<'d>(element: Node<'d, '_>) -> Option<Method<'d>> {
    let mut method = Method::from_uri(element.attribute("Algorithm")?)?;
    match read::elements(element)?.as_slice() {
        [] => {}
        [list] if list.has_tag_name((EXCLUSIVE, "InclusiveNamespaces")) => {
            if method.form != crate::xml::canonical::Form::Exclusive {
                return None;
            }
            method.prefixes = list.attribute("PrefixList").unwrap_or_default().split_ascii_whitespace().collect();
        }
        _ => return None,
    }
    (method.prefixes.len() <= MOST_PREFIXES).then_some(method)
}

/// XML Signature 1.1, 6.6.3: the nodes for which the expression is true.
fn read_xpath(transform: Node<'_, '_>) -> Result<Signatures, Fault> {
    let all = read::elements(transform).ok_or(Fault::Structure)?;
    let [xpath] = all.as_slice() else { return Err(Fault::Structure) };
    if !xpath.has_tag_name((XMLDSIG, "XPath")) {
        return Err(Fault::Structure);
    }
    let expression = expression(*xpath)?;
    let name = expression.strip_prefix("not(ancestor-or-self::").and_then(|rest| rest.strip_suffix(')'));
    match name {
        Some(name) if is_signature(*xpath, name) => Ok(Signatures::All),
        _ => Err(Fault::XPathRefused),
    }
}

/// XML-Signature XPath Filter 2.0, 3: subtractions of signatures, one after the other.
fn read_filters(transform: Node<'_, '_>) -> Result<Vec<Signatures>, Fault> {
    let all = read::elements(transform).ok_or(Fault::Structure)?;
    if all.is_empty() || all.len() > MOST_EXPRESSIONS {
        return Err(Fault::TooManyTransforms);
    }
    let mut filters = Vec::with_capacity(all.len());
    for xpath in all {
        if !xpath.has_tag_name((FILTER2, "XPath")) {
            return Err(Fault::Structure);
        }
        if xpath.attribute("Filter") != Some("subtract") {
            return Err(Fault::XPathRefused);
        }
        filters.push(read_filter(xpath, &expression(xpath)?).ok_or(Fault::XPathRefused)?);
    }
    Ok(filters)
}

fn read_filter(xpath: Node<'_, '_>, expression: &str) -> Option<Signatures> {
    let named = |start: &str, end: &str| {
        let name = expression.strip_prefix(start)?.strip_suffix(end)?;
        is_signature(xpath, name).then_some(())
    };
    if named("/descendant::", "").is_some() || named("//", "").is_some() {
        Some(Signatures::All)
    } else if named("/*/", "").is_some() {
        Some(Signatures::OfRoot)
    } else if named("here()/ancestor::", "[1]").is_some() {
        Some(Signatures::Own)
    } else {
        None
    }
}

/// The expression without white space, which means nothing in those that are accepted.
fn expression(xpath: Node<'_, '_>) -> Result<String, Fault> {
    let text = read::text(xpath).ok_or(Fault::XPathRefused)?;
    Ok(text.split_ascii_whitespace().collect())
}

/// Whether a qualified name means ds:Signature where it stands. Without a prefix it never does: XPath 1.0, 2.3.
fn is_signature(xpath: Node<'_, '_>, name: &str) -> bool {
    name.split_once(':').is_some_and(|(prefix, local)| {
        local == "Signature" && xpath.lookup_namespace_uri(Some(prefix)) == Some(XMLDSIG)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{Limits, Source};

    fn read(inner: &str) -> Result<Vec<String>, Fault> {
        let xml =
            format!("<ds:Transforms xmlns:ds='{XMLDSIG}' xmlns:f='{FILTER2}' xmlns:x='urn:x'>{inner}</ds:Transforms>");
        let source = Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap();
        let document = source.parse().unwrap();
        read_all(document.root_element()).map(|all| all.iter().map(|transform| format!("{transform:?}")).collect())
    }

    fn transform(algorithm: &str, inner: &str) -> String {
        format!("<ds:Transform Algorithm='{algorithm}'>{inner}</ds:Transform>")
    }

    #[test]
    fn expressions_that_leave_out_signatures_are_known_in_their_forms() {
        let xpath = |text: &str| read(&transform(XPATH, &format!("<ds:XPath>{text}</ds:XPath>")));
        assert_eq!(xpath(" not( ancestor-or-self :: ds:Signature )\n").unwrap(), ["Without(All)"]);
        for refused in
            ["true()", "not(ancestor-or-self::Signature)", "not(ancestor-or-self::x:Signature)", "ds:Signature"]
        {
            assert_eq!(xpath(refused), Err(Fault::XPathRefused), "{refused}");
        }
        let filter =
            |kind: &str, text: &str| read(&transform(FILTER2, &format!("<f:XPath Filter='{kind}'>{text}</f:XPath>")));
        assert_eq!(filter("subtract", "\n /descendant::ds:Signature ").unwrap(), ["Without(All)"]);
        assert_eq!(filter("subtract", "//ds:Signature").unwrap(), ["Without(All)"]);
        assert_eq!(filter("subtract", "/*/ds:Signature").unwrap(), ["Without(OfRoot)"]);
        assert_eq!(filter("subtract", "here()/ancestor::ds:Signature[1]").unwrap(), ["Without(Own)"]);
        for (kind, text) in
            [("intersect", "//ds:Signature"), ("subtract", "//x:secret"), ("union", "/"), ("subtract", "")]
        {
            assert_eq!(filter(kind, text), Err(Fault::XPathRefused), "{kind} {text}");
        }
    }

    #[test]
    fn programs_are_refused() {
        let xslt = transform("http://www.w3.org/TR/1999/REC-xslt-19991116", "<x:stylesheet/>");
        assert_eq!(read(&xslt), Err(Fault::TransformRefused));
        assert_eq!(read(&transform("urn:anything", "")), Err(Fault::TransformRefused));
    }

    #[test]
    fn there_are_few_of_them() {
        let one = transform(ENVELOPED, "");
        assert_eq!(read(&one.repeat(MOST_TRANSFORMS)).map(|all| all.len()), Ok(MOST_TRANSFORMS));
        assert_eq!(read(&one.repeat(MOST_TRANSFORMS + 1)), Err(Fault::TooManyTransforms));
        let filters = "<f:XPath Filter='subtract'>//ds:Signature</f:XPath>".repeat(MOST_EXPRESSIONS + 1);
        assert_eq!(read(&transform(FILTER2, &filters)), Err(Fault::TooManyTransforms));
    }

    #[test]
    fn canonicalization_takes_the_parameters_that_it_has() {
        let list = format!("<e:InclusiveNamespaces xmlns:e='{EXCLUSIVE}' PrefixList=' a\n#default '/>");
        let read_one = |algorithm: &str| read(&transform(algorithm, &list));
        assert_eq!(
            read_one(EXCLUSIVE).unwrap(),
            ["Canonicalize(Method { form: Exclusive, comments: false, prefixes: [\"a\", \"#default\"] })"]
        );
        assert_eq!(read_one("http://www.w3.org/2006/12/xml-c14n11"), Err(Fault::TransformRefused));
    }
}
