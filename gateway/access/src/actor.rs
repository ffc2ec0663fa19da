//! Who is asking.
use schemas::Edrpou;
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A participant's system, logged in by its certificate (SHA-256).
    Participant { edrpou: Edrpou, certificate: [u8; 32] },
    /// A node operator.
    Operator { certificate: [u8; 32] },
}
impl Actor {
    /// For audit entries: "participant:<edrpou>", "operator:<first 16 hex digits>".
    pub fn pseudonym(&self) -> String { todo!() }
    pub fn certificate(&self) -> &[u8; 32] { todo!() }
}
