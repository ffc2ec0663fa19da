//! Long-term keys (DKE, "довгостроковий ключовий елемент"): the substitution of GOST 28147-89 and GOST 34.311-95.

use std::fmt;
use std::sync::Arc;

use super::CipherError;

/// A checked substitution: eight rows, each a permutation of 0..=15. Public data: it travels in key and content parameters.
///
/// The packed form is 64 bytes, row by row, two values a byte, the earlier value in the high half; row 1 substitutes the lowest
/// four bits of the 32-bit word (DSTU 4145-2002 in its ASN.1 form, `dke OCTET STRING (SIZE (64))`).
#[derive(Clone)]
pub struct Dke {
    packed: [u8; PACKED_BYTES],
    tables: Tables,
}

/// Four tables, one a byte of the word: substitution and the rotation by 11 bits in one look-up.
pub(crate) type RoundTables = [[u32; 256]; 4];

#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "only the registers of x86-64 use it"))]
/// The rows for look-ups in registers: entry `16 b + v` is what a half-byte of value `v` of byte `b` of the word becomes, in its place.
pub(crate) struct Nibbles {
    /// Low half-bytes: rows 1, 3, 5, 7.
    pub(crate) low: [u8; 64],
    /// High half-bytes: rows 2, 4, 6, 8.
    pub(crate) high: [u8; 64],
}

struct Computed {
    rounds: RoundTables,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "as above"))]
    nibbles: Nibbles,
}

#[derive(Clone)]
enum Tables {
    Number1,
    Own(Arc<Computed>),
}

impl Dke {
    /// DKE No 1, which a CMS `digestAlgorithm` of GOST 34.311 always means and most keys name.
    pub const NUMBER_1: Self = Self { packed: NUMBER_1_PACKED, tables: Tables::Number1 };

    /// From the 64-byte packed form.
    ///
    /// # Errors
    /// [`CipherError::DkeLength`] for another length, [`CipherError::DkeNotAPermutation`] where a row repeats a value: such a table
    /// makes the cipher weaker than its key, and parameters come from strangers.
    pub fn from_packed(packed: &[u8]) -> Result<Self, CipherError> {
        let packed: [u8; PACKED_BYTES] =
            packed.try_into().map_err(|_| CipherError::DkeLength { length: packed.len() })?;
        if packed == NUMBER_1_PACKED {
            return Ok(Self::NUMBER_1);
        }
        let rows = unpack(&packed);
        for (row, number) in rows.iter().zip(1..) {
            if row.iter().fold(0_u16, |seen, value| seen | 1 << value) != u16::MAX {
                return Err(CipherError::DkeNotAPermutation { row: number });
            }
        }
        Ok(Self { packed, tables: Tables::Own(Arc::new(computed(&rows))) })
    }

    /// The packed form, 64 bytes.
    pub fn packed(&self) -> &[u8; PACKED_BYTES] {
        &self.packed
    }

    pub(crate) fn rows(&self) -> Rows {
        unpack(&self.packed)
    }

    pub(crate) fn tables(&self) -> &RoundTables {
        &self.computed().rounds
    }

    #[cfg(target_arch = "x86_64")]
    pub(crate) fn nibbles(&self) -> &Nibbles {
        &self.computed().nibbles
    }

    fn computed(&self) -> &Computed {
        match &self.tables {
            Tables::Number1 => &NUMBER_1_COMPUTED,
            Tables::Own(computed) => computed,
        }
    }
}

impl Default for Dke {
    /// [`Dke::NUMBER_1`].
    fn default() -> Self {
        Self::NUMBER_1
    }
}

impl PartialEq for Dke {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed
    }
}

impl Eq for Dke {}

impl fmt::Debug for Dke {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Dke({})", crate::digest::hex(&self.packed))
    }
}

/// Row by row, row 1 first; each value is below 16.
pub(crate) type Rows = [[u8; 16]; 8];

const fn unpack(packed: &[u8; PACKED_BYTES]) -> Rows {
    let mut rows = [[0; 16]; 8];
    let mut index = 0;
    while index < PACKED_BYTES {
        rows[index / 8][index % 8 * 2] = packed[index] >> 4;
        rows[index / 8][index % 8 * 2 + 1] = packed[index] & 0x0f;
        index += 1;
    }
    rows
}

const fn round_tables(rows: &Rows) -> RoundTables {
    let mut tables = [[0; 256]; 4];
    let mut index = 0;
    while index < 4 * 256 {
        let (table, value) = (index / 256, index % 256);
        let substituted = rows[2 * table + 1][value >> 4] << 4 | rows[2 * table][value & 0x0f];
        tables[table][value] = ((substituted as u32) << (8 * table)).rotate_left(11);
        index += 1;
    }
    tables
}

const fn nibbles(rows: &Rows) -> Nibbles {
    let mut nibbles = Nibbles { low: [0; 64], high: [0; 64] };
    let mut index = 0;
    while index < 64 {
        nibbles.low[index] = rows[index / 16 * 2][index % 16];
        nibbles.high[index] = rows[index / 16 * 2 + 1][index % 16] << 4;
        index += 1;
    }
    nibbles
}

const fn computed(rows: &Rows) -> Computed {
    Computed { rounds: round_tables(rows), nibbles: nibbles(rows) }
}

static NUMBER_1_COMPUTED: Computed = computed(&unpack(&NUMBER_1_PACKED));

const PACKED_BYTES: usize = 64;

const NUMBER_1_PACKED: [u8; PACKED_BYTES] = [
    0xa9, 0xd6, 0xeb, 0x45, 0xf1, 0x3c, 0x70, 0x82, 0x80, 0xc4, 0x96, 0x7b, 0x23, 0x1f, 0x5e, 0xad, //
    0xf6, 0x58, 0xeb, 0xa4, 0xc0, 0x37, 0x29, 0x1d, 0x38, 0xd9, 0x6b, 0xf0, 0x25, 0xca, 0x4e, 0x17, //
    0xf8, 0xe9, 0x72, 0x0d, 0xc6, 0x15, 0xb4, 0x3a, 0x28, 0x97, 0x5f, 0x0b, 0xc1, 0xde, 0xa3, 0x64, //
    0x38, 0xb5, 0x64, 0xea, 0x2c, 0x17, 0x9f, 0xd0, 0x12, 0x3e, 0x6d, 0xb8, 0xfa, 0xc5, 0x79, 0x04,
];
