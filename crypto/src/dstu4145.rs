//! Signatures and keys of DSTU 4145-2002 over the ten recommended curves in polynomial basis; over the five in optimal normal basis,
//! verification alone.
//!
//! Owns the curves, their parameters in DER, points and their compression, private keys, signing, verification, and key agreement. Does not
//! know hash functions (a hash comes in as bytes), certificates, or the OCTET STRING in which certificates wrap a signature.
//!
//! The public key is Q = −d·G. The hash counts as a little-endian number. Bytes of keys and signatures follow [`ByteOrder`]; integers of
//! ASN.1 are big-endian always.

mod batch;
mod comb;
mod curve;
pub mod derivation;
mod error;
mod field;
mod ladder;
mod limbs;
mod nonce;
mod normal_basis;
mod parameters;
mod point;
mod prepared;
mod private;
mod public;
mod recode;
mod scalar;
mod sign;
mod verify;

pub use batch::{Unverified, verify_batch};
pub use curve::{Basis, Curve};
pub use error::{AgreementError, ParametersError, PrivateKeyError, PublicKeyError, SignError, VerifyError};
pub use parameters::{CurveForm, Parameters, SubjectPublicKey};
pub use prepared::PreparedKey;
pub use private::{Cofactor, PrivateKey};
pub use public::{ByteOrder, PublicKey};
pub use verify::{KeyOrSignatureError, verify_with_new_key};

#[cfg(test)]
mod tests;
