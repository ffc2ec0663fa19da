//! DSTU 4145 as the standard writes it, bit by bit and in affine coordinates: slow, not constant in time, and with nothing in common with
//! `crypto` but the printed parameters. It signs where no other implementation does (m = 431, the optimal normal basis), and with a nonce
//! of the caller's choice.

mod bits;
mod field;

use crypto::dstu4145::{Basis, ByteOrder, Curve, CurveForm, Parameters};

pub use bits::Bits;
use field::Field;

/// A curve y² + xy = x³ + ax² + b with a base point of prime order.
#[derive(Debug, Clone)]
pub struct Domain {
    field: Field,
    a: bool,
    b: Bits,
    /// The order of the base point.
    pub order: Bits,
    /// The base point.
    pub base: Point,
    scalar_len: usize,
}

/// A point; `None` is infinity.
pub type Point = Option<(Bits, Bits)>;

/// A private key, its public key, and what they signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The private number d.
    pub private: Bits,
    /// The compressed public key −d·G, least significant byte first.
    pub key: Vec<u8>,
    /// What was signed: the bytes of a hash.
    pub hash: Vec<u8>,
    /// r‖s, least significant byte first.
    pub signature: Vec<u8>,
}

impl Domain {
    /// A recommended curve, with the parameters that `crypto` writes for it.
    #[must_use]
    pub fn recommended(curve: Curve) -> Self {
        let parameters =
            Parameters { curve, byte_order: ByteOrder::Little, form: CurveForm::Explicit, substitution: None };
        let der = parameters.to_der();
        let [binary] = elements(content(&der))[..] else { panic!("one element") };
        let [polynomial, a, b, order, base] = elements(content(binary))[..] else {
            panic!("five elements of ECBinary")
        };
        let [degree, middle] = elements(content(polynomial))[..] else { panic!("m and the middle exponents") };
        let number = |integer: &[u8]| content(integer).iter().fold(0, |sum, byte| 256 * sum + usize::from(*byte));
        let mut exponents = vec![0, number(degree)];
        if middle[0] == 0x30 {
            exponents.extend(elements(content(middle)).into_iter().map(number));
        } else {
            exponents.push(number(middle));
        }
        let big_endian = |integer: &[u8]| Bits::from_bytes(&content(integer).iter().rev().copied().collect::<Vec<_>>());
        let mut domain = Self {
            field: match curve.basis() {
                Basis::Polynomial => Field::polynomial(&exponents),
                Basis::OptimalNormal => Field::normal(number(degree)),
            },
            a: number(a) == 1,
            b: Bits::from_bytes(content(b)),
            order: big_endian(order),
            base: None,
            scalar_len: curve.scalar_len(),
        };
        domain.base = domain.decompress(content(base)).expect("the base point is a point");
        domain
    }

    /// `first` + `second`.
    #[must_use]
    pub fn add(&self, first: &Point, second: &Point) -> Point {
        let (Some((x, y)), Some((u, v))) = (first, second) else { return first.or(*second) };
        let sum = x.xor(u);
        let slope = if !sum.is_zero() {
            self.field.multiply(&y.xor(v), &self.field.invert(&sum))
        } else if y == v && !x.is_zero() {
            x.xor(&self.field.multiply(y, &self.field.invert(x)))
        } else {
            return None;
        };
        let mut third = self.field.square(&slope).xor(&slope).xor(&sum);
        if self.a {
            third = third.xor(&self.field.one());
        }
        let ordinate = self.field.multiply(&slope, &x.xor(&third)).xor(&third).xor(y);
        Some((third, ordinate))
    }

    /// −`point`.
    #[must_use]
    pub fn negate(&self, point: &Point) -> Point {
        point.map(|(x, y)| (x, x.xor(&y)))
    }

    /// `scalar`·`point`.
    #[must_use]
    pub fn multiply(&self, scalar: &Bits, point: &Point) -> Point {
        (0..scalar.length()).rev().fold(None, |sum, index| {
            let twice = self.add(&sum, &sum);
            if scalar.bit(index) { self.add(&twice, point) } else { twice }
        })
    }

    /// The compressed form, least significant byte first; of infinity, zeros.
    #[must_use]
    pub fn compress(&self, point: &Point) -> Vec<u8> {
        let length = self.field.degree().div_ceil(8);
        let Some((x, y)) = point else { return vec![0; length] };
        let mut compressed = *x;
        if !x.is_zero() && compressed.bit(0) != self.field.trace(&self.field.multiply(y, &self.field.invert(x))) {
            compressed.flip(0);
        }
        compressed.to_bytes(length)
    }

    /// The point with this compressed form; not checked to be of prime order.
    #[must_use]
    pub fn decompress(&self, bytes: &[u8]) -> Option<Point> {
        let mut x = Bits::from_bytes(bytes);
        let wanted = x.bit(0);
        if self.field.trace(&x) != self.a {
            x.flip(0);
        }
        let inverse = self.field.invert(&x);
        let mut right = x.xor(&self.field.multiply(&self.b, &self.field.square(&inverse)));
        if self.a {
            right = right.xor(&self.field.one());
        }
        let mut z = self.field.solve(&right)?;
        if self.field.trace(&z) != wanted {
            z = z.xor(&self.field.one());
        }
        Some(Some((x, self.field.multiply(&x, &z))))
    }

    /// A point outside the subgroup of the base point: the point of order 2 added to `point`, which has x ≠ 0.
    #[must_use]
    pub fn outside(&self, point: &Point) -> Point {
        // √b by squaring m − 1 times.
        let root = (1..self.field.degree()).fold(self.b, |power, _| self.field.square(&power));
        self.add(point, &Some((Bits::ZERO, root)))
    }

    /// r‖s over `hash` with the private number and the nonce, both in [1, n − 1]; least significant byte first. `None` where r or s is 0.
    #[must_use]
    pub fn sign(&self, private: &Bits, nonce: &Bits, hash: &[u8]) -> Option<Vec<u8>> {
        let commitment = self.multiply(nonce, &self.base);
        self.sign_with(private, nonce, &commitment, hash)
    }

    /// The same with the point nonce·G given.
    #[must_use]
    pub fn sign_with(&self, private: &Bits, nonce: &Bits, commitment: &Point, hash: &[u8]) -> Option<Vec<u8>> {
        let mut element = Bits::from_bytes(hash).low(self.field.degree());
        if element.is_zero() {
            element = self.field.one();
        }
        let r = self.field.multiply(&element, &commitment.as_ref()?.0).low(self.order.length() - 1);
        let s = private.multiply_add(&r, nonce, &self.order);
        let signature = [r.to_bytes(self.scalar_len), s.to_bytes(self.scalar_len)].concat();
        (!r.is_zero() && !s.is_zero()).then_some(signature)
    }

    /// `count` keys, with one signature each; nothing is repeated, and everything depends on `seed` alone. The private numbers follow each
    /// other, and so do the nonces, which is cheap and of no use to anyone but a measurement.
    #[must_use]
    pub fn signed(&self, seed: u64, count: usize) -> Vec<Signed> {
        let mut chance = crate::chance::Chance::new(seed);
        let mut bytes = |length: usize| chance.bytes(length);
        let start = |bytes: &[u8]| Bits::from_bytes(bytes).low(self.order.length() - 2);
        let (mut private, mut nonce) = (start(&bytes(64)), start(&bytes(64)));
        let mut key = self.negate(&self.multiply(&private, &self.base));
        let mut commitment = self.multiply(&nonce, &self.base);
        let minus = self.negate(&self.base);
        let mut signed = Vec::with_capacity(count);
        while signed.len() < count {
            let hash = bytes(32);
            if let Some(signature) = self.sign_with(&private, &nonce, &commitment, &hash) {
                signed.push(Signed { private, key: self.compress(&key), hash, signature });
            }
            private = private.plus(&Bits::ONE);
            nonce = nonce.plus(&Bits::ONE);
            key = self.add(&key, &minus);
            commitment = self.add(&commitment, &self.base);
        }
        signed
    }
}

/// The content of a DER element that is known to be whole.
fn content(element: &[u8]) -> &[u8] {
    let header = if element[1] < 0x80 { 2 } else { 2 + usize::from(element[1] & 0x7f) };
    &element[header..]
}

/// The elements that follow each other in `content`.
fn elements(mut content: &[u8]) -> Vec<&[u8]> {
    let mut elements = Vec::new();
    while content.len() >= 2 {
        let long = usize::from(content[1] & 0x7f);
        let length = if content[1] < 0x80 {
            2 + long
        } else {
            2 + long + content[2..2 + long].iter().fold(0, |sum, byte| 256 * sum + usize::from(*byte))
        };
        let (element, rest) = content.split_at(length);
        elements.push(element);
        content = rest;
    }
    elements
}
