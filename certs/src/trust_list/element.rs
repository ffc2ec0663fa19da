//! What a reader of lists needs of XML. The verified tree belongs to another crate.

/// An element of a tree that was verified. Cheap to copy.
pub trait Element: Copy {
    /// The namespace, if it has one, and the local name.
    fn name(&self) -> (Option<&str>, &str);

    /// The elements in it, in the order of the document. `None` where there is text between them.
    fn children(&self) -> Option<impl Iterator<Item = Self>>;

    /// Its text, if there is nothing but text in it: a value that a comment splits is none.
    fn text(&self) -> Option<&str>;

    /// The value of the attribute with this namespace and local name.
    fn attribute(&self, namespace: Option<&str>, name: &str) -> Option<&str>;
}
