//! Sets of certificates, and a list, made to exhaust whoever judges them; for tests that count and benches that time.
use super::authority::{Draft, Subject, extension, signed};
use crate::asn1::{oid, tag, write};
use crate::certificate::Certificate;
use crypto::key::{Curve, KeyError, KeyKind, SoftwareKey};
use time::{Duration, OffsetDateTime};

/// What a path is asked for, and with what help.
pub struct HostileSet {
    /// Whose path is asked for, for signing.
    pub leaf: Certificate,
    /// Untrusted certificates.
    pub pool: Vec<Certificate>,
    /// The trust anchor.
    pub anchor: Certificate,
}

/// A revocation list, and who is on it.
pub struct LongList {
    /// DER CertificateList.
    pub list: Vec<u8>,
    /// The certificate of the last entry.
    pub leaf: Certificate,
    /// Its issuer, which signed the list.
    pub issuer: Certificate,
    /// How many entries there are.
    pub entries: usize,
}

/// `count` authorities that all certify each other, from the leaf's issuer on, none of which the anchor knows: the paths are as
/// many as the orders of the authorities.
///
/// # Errors
/// [`KeyError`] where the provider cannot make the keys.
pub fn cross_certified(count: usize, now: OffsetDateTime) -> Result<HostileSet, KeyError> {
    let authorities: Vec<_> =
        (0..count).map(|number| Party::new(&format!("Authority {number}"))).collect::<Result<_, _>>()?;
    let mut pool = Vec::new();
    for issuer in &authorities {
        for subject in &authorities {
            pool.push(issuer.certify(subject, authority(Vec::new()), now)?);
        }
    }
    let (leaf, root) = (Party::new("Leaf")?, Party::new("Elsewhere")?);
    let issuer = authorities.first().unwrap_or(&root);
    let leaf = issuer.certify(&leaf, Vec::new(), now)?;
    Ok(HostileSet { leaf, pool, anchor: root.certify(&root, authority(Vec::new()), now)? })
}

/// `count` certificates that bear the name of the leaf's issuer and another key, all by the anchor.
///
/// # Errors
/// [`KeyError`] where the provider cannot make the keys.
pub fn candidate_issuers(count: usize, now: OffsetDateTime) -> Result<HostileSet, KeyError> {
    let (root, issuer, leaf) = (Party::new("Root")?, Party::new("Issuer")?, Party::new("Leaf")?);
    let others: Vec<_> = (0..16).map(|_| Party::new("Issuer")).collect::<Result<_, _>>()?;
    let candidates = others.iter().cycle().take(count);
    let pool = candidates.map(|other| root.certify(other, authority(Vec::new()), now)).collect::<Result<_, _>>()?;
    let leaf = issuer.certify(&leaf, Vec::new(), now)?;
    Ok(HostileSet { leaf, pool, anchor: root.certify(&root, authority(Vec::new()), now)? })
}

/// An anchor that excludes `constraints` host names, and a leaf with `names` others: each must be compared with each.
///
/// # Errors
/// [`KeyError`] where the provider cannot make the keys.
pub fn name_constraints(constraints: usize, names: usize, now: OffsetDateTime) -> Result<HostileSet, KeyError> {
    let host = |text: String| write::element(tag::context(2), text.as_bytes());
    let subtrees: Vec<u8> =
        (0..constraints).flat_map(|number| write::sequence(&[&host(format!("x{number}"))])).collect();
    let excluded = write::sequence(&[&write::element(tag::constructed(1), &subtrees)]);
    let alternatives: Vec<u8> = (0..names).flat_map(|number| host(format!("y{number}.test"))).collect();
    let alternatives = write::element(tag::SEQUENCE, &alternatives);
    let (root, leaf) = (Party::new("Root")?, Party::new("Leaf")?);
    let bound = authority(vec![extension(&oid::NAME_CONSTRAINTS, true, &excluded)]);
    let leaf = root.certify(&leaf, vec![extension(&oid::SUBJECT_ALT_NAME, false, &alternatives)], now)?;
    Ok(HostileSet { leaf, pool: Vec::new(), anchor: root.certify(&root, bound, now)? })
}

/// A list of about `bytes` bytes, whose last entry is that of its leaf.
///
/// # Errors
/// [`KeyError`] where the provider cannot make the keys.
pub fn long_list(bytes: usize, now: OffsetDateTime) -> Result<LongList, KeyError> {
    let (issuer, leaf) = (Party::new("Issuer")?, Party::new("Leaf")?);
    let leaf = issuer.certify(&leaf, Vec::new(), now)?;
    let date = write::certificate_time(now);
    // The reason superseded, as lists that are long give one.
    let reason = extension(&oid::REASON_CODE, false, &write::element(tag::ENUMERATED, &[4]));
    let reasons = write::sequence(&[&reason]);
    let entry = |serial: &[u8]| write::sequence(&[&write::element(tag::INTEGER, serial), &date, &reasons]);
    let count = bytes / entry(&[0x40; 16]).len();
    let mut entries = Vec::with_capacity(bytes + 256);
    for number in 0..count {
        // A positive serial number that differs where those of authorities do: all over.
        let mut serial = [0x40; 16];
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        let [_, head @ ..] = &mut serial;
        head.iter_mut().zip(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).for_each(|(to, from)| *to = from);
        entries.extend_from_slice(&entry(&serial));
    }
    entries.extend_from_slice(&entry(leaf.serial()));
    let body = write::sequence(&[
        &write::unsigned(&[1]),
        &issuer.key.default_algorithm().to_algorithm_identifier(),
        &issuer.subject.name,
        &date,
        &write::certificate_time(now + Duration::days(1)),
        &write::element(tag::SEQUENCE, &entries),
    ]);
    drop(entries);
    let list = signed(&body, &issuer.key)?;
    Ok(LongList { list, leaf, issuer: issuer.certify(&issuer, authority(Vec::new()), now)?, entries: count + 1 })
}

struct Party {
    subject: Subject,
    key: SoftwareKey,
}

impl Party {
    fn new(name: &str) -> Result<Self, KeyError> {
        Ok(Self { subject: Subject::of_authority(name), key: SoftwareKey::generate(KeyKind::Ec(Curve::P256))? })
    }

    fn certify(&self, subject: &Self, extensions: Vec<Vec<u8>>, now: OffsetDateTime) -> Result<Certificate, KeyError> {
        let draft = Draft {
            issuer_name: &self.subject.name,
            issuer_key: &self.key,
            subject: &subject.subject,
            key: &subject.key,
            not_before: now - Duration::days(1),
            not_after: now + Duration::days(1),
            extensions,
        };
        draft.sign()
    }
}

/// The extensions of an authority, and `more`.
fn authority(mut more: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    more.push(extension(&oid::BASIC_CONSTRAINTS, true, &write::sequence(&[&write::boolean(true)])));
    more
}
