//! Canonical forms of a subtree: Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0, each with and without comments.
//!
//! A [`Selection`] is the document or one element, with all that is below it, less whole subtrees. General sets of nodes are not
//! served: nobody signs them who means well, and they cost 5 to 30 times as much. Octets go to a sink as they arise, so that a digest
//! needs no copy.
//!
//! The tree has what the forms need but for the prefixes of names; these are read from the text (see [`Document`]). Its values are
//! normalised as XML 1.0, 2.11 and 3.3.3 say, for a document without a document type.

mod inherit;
mod output;

use crypto::digest::{Digest, DigestAlgorithm, Digester};
use roxmltree::{Node, NodeId};

use super::document::{Document, XML};
use inherit::Inherited;
use output::Output;

pub use output::{Budget, Exhausted};

/// Which canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Canonical XML 1.0.
    Inclusive,
    /// Canonical XML 1.1: xml:id stays where it is, xml:base is joined.
    Inclusive11,
    /// Exclusive XML Canonicalization 1.0.
    Exclusive,
}

/// A canonicalization algorithm with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method<'p> {
    /// The form.
    pub form: Form,
    /// Whether comments stay.
    pub comments: bool,
    /// InclusiveNamespaces PrefixList of the exclusive form; `#default` for the default namespace.
    pub prefixes: Vec<&'p str>,
}

/// Identifiers without and with comments.
const IDENTIFIERS: [(Form, &str, &str); 3] = [
    (
        Form::Inclusive,
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    ),
    (Form::Inclusive11, "http://www.w3.org/2006/12/xml-c14n11", "http://www.w3.org/2006/12/xml-c14n11#WithComments"),
    (Form::Exclusive, "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"),
];

impl Method<'_> {
    /// What is used where a document names none: Canonical XML 1.0 without comments.
    pub const DEFAULT: Self = Self { form: Form::Inclusive, comments: false, prefixes: Vec::new() };

    /// The algorithm of an identifier, without parameters.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        IDENTIFIERS.iter().find_map(|(form, without, with)| {
            let comments = uri == *with;
            (comments || uri == *without).then_some(Self { form: *form, comments, prefixes: Vec::new() })
        })
    }
}

/// What is to be written: the subtree below a node, less some subtrees in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    apex: NodeId,
    comments: bool,
    /// Sorted.
    omitted: Vec<NodeId>,
}

impl Selection {
    /// The whole document, with or without its comments.
    #[must_use]
    pub fn document(document: &Document<'_>, comments: bool) -> Self {
        Self { apex: document.root().id(), comments, omitted: Vec::new() }
    }

    /// An element and all below it, with or without comments.
    #[must_use]
    pub fn element(element: Node<'_, '_>, comments: bool) -> Self {
        Self { apex: element.id(), comments, omitted: Vec::new() }
    }

    /// The node at the top.
    #[must_use]
    pub fn apex(&self) -> NodeId {
        self.apex
    }

    /// The subtrees that are left out, in document order.
    #[must_use]
    pub fn omitted(&self) -> &[NodeId] {
        &self.omitted
    }

    /// Leaves out `element` and all below it.
    pub fn omit(&mut self, element: NodeId) {
        if let Err(place) = self.find_omitted(element) {
            self.omitted.insert(place, element);
        }
    }

    fn find_omitted(&self, element: NodeId) -> Result<usize, usize> {
        self.omitted.binary_search_by_key(&element.get(), |node| node.get())
    }

    /// Whether `node` is at the top or below it, and not left out.
    #[must_use]
    pub fn contains(&self, node: Node<'_, '_>) -> bool {
        for ancestor in node.ancestors() {
            if self.find_omitted(ancestor.id()).is_ok() {
                return false;
            }
            if ancestor.id() == self.apex {
                return true;
            }
        }
        false
    }
}

/// Writes the canonical form of `selection` to `sink`.
///
/// # Errors
/// Where `budget` is spent; the sink has then got a part.
pub fn write(
    document: &Document<'_>,
    selection: &Selection,
    method: &Method<'_>,
    budget: &mut Budget,
    sink: &mut dyn FnMut(&[u8]),
) -> Result<(), Exhausted> {
    let Some(apex) = document.node(selection.apex) else { return Ok(()) };
    let inherited = Inherited::of(apex, method.form);
    let mut canonicalizer = Canonicalizer {
        document,
        selection,
        method,
        comments: method.comments && selection.comments,
        inherited: &inherited,
        open: Vec::new(),
        rendered: Vec::new(),
        declarations: Vec::new(),
        attributes: Vec::new(),
        is_past_root: false,
        output: Output::new(budget, sink),
    };
    canonicalizer.walk(apex)?;
    canonicalizer.output.finish()
}

/// The digest of the canonical form.
///
/// # Errors
/// As [`write()`].
pub fn digest(
    document: &Document<'_>,
    selection: &Selection,
    method: &Method<'_>,
    algorithm: DigestAlgorithm,
    budget: &mut Budget,
) -> Result<Digest, Exhausted> {
    let mut digester = Digester::new(algorithm);
    write(document, selection, method, budget, &mut |octets| digester.update(octets))?;
    Ok(digester.finish())
}

/// An element whose end is still to be written.
struct Open<'x> {
    name: &'x str,
    /// How many declarations were in force outside.
    outside: usize,
}

/// An attribute to be written.
struct Attribute<'x> {
    namespace: &'x str,
    local: &'x str,
    name: &'x str,
    value: &'x str,
}

struct Canonicalizer<'x, 't, 'o> {
    document: &'x Document<'t>,
    selection: &'x Selection,
    method: &'x Method<'x>,
    comments: bool,
    inherited: &'x Inherited<'x>,
    open: Vec<Open<'x>>,
    /// Declarations in force in what was written: prefix, empty for the default, and namespace. The latest wins.
    rendered: Vec<(&'x str, &'x str)>,
    /// Of the element at hand.
    declarations: Vec<(&'x str, &'x str)>,
    /// Of the element at hand.
    attributes: Vec<Attribute<'x>>,
    is_past_root: bool,
    output: Output<'o>,
}

impl<'x, 't> Canonicalizer<'x, 't, '_> {
    /// Document order, without recursion.
    fn walk(&mut self, apex: Node<'x, 't>) -> Result<(), Exhausted> {
        let mut node = apex;
        loop {
            self.output.visit()?;
            let is_open = self.enter(node);
            if is_open && let Some(child) = node.first_child() {
                node = child;
                continue;
            }
            if is_open {
                self.leave(node);
            }
            loop {
                if node.id() == apex.id() {
                    return Ok(());
                }
                if let Some(next) = node.next_sibling() {
                    node = next;
                    break;
                }
                let Some(parent) = node.parent() else { return Ok(()) };
                self.leave(parent);
                node = parent;
            }
        }
    }

    /// Writes what stands before the children. Whether there may be some.
    fn enter(&mut self, node: Node<'x, 't>) -> bool {
        match node.node_type() {
            roxmltree::NodeType::Root => return true,
            roxmltree::NodeType::Element => {
                if self.selection.find_omitted(node.id()).is_ok() {
                    return false;
                }
                self.start_tag(node);
                return true;
            }
            roxmltree::NodeType::Text => self.output.text(node.text().unwrap_or_default()),
            roxmltree::NodeType::Comment if self.comments => {
                self.beside_root(node, |output| {
                    output.push("<!--");
                    output.push(node.text().unwrap_or_default());
                    output.push("-->");
                });
            }
            roxmltree::NodeType::Comment => {}
            roxmltree::NodeType::PI => {
                let Some(instruction) = node.pi() else { return false };
                self.beside_root(node, |output| {
                    output.push("<?");
                    output.push(instruction.target);
                    if let Some(value) = instruction.value {
                        output.push(" ");
                        output.push(value);
                    }
                    output.push("?>");
                });
            }
        }
        false
    }

    /// Canonical XML 1.0, 2.3: outside the outermost element each node has a line to itself.
    fn beside_root(&mut self, node: Node<'x, 't>, write: impl FnOnce(&mut Output<'_>)) {
        let is_outside = node.parent().is_some_and(|parent| parent.is_root());
        if is_outside && self.is_past_root {
            self.output.push("\n");
        }
        write(&mut self.output);
        if is_outside && !self.is_past_root {
            self.output.push("\n");
        }
    }

    fn leave(&mut self, node: Node<'x, 't>) {
        if !node.is_element() {
            return;
        }
        if let Some(open) = self.open.pop() {
            self.output.push("</");
            self.output.push(open.name);
            self.output.push(">");
            self.rendered.truncate(open.outside);
        }
        self.is_past_root |= node.parent().is_some_and(|parent| parent.is_root());
    }

    fn start_tag(&mut self, element: Node<'x, 't>) {
        let name = self.document.qualified_name(element);
        self.open.push(Open { name, outside: self.rendered.len() });
        let is_apex = element.id() == self.selection.apex;
        self.collect_attributes(element, is_apex);
        self.collect_declarations(element, name, is_apex);
        self.output.push("<");
        self.output.push(name);
        for (prefix, namespace) in self.declarations.drain(..) {
            self.output.push(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.output.push(prefix);
            self.output.push("=\"");
            self.output.value(namespace);
            self.output.push("\"");
            self.rendered.push((prefix, namespace));
        }
        for attribute in self.attributes.drain(..) {
            self.output.push(" ");
            self.output.push(attribute.name);
            self.output.push("=\"");
            self.output.value(attribute.value);
            self.output.push("\"");
        }
        self.output.push(">");
    }

    /// Sorted by namespace, then by local name; those without a namespace first.
    fn collect_attributes(&mut self, element: Node<'x, 't>, is_apex: bool) {
        let (document, inherited) = (self.document, self.inherited);
        for attribute in element.attributes() {
            let (namespace, local) = (attribute.namespace().unwrap_or_default(), attribute.name());
            if !(is_apex && namespace == XML && inherited.replaces(local)) {
                let name = document.attribute_name(&attribute);
                self.attributes.push(Attribute { namespace, local, name, value: attribute.value() });
            }
        }
        if is_apex {
            self.attributes.extend(inherited.attributes().map(|(name, local, value)| Attribute {
                namespace: XML,
                local,
                name,
                value,
            }));
        }
        if self.attributes.len() > 1 {
            self.attributes.sort_unstable_by_key(|attribute| (attribute.namespace, attribute.local));
        }
    }

    /// The declarations that must be written, sorted by prefix; the default first.
    fn collect_declarations(&mut self, element: Node<'x, 't>, name: &'x str, is_apex: bool) {
        match self.method.form {
            Form::Inclusive | Form::Inclusive11 => {
                if is_apex || declares(element) {
                    for namespace in element.namespaces() {
                        self.declare(namespace.name().unwrap_or_default(), namespace.uri());
                    }
                }
            }
            Form::Exclusive => self.collect_used(element, name, is_apex),
        }
        if self.declarations.len() > 1 {
            self.declarations.sort_unstable();
        }
    }

    /// Exclusive XML Canonicalization 1.0, 3: the prefixes that the start tag uses, and those of the PrefixList that are in scope.
    fn collect_used(&mut self, element: Node<'x, 't>, name: &'x str, is_apex: bool) {
        self.declare(prefix_of(name), element.tag_name().namespace().unwrap_or_default());
        for at in 0..self.attributes.len() {
            let Some(attribute) = self.attributes.get(at) else { continue };
            let (prefix, namespace) = (prefix_of(attribute.name), attribute.namespace);
            if !prefix.is_empty() && namespace != XML {
                self.declare(prefix, namespace);
            }
        }
        let method = self.method;
        if method.prefixes.is_empty() || !(is_apex || declares(element)) {
            return;
        }
        for prefix in &method.prefixes {
            let prefix = if *prefix == "#default" { "" } else { prefix };
            match element.lookup_namespace_uri((!prefix.is_empty()).then_some(prefix)) {
                Some(namespace) => self.declare(prefix, namespace),
                None if prefix.is_empty() => self.declare("", ""),
                None => {}
            }
        }
    }

    /// Adds a declaration, unless what was written has it in force.
    fn declare(&mut self, prefix: &'x str, namespace: &'x str) {
        let in_force = self.rendered.iter().rev().find(|(other, _)| *other == prefix);
        let is_new = in_force.map_or("", |(_, namespace)| namespace) != namespace;
        if is_new && prefix != "xml" && !self.declarations.iter().any(|(other, _)| *other == prefix) {
            self.declarations.push((prefix, namespace));
        }
    }
}

/// Whether other namespaces are in scope than around the element.
fn declares(element: Node<'_, '_>) -> bool {
    let Some(parent) = element.parent() else { return true };
    let (own, around) = (element.namespaces(), parent.namespaces());
    own.len() != around.len() || own.zip(around).any(|(one, other)| !std::ptr::eq(one, other))
}

fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests;
