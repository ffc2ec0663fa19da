//! BER to DER, X.690 8.1.3 and 10.1: definite minimal lengths, octet strings in one piece.
//!
//! Two passes over a flat list of elements, no recursion. The first pass reads headers and finds where each element
//! ends; lengths are then summed from the leaves up; the second pass writes. Elements that the caller's [`Layers`] names
//! as opaque are taken as they are when their own header is DER: certificates and lists stay byte for byte, and a
//! revocation list of a megabyte costs one step.

use std::borrow::Cow;

use super::{Asn1Error, Limits, tag};

/// Which parts of a structure are copied as they arrived.
#[derive(Debug, Clone, Copy)]
pub struct Layers {
    /// Tags of the ancestors, outermost first, of elements that are not entered.
    opaque: &'static [&'static [u8]],
}

impl Layers {
    /// Everything is normalised.
    pub const ALL: Self = Self { opaque: &[] };
    /// CMS SignedData within a ContentInfo: certificates, revocation lists and the values of unsigned attributes are left
    /// as they are. (The latter hold whole structures of their own, which are normalised when they are read.)
    pub const SIGNED_DATA: Self = Self {
        opaque: &[
            &[0x30, 0xa0, 0x30, 0xa0],
            &[0x30, 0xa0, 0x30, 0xa1],
            &[0x30, 0xa0, 0x30, 0x31, 0x30, 0xa1, 0x30, 0x31],
        ],
    };
    /// revocation-values of CAdES: the lists and answers are left as they are.
    pub const REVOCATION_VALUES: Self = Self { opaque: &[&[0x30, 0xa0, 0x30], &[0x30, 0xa1, 0x30]] };
    /// certificate-values of CAdES: the certificates are left as they are.
    pub const CERTIFICATE_VALUES: Self = Self { opaque: &[&[0x30]] };
}

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its bytes are copied whole, header included.
    Verbatim,
    /// Primitive with a header to be written anew.
    Primitive,
    /// Constructed: header, then the children.
    Constructed,
    /// An octet string in segments: one header, then the segments' contents.
    Segmented,
    /// A piece of a segmented octet string: contents without a header.
    Segment,
    /// A constructed piece of a segmented octet string: nothing of its own.
    SegmentGroup,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    form: Form,
    tag: u8,
    /// What is copied for a leaf.
    start: usize,
    end: usize,
    parent: Option<usize>,
    /// Contents octets in the output.
    length: usize,
}

/// A constructed element that is still open.
struct Frame {
    node: usize,
    /// `None`: indefinite, ended by an end-of-contents mark.
    end: Option<usize>,
    segments: bool,
}

/// Normalises the first element of `input` and returns it with the number of input bytes that it took.
///
/// Borrows where the input was DER already.
///
/// # Errors
/// `Truncated`, `Length`, `Tag` for malformed BER, `Value` for constructed strings other than octet strings, `Budget`
/// past the limits.
pub fn normalise<'a>(input: &'a [u8], layers: Layers, limits: &Limits) -> Result<(Cow<'a, [u8]>, usize), Asn1Error> {
    let mut scan =
        Scan { input, layers, limits, nodes: Vec::new(), frames: Vec::new(), path: Vec::new(), changed: false };
    let end = scan.run()?;
    if !scan.changed {
        let whole = input.get(..end).ok_or(Asn1Error::Truncated)?;
        return Ok((Cow::Borrowed(whole), end));
    }
    Ok((Cow::Owned(write(input, &mut scan.nodes)?), end))
}

/// Tag and length octets of an element in BER.
pub(crate) struct Header {
    pub(crate) tag: u8,
    /// `None`: indefinite.
    pub(crate) length: Option<usize>,
    /// Octets of tag and length.
    pub(crate) size: usize,
    minimal: bool,
}

struct Scan<'a> {
    input: &'a [u8],
    layers: Layers,
    limits: &'a Limits,
    nodes: Vec<Node>,
    frames: Vec<Frame>,
    /// Tags of the open frames.
    path: Vec<u8>,
    changed: bool,
}

impl Scan<'_> {
    /// Returns where the first element ends.
    fn run(&mut self) -> Result<usize, Asn1Error> {
        let mut at = 0;
        loop {
            at = self.step(at)?;
            at = self.close(at)?;
            if self.frames.is_empty() {
                return if at > self.limits.bytes { Err(Asn1Error::Budget) } else { Ok(at) };
            }
        }
    }

    /// Reads one header at `at`; enters the element or passes over it.
    fn step(&mut self, at: usize) -> Result<usize, Asn1Error> {
        let limit = self.frames.iter().rev().find_map(|frame| frame.end).unwrap_or(self.input.len());
        let header = header(self.input.get(at..limit).ok_or(Asn1Error::Truncated)?)?;
        let start = at.checked_add(header.size).ok_or(Asn1Error::Length)?;
        let end = match header.length {
            Some(length) => Some(start.checked_add(length).filter(|end| *end <= limit).ok_or(Asn1Error::Truncated)?),
            None => None,
        };
        if self.nodes.len() >= self.limits.elements {
            return Err(Asn1Error::Budget);
        }
        let in_segments = self.frames.last().is_some_and(|frame| frame.segments);
        let form = self.form(&header, in_segments)?;
        self.changed |= end.is_none() || form == Form::Segmented || (!header.minimal && form != Form::Verbatim);
        let parent = self.frames.last().map(|frame| frame.node);
        let node = self.nodes.len();
        let tag = if form == Form::Segmented { tag::OCTET_STRING } else { header.tag };
        let leaf = |start, end: Option<usize>| Node { form, tag, start, end: end.unwrap_or(start), parent, length: 0 };
        match (form, end) {
            (Form::Verbatim, Some(end)) => {
                self.nodes.push(leaf(at, Some(end)));
                Ok(end)
            }
            (Form::Primitive | Form::Segment, Some(end)) => {
                self.nodes.push(leaf(start, Some(end)));
                Ok(end)
            }
            (_, end) => {
                if self.frames.len() >= self.limits.depth {
                    return Err(Asn1Error::Budget);
                }
                self.nodes.push(leaf(start, None));
                let segments = matches!(form, Form::Segmented | Form::SegmentGroup);
                self.frames.push(Frame { node, end, segments });
                self.path.push(header.tag);
                Ok(start)
            }
        }
    }

    fn form(&self, header: &Header, in_segments: bool) -> Result<Form, Asn1Error> {
        let constructed = header.tag & 0x20 != 0;
        if in_segments {
            return match header.tag {
                tag::OCTET_STRING => Ok(Form::Segment),
                tag::OCTET_STRING_CONSTRUCTED => Ok(Form::SegmentGroup),
                _ => Err(Asn1Error::Value),
            };
        }
        if header.length.is_some() && header.minimal && self.layers.opaque.contains(&self.path.as_slice()) {
            return Ok(Form::Verbatim);
        }
        match header.tag {
            tag::OCTET_STRING_CONSTRUCTED => Ok(Form::Segmented),
            _ if !constructed => Ok(Form::Primitive),
            // Of the universal types, only SEQUENCE and SET are constructed in DER (X.690, 10.2); EXTERNAL and the like
            // have no place in CMS.
            tag::SEQUENCE | tag::SET => Ok(Form::Constructed),
            universal if universal & 0xc0 == 0 => Err(Asn1Error::Value),
            _ => Ok(Form::Constructed),
        }
    }

    /// Closes every frame that ends at `at`.
    fn close(&mut self, mut at: usize) -> Result<usize, Asn1Error> {
        while let Some(frame) = self.frames.last() {
            match frame.end {
                Some(end) if at == end => {}
                Some(end) if at > end => return Err(Asn1Error::Length),
                None if self.input.get(at..at.saturating_add(2)) == Some(&[0, 0]) => at += 2,
                _ => return Ok(at),
            }
            self.frames.pop();
            self.path.pop();
        }
        Ok(at)
    }
}

/// Reads tag and length octets, X.690 8.1.2 and 8.1.3.
pub(crate) fn header(input: &[u8]) -> Result<Header, Asn1Error> {
    let tag = *input.first().ok_or(Asn1Error::Truncated)?;
    if tag & 0x1f == 0x1f {
        return Err(Asn1Error::Tag);
    }
    let first = *input.get(1).ok_or(Asn1Error::Truncated)?;
    if tag == 0 {
        return Err(Asn1Error::Tag);
    }
    match first {
        0..=0x7f => Ok(Header { tag, length: Some(usize::from(first)), size: 2, minimal: true }),
        0x80 if tag & 0x20 == 0 => Err(Asn1Error::Length),
        0x80 => Ok(Header { tag, length: None, size: 2, minimal: false }),
        0xff => Err(Asn1Error::Length),
        _ => {
            let octets = usize::from(first & 0x7f);
            let bytes = input.get(2..2 + octets).ok_or(Asn1Error::Truncated)?;
            let significant = bytes.iter().skip_while(|byte| **byte == 0).count();
            if significant > 8 {
                return Err(Asn1Error::Length);
            }
            let value = bytes.iter().skip(octets - significant).fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
            let length = usize::try_from(value).map_err(|_| Asn1Error::Length)?;
            let minimal = significant == octets && value >= 0x80;
            Ok(Header { tag, length: Some(length), size: 2 + octets, minimal })
        }
    }
}

/// Sums the lengths from the leaves up, then writes front to back.
fn write(input: &[u8], nodes: &mut [Node]) -> Result<Vec<u8>, Asn1Error> {
    for index in (0..nodes.len()).rev() {
        let Some(node) = nodes.get(index).copied() else { break };
        let own = if matches!(node.form, Form::Verbatim | Form::Primitive | Form::Segment) {
            node.end - node.start
        } else {
            node.length
        };
        let outer = match node.form {
            Form::Verbatim | Form::Segment | Form::SegmentGroup => own,
            Form::Primitive | Form::Constructed | Form::Segmented => own + super::writer::header_size(own),
        };
        if let Some(slot) = nodes.get_mut(index) {
            slot.length = own;
        }
        if let Some(parent) = node.parent.and_then(|parent| nodes.get_mut(parent)) {
            parent.length += outer;
        }
    }
    let total = nodes.first().map_or(0, |root| root.length + 10);
    let mut output = Vec::with_capacity(total);
    for node in nodes.iter() {
        if matches!(node.form, Form::Primitive | Form::Constructed | Form::Segmented) {
            super::writer::push_header(&mut output, node.tag, node.length);
        }
        output.extend_from_slice(input.get(node.start..node.end).ok_or(Asn1Error::Truncated)?);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(input: &[u8]) -> Result<Vec<u8>, Asn1Error> {
        normalise(input, Layers::ALL, &Limits::default()).map(|(output, _)| output.into_owned())
    }

    #[test]
    fn der_is_borrowed_untouched() {
        let input = [0x30, 0x06, 0x04, 0x01, 0xaa, 0x02, 0x01, 0x05];
        let (output, taken) = normalise(&input, Layers::ALL, &Limits::default()).unwrap();
        assert!(matches!(output, Cow::Borrowed(_)));
        assert_eq!((output.as_ref(), taken), (&input[..], 8));
    }

    #[test]
    fn indefinite_lengths_and_segments_are_joined() {
        // SEQUENCE (indefinite) { OCTET STRING (indefinite) { "ab", OCTET STRING { "c" } }, INTEGER 5 with a long length }
        let input = [
            0x30, 0x80, 0x24, 0x80, 0x04, 0x02, b'a', b'b', 0x24, 0x03, 0x04, 0x01, b'c', 0, 0, 0x02, 0x82, 0x00, 0x01,
            0x05, 0, 0,
        ];
        assert_eq!(der(&input).unwrap(), [0x30, 0x08, 0x04, 0x03, b'a', b'b', b'c', 0x02, 0x01, 0x05]);
    }

    #[test]
    fn empty_constructions_keep_their_place() {
        assert_eq!(
            der(&[0x30, 0x80, 0x24, 0x80, 0, 0, 0x31, 0x00, 0, 0]).unwrap(),
            [0x30, 0x04, 0x04, 0x00, 0x31, 0x00]
        );
    }

    #[test]
    fn opaque_parts_are_copied_even_if_they_are_not_der() {
        // ContentInfo { [0] { SignedData { [0] certificates { SEQUENCE { NULL with a long length } } } } }, all but it indefinite
        let certificate = [0x30, 0x03, 0x05, 0x81, 0x00];
        let mut input = vec![0x30, 0x80, 0xa0, 0x80, 0x30, 0x80, 0xa0, 0x80];
        input.extend_from_slice(&certificate);
        input.extend_from_slice(&[0; 8]);
        let (output, _) = normalise(&input, Layers::SIGNED_DATA, &Limits::default()).unwrap();
        assert_eq!(output[..], [&[0x30, 0x0b, 0xa0, 0x09, 0x30, 0x07, 0xa0, 0x05][..], &certificate].concat());
    }

    #[test]
    fn malformed_input_is_refused() {
        for (input, why) in [
            (&[][..], Asn1Error::Truncated),
            (&[0x30], Asn1Error::Truncated),
            (&[0x30, 0x05, 0x02], Asn1Error::Truncated),
            (&[0x30, 0x80, 0x02, 0x01, 0x05], Asn1Error::Truncated),
            (&[0x30, 0x80, 0x02, 0x01, 0x05, 0], Asn1Error::Truncated),
            (&[0x30, 0x03, 0x02, 0x02, 0x05], Asn1Error::Truncated),
            (&[0x04, 0x80, 0x00, 0x00], Asn1Error::Length),
            (&[0x30, 0xff, 0x00], Asn1Error::Length),
            (&[0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], Asn1Error::Length),
            (&[0x30, 0x02, 0x00, 0x00], Asn1Error::Tag),
            (&[0x1f, 0x81, 0x01, 0x00], Asn1Error::Tag),
            (&[0x24, 0x03, 0x02, 0x01, 0x05], Asn1Error::Value),
            (&[0x23, 0x03, 0x03, 0x01, 0x00], Asn1Error::Value),
        ] {
            assert_eq!(der(input), Err(why), "{input:02x?}");
        }
        assert_eq!(der(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Asn1Error::Truncated));
    }

    #[test]
    fn depth_and_count_are_bounded() {
        assert_eq!(der(&[0x30, 0x80].repeat(100_000)), Err(Asn1Error::Budget));
        let many = [&[0x30, 0x80][..], &[0x05, 0x00].repeat(1 << 19), &[0, 0]].concat();
        assert_eq!(der(&many), Err(Asn1Error::Budget));
        let tight = Limits { bytes: 3, ..Limits::default() };
        assert!(matches!(normalise(&[0x30, 0x02, 0x05, 0x00], Layers::ALL, &tight), Err(Asn1Error::Budget)));
    }
}
