//! The one parser's tree, as `certs` reads lists from it.

use certs::trust_list::Element;

use crate::xml::{Node, read};

/// An element of a parsed document.
#[derive(Debug, Clone, Copy)]
pub struct ListElement<'d, 't>(pub(super) Node<'d, 't>);

impl<'d, 't> ListElement<'d, 't> {
    /// An element that nobody verified: for tests of what is read, and for showing a list. Nothing of it is to be trusted.
    #[must_use]
    pub const fn unverified(node: Node<'d, 't>) -> Self {
        Self(node)
    }
}

impl<'d, 't> Element for ListElement<'d, 't> {
    fn name(&self) -> (Option<&str>, &str) {
        let name = self.0.tag_name();
        (name.namespace(), name.name())
    }

    fn children(&self) -> Option<impl Iterator<Item = Self>> {
        let is_text = |child: &Node<'_, '_>| child.is_text() && !child.text().unwrap_or_default().trim().is_empty();
        if self.0.children().any(|child| is_text(&child)) {
            return None;
        }
        Some(self.0.children().filter(Node::is_element).map(ListElement))
    }

    fn text(&self) -> Option<&str> {
        read::text(self.0)
    }

    fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        match namespace {
            Some(namespace) => self.0.attribute((namespace, name)),
            None => self.0.attribute(name),
        }
    }
}
