//! GOST 28147-89 without table look-ups: for keys that wrap keys. Every row of the DKE becomes its algebraic normal form, computed over the
//! eight half-bytes of a word at once; no address and no branch depends on key or data. Some fifteen times slower than the tables.

use super::dke::Rows;
use super::rounds::Substitution;

/// The polynomials of a DKE: for each bit of a result and each product of input bits (bit set of its factors), the half-bytes whose row
/// has that product, marked at their lowest bit.
#[derive(Clone)]
pub(crate) struct Polynomials([[u32; 16]; 4]);

impl Polynomials {
    pub(crate) fn new(rows: &Rows) -> Self {
        Self(polynomials(rows))
    }
}

impl Substitution for Polynomials {
    fn substitute(&self, word: u32) -> u32 {
        let bits: [u32; 4] = std::array::from_fn(|bit| word >> bit & LOWEST_BITS);
        let mut products = [LOWEST_BITS; 16];
        for factors in 1..16_usize {
            let lowest = factors & factors.wrapping_neg();
            products[factors] = products[factors ^ lowest] & bits[lowest.ilog2() as usize];
        }
        let mut result = 0;
        for (bit, polynomial) in self.0.iter().enumerate() {
            let sum = products.iter().zip(polynomial).fold(0, |sum, (product, rows)| sum ^ product & rows);
            result |= sum << bit;
        }
        result.rotate_left(11)
    }
}

/// The Moebius transformation of every row and bit.
fn polynomials(rows: &Rows) -> [[u32; 16]; 4] {
    let mut polynomials = [[0; 16]; 4];
    for (number, row) in rows.iter().enumerate() {
        let mut values = *row;
        for bit in 0..4 {
            for index in 0..16 {
                if index >> bit & 1 == 1 {
                    values[index] ^= values[index ^ 1 << bit];
                }
            }
        }
        for (products, value) in values.iter().enumerate() {
            for (bit, polynomial) in polynomials.iter_mut().enumerate() {
                polynomial[products] |= u32::from(value >> bit & 1) << (4 * number);
            }
        }
    }
    polynomials
}

const LOWEST_BITS: u32 = 0x1111_1111;
