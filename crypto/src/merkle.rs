//! Transparency-log arithmetic: RFC 9162 / RFC 6962 tree, C2SP tlog-tiles, signed-note, checkpoint, tlog-proof. Pure. Submodules: tree, tile, note, proof.
use crate::key::SoftwareKey;
pub type Hash = [u8; 32];
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("malformed {0}")] Malformed(&'static str),
    #[error("the proof does not verify")] ProofMismatch,
    #[error("no signature by a known key")] NoKnownSignature,
    #[error("a signature by a known key does not verify")] BadSignature,
    #[error("a tile is missing or has the wrong size: level {level}, index {index}")] MissingTile { level: u8, index: u64 },
    #[error("index outside the tree")] OutOfRange,
}
pub fn leaf_hash(_entry: &[u8]) -> Hash { todo!() }
pub fn node_hash(_l: &Hash, _r: &Hash) -> Hash { todo!() }
pub fn empty_root() -> Hash { todo!() }
/// Where hashes of full/partial tiles are read from: at level `level`, tile `index`, at least `width` hashes.
pub trait TileReader { fn tile(&self, level: u8, index: u64, width: u16) -> Result<Vec<Hash>, LogError>; }
/// Tile coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId { pub level: u8, pub index: u64, /** 1..=256; 256 = full */ pub width: u16 }
impl TileId {
    /// `tile/<L>/<N>[.p/<W>]`
    pub fn path(&self) -> String { todo!() }
    /// `tile/entries/<N>[.p/<W>]` (level is ignored)
    pub fn entries_path(&self) -> String { todo!() }
    /// Strict inverse of `path` / `entries_path` without the leading `tile/<L>/` or `tile/entries/`.
    pub fn parse_index(_text: &str) -> Option<(u64, u16)> { todo!() }
}
/// The growing right edge: everything needed to append and to write tiles.
#[derive(Clone)]
pub struct Frontier { inner: () }
impl Frontier {
    pub fn empty() -> Self { todo!() }
    /// Rebuilds the frontier for `size` from stored tiles and checks the root.
    pub fn load(_size: u64, _root: &Hash, _tiles: &dyn TileReader) -> Result<Self, LogError> { todo!() }
    pub fn size(&self) -> u64 { todo!() }
    pub fn root(&self) -> Hash { todo!() }
    pub fn append(&mut self, _leaf: Hash) { todo!() }
    /// All tiles that changed since the last call (or since load): full ones once, the partial ones of the current edge. Bytes = concatenated hashes.
    pub fn take_tiles(&mut self) -> Vec<(TileId, Vec<u8>)> { todo!() }
}
pub fn inclusion_proof(_index: u64, _size: u64, _tiles: &dyn TileReader) -> Result<Vec<Hash>, LogError> { todo!() }
pub fn verify_inclusion(_leaf: &Hash, _index: u64, _size: u64, _root: &Hash, _proof: &[Hash]) -> Result<(), LogError> { todo!() }
pub fn consistency_proof(_old: u64, _new: u64, _tiles: &dyn TileReader) -> Result<Vec<Hash>, LogError> { todo!() }
pub fn verify_consistency(_old: u64, _old_root: &Hash, _new: u64, _new_root: &Hash, _proof: &[Hash]) -> Result<(), LogError> { todo!() }
/// `u16 BE length || entry` concatenated; None if an entry is longer than 65535.
pub fn entry_bundle<'a>(_entries: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> { todo!() }
pub fn parse_entry_bundle(_bundle: &[u8]) -> Result<Vec<Vec<u8>>, LogError> { todo!() }
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint { pub origin: String, pub size: u64, pub root: Hash }
impl Checkpoint {
    /// The note text (three lines, each with newline).
    pub fn text(&self) -> String { todo!() }
    pub fn parse_text(_text: &str) -> Result<Self, LogError> { todo!() }
}
/// Ed25519 note signer (type 0x01); key is an Ed25519 SoftwareKey.
pub struct NoteSigner { inner: () }
impl NoteSigner {
    pub fn new(_name: &str, _key: SoftwareKey) -> Result<Self, LogError> { todo!() }
    pub fn sign(&self, _text: &str) -> Result<String, LogError> { todo!() }
    pub fn verifier(&self) -> NoteVerifier { todo!() }
}
#[derive(Clone)]
pub struct NoteVerifier { inner: () }
impl NoteVerifier {
    /// `name+hex8+base64`
    pub fn from_vkey(_vkey: &str) -> Result<Self, LogError> { todo!() }
    pub fn vkey(&self) -> String { todo!() }
    /// Returns the signed text.
    pub fn verify<'n>(&self, _note: &'n str) -> Result<&'n str, LogError> { todo!() }
}
/// c2sp.org/tlog-proof@v1
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof { pub index: u64, pub hashes: Vec<Hash>, pub checkpoint: String }
impl TlogProof {
    pub fn to_text(&self) -> String { todo!() }
    pub fn parse(_text: &str) -> Result<Self, LogError> { todo!() }
    /// Verifies the checkpoint's signature and origin and the inclusion of `entry`.
    pub fn verify(&self, _entry: &[u8], _log: &NoteVerifier) -> Result<Checkpoint, LogError> { todo!() }
}
