//! Name constraints (RFC 5280 4.2.1.10): directory names, DNS names, mailboxes, URIs, IP addresses.
//!
//! A form that we do not know is refused where a constraint of that form meets a name of that form.
use super::search::spend;
use super::{Budget, PathError};
use crate::asn1::{Malformed, Reader, oid, tag};
use crate::certificate::Certificate;
use crate::certificate::general_name::GeneralName;
use crate::name::{self, Canonical};

/// The constraints that one authority lays on everything below it.
pub(super) struct NameConstraints<'a> {
    permitted: Vec<Subtree<'a>>,
    excluded: Vec<Subtree<'a>>,
}

/// The base of a subtree.
enum Subtree<'a> {
    Directory(Canonical),
    /// Host, lower case; empty: every host.
    Dns(String),
    Email(EmailBase),
    /// Host of a URI; `below`: only hosts below it.
    Uri {
        host: String,
        below: bool,
    },
    /// Address and mask.
    Ip(&'a [u8], &'a [u8]),
    Unknown(u8),
}

enum EmailBase {
    Mailbox(Mailbox),
    Host(String),
    /// Hosts below this one.
    Below(String),
}

/// The names of a certificate that constraints apply to.
pub(super) struct SubjectNames<'a> {
    certificate: &'a Certificate,
    names: Vec<Name<'a>>,
}

/// In the form in which names are compared; `None`: not well-formed, cannot be judged.
enum Name<'a> {
    Directory(Canonical),
    Dns(Option<Pattern>),
    Email(Option<Mailbox>),
    Uri(Option<String>),
    Ip(&'a [u8]),
    Unknown(u8),
}

/// A host, or all hosts one label below it.
struct Pattern {
    host: String,
    wildcard: bool,
}

struct Mailbox {
    /// RFC 5280 7.5: the local part is compared exactly.
    local: String,
    host: String,
}

impl<'a> NameConstraints<'a> {
    /// Those of `issuer`, if it lays any.
    pub(super) fn of(issuer: &'a Certificate) -> Result<Option<Self>, PathError> {
        let Some(span) = issuer.extensions().name_constraints else {
            return Ok(None);
        };
        let constraints = Self::read(span.of(issuer.der()));
        constraints.map(Some).map_err(|_| PathError::MalformedExtension { subject: issuer.subject() })
    }

    /// NameConstraints ::= SEQUENCE { permittedSubtrees [0] GeneralSubtrees OPTIONAL, excludedSubtrees [1] ... OPTIONAL }
    fn read(extension: &'a [u8]) -> Result<Self, Malformed> {
        let mut constraints = crate::asn1::read::sole_sequence("nameConstraints", extension)?;
        let permitted = constraints.optional(tag::constructed(0))?.map(|list| subtrees(list.reader("nameConstraints")));
        let excluded = constraints.optional(tag::constructed(1))?.map(|list| subtrees(list.reader("nameConstraints")));
        constraints.finish()?;
        if permitted.is_none() && excluded.is_none() {
            return Err(Malformed("nameConstraints"));
        }
        Ok(Self {
            permitted: permitted.transpose()?.unwrap_or_default(),
            excluded: excluded.transpose()?.unwrap_or_default(),
        })
    }

    /// Every name must lie in a permitted subtree of its form, if there is one, and in no excluded one.
    pub(super) fn check(&self, names: &SubjectNames<'_>, budget: &mut Budget) -> Result<(), PathError> {
        let refused = || PathError::NameConstraint { subject: names.certificate.subject() };
        for name in &names.names {
            let (mut restricted, mut permitted) = (false, false);
            for subtree in self.permitted.iter().filter(|subtree| subtree.is_form_of(name)) {
                spend(&mut budget.name_comparisons)?;
                restricted = true;
                permitted |= subtree.contains(name).ok_or_else(refused)?;
            }
            if restricted && !permitted {
                return Err(refused());
            }
            for subtree in self.excluded.iter().filter(|subtree| subtree.is_form_of(name)) {
                spend(&mut budget.name_comparisons)?;
                if subtree.touches(name).ok_or_else(refused)? {
                    return Err(refused());
                }
            }
        }
        Ok(())
    }
}

/// GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { base, minimum [0] DEFAULT 0, maximum [1] OPTIONAL }
fn subtrees(mut list: Reader<'_>) -> Result<Vec<Subtree<'_>>, Malformed> {
    let mut subtrees = Vec::new();
    while !list.is_empty() {
        let mut subtree = list.sequence("nameConstraints")?;
        subtrees.push(Subtree::of(GeneralName::read(&mut subtree)?)?);
        // RFC 5280: minimum must be zero and maximum absent.
        if let Some(minimum) = subtree.optional(tag::context(0))?
            && minimum.unsigned()? != 0
        {
            return Err(Malformed("nameConstraints"));
        }
        subtree.finish()?;
    }
    if subtrees.is_empty() { Err(Malformed("nameConstraints")) } else { Ok(subtrees) }
}

impl<'a> Subtree<'a> {
    fn of(base: GeneralName<'a>) -> Result<Self, Malformed> {
        let malformed = Malformed("nameConstraints");
        Ok(match base {
            GeneralName::Directory(name) => Self::Directory(Canonical::of(name).ok_or(malformed)?),
            GeneralName::Dns("") => Self::Dns(String::new()),
            GeneralName::Dns(host) => Self::Dns(host_name(host).ok_or(malformed)?),
            GeneralName::Email(base) => Self::Email(EmailBase::of(base).ok_or(malformed)?),
            GeneralName::Uri(base) => {
                let (host, below) = base.strip_prefix('.').map_or((base, false), |host| (host, true));
                Self::Uri { host: host_name(host).ok_or(malformed)?, below }
            }
            GeneralName::Ip(octets) => {
                let (address, mask) = octets.split_at(octets.len() / 2);
                if !matches!(octets.len(), 8 | 32) || !is_prefix_mask(mask) {
                    return Err(malformed);
                }
                Self::Ip(address, mask)
            }
            GeneralName::Other(form) => Self::Unknown(form),
        })
    }

    fn is_form_of(&self, name: &Name<'_>) -> bool {
        match (self, name) {
            (Self::Directory(_), Name::Directory(_))
            | (Self::Dns(_), Name::Dns(_))
            | (Self::Email(_), Name::Email(_))
            | (Self::Uri { .. }, Name::Uri(_))
            | (Self::Ip(..), Name::Ip(_)) => true,
            (Self::Unknown(constraint), Name::Unknown(name)) => constraint == name,
            _ => false,
        }
    }

    /// Whether all that `name` stands for lies in the subtree; `None` where that cannot be judged.
    fn contains(&self, name: &Name<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Directory(base), Name::Directory(name)) => Some(name.is_within(base)),
            (Self::Dns(base), Name::Dns(name)) => Some(is_host_within(&name.as_ref()?.host, base)),
            (Self::Email(base), Name::Email(name)) => Some(base.contains(name.as_ref()?)),
            (Self::Uri { host, below }, Name::Uri(name)) => {
                let name = name.as_ref()?;
                Some(if *below { name != host && is_host_within(name, host) } else { name == host })
            }
            (Self::Ip(address, mask), Name::Ip(name)) => Some(is_address_within(name, address, mask)),
            _ => None,
        }
    }

    /// Whether something that `name` stands for lies in the subtree; `None` where that cannot be judged. Differs from
    /// [`Self::contains`] for wildcards: `*.example.com` is also `foo.example.com`.
    fn touches(&self, name: &Name<'_>) -> Option<bool> {
        if let (Self::Dns(base), Name::Dns(Some(Pattern { host, wildcard: true }))) = (self, name) {
            let covers_base = base.split_once('.').is_some_and(|(_, above)| above == host);
            return Some(covers_base || is_host_within(host, base));
        }
        self.contains(name)
    }
}

impl EmailBase {
    fn of(base: &str) -> Option<Self> {
        if base.contains('@') {
            return Mailbox::of(base).map(Self::Mailbox);
        }
        match base.strip_prefix('.') {
            Some(host) => host_name(host).map(Self::Below),
            None => host_name(base).map(Self::Host),
        }
    }

    fn contains(&self, mailbox: &Mailbox) -> bool {
        let host = &mailbox.host;
        match self {
            Self::Mailbox(base) => base.local == mailbox.local && base.host == *host,
            Self::Host(base) => host == base,
            Self::Below(base) => host != base && is_host_within(host, base),
        }
    }
}

impl Mailbox {
    fn of(text: &str) -> Option<Self> {
        let (local, host) = text.rsplit_once('@').filter(|(local, _)| is_local_part(local))?;
        Some(Self { local: local.to_owned(), host: host_name(host)? })
    }
}

impl Pattern {
    fn of(text: &str) -> Option<Self> {
        let below = text.strip_prefix("*.");
        Some(Self { host: host_name(below.unwrap_or(text))?, wildcard: below.is_some() })
    }
}

impl<'a> Name<'a> {
    fn of(name: GeneralName<'a>) -> Option<Self> {
        Some(match name {
            GeneralName::Directory(name) => Self::Directory(Canonical::of(name)?),
            GeneralName::Dns(name) => Self::Dns(Pattern::of(name)),
            GeneralName::Email(name) => Self::Email(Mailbox::of(name)),
            GeneralName::Uri(name) => Self::Uri(uri_host(name)),
            GeneralName::Ip(octets) => Self::Ip(octets),
            GeneralName::Other(form) => Self::Unknown(form),
        })
    }
}

impl<'a> SubjectNames<'a> {
    /// The subject, the alternative names, and, where no alternative name is a mailbox, the e-mail addresses of the subject
    /// (RFC 5280 4.2.1.10, paragraph on legacy implementations).
    pub(super) fn of(certificate: &'a Certificate) -> Result<Self, PathError> {
        let malformed = || PathError::MalformedExtension { subject: certificate.subject() };
        let mut names = Vec::new();
        if let Some(subject) = certificate.subject_name().filter(|subject| !subject.is_empty()) {
            names.push(Name::Directory(subject.clone()));
        }
        if let Some(span) = certificate.extensions().subject_alt_name {
            for alternative in GeneralName::read_all(span.of(certificate.der())).map_err(|_| malformed())? {
                names.push(Name::of(alternative).ok_or_else(malformed)?);
            }
        }
        if !names.iter().any(|name| matches!(name, Name::Email(_))) {
            let addresses = name::values(certificate.subject_der(), &oid::EMAIL_ADDRESS);
            names.extend(addresses.iter().map(|address| Name::Email(Mailbox::of(address))));
        }
        Ok(Self { certificate, names })
    }
}

/// A well-formed host name in lower case. Underscores are taken: names with them exist.
fn host_name(text: &str) -> Option<String> {
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    (text.len() <= 253 && text.split('.').all(label_fits)).then(|| text.to_ascii_lowercase())
}

/// Whether `host` is `base` or below it; both in lower case. Every host is below the empty base.
fn is_host_within(host: &str, base: &str) -> bool {
    base.is_empty() || host.strip_suffix(base).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Dot-atom of RFC 5322 3.2.3; quoted local parts are not judged.
fn is_local_part(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    };
    text.split('.').all(is_atom)
}

/// Host of `scheme://user@host:port/path`; `None` where there is none or it is an address (RFC 5280 4.2.1.10).
fn uri_host(uri: &str) -> Option<String> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host_name(host).filter(|host| host.parse::<std::net::Ipv4Addr>().is_err())
}

fn is_address_within(address: &[u8], base: &[u8], mask: &[u8]) -> bool {
    address.len() == base.len()
        && address.iter().zip(base).zip(mask).all(|((address, base), mask)| address & mask == base & mask)
}

/// Ones, then zeros.
fn is_prefix_mask(mask: &[u8]) -> bool {
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading = mask.iter().position(|octet| *octet != 0xff).map_or(mask.len() * 8, |index| {
        index * 8 + mask.get(index).map_or(0, |octet| usize::try_from(octet.leading_ones()).unwrap_or(0))
    });
    usize::try_from(ones).is_ok_and(|ones| ones == leading)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(base: &str, name: &str) -> (Option<bool>, Option<bool>) {
        let subtree = Subtree::of(GeneralName::Dns(base)).unwrap();
        let name = Name::of(GeneralName::Dns(name)).unwrap();
        (subtree.contains(&name), subtree.touches(&name))
    }

    #[test]
    fn dns_subtrees_and_wildcards() {
        assert_eq!(dns("example.com", "Foo.Example.com"), (Some(true), Some(true)));
        assert_eq!(dns("example.com", "badexample.com"), (Some(false), Some(false)));
        assert_eq!(dns("foo.example.com", "*.example.com"), (Some(false), Some(true)), "a wildcard reaches in");
        assert_eq!(dns("foo.example.com", "*.bar.example.com"), (Some(false), Some(false)));
        assert_eq!(dns("", "anything.test"), (Some(true), Some(true)));
        assert_eq!(dns("example.com", "foo..example.com"), (None, None));
        assert!(Subtree::of(GeneralName::Dns(".example.com")).is_err());
    }

    #[test]
    fn mailboxes_uris_and_addresses() {
        let judge = |base: GeneralName<'static>, name: GeneralName<'static>| {
            Subtree::of(base).map(|subtree| subtree.contains(&Name::of(name).unwrap()))
        };
        let email = |base, name| judge(GeneralName::Email(base), GeneralName::Email(name)).unwrap();
        assert_eq!(email("example.com", "a@EXAMPLE.com"), Some(true));
        assert_eq!(email("example.com", "a@sub.example.com"), Some(false));
        assert_eq!(email(".example.com", "a@sub.example.com"), Some(true));
        assert_eq!(email(".example.com", "a@example.com"), Some(false));
        assert_eq!(email("a@example.com", "A@example.com"), Some(false));
        assert_eq!(email("example.com", "no mailbox"), None);
        let uri = |base, name| judge(GeneralName::Uri(base), GeneralName::Uri(name)).unwrap();
        assert_eq!(uri("example.com", "https://u@example.com:8443/x?y"), Some(true));
        assert_eq!(uri(".example.com", "https://example.com/"), Some(false));
        assert_eq!(uri("example.com", "https://10.0.0.1/"), None);
        assert_eq!(uri("example.com", "urn:example.com"), None);
        let ip = |base, name| judge(GeneralName::Ip(base), GeneralName::Ip(name));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[10, 1, 2, 3]), Ok(Some(true)));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[11, 1, 2, 3]), Ok(Some(false)));
        assert_eq!(ip(&[10, 0, 0, 0, 255, 0, 0, 0], &[10; 16]), Ok(Some(false)), "the other family");
        assert!(ip(&[10, 0, 0, 0, 0, 255, 0, 0], &[]).is_err(), "a mask with a hole");
    }
}
