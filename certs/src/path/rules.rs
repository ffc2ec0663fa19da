//! What is demanded of issuers, beyond what says whom to believe: the duties of RFC 5280 section 4, and the Baseline
//! Requirements of the CA/Browser Forum (2.1.x) for TLS servers. Checked where the caller asks.
use super::PathError;
use crate::asn1::{Malformed, Reader, oid, tag};
use crate::certificate::general_name::GeneralName;
use crate::certificate::{Certificate, Extension};
use crate::name;
use const_oid::ObjectIdentifier;
use crypto::key::{Curve, KeyKind};
use std::net::{Ipv4Addr, Ipv6Addr};

/// How closely the certificates of a path must follow what is demanded of their issuers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IssuerRules {
    /// Only what says whom to believe (RFC 5280 6.1). Certificates of real authorities break many of the rules below.
    #[default]
    Path,
    /// What RFC 5280 section 4 demands of conforming authorities; the validity of the anchor counts too.
    Rfc5280,
    /// The same, as the Baseline Requirements change and extend it for the web's servers.
    Web,
}

/// Where a certificate stands in its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Leaf,
    Intermediate,
    Anchor,
}

type Verdict = Result<(), &'static str>;

/// Judges one certificate of a path.
pub(super) fn check(certificate: &Certificate, place: Place, rules: IssuerRules) -> Result<(), PathError> {
    let verdict = match rules {
        IssuerRules::Path => Ok(()),
        IssuerRules::Rfc5280 => rfc5280(certificate, place).and_then(|()| constraints_are_critical(certificate)),
        IssuerRules::Web => rfc5280(certificate, place).and_then(|()| web(certificate, place)),
    };
    verdict.map_err(|rule| PathError::IssuerRule { subject: certificate.subject(), rule })
}

fn rfc5280(certificate: &Certificate, place: Place) -> Verdict {
    let must = |holds: bool, rule| if holds { Ok(()) } else { Err(rule) };
    let serial = certificate.serial();
    let positive = serial.first().is_some_and(|first| *first < 0x80) && serial.iter().any(|octet| *octet != 0);
    // An anchor is a name and a key, whoever else certified it under whatever number (RFC 5280 6.1.1 d).
    let is_anchor = place == Place::Anchor;
    let fits = is_anchor || positive && serial.len() <= 20;
    must(fits, "serial numbers are positive, of at most 20 octets (RFC 5280 4.1.2.2)")?;
    let has_subject = certificate.subject_name().is_some_and(|name| !name.is_empty());
    if certificate.is_ca() {
        must(has_subject, "an authority has a subject (RFC 5280 4.1.2.6)")?;
        must(certificate.subject_key_identifier().is_some(), "an authority has a key identifier (RFC 5280 4.2.1.2)")?;
        must(
            critical(certificate, &oid::BASIC_CONSTRAINTS) != Some(false),
            "basic constraints are critical (RFC 5280 4.2.1.9)",
        )?;
    }
    if !has_subject {
        let names = critical(certificate, &oid::SUBJECT_ALT_NAME);
        must(names == Some(true), "without a subject the alternative name is critical (RFC 5280 4.1.2.6)")?;
    }
    if !is_anchor && !certificate.is_self_issued() {
        let named = certificate.authority_key_identifier().is_some();
        must(named, "a certificate names its issuer's key (RFC 5280 4.2.1.1)")?;
    }
    for extension in [&oid::POLICY_CONSTRAINTS, &oid::INHIBIT_ANY_POLICY] {
        must(
            critical(certificate, extension) != Some(false),
            "constraints of policies are critical (RFC 5280 4.2.1.11, 14)",
        )?;
    }
    if !is_anchor {
        let names = alternative_names(certificate);
        let preferred = names.iter().all(|name| !matches!(name, GeneralName::Dns(name) if !is_preferred(name)));
        must(preferred, "DNS names are in preferred name syntax (RFC 5280 4.2.1.6)")?;
    }
    Ok(())
}

/// RFC 5280 4.2.1.10. Baseline Requirements 7.1.2.5.2 permit otherwise.
fn constraints_are_critical(certificate: &Certificate) -> Verdict {
    match critical(certificate, &oid::NAME_CONSTRAINTS) {
        Some(false) => Err("name constraints are critical (RFC 5280 4.2.1.10)"),
        _ => Ok(()),
    }
}

fn web(certificate: &Certificate, place: Place) -> Verdict {
    if !has_fit_key(certificate) {
        return Err("keys are RSA of 2048 bits or more in whole octets, P-256, P-384 or P-521 (BR 6.1.5)");
    }
    match place {
        Place::Leaf => web_server(certificate),
        Place::Intermediate => Ok(()),
        Place::Anchor => web_root(certificate),
    }
}

fn web_server(leaf: &Certificate) -> Verdict {
    let must = |holds: bool, rule| if holds { Ok(()) } else { Err(rule) };
    must(leaf.version() == 3, "certificates are of version 3 (BR 7.1.1)")?;
    must(!leaf.is_ca(), "a server is no authority (BR 7.1.2.7.8)")?;
    let purposes = leaf.extended_key_usage().unwrap_or_default();
    let serves = purposes.iter().any(|purpose| purpose == oid::SERVER_AUTH);
    let any = purposes.iter().any(|purpose| purpose == oid::ANY_PURPOSE);
    must(serves && !any, "extended key usage names serverAuth and not any purpose (BR 7.1.2.7.10)")?;
    must(!leaf.extensions().extended_key_usage_critical, "extended key usage is not critical (BR 7.1.2.7.6)")?;
    let has_subject = leaf.subject_name().is_some_and(|name| !name.is_empty());
    let names_critical = critical(leaf, &oid::SUBJECT_ALT_NAME);
    must(names_critical.is_some(), "a server has alternative names (BR 7.1.2.7.12)")?;
    must(!(has_subject && names_critical == Some(true)), "beside a subject they are not critical (BR 7.1.2.7.12)")?;
    let access = extensions(leaf).into_iter().find(|extension| is(extension, &oid::AUTHORITY_INFORMATION_ACCESS));
    must(
        access.is_none_or(|access| is_access(access.value).is_ok()),
        "information access is well-formed (BR 7.1.2.7.7)",
    )?;
    common_name_is_a_copy(leaf)
}

/// BR 7.1.4.3: the common name repeats one of the alternative names, character for character; addresses in the text of
/// RFC 5952.
fn common_name_is_a_copy(leaf: &Certificate) -> Verdict {
    let names: Vec<String> = alternative_names(leaf)
        .into_iter()
        .filter_map(|name| match name {
            GeneralName::Dns(name) => Some(name.to_owned()),
            GeneralName::Ip(octets) => match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
                (Ok(four), _) => Some(Ipv4Addr::from(four).to_string()),
                (_, Ok(sixteen)) => Some(Ipv6Addr::from(sixteen).to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let common = name::values(leaf.subject_der(), &oid::COMMON_NAME);
    let copied = common.iter().all(|common| names.iter().any(|name| name == common));
    if copied { Ok(()) } else { Err("the common name is one of the alternative names (BR 7.1.4.3)") }
}

/// BR 7.1.2.1.2 and 7.1.2.1.3.
fn web_root(root: &Certificate) -> Verdict {
    if root.extended_key_usage().is_some() {
        return Err("a root has no extended key usage (BR 7.1.2.1.2)");
    }
    let identifier = extensions(root).into_iter().find(|extension| is(extension, &oid::AUTHORITY_KEY_IDENTIFIER));
    let Some(identifier) = identifier else {
        return Ok(());
    };
    let only_key = || -> Result<Vec<u8>, Malformed> {
        let mut value = identifier.value;
        let mut fields = value.sequence("authorityKeyIdentifier")?;
        let key = fields.expect(tag::context(0))?.content().to_vec();
        fields.finish()?;
        Ok(key)
    };
    match only_key() {
        Ok(key) if root.subject_key_identifier() == Some(key.as_slice()) => Ok(()),
        _ => Err("a root names its own key, and nothing but it, as its issuer's (BR 7.1.2.1.3)"),
    }
}

fn has_fit_key(certificate: &Certificate) -> bool {
    certificate.public_key().is_ok_and(|key| match key.kind() {
        KeyKind::Rsa { bits } => bits >= 2048 && bits % 8 == 0,
        KeyKind::Ec(curve) => matches!(curve, Curve::P256 | Curve::P384 | Curve::P521),
        _ => false,
    })
}

/// AuthorityInfoAccessSyntax ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE { accessMethod, accessLocation }
fn is_access(mut value: Reader<'_>) -> Result<(), Malformed> {
    let mut list = value.sequence("authorityInfoAccess")?;
    value.finish()?;
    if list.is_empty() {
        return Err(list.malformed());
    }
    while !list.is_empty() {
        let mut access = list.sequence("authorityInfoAccess")?;
        access.expect(tag::OBJECT_IDENTIFIER)?;
        GeneralName::read(&mut access)?;
        access.finish()?;
    }
    Ok(())
}

/// Preferred name syntax (RFC 1034 3.5, digits first as of RFC 1123), a wildcard before it; no address in disguise.
fn is_preferred(name: &str) -> bool {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label_fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    host.len() <= 253 && host.split('.').all(label_fits) && !numeric
}

/// Whether the extension is critical; `None` where it is absent.
fn critical(certificate: &Certificate, oid: &ObjectIdentifier) -> Option<bool> {
    extensions(certificate).iter().find(|extension| is(extension, oid)).map(|extension| extension.critical)
}

fn is(extension: &Extension<'_>, oid: &ObjectIdentifier) -> bool {
    extension.oid == oid.as_bytes()
}

fn extensions(certificate: &Certificate) -> Vec<Extension<'_>> {
    let list = Reader::at("extensions", certificate.der(), certificate.extensions().list);
    // They were read when the certificate was.
    Extension::read_all(list).unwrap_or_default()
}

fn alternative_names(certificate: &Certificate) -> Vec<GeneralName<'_>> {
    let span = certificate.extensions().subject_alt_name;
    span.and_then(|span| GeneralName::read_all(span.of(certificate.der())).ok()).unwrap_or_default()
}
