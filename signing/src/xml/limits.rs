//! Budgets of one XML text. They are spent before the tree is built where the tree itself would cost more than the text.

/// What a text may have at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets.
    pub octets: usize,
    /// Nodes of the tree: elements, pieces of text, comments, processing instructions.
    pub nodes: u32,
    /// Elements inside elements, the outermost being 1.
    pub depth: u16,
    /// Attributes of one element, namespace declarations among them. The parser compares each with each.
    pub attributes: usize,
    /// Namespace declarations in the whole text.
    pub declarations: usize,
    /// Different prefixes. The parser copies those in scope for each element that declares one, and searches them for each name.
    pub prefixes: usize,
}

impl Limits {
    /// A manifest of a container. A reference takes about 300 octets and seven nodes, and there are at most 1,000 entries.
    pub const MANIFEST: Self =
        Self { octets: 1024 * 1024, nodes: 20_000, depth: 32, attributes: 32, declarations: 4_000, prefixes: 64 };
    /// A document with signatures in it. Invoices with many lines and lists of providers reach 200,000 nodes in 5 MB.
    pub const DOCUMENT: Self = Self {
        octets: 32 * 1024 * 1024,
        nodes: 1_000_000,
        depth: 256,
        attributes: 128,
        declarations: 50_000,
        prefixes: 128,
    };
}

/// Octets of one name, prefix and all.
pub(super) const LONGEST_NAME: usize = 1024;
