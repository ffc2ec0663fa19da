//! What is signed beside the file: contents by name. A signature cannot make anyone fetch anything.

use crypto::digest::{Digest, DigestAlgorithm, digest};

use crate::asic::uri;

/// Contents that references may lead to.
pub trait Contents {
    /// The digest of the content that `uri` means; `None` where there is none, or more than one. `None` for `uri`: the reference has no
    /// URI, and means the only content there is.
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest>;

    /// Its octets, for transforms of them. `None` also where they are not kept.
    fn octets(&self, uri: Option<&str>) -> Option<&[u8]>;
}

/// No contents.
#[derive(Debug, Clone, Copy)]
pub struct NoContents;

impl Contents for NoContents {
    fn digest(&self, _: Option<&str>, _: DigestAlgorithm) -> Option<Digest> {
        None
    }

    fn octets(&self, _: Option<&str>) -> Option<&[u8]> {
        None
    }
}

/// Files with their names. A single one is meant by every reference that leads outside, whatever its name.
#[derive(Debug, Clone, Copy)]
pub struct Files<'f>(pub &'f [(&'f str, &'f [u8])]);

impl Files<'_> {
    fn find(&self, reference: Option<&str>) -> Option<&[u8]> {
        if let [(_, only)] = self.0 {
            return Some(only);
        }
        let reference = reference?;
        let reference = reference.strip_prefix("./").unwrap_or(reference);
        let decoded = uri::decode(reference);
        let mut found = self.0.iter().filter(|(name, _)| *name == reference || decoded.as_deref() == Some(*name));
        match (found.next(), found.next()) {
            (Some((_, octets)), None) => Some(octets),
            _ => None,
        }
    }
}

impl Contents for Files<'_> {
    fn digest(&self, uri: Option<&str>, algorithm: DigestAlgorithm) -> Option<Digest> {
        self.find(uri).map(|octets| digest(algorithm, octets))
    }

    fn octets(&self, uri: Option<&str>) -> Option<&[u8]> {
        self.find(uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_one_file() {
        let files = Files(&[("a b.txt", b"1"), ("c.txt", b"2"), ("c%2etxt", b"3")]);
        assert_eq!(files.octets(Some("a%20b.txt")), Some(&b"1"[..]));
        assert_eq!(files.octets(Some("./a b.txt")), Some(&b"1"[..]));
        assert_eq!(files.octets(Some("c%2etxt")), None, "two files answer to it");
        assert_eq!(files.octets(Some("http://host/c.txt")), None);
        assert_eq!(files.octets(None), None);
        assert_eq!(Files(&[("x", b"1")]).octets(None), Some(&b"1"[..]));
        assert_eq!(Files(&[]).octets(Some("x")), None);
    }
}
