//! Thin static clients of the public API for people: the portal of officials (internal) and that of applicants (external),
//! two origins with two kinds of sessions. They hold no power: whatever they do, the API decides. The official's browser
//! opens and signs documents with the same Rust code, compiled to WebAssembly; private keys never reach the node.
