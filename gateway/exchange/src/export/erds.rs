//! Evidence as XML, with the contents of ETSI EN 319 522-2 and the names of ETSI EN 319 522-3.
//!
//! **No conformance is claimed.** The schema of EN 319 522-3 is not public where it could be had, so a name stands here only if something public
//! that reads or writes such evidence shows it: the namespace, the outermost element, identifiers, times, parties, parts and
//! reasons (a style sheet for evidence of the Polish national service), the addresses of events (Italian and European profiles of the standard),
//! and digests, whose elements are those of XMLDSig. What could not be seen, such as the order that the schema demands and
//! the details of identities, is a guess, and listed in gateway/exchange/DIVERGENCES.md.
//!
//! It is a rendering: made from the signed statement when a case is exported, and covered by the container's signature. What
//! counts is the JWS. [`render`] must go on writing what it once wrote, for [`super::check`] compares.
//!
//! Codes V have no event in the standard, and no rendering: an invented address in ETSI's name would be a lie, and another event
//! a worse one.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemas::evidence::{EvidenceKind, EvidenceStatement};
use schemas::message::{MediaType, Part, PartRole};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The namespace of EN 319 522-3.
const NAMESPACE: &str = "http://uri.etsi.org/19522/v1#";
/// Where the addresses of events begin.
const EVENT: &str = "http://uri.etsi.org/19522/Event/";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// The rendering. None of events that the standard does not have.
#[must_use]
pub(super) fn render(statement: &EvidenceStatement, media_type: &MediaType) -> Option<String> {
    let event = event(statement.kind)?;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<erds:Evidence xmlns:erds=\"{NAMESPACE}\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n"
    );
    // Writing to a string does not fail.
    let mut line = |text: &str| {
        let _ = writeln!(xml, "  {text}");
    };
    line(&format!("<erds:EvidenceIdentifier>{}</erds:EvidenceIdentifier>", statement.evidence_id));
    line(&format!("<erds:ERDSEventId>{EVENT}{event}</erds:ERDSEventId>"));
    if let Some(reason) = &statement.reason {
        let reason = escaped(reason);
        line(&format!(
            "<erds:EventReasons><erds:EventReason><Details>{reason}</Details></erds:EventReason></erds:EventReasons>"
        ));
    }
    line(&format!("<EventTime>{}</EventTime>", moment(statement.at)));
    for (name, identifier) in [
        ("EvidenceIssuerDetails", escaped(&statement.node)),
        ("SenderDetails", statement.sender.to_string()),
        ("RecipientDetails", statement.recipient.to_string()),
    ] {
        line(&format!("<erds:{name}><Identifier>{identifier}</Identifier></erds:{name}>"));
    }
    if let Some(accepted) = statement.accepted_at {
        line(&format!("<erds:SubmissionTime>{}</erds:SubmissionTime>", moment(accepted)));
    }
    if let Some(message) = statement.message_id {
        line(&format!("<erds:MessageIdentifier>{message}</erds:MessageIdentifier>"));
    }
    line(&format!("<erds:UserContentInfo><ComposingParts>{}</ComposingParts><erds:PartsInfo>", statement.parts.len()));
    for part in &statement.parts {
        line(&format!("  {}", one_part(part, media_type)?));
    }
    line("</erds:PartsInfo></erds:UserContentInfo>");
    xml.push_str("</erds:Evidence>\n");
    Some(xml)
}

/// The name in the address of an event; the names of [`EvidenceKind::name`] are the standard's.
fn event(kind: EvidenceKind) -> Option<&'static str> {
    (!kind.code().starts_with('V')).then(|| kind.name())
}

/// The digest is that of the part as it was handed in. That of the sealed bytes has no place in the standard; the JWS has it.
fn one_part(part: &Part, media_type: &MediaType) -> Option<String> {
    let digest = STANDARD.encode(crypto::digest::from_hex(&part.sha256)?);
    let media_type = match part.role {
        PartRole::Document | PartRole::Attachment => part.media_type.as_ref().unwrap_or(media_type).as_str(),
        PartRole::Signature => "application/pkcs7-signature",
    };
    let number = part.number;
    Some(format!(
        "<erds:PartInfo><Identifier>{number}</Identifier><ContentType>{media_type}</ContentType>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue>{digest}</ds:DigestValue></erds:PartInfo>"
    ))
}

fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// Text as the content of an element; what XML 1.0 has no place for becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => escaped.push(c),
            _ => escaped.push(char::REPLACEMENT_CHARACTER),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use schemas::{EventId, EvidenceId, MessageId};
    use signing::xml::{Limits, Source};
    use time::macros::datetime;

    use super::*;

    fn statement(kind: EvidenceKind) -> EvidenceStatement {
        let part = |number, role| Part {
            number,
            role,
            of: None,
            media_type: None,
            sha256: "ab".repeat(32),
            size: 5,
            sealed_size: 100,
            sealed_sha256: Some("cd".repeat(32)),
            scan: None,
        };
        EvidenceStatement {
            version: schemas::evidence::EVIDENCE_VERSION,
            evidence_id: EvidenceId::from_parts(1, [1; 10]),
            kind,
            node: "node.example".to_owned(),
            at: datetime!(2026-11-23 12:00:00.5 UTC),
            event_id: EventId::from_parts(1, [2; 10]),
            step: Some(4),
            state: None,
            message_id: Some(MessageId::from_parts(1, [3; 10])),
            case_id: None,
            sender: "00000001".parse().unwrap(),
            sender_certificate: "ab".repeat(32),
            recipient: "00000002.chancellery".parse().unwrap(),
            document_kind: "letter".parse().unwrap(),
            accepted_at: Some(datetime!(2026-11-23 11:00 UTC)),
            parts: vec![part(0, PartRole::Document), part(1, PartRole::Signature)],
            reason: Some("Не наше: <a> & \u{1}".to_owned()),
            acknowledgement_sha256: None,
            on_behalf_of: None,
            rests_on: None,
            metadata_sha256: None,
        }
    }

    fn media_type() -> MediaType {
        "application/pdf".to_owned().try_into().unwrap()
    }

    #[test]
    fn the_rendering_is_xml_that_says_what_the_statement_says() {
        let xml = render(&statement(EvidenceKind::ConsignmentRejection), &media_type()).unwrap();
        Source::read(xml.as_bytes(), &Limits::DOCUMENT).unwrap().parse().unwrap();
        for said in [
            "<erds:ERDSEventId>http://uri.etsi.org/19522/Event/ConsignmentRejection</erds:ERDSEventId>",
            "<EventTime>2026-11-23T12:00:00.5Z</EventTime>",
            "<Details>Не наше: &lt;a&gt; &amp; \u{fffd}</Details>",
            "<erds:SenderDetails><Identifier>00000001</Identifier></erds:SenderDetails>",
            "<ComposingParts>2</ComposingParts>",
            "<ContentType>application/pdf</ContentType>",
            "<ds:DigestValue>q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=</ds:DigestValue>",
        ] {
            assert!(xml.contains(said), "{said} is not in\n{xml}");
        }
    }

    #[test]
    fn only_events_of_the_standard_are_rendered() {
        for kind in EvidenceKind::ALL {
            let rendered = render(&statement(*kind), &media_type());
            assert_eq!(rendered.is_some(), kind.code().starts_with(['A', 'B', 'C', 'D', 'E']), "{}", kind.code());
        }
    }
}
