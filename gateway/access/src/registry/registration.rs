//! What an operator states of a participant, checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::certificate::Certificate;
use schemas::limits::CERTIFICATES_OF_PARTICIPANT;
use schemas::registry::{CertificateRegistration, CertificateUsage, ParticipantRegistration, Reception};
use schemas::{AreaCode, Edrpou, MailboxId, ProblemCode};

use super::RegistryError;
use crate::actor::fingerprint_prefix;

/// Mailboxes of one participant. Each is a desk; a ministry has dozens.
const MAILBOXES_OF_PARTICIPANT: usize = 64;

/// Characters of a participant's name. The longest official names of agencies are below 300.
const NAME_CHARACTERS: usize = 400;

/// Characters of a node's name, as in its configuration.
const NODE_CHARACTERS: usize = 128;

/// id-kp-clientAuth and anyExtendedKeyUsage (RFC 5280, 4.2.1.12).
const CLIENT_AUTHENTICATION: [&str; 2] = ["1.3.6.1.5.5.7.3.2", "2.5.29.37.0"];

/// A registration that can be stored.
#[derive(Debug)]
pub(super) struct Registration {
    edrpou: Edrpou,
    name: String,
    mailboxes: Vec<MailboxId>,
    certificates: Vec<(CertificateUsage, Certificate)>,
    area: Option<AreaCode>,
    reception: Reception,
    node: Option<String>,
}

fn invalid(detail: impl Into<String>) -> RegistryError {
    RegistryError::invalid(ProblemCode::MalformedJson, detail)
}

impl Registration {
    pub(super) fn check(edrpou: Edrpou, registration: ParticipantRegistration) -> Result<Self, RegistryError> {
        let ParticipantRegistration { name, mailboxes, certificates, area, reception, node } = registration;
        let characters = name.chars().count();
        if !(1..=NAME_CHARACTERS).contains(&characters) || name.chars().any(char::is_control) {
            return Err(invalid(format!("name: 1 to {NAME_CHARACTERS} characters, no control characters")));
        }
        if mailboxes.len() > MAILBOXES_OF_PARTICIPANT {
            return Err(invalid(format!("mailboxes: at most {MAILBOXES_OF_PARTICIPANT}")));
        }
        if certificates.len() > CERTIFICATES_OF_PARTICIPANT {
            return Err(invalid(format!("certificates: at most {CERTIFICATES_OF_PARTICIPANT}")));
        }
        let mailboxes = check_mailboxes(edrpou, &mailboxes)?;
        let certificates = check_certificates(edrpou, &certificates)?;
        reception.check().map_err(|error| invalid(format!("reception: {error}")))?;
        check_node(node.as_deref(), &certificates)?;
        Ok(Self { edrpou, name, mailboxes, certificates, area, reception, node })
    }

    pub(super) fn area(&self) -> Option<AreaCode> {
        self.area
    }

    pub(super) fn reception(&self) -> &Reception {
        &self.reception
    }

    pub(super) fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    pub(super) fn edrpou(&self) -> Edrpou {
        self.edrpou
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn mailboxes(&self) -> &[MailboxId] {
        &self.mailboxes
    }

    pub(super) fn certificates(&self) -> &[(CertificateUsage, Certificate)] {
        &self.certificates
    }

    /// What the audit entry says of it: fingerprints, not the certificates themselves.
    pub(super) fn audit_details(&self) -> serde_json::Value {
        let certificate = |(usage, certificate): &(CertificateUsage, Certificate)| {
            let sha256: String = certificate.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect();
            serde_json::json!({ "usage": usage, "sha256": sha256 })
        };
        let certificates: Vec<_> = self.certificates.iter().map(certificate).collect();
        let (area, reception) = (&self.area, &self.reception);
        serde_json::json!({
            "mailboxes": &self.mailboxes, "certificates": certificates, "area": area, "reception": reception, "node": &self.node,
        })
    }
}

/// Whose mailboxes are at another node logs in there: a login here would be one that its own node knows nothing of.
fn check_node(node: Option<&str>, certificates: &[(CertificateUsage, Certificate)]) -> Result<(), RegistryError> {
    let Some(node) = node else { return Ok(()) };
    if !(1..=NODE_CHARACTERS).contains(&node.len()) || !node.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(format!("node: 1 to {NODE_CHARACTERS} visible ASCII characters")));
    }
    if certificates.iter().any(|(usage, _)| *usage == CertificateUsage::Login) {
        return Err(invalid("certificates: a participant of another node logs in there"));
    }
    Ok(())
}

fn check_mailboxes(edrpou: Edrpou, names: &[String]) -> Result<Vec<MailboxId>, RegistryError> {
    let mut mailboxes = names
        .iter()
        .map(|name| format!("{edrpou}.{name}").parse().map_err(|error| invalid(format!("mailboxes: {error}"))))
        .collect::<Result<Vec<MailboxId>, _>>()?;
    mailboxes.sort();
    let distinct = mailboxes.windows(2).all(|pair| pair[0] != pair[1]);
    distinct.then_some(mailboxes).ok_or_else(|| invalid("mailboxes: a name is repeated"))
}

fn check_certificates(
    edrpou: Edrpou,
    registrations: &[CertificateRegistration],
) -> Result<Vec<(CertificateUsage, Certificate)>, RegistryError> {
    let mut certificates: Vec<(CertificateUsage, Certificate)> = Vec::with_capacity(registrations.len());
    for (number, registration) in registrations.iter().enumerate() {
        let wrong = |reason: String| invalid(format!("certificates[{number}]: {reason}"));
        let der = STANDARD.decode(&registration.der).map_err(|_| wrong("not base64".to_owned()))?;
        let certificate = Certificate::from_der(&der).map_err(|error| wrong(error.to_string()))?;
        check_certificate(edrpou, registration.usage, &certificate).map_err(|reason| wrong(reason.to_owned()))?;
        let repeated = certificates
            .iter()
            .any(|(usage, other)| *usage == registration.usage && other.fingerprint() == certificate.fingerprint());
        if repeated {
            let which = fingerprint_prefix(&certificate.fingerprint());
            return Err(wrong(format!("certificate {which} is repeated")));
        }
        certificates.push((registration.usage, certificate));
    }
    let encryption = certificates.iter().filter(|(usage, _)| *usage == CertificateUsage::Encryption).count();
    if encryption > 1 {
        return Err(invalid("certificates: one encryption certificate at a time"));
    }
    Ok(certificates)
}

/// Whether the certificate can be for this usage at all. That it is valid and trusted is judged whenever it is used.
fn check_certificate(edrpou: Edrpou, usage: CertificateUsage, certificate: &Certificate) -> Result<(), &'static str> {
    if certificate.is_ca() {
        return Err("a certificate of an authority");
    }
    // Sealing one organisation's documents to another's key, or letting another log in as it, is a slip of the pen.
    if certificate.edrpou().is_some_and(|owner| owner != edrpou.as_str()) {
        return Err("the certificate names another organisation");
    }
    let key_usage = certificate.key_usage();
    match usage {
        CertificateUsage::Encryption => {
            let can_receive = key_usage.is_none_or(|bits| bits.key_agreement() || bits.key_encipherment());
            can_receive.then_some(()).ok_or("keyUsage allows neither keyAgreement nor keyEncipherment")
        }
        CertificateUsage::Login => can_log_in(certificate),
    }
}

/// Whether the certificate can be one that a system logs in with.
pub(crate) fn can_log_in(certificate: &Certificate) -> Result<(), &'static str> {
    if certificate.key_usage().is_some_and(|bits| !bits.digital_signature()) {
        return Err("keyUsage does not allow digitalSignature");
    }
    let purposes = certificate.extended_key_usage();
    let may = |oids: &[String]| oids.iter().any(|oid| CLIENT_AUTHENTICATION.contains(&oid.as_str()));
    purposes.is_none_or(may).then_some(()).ok_or("extendedKeyUsage does not allow client authentication")
}
