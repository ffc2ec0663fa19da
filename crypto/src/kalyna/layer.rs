//! Substitution, rotation of rows and matrix of Kalyna, by table and without; `super::x86` adds a third. A state is `N` columns: 2, 4 or 8.

use crate::dstu_tables::{FORWARD, FORWARD_MATRIX, INVERSE, INVERSE_MATRIX, INVERSE_SBOXES, SBOXES, byte, masked};

/// How one round transforms a state, keys apart.
pub(crate) trait Layer: Copy {
    /// Substitution, rotation, matrix.
    fn mix<const N: usize>(self, state: &[u64; N]) -> [u64; N];

    /// Undoes rotation and substitution.
    fn unsubstitute<const N: usize>(self, state: &[u64; N]) -> [u64; N];

    /// Undoes the matrix.
    fn unmix_columns<const N: usize>(self, state: &[u64; N]) -> [u64; N];

    /// Undoes rotation and substitution, then the matrix of the round before.
    #[inline(always)]
    fn unmix<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        self.unmix_columns(&self.unsubstitute(state))
    }
}

/// By table: fast, and not constant time.
#[derive(Clone, Copy)]
pub(crate) struct Tables;

/// Without an address or branch that depends on the state: every S-box is read as a whole for each column. A hundred times slower.
#[derive(Clone, Copy)]
pub(crate) struct Masked;

impl Layer for Tables {
    #[inline(always)]
    fn mix<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        let from = |column: usize, row: usize| FORWARD[row][byte(state[source::<N>(column, row)], row)];
        std::array::from_fn(|column| sum(|row| from(column, row)))
    }

    #[inline(always)]
    fn unsubstitute<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        std::array::from_fn(|column| {
            u64::from_le_bytes(std::array::from_fn(|row| {
                INVERSE_SBOXES[row % 4][byte(state[destination::<N>(column, row)], row)]
            }))
        })
    }

    fn unmix_columns<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        state.map(|word| sum(|row| INVERSE[row][usize::from(SBOXES[row % 4][byte(word, row)])]))
    }

    #[inline(always)]
    fn unmix<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        let from = |column: usize, row: usize| INVERSE[row][byte(state[destination::<N>(column, row)], row)];
        std::array::from_fn(|column| sum(|row| from(column, row)))
    }
}

impl Layer for Masked {
    fn mix<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        masked::turn(&masked::substitute(&SBOXES, state), source::<N>)
            .map(|word| masked::multiply(word, FORWARD_MATRIX))
    }

    fn unsubstitute<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        masked::turn(&masked::substitute(&INVERSE_SBOXES, state), destination::<N>)
    }

    fn unmix_columns<const N: usize>(self, state: &[u64; N]) -> [u64; N] {
        state.map(|word| masked::multiply(word, INVERSE_MATRIX))
    }
}

/// The column from which the byte of `row` comes to `column`.
#[inline(always)]
const fn source<const N: usize>(column: usize, row: usize) -> usize {
    (column + N - row * N / 8) % N
}

/// The column to which the byte of `row` goes from `column`.
#[inline(always)]
const fn destination<const N: usize>(column: usize, row: usize) -> usize {
    (column + row * N / 8) % N
}

#[inline(always)]
fn sum(term: impl Fn(usize) -> u64) -> u64 {
    ((term(0) ^ term(1)) ^ (term(2) ^ term(3))) ^ ((term(4) ^ term(5)) ^ (term(6) ^ term(7)))
}
