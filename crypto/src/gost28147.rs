//! GOST 28147-89 (DSTU GOST 28147:2009) and its long-term keys.

mod dke;
mod rounds;

pub use crate::cipher::CipherError;
pub use dke::Dke;
pub(crate) use rounds::{KeyWords, encrypt};
