//! GF(2^m), in a polynomial basis or in an optimal normal basis of the second type, each by its definition.

use super::bits::Bits;

/// How the bits of a number name an element.
#[derive(Debug, Clone)]
pub(super) enum Field {
    /// Coefficients of a polynomial, taken modulo this one, of degree m.
    Polynomial { modulus: Bits, degree: usize },
    /// Coefficients of β, β², β⁴, …, from the most significant bit down, where β = γ + γ⁻¹ and γ has order 2m + 1. `exponents` has for each
    /// bit the k with which its element is γ^k + γ^−k.
    Normal { exponents: Vec<usize>, degree: usize },
}

impl Field {
    pub(super) fn polynomial(exponents: &[usize]) -> Self {
        let mut modulus = Bits::ZERO;
        exponents.iter().for_each(|exponent| modulus.flip(*exponent));
        Self::Polynomial { modulus, degree: modulus.length() - 1 }
    }

    pub(super) fn normal(degree: usize) -> Self {
        let mut exponents = vec![0; degree];
        let mut exponent = 1;
        for place in exponents.iter_mut().rev() {
            *place = exponent;
            exponent = 2 * exponent % (2 * degree + 1);
        }
        Self::Normal { exponents, degree }
    }

    pub(super) fn degree(&self) -> usize {
        match self {
            Self::Polynomial { degree, .. } | Self::Normal { degree, .. } => *degree,
        }
    }

    pub(super) fn one(&self) -> Bits {
        match self {
            Self::Polynomial { .. } => Bits::ONE,
            // Σ γ^k + γ^−k over all k is the sum of all powers of γ but 1.
            Self::Normal { degree, .. } => Bits::ZERO.minus(&Bits::ONE).low(*degree),
        }
    }

    pub(super) fn multiply(&self, left: &Bits, right: &Bits) -> Bits {
        match self {
            Self::Polynomial { modulus, degree } => {
                let mut product = Bits::ZERO;
                for index in (0..*degree).rev() {
                    product = product.shifted_up(1);
                    if product.bit(*degree) {
                        product = product.xor(modulus);
                    }
                    if right.bit(index) {
                        product = product.xor(left);
                    }
                }
                product
            }
            Self::Normal { exponents, degree } => {
                // Powers of γ, modulo γ^(2m + 1) = 1.
                let order = 2 * degree + 1;
                let powers = |element: &Bits| {
                    let mut powers = Bits::ZERO;
                    for (index, exponent) in exponents.iter().enumerate().filter(|(index, _)| element.bit(*index)) {
                        debug_assert!(index < *degree);
                        powers.flip(*exponent);
                        powers.flip(order - exponent);
                    }
                    powers
                };
                let (left, right) = (powers(left), powers(right));
                let mut sum = Bits::ZERO;
                for shift in (0..order).filter(|shift| left.bit(*shift)) {
                    sum = sum.xor(&right.shifted_up(shift).low(order)).xor(&right.shifted_down(order - shift));
                }
                // γ⁰ is the sum of all other powers.
                let mut product = if sum.bit(0) { self.one() } else { Bits::ZERO };
                for (index, _) in exponents.iter().enumerate().filter(|(_, exponent)| sum.bit(**exponent)) {
                    product.flip(index);
                }
                product
            }
        }
    }

    pub(super) fn square(&self, element: &Bits) -> Bits {
        match self {
            Self::Polynomial { .. } => self.multiply(element, element),
            // β^(2^i) becomes β^(2^(i + 1)), one bit further down; the last becomes β.
            Self::Normal { degree, .. } => {
                let mut square = element.shifted_down(1);
                if element.bit(0) {
                    square.flip(degree - 1);
                }
                square
            }
        }
    }

    /// The inverse of an element that is not zero.
    pub(super) fn invert(&self, element: &Bits) -> Bits {
        match self {
            Self::Polynomial { modulus, degree } => {
                // Euclid: u ≡ first·element and v ≡ second·element throughout.
                let (mut u, mut v) = (*element, *modulus);
                let (mut first, mut second) = (Bits::ONE, Bits::ZERO);
                while u != Bits::ONE {
                    if u.length() < v.length() {
                        std::mem::swap(&mut u, &mut v);
                        std::mem::swap(&mut first, &mut second);
                    }
                    let shift = u.length() - v.length();
                    u = u.xor(&v.shifted_up(shift));
                    first = first.xor(&second.shifted_up(shift));
                }
                debug_assert!(first.length() <= *degree);
                first
            }
            Self::Normal { degree, .. } => {
                // element^(2^m − 2), along the bits of m − 1.
                let exponent = degree - 1;
                let (mut power, mut reached) = (*element, 1);
                for index in (0..exponent.ilog2()).rev() {
                    let twice = (0..reached).fold(power, |power, _| self.square(&power));
                    power = self.multiply(&twice, &power);
                    reached *= 2;
                    if exponent >> index & 1 == 1 {
                        power = self.multiply(&self.square(&power), element);
                        reached += 1;
                    }
                }
                self.square(&power)
            }
        }
    }

    /// The sum of all conjugates, 0 or 1.
    pub(super) fn trace(&self, element: &Bits) -> bool {
        let mut conjugate = *element;
        let mut sum = *element;
        for _ in 1..self.degree() {
            conjugate = self.square(&conjugate);
            sum = sum.xor(&conjugate);
        }
        !sum.is_zero()
    }

    /// A z with z² + z = element, where there is one.
    pub(super) fn solve(&self, element: &Bits) -> Option<Bits> {
        let mut z = *element;
        for _ in 0..(self.degree() - 1) / 2 {
            z = self.square(&self.square(&z)).xor(element);
        }
        (self.square(&z).xor(&z) == *element).then_some(z)
    }
}
