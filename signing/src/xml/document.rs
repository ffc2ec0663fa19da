//! The tree of one text, its Ids, and names as they were written.

use roxmltree::{Attribute, Node, NodeId, ParsingOptions, StringStorage};

use super::error::XmlError;
use super::limits::Limits;

/// The namespace of the prefix `xml`.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Attributes that are Ids in signed documents: XMLDSig and XAdES write `Id`, others `ID` and `id`. There is no document type that
/// could name others.
const ID_NAMES: [&str; 3] = ["Id", "ID", "id"];

/// A parsed text. Unverified.
#[derive(Debug)]
pub struct Document<'t> {
    tree: roxmltree::Document<'t>,
    /// Sorted by value.
    ids: Vec<(StringStorage<'t>, NodeId)>,
}

/// What an Id leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'d, 't> {
    /// The one element that has it.
    Element(Node<'d, 't>),
    /// Several elements have it.
    Ambiguous,
    /// None has it.
    Missing,
}

impl<'t> Document<'t> {
    pub(super) fn parse(text: &'t str, limits: &Limits) -> Result<Self, XmlError> {
        let options = ParsingOptions { allow_dtd: false, nodes_limit: limits.nodes, ..ParsingOptions::default() };
        let tree = roxmltree::Document::parse_with_options(text, options).map_err(refusal)?;
        let ids = examine(&tree, limits)?;
        Ok(Self { tree, ids })
    }

    /// The document itself, above its outermost element.
    #[must_use]
    pub fn root(&self) -> Node<'_, 't> {
        self.tree.root()
    }

    /// The outermost element.
    #[must_use]
    pub fn root_element(&self) -> Node<'_, 't> {
        self.tree.root_element()
    }

    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.tree.input_text()
    }

    /// The node with this number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<Node<'_, 't>> {
        self.tree.get_node(id)
    }

    /// The element that has `value` as its Id. Documents repeat Ids that nothing refers to, so that a repetition is told here,
    /// where it would matter.
    #[must_use]
    pub fn element_by_id(&self, value: &str) -> Target<'_, 't> {
        let first = self.ids.partition_point(|(id, _)| id.as_str() < value);
        let mut found = self.ids.iter().skip(first).take_while(|(id, _)| id.as_str() == value).map(|(_, node)| *node);
        let Some(node) = found.next() else { return Target::Missing };
        if found.any(|other| other != node) {
            return Target::Ambiguous;
        }
        self.tree.get_node(node).map_or(Target::Missing, Target::Element)
    }

    /// The name of an element as it was written, prefix and all.
    #[must_use]
    pub fn qualified_name(&self, element: Node<'_, 't>) -> &'t str {
        let rest = self.text().get(element.range().start + 1..).unwrap_or_default();
        let end = rest.bytes().position(|octet| matches!(octet, b' ' | b'\t' | b'\n' | b'\r' | b'/' | b'>'));
        rest.get(..end.unwrap_or(0)).unwrap_or_default()
    }

    /// The name of an attribute as it was written.
    #[must_use]
    pub fn attribute_name(&self, attribute: &Attribute<'_, 't>) -> &'t str {
        self.text().get(attribute.range_qname()).unwrap_or_default()
    }
}

fn refusal(error: roxmltree::Error) -> XmlError {
    match error {
        roxmltree::Error::DtdDetected => XmlError::Doctype,
        roxmltree::Error::NodesLimitReached => XmlError::TooManyNodes,
        roxmltree::Error::AttributesLimitReached => XmlError::TooManyAttributes,
        roxmltree::Error::NamespacesLimitReached => XmlError::TooManyNamespaces,
        _ => XmlError::Malformed,
    }
}

/// One walk: bounds the depth, refuses processing instructions that are none, and collects the Ids. The parser does not recurse.
fn examine<'t>(tree: &roxmltree::Document<'t>, limits: &Limits) -> Result<Vec<(StringStorage<'t>, NodeId)>, XmlError> {
    let mut ids = Vec::new();
    let mut above: Vec<NodeId> = Vec::new();
    for node in tree.descendants() {
        if node.is_pi() && !is_sound_instruction(tree.input_text(), node) {
            return Err(XmlError::Malformed);
        }
        if !node.is_element() {
            continue;
        }
        let parent = node.parent().map(|parent| parent.id());
        while above.last().is_some_and(|last| Some(*last) != parent) {
            above.pop();
        }
        above.push(node.id());
        if above.len() > usize::from(limits.depth) {
            return Err(XmlError::TooDeep);
        }
        for attribute in node.attributes() {
            let is_id = match attribute.namespace() {
                None => ID_NAMES.contains(&attribute.name()),
                Some(namespace) => namespace == XML && attribute.name() == "id",
            };
            if is_id {
                ids.push((attribute.value_storage().clone(), node.id()));
            }
        }
    }
    ids.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    Ok(ids)
}

/// XML 1.0, 2.6: the target is not `xml`, and white space stands between it and what follows.
fn is_sound_instruction(text: &str, node: Node<'_, '_>) -> bool {
    let Some(instruction) = node.pi() else { return false };
    let start = node.range().start + "<?".len() + instruction.target.len();
    let rest = text.get(start..).unwrap_or_default();
    !instruction.target.eq_ignore_ascii_case("xml")
        && !instruction.target.contains(':')
        && (rest.starts_with("?>") || rest.starts_with([' ', '\t', '\n', '\r']))
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn refusal(text: &str) -> Option<XmlError> {
        let limits = Limits { nodes: 40, depth: 4, ..Limits::MANIFEST };
        Source::read(text.as_bytes(), &limits).unwrap().parse().err()
    }

    #[test]
    fn any_document_type_is_refused() {
        for text in [
            "<!DOCTYPE a><a/>",
            "<!-- x --><!DOCTYPE a SYSTEM 'http://127.0.0.1/a.dtd'><a/>",
            "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        ] {
            assert_eq!(refusal(text), Some(XmlError::Doctype), "{text}");
        }
        assert_eq!(refusal("<a>&b;</a>"), Some(XmlError::Malformed));
    }

    #[test]
    fn trees_spend_the_budgets() {
        assert_eq!(refusal("<a><b><c><d/></c><c><d/></c></b></a>"), None);
        assert_eq!(refusal("<a><b><c><d><e/></d></c></b></a>"), Some(XmlError::TooDeep));
        assert_eq!(refusal(&format!("<a>{}</a>", "<b/>".repeat(40))), Some(XmlError::TooManyNodes));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for text in [
            "",
            "<a>",
            "<a/><b/>",
            "<a b='1' b='2'/>",
            "<p:a/>",
            "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
            "<a>&#0;</a>",
            "<a>\u{1}</a>",
            "<a>]]></a>",
            "<a b='<'/>",
            "<!-- -- --><a/>",
            "<?XML a?><a/>",
            "<?xml\nversion='1.0'?><a/>",
            "<?a?b?><a/>",
            "<?a:b c?><a/>",
        ] {
            assert_eq!(refusal(text), Some(XmlError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_id_leads_to_one_element() {
        let source = Source::read(
            b"<a Id='1' xmlns:p='u'><b ID='2' id='2'/><c id='3'/><d xml:id='3'/><e p:id='4'/></a>",
            &Limits::MANIFEST,
        )
        .unwrap();
        let document = source.parse().unwrap();
        let name = |id| match document.element_by_id(id) {
            Target::Element(node) => node.tag_name().name(),
            Target::Ambiguous => "ambiguous",
            Target::Missing => "missing",
        };
        let found: Vec<&str> = ["1", "2", "3", "4", ""].into_iter().map(name).collect();
        assert_eq!(found, ["a", "b", "ambiguous", "missing", "missing"]);
    }

    #[test]
    fn names_are_as_written() {
        let source =
            Source::read(b"<a:a xmlns:a='u' xmlns:b='u'><b:a\na:c='1' d='2'/></a:a>", &Limits::MANIFEST).unwrap();
        let document = source.parse().unwrap();
        let inner = document.root_element().first_element_child().unwrap();
        assert_eq!(document.qualified_name(document.root_element()), "a:a");
        assert_eq!(document.qualified_name(inner), "b:a");
        let attributes: Vec<&str> = inner.attributes().map(|attribute| document.attribute_name(&attribute)).collect();
        assert_eq!(attributes, ["a:c", "d"]);
    }
}
