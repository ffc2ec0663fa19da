//! Why a container was refused.

/// Why a container was not opened, or not written. Each variant says who is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// The holder: the password is not the container's.
    #[error("wrong password")]
    WrongPassword,
    /// The holder: the password opens the container, but a key in it is under another one.
    #[error("the password opens the container, but not the key in it")]
    WrongKeyPassword,
    /// Whoever stored or sent the file: the password opens what is encrypted, but the code that protects the whole does not match.
    #[error("the container was damaged: its authentication code does not match")]
    DamagedMac,
    /// The writer: a format or algorithm that this module does not know, by its dotted OID or by name.
    #[error("unknown format or algorithm: {scheme}")]
    UnknownScheme {
        /// Dotted OID, or the name of a format.
        scheme: String,
    },
    /// The build or the machine: a known algorithm that no library here serves.
    #[error("{scheme} is not served by this build")]
    UnsupportedScheme {
        /// The usual name of the algorithm.
        scheme: &'static str,
    },
    /// The writer, or whoever damaged the file: not what the format asks for.
    #[error("malformed container: {part}")]
    Malformed {
        /// The structure that could not be read.
        part: &'static str,
    },
    /// The sender: larger than [`super::MAX_BYTES`].
    #[error("the container is larger than {} bytes", super::MAX_BYTES)]
    TooLarge,
    /// The sender: nested deeper, or of more elements, than any honest container.
    #[error("the container is nested too deeply or has too many elements")]
    TooComplex,
    /// The sender: more iterations than [`super::MAX_ITERATIONS`] in all.
    #[error("the container asks for more than {} iterations", super::MAX_ITERATIONS)]
    TooManyIterations,
}

impl ContainerError {
    pub(super) fn unknown(scheme: impl ToString) -> Self {
        Self::UnknownScheme { scheme: scheme.to_string() }
    }

    pub(super) const fn malformed(part: &'static str) -> Self {
        Self::Malformed { part }
    }
}
