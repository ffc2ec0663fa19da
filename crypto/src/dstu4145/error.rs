//! Why something was refused; one variant for each reason.

/// Why bytes are not a public key of DSTU 4145.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The compressed point does not have [`Curve::field_len`](super::Curve::field_len) bytes.
    #[error("the public key does not have the length of a field element")]
    Length,
    /// Bits beyond the degree of the field are set.
    #[error("bits beyond the field are set in the public key")]
    SpareBits,
    /// The point (0, √b), of order 2.
    #[error("the public key is the point of order 2")]
    OrderTwo,
    /// No point of the curve has this x: the quadratic equation has no solution.
    #[error("the public key is no point of its curve")]
    NotOnCurve,
    /// A point of the curve whose order is not n. Decompression does not find it where the cofactor is 4 (m = 173 and 257).
    #[error("the public key is not in the subgroup of the base point")]
    NotInSubgroup,
}

/// Why parameters or a SubjectPublicKeyInfo do not name a key of DSTU 4145.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Not the strict DER that the standard asks for.
    #[error("malformed parameters")]
    Malformed,
    /// The algorithm's OID is none of a DSTU 4145 key.
    #[error("not an algorithm of DSTU 4145 keys")]
    UnknownAlgorithm,
    /// An OID that names no recommended curve.
    #[error("the parameters name no recommended curve")]
    UnknownCurve,
    /// Parameters written out that are not, byte for byte, those of a recommended curve in the byte order of the OID.
    #[error("the explicit parameters are not those of a recommended curve")]
    ForeignParameters,
    /// The substitution table (`dke`) does not have 64 bytes.
    #[error("the substitution table does not have 64 bytes")]
    TableLength,
    /// The parameters are those of a curve, but its public key is refused.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
}

/// Why a signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Empty, of odd length, or longer than twice [`Curve::scalar_len`](super::Curve::scalar_len).
    #[error("the signature does not have the length of two scalars")]
    Length,
    /// r is 0, or not below the order of the base point.
    #[error("r is out of range")]
    RangeOfR,
    /// s is 0, or not below the order of the base point.
    #[error("s is out of range")]
    RangeOfS,
    /// s·G + r·Q is the point at infinity.
    #[error("the signature leads to the point at infinity")]
    Infinity,
    /// Everything is well formed, but this is no signature of this hash under this key.
    #[error("the signature does not fit the hash and the key")]
    Mismatch,
}

/// Why bytes are not a private key of DSTU 4145.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// Shorter than a number below the order, or longer than the field in words of four bytes.
    #[error("the private key does not have the length of a number below the order")]
    Length,
    /// 0 is no private key.
    #[error("the private key is zero")]
    Zero,
    /// Not below the order of the base point.
    #[error("the private key is not below the order of the base point")]
    Range,
    /// The curve is in optimal normal basis: it serves to verify old documents, and nothing new is made with it.
    #[error("curves in optimal normal basis verify, and do not sign")]
    NormalBasis,
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// No bytes are no hash.
    #[error("the hash to sign is empty")]
    EmptyHash,
    /// Nonce after nonce led to r = 0 or s = 0, each of which has a chance below 2^−160: the machine computes wrongly.
    #[error("no signature came about")]
    NoSignature,
}

/// Why nothing was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// The two keys are of different curves.
    #[error("the keys are of different curves")]
    Curve,
}
