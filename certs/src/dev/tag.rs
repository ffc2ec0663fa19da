//! A tree of elements that is made and not parsed: lists for tests, and text for those who parse.

use crate::trust_list::Element;

/// An element. Empty namespaces are none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    /// Its namespace.
    pub namespace: String,
    /// Its local name.
    pub name: String,
    /// Namespace, local name and value of each attribute.
    pub attributes: Vec<(String, String, String)>,
    /// Text before its children.
    pub text: String,
    /// What is in it.
    pub children: Vec<Self>,
}

impl Tag {
    /// An empty element.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into(), ..Self::default() }
    }

    /// With text in it.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.text = text.into();
        self
    }

    /// With an attribute.
    #[must_use]
    pub fn with_attribute(mut self, namespace: &str, name: &str, value: &str) -> Self {
        self.attributes.push((namespace.into(), name.into(), value.into()));
        self
    }

    /// With children.
    #[must_use]
    pub fn with(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The first element of this name, itself or below, in the order of the document.
    #[must_use]
    pub fn find(&mut self, name: &str) -> Option<&mut Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter_mut().find_map(|child| child.find(name))
    }

    /// The first element that has a child of this name.
    #[must_use]
    pub fn parent_of(&mut self, name: &str) -> Option<&mut Self> {
        if self.children.iter().any(|child| child.name == name) {
            return Some(self);
        }
        self.children.iter_mut().find_map(|child| child.parent_of(name))
    }

    /// XML 1.0 in UTF-8. The namespace of the outermost element is the default one; others are declared where they begin.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write("", &mut xml);
        xml
    }

    fn write(&self, around: &str, xml: &mut String) {
        xml.push('<');
        xml.push_str(&self.name);
        if self.namespace != around {
            xml.push_str(&format!(" xmlns=\"{}\"", escaped(&self.namespace)));
        }
        for (number, (namespace, name, value)) in self.attributes.iter().enumerate() {
            let value = escaped(value);
            match namespace.as_str() {
                "" => xml.push_str(&format!(" {name}=\"{value}\"")),
                XML => xml.push_str(&format!(" xml:{name}=\"{value}\"")),
                other => xml.push_str(&format!(" xmlns:n{number}=\"{}\" n{number}:{name}=\"{value}\"", escaped(other))),
            }
        }
        xml.push('>');
        xml.push_str(&escaped(&self.text));
        self.children.iter().for_each(|child| child.write(&self.namespace, xml));
        xml.push_str(&format!("</{}>", self.name));
    }
}

/// The namespace of `xml:lang`.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\r', "&#13;")
}

impl Element for &Tag {
    fn name(&self) -> (Option<&str>, &str) {
        (Some(self.namespace.as_str()).filter(|namespace| !namespace.is_empty()), &self.name)
    }

    fn children(&self) -> Option<impl Iterator<Item = Self>> {
        let tag: &Tag = self;
        tag.text.trim().is_empty().then(|| tag.children.iter())
    }

    fn text(&self) -> Option<&str> {
        self.children.is_empty().then_some(self.text.as_str())
    }

    fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str> {
        let found =
            self.attributes.iter().find(|(of, called, _)| of == namespace.unwrap_or_default() && called == name);
        found.map(|(_, _, value)| value.as_str())
    }
}
