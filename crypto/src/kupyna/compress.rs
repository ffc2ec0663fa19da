//! The permutations and the compression of Kupyna. A state of `N` columns: 8 for digests of up to 256 bits, 16 for longer ones. `mix` is
//! substitution, rotation of rows and matrix.

/// `h ^ P(h ^ m) ^ Q(m)` (DSTU 7564:2014, 6.1).
#[inline]
pub(super) fn compress<const N: usize>(
    mix: impl Fn(&[u64; N]) -> [u64; N],
    chaining: &mut [u64; N],
    message: &[u64; N],
) {
    let mixed: [u64; N] = std::array::from_fn(|column| chaining[column] ^ message[column]);
    let (left, right) = (permute_xor(&mix, mixed), permute_add(&mix, *message));
    for column in 0..N {
        chaining[column] ^= left[column] ^ right[column];
    }
}

/// P, with round constants added modulo 2 (DSTU 7564:2014, T-xor).
#[inline(always)]
pub(super) fn permute_xor<const N: usize>(mix: impl Fn(&[u64; N]) -> [u64; N], mut state: [u64; N]) -> [u64; N] {
    for round in (0_u64..).take(rounds(N)) {
        for (column, word) in (0_u64..).zip(&mut state) {
            *word ^= column << 4 ^ round;
        }
        state = mix(&state);
    }
    state
}

/// Q, with round constants added modulo 2^64 (T-plus).
#[inline(always)]
fn permute_add<const N: usize>(mix: impl Fn(&[u64; N]) -> [u64; N], mut state: [u64; N]) -> [u64; N] {
    for round in (0_u64..).take(rounds(N)) {
        for (column, word) in (0_u64..).zip(state.iter_mut().rev()) {
            *word = word.wrapping_add(addend(column, round));
        }
        state = mix(&state);
    }
    state
}

/// The column from which the byte of `row` comes to `column`.
#[inline(always)]
pub(super) const fn source(columns: usize, column: usize, row: usize) -> usize {
    (column + columns - shift(columns, row)) % columns
}

/// Row `r` turns by `r` columns, row 7 of the wide state by 11.
#[inline(always)]
pub(super) const fn shift(columns: usize, row: usize) -> usize {
    if columns == 16 && row == 7 { 11 } else { row }
}

pub(super) const fn rounds(columns: usize) -> usize {
    if columns == 8 { 10 } else { 14 }
}

/// What Q adds to the column that is `column` before the last.
pub(super) const fn addend(column: u64, round: u64) -> u64 {
    0x00f0_f0f0_f0f0_f0f3 ^ (column << 4 ^ round) << 56
}
