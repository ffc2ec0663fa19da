//! Arithmetic modulo the order n of the base point, for what must stay secret: private keys and nonces.
//!
//! Constant time: every function takes steps that depend on the curve alone, except where it says so. Products are Montgomery's, with
//! R = 2^(64k), k the limbs of n.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::curve::Curve;
use super::limbs::{self, LIMBS, Limbs};

/// A secret number in [1, n − 1], overwritten when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Scalar(Limbs);

impl Scalar {
    pub(crate) fn limbs(&self) -> &Limbs {
        &self.0
    }
}

/// A secret number times R, ready to multiply others; overwritten when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Multiplier(Limbs);

/// The order of a base point, with what reduction modulo it needs.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    n: Limbs,
    bits: usize,
    /// k.
    limbs: usize,
    /// −n⁻¹ mod 2^64.
    inverse: u64,
    /// R mod n.
    radix: Limbs,
    /// R² mod n.
    radix_squared: Limbs,
}

impl Order {
    /// That of a recommended curve in polynomial basis: no other has private keys.
    pub(crate) fn of(curve: Curve) -> &'static Self {
        &ORDERS[curve as usize]
    }

    /// `n` is odd and above 2^64.
    pub(crate) const fn new(n: &Limbs) -> Self {
        let bits = limbs::bit_length(n);
        // Newton's iteration doubles the bits that are right; n is its own inverse mod 8.
        let mut inverse = n[0];
        let mut round = 0;
        while round < 5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(n[0].wrapping_mul(inverse)));
            round += 1;
        }
        let mut order = Self {
            n: *n,
            bits,
            limbs: bits.div_ceil(64),
            inverse: inverse.wrapping_neg(),
            radix: limbs::ZERO,
            radix_squared: limbs::ZERO,
        };
        // 2^(bits − 1) is below n; doubled until it is R.
        let exponent = 64 * order.limbs;
        let mut power = limbs::ZERO;
        power[(bits - 1) / 64] = 1 << ((bits - 1) % 64);
        let mut reached = bits - 1;
        while reached < exponent {
            power = order.double(&power);
            reached += 1;
        }
        order.radix = power;
        // From R, which stands for 1, to the form of 2^(64k) along the bits of 64k.
        let mut index = usize::BITS - exponent.leading_zeros();
        while index > 0 {
            index -= 1;
            power = order.montgomery(&power, &power);
            if exponent >> index & 1 == 1 {
                power = order.double(&power);
            }
        }
        order.radix_squared = power;
        order
    }

    /// Bits of n.
    pub(crate) fn bits(&self) -> usize {
        self.bits
    }

    /// Bytes that [`Order::reduce`] wants: 128 bits more than n has.
    pub(crate) fn wide_len(&self) -> usize {
        self.bits.div_ceil(8) + 16
    }

    /// A number that stands as it is; `None` where it is 0 or not below n, which the caller makes public.
    pub(crate) fn scalar(&self, number: &Limbs) -> Option<Scalar> {
        (!limbs::is_zero(number) & limbs::is_less(number, &self.n)).then_some(Scalar(*number))
    }

    /// [`Order::wide_len`] bytes, least significant first, modulo n: from uniform bytes it is uniform but for 2^−128. `None` where the
    /// result is 0, which the caller makes public.
    pub(crate) fn reduce(&self, wide: &[u8]) -> Option<Scalar> {
        let (low, high) = wide.split_at(wide.len().min(8 * self.limbs));
        let (mut low, mut high) = (limbs::from_bytes(low), limbs::from_bytes(high));
        // high·R + low; each product by Montgomery's takes one R away.
        let mut sum = self.add(&self.montgomery(&high, &self.radix_squared), &self.montgomery(&low, &self.radix));
        let scalar = (!limbs::is_zero(&sum)).then_some(Scalar(sum));
        low.zeroize();
        high.zeroize();
        sum.zeroize();
        scalar
    }

    /// Prepares `scalar` to be multiplied by.
    pub(crate) fn multiplier(&self, scalar: &Scalar) -> Multiplier {
        Multiplier(self.montgomery(&scalar.0, &self.radix_squared))
    }

    /// multiplier·factor + summand mod n, where `factor` is below n.
    pub(crate) fn multiply_add(&self, multiplier: &Multiplier, factor: &Limbs, summand: &Scalar) -> Limbs {
        let mut product = self.montgomery(&multiplier.0, factor);
        let sum = self.add(&product, &summand.0);
        product.zeroize();
        sum
    }

    /// 2^times·scalar mod n: never 0, as n is odd.
    pub(crate) fn double_times(&self, scalar: &Scalar, times: usize) -> Scalar {
        let mut multiple = scalar.clone();
        for _ in 0..times {
            multiple.0 = self.double(&multiple.0);
        }
        multiple
    }

    /// scalar + n or scalar + 2n, whichever has exactly [`Order::bits`] + 1 bits: equal modulo n, and of one length for all.
    pub(crate) fn lengthened(&self, scalar: &Scalar) -> Scalar {
        let once = plus(&scalar.0, &self.n);
        let twice = plus(&once, &self.n);
        Scalar(select(&twice, &once, 0u64.wrapping_sub(limbs::bit(&once, self.bits))))
    }

    /// `scalar` where it is odd, else n − scalar, which then is; and all ones in the second case.
    pub(crate) fn odd(&self, scalar: &Scalar) -> (Limbs, u64) {
        let even = (scalar.0[0] & 1).wrapping_sub(1);
        let mut opposite = limbs::subtract(&self.n, &scalar.0).0;
        let odd = select(&scalar.0, &opposite, even);
        opposite.zeroize();
        (odd, even)
    }

    /// Both below n.
    const fn add(&self, left: &Limbs, right: &Limbs) -> Limbs {
        self.subtract_once(&plus(left, right))
    }

    const fn double(&self, number: &Limbs) -> Limbs {
        self.add(number, number)
    }

    /// A number below 2n, modulo n.
    const fn subtract_once(&self, number: &Limbs) -> Limbs {
        let (difference, borrow) = limbs::subtract(number, &self.n);
        select(&difference, number, 0u64.wrapping_sub(borrow))
    }

    /// left·right/R mod n, below n; `left` below R, `right` below n.
    const fn montgomery(&self, left: &Limbs, right: &Limbs) -> Limbs {
        let count = self.limbs;
        let mut sum = [0u64; LIMBS + 2];
        let mut outer = 0;
        while outer < count {
            let mut carry = 0;
            let mut index = 0;
            while index < count {
                (sum[index], carry) = multiply_limbs(left[index], right[outer], sum[index], carry);
                index += 1;
            }
            let (top, over) = sum[count].overflowing_add(carry);
            sum[count] = top;
            sum[count + 1] = over as u64;

            // The multiple of n that clears the lowest limb, which is then shifted out.
            let factor = sum[0].wrapping_mul(self.inverse);
            (_, carry) = multiply_limbs(factor, self.n[0], sum[0], 0);
            index = 1;
            while index < count {
                (sum[index - 1], carry) = multiply_limbs(factor, self.n[index], sum[index], carry);
                index += 1;
            }
            let (top, over) = sum[count].overflowing_add(carry);
            sum[count - 1] = top;
            sum[count] = sum[count + 1] + over as u64;
            outer += 1;
        }
        // Below 2n: k limbs and a bit. Where k is 7, n has 430 bits and the bit is within them.
        let mut number = limbs::ZERO;
        let mut index = 0;
        while index < LIMBS && index <= count {
            number[index] = sum[index];
            index += 1;
        }
        self.subtract_once(&number)
    }
}

/// left·right + first + second: low and high limb.
#[allow(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
const fn multiply_limbs(left: u64, right: u64, first: u64, second: u64) -> (u64, u64) {
    let product = left as u128 * right as u128 + first as u128 + second as u128;
    (product as u64, (product >> 64) as u64)
}

/// The sum mod 2^448.
const fn plus(left: &Limbs, right: &Limbs) -> Limbs {
    let mut sum = limbs::ZERO;
    let mut carry = 0;
    let mut index = 0;
    while index < LIMBS {
        let (partial, first) = left[index].overflowing_add(right[index]);
        let (value, second) = partial.overflowing_add(carry);
        sum[index] = value;
        carry = first as u64 | second as u64;
        index += 1;
    }
    sum
}

/// `other` where `mask` is all ones, `one` where it is zero.
const fn select(one: &Limbs, other: &Limbs, mask: u64) -> Limbs {
    let mut selected = limbs::ZERO;
    let mut index = 0;
    while index < LIMBS {
        selected[index] = one[index] ^ (one[index] ^ other[index]) & mask;
        index += 1;
    }
    selected
}

static ORDERS: [Order; Curve::ALL.len()] = {
    let mut orders = [const { Order::new(&Curve::M163.domain().order) }; Curve::ALL.len()];
    let mut index = 0;
    while index < orders.len() {
        orders[index] = Order::new(&Curve::ALL[index].domain().order);
        index += 1;
    }
    orders
};

#[cfg(test)]
mod tests;
