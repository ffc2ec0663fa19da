//! GF(2^431), x^431 + x^5 + x^3 + x + 1: seven limbs in four parts; 33 carry-less multiplications a product.

use super::linear::Map;
use super::vector::{Four, One, Vector, product};
use super::{Advanced, LanesOf, Tier};
use crate::dstu4145::limbs::Limbs;

/// Parts of 128 bits; the last holds 47.
#[derive(Clone, Copy)]
pub(crate) struct Element<V> {
    pub(super) parts: [V; 4],
}

/// 861 bits in parts of 128.
#[derive(Clone, Copy)]
pub(crate) struct Wide<V> {
    parts: [V; 7],
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn load<V: Vector>(part: impl Fn(u64, u64) -> V, limbs: &Limbs) -> Element<V> {
    let [a, b, c, d, e, f, g] = *limbs;
    Element { parts: [part(a, b), part(c, d), part(e, f), part(g, 0)] }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn store(element: Element<One>) -> Limbs {
    let [[a, b], [c, d], [e, f], [g, _]] = element.parts.map(One::limbs);
    [a, b, c, d, e, f, g]
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn join(proof: Advanced, elements: [Element<One>; 4]) -> Element<Four> {
    let part = |index: usize| Four::join(proof, elements.map(|element| element.parts[index]));
    Element { parts: [part(0), part(1), part(2), part(3)] }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn split(element: Element<Four>) -> [Element<One>; 4] {
    let parts = element.parts.map(Four::split);
    std::array::from_fn(|lane| Element { parts: parts.map(|lanes| lanes[lane]) })
}

/// What `map` makes of the element in every lane.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn image<T: Tier, V: LanesOf<T>>(proof: Advanced, map: &Map<7>, element: Element<V>) -> Element<V> {
    let (mut input, mut output) = ([[0; 4]; 64], [[0; 4]; 64]);
    for (bytes, part) in input.chunks_exact_mut(16).zip(element.parts) {
        bytes.copy_from_slice(&part.widen(proof).to_bytes());
    }
    map.apply(&input, &mut output);
    let mut parts = element.parts;
    for (part, chunk) in parts.iter_mut().zip(output.chunks_exact(16)) {
        let mut bytes = [[0; 4]; 16];
        bytes.copy_from_slice(chunk);
        *part = V::narrow(Four::from_bytes(proof, &bytes));
    }
    Element { parts }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn add<V: Vector>(left: Element<V>, right: Element<V>) -> Element<V> {
    let mut parts = left.parts;
    for (part, other) in parts.iter_mut().zip(right.parts) {
        *part = part.xor(other);
    }
    Element { parts }
}

/// `element` where `mask` is all ones, zero where it is zero.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn masked<V: Vector>(element: Element<V>, mask: V) -> Element<V> {
    let [a, b, c, d] = element.parts;
    Element { parts: [a.and(mask), b.and(mask), c.and(mask), d.and(mask)] }
}

/// Karatsuba over 256 and 175 bits. Sums are collected in two rows, that of whole parts and that of parts half a part higher, and the second
/// is added to the first at the end.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn multiply_wide<V: Vector>(left: Element<V>, right: Element<V>) -> Wide<V> {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (left.parts, right.parts);
    let (low, low_between) = two_parts([a0, a1], [b0, b1]);
    let (both, both_between) = two_parts([a0.xor(a2), a1.xor(a3)], [b0.xor(b2), b1.xor(b3)]);
    let (high0, high_between0, high1) = product(a2, b2);
    let high1 = high1.xor(a2.multiply::<0x00>(b3)).xor(a3.multiply::<0x00>(b2));
    let high_between1 = a2.multiply::<0x01>(b3).xor(a3.multiply::<0x10>(b2));
    let high2 = a3.multiply::<0x00>(b3);
    let whole = [
        low[0],
        low[1],
        low[2].xor(both[0]).xor(low[0]).xor(high0),
        low[3].xor(both[1]).xor(low[1]).xor(high1),
        high0.xor(both[2]).xor(low[2]).xor(high2),
        high1.xor(both[3]).xor(low[3]),
        high2,
    ];
    let between = [
        low_between[0],
        low_between[1],
        low_between[2].xor(both_between[0]).xor(low_between[0]).xor(high_between0),
        both_between[1].xor(low_between[1]).xor(high_between1),
        high_between0.xor(both_between[2]).xor(low_between[2]),
        high_between1,
    ];
    let parts = [
        whole[0].xor(between[0].up()),
        whole[1].xor(between[0].middle(between[1])),
        whole[2].xor(between[1].middle(between[2])),
        whole[3].xor(between[2].middle(between[3])),
        whole[4].xor(between[3].middle(between[4])),
        whole[5].xor(between[4].middle(between[5])),
        whole[6].xor(between[5].down()),
    ];
    Wide { parts }
}

/// 256 by 256 bits: the row of whole parts and the row between them.
#[cfg_attr(not(debug_assertions), inline(always))]
fn two_parts<V: Vector>(left: [V; 2], right: [V; 2]) -> ([V; 4], [V; 3]) {
    let (low0, low1, low2) = product(left[0], right[0]);
    let (high0, high1, high2) = product(left[1], right[1]);
    let (both0, both1, both2) = product(left[0].xor(left[1]), right[0].xor(right[1]));
    let shared = low2.xor(high0);
    let whole = [low0, shared.xor(low0).xor(both0), shared.xor(both2).xor(high2), high2];
    (whole, [low1, both1.xor(low1).xor(high1), high1])
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn square_wide<V: Vector>(element: Element<V>) -> Wide<V> {
    let [a, b, c, d] = element.parts;
    let parts = [
        a.multiply::<0x00>(a),
        a.multiply::<0x11>(a),
        b.multiply::<0x00>(b),
        b.multiply::<0x11>(b),
        c.multiply::<0x00>(c),
        c.multiply::<0x11>(c),
        d.multiply::<0x00>(d),
    ];
    Wide { parts }
}

#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn add_wide<V: Vector>(left: Wide<V>, right: Wide<V>) -> Wide<V> {
    let mut parts = left.parts;
    for (part, other) in parts.iter_mut().zip(right.parts) {
        *part = part.xor(other);
    }
    Wide { parts }
}

/// Folds the 430 bits H from x^431 on down by x^431 = x^5 + x^3 + x + 1. H lies 47 bits above a limb's border, so H, Hx, Hx³ and Hx⁵ are the
/// upper part shifted right by 47, 46, 44 and 42. They send four bits beyond, which are folded again.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn reduce<V: Vector>(wide: Wide<V>) -> Element<V> {
    let [part0, part1, part2, part3, part4, part5, part6] = wide.parts;
    let kept = part0.alike(KEPT, 0);
    let over = part3.without(kept);
    let top = part3.and(kept).xor(fold(part6, part6.down()));
    let again = top.shift_right(47).multiply::<0x00>(part0.alike(0b10_1011, 0));
    Element {
        parts: [
            part0.xor(fold(over, over.middle(part4))).xor(again),
            part1.xor(fold(part4, part4.middle(part5))),
            part2.xor(fold(part5, part5.middle(part6))),
            top.and(kept),
        ],
    }
}

/// Bits from 47 on of every limb, with those of the limb above, times x^5 + x^3 + x + 1. No closure: it would not get the caller's
/// processor features.
#[cfg_attr(not(debug_assertions), inline(always))]
fn fold<V: Vector>(part: V, above: V) -> V {
    let once = part.funnel(above, 47).xor(part.funnel(above, 46));
    once.xor(part.funnel(above, 44)).xor(part.funnel(above, 42))
}

/// The bits of an element in its last limb.
const KEPT: u64 = (1 << 47) - 1;
