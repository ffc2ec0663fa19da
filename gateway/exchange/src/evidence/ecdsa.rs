//! The two forms of an ECDSA signature over P-256: DER `Ecdsa-Sig-Value` (RFC 3279, 2.2.3) and the fixed 64 bytes r || s
//! that JWS carries (RFC 7518, 3.4).

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// DER to r || s. None where it is not the DER of two positive integers of at most 32 bytes.
pub(super) fn to_fixed(der: &[u8]) -> Option<[u8; 64]> {
    let (content, rest) = element(der, SEQUENCE)?;
    let (r, after) = element(content, INTEGER)?;
    let (s, end) = element(after, INTEGER)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut fixed = [0; 64];
    let (left, right) = fixed.split_at_mut(32);
    place(r, left)?;
    place(s, right)?;
    Some(fixed)
}

/// One element with a length below 128, which every element of a P-256 signature has.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [found, length, rest @ ..] = der else { return None };
    (*found == tag && *length < 0x80).then(|| rest.split_at_checked(usize::from(*length)))?
}

/// Right-aligns a positive DER integer.
fn place(integer: &[u8], target: &mut [u8]) -> Option<()> {
    let magnitude = match integer {
        [0, rest @ ..] if rest.first().is_some_and(|byte| *byte >= 0x80) => rest,
        [first, ..] if (1..0x80).contains(first) => integer,
        // Empty, zero, negative, or with a needless leading zero.
        _ => return None,
    };
    let start = target.len().checked_sub(magnitude.len())?;
    target.get_mut(start..)?.copy_from_slice(magnitude);
    Some(())
}

/// r || s to DER.
pub(super) fn to_der(fixed: &[u8; 64]) -> Vec<u8> {
    let (r, s) = fixed.split_at(32);
    let content = [integer(r), integer(s)].concat();
    // At most 2 * (2 + 33) bytes.
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    [&[SEQUENCE, length], content.as_slice()].concat()
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let leading = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let magnitude = bytes.get(leading..).unwrap_or_default();
    let sign: &[u8] = if magnitude.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
    let length = u8::try_from(sign.len() + magnitude.len()).unwrap_or(u8::MAX);
    [&[INTEGER, length], sign, magnitude].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_edge_values() {
        // r = 1, s with its highest bit set: the shortest and the longest integer of the DER form.
        let mut fixed = [0; 64];
        fixed[31] = 1;
        fixed[32] = 0x80;
        let der = to_der(&fixed);
        assert_eq!(der[..5], [0x30, 3 + 35, 0x02, 1, 1]);
        assert_eq!(der[5..9], [0x02, 33, 0, 0x80]);
        assert_eq!(to_fixed(&der), Some(fixed));
    }

    #[test]
    fn what_is_not_der_is_refused() {
        let good = to_der(&[0x11; 64]);
        assert!(to_fixed(&good).is_some());
        let mut trailing = good.clone();
        trailing.push(0);
        assert_eq!(to_fixed(&trailing), None);
        for cut in 0..good.len() {
            assert_eq!(to_fixed(&good[..cut]), None, "{cut}");
        }
        assert_eq!(to_fixed(&[0x30, 6, 2, 1, 0, 2, 1, 1]), None, "zero");
        assert_eq!(to_fixed(&[0x30, 6, 2, 1, 0x80, 2, 1, 1]), None, "negative");
        assert_eq!(to_fixed(&[0x30, 7, 2, 2, 0, 1, 2, 1, 1]), None, "needless zero");
        assert_eq!(to_fixed(&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1]), None, "long length");
    }
}
